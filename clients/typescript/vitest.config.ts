import { defineConfig } from "vitest/config";

const source = (entry: string) => `${import.meta.dirname}/src/${entry}.ts`;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^parley-client$/, replacement: source("index") },
      { find: /^parley-client\/(\w+)$/, replacement: source("$1") },
    ],
  },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    globalSetup: "test/setup.ts",
  },
});
