// One server for all tests that do not restart theirs.
import type { TestProject } from "vitest/node";
import { Server } from "./server.js";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    port: number;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await Server.start();
  project.provide("url", server.url);
  project.provide("port", server.port);
  return () => server.stop();
}
