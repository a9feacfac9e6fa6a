// `make demo` as a newcomer runs it: two links, a killed server, Ctrl-C.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../../clients/typescript/test/server.ts";
import { Tab, until } from "./world.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
let demo: ChildProcess;
let printed = "";

beforeAll(async () => {
  const ports = { PORT: String(await freePort()), PAGE_PORT: String(await freePort()) };
  const environment = { ...process.env, ...ports, PYTHON: process.env["PARLEY_PYTHON"], DEMO_FOLDER: mkdtempSync(join(tmpdir(), "parley-demo-")) };
  demo = spawn("node", ["examples/web/demo.mjs"], { cwd: ROOT, env: environment });
  for (const stream of [demo.stdout!, demo.stderr!]) stream.on("data", (text) => (printed += text));
  await until(() => printed.includes("Ctrl-C") || demo.exitCode !== null, () => printed);
});
afterAll(() => void demo.kill("SIGKILL"));

test("two people and a bot talk, also after the server was killed, and Ctrl-C ends everything", async () => {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const links = [...printed.matchAll(/http:\S+#token=\S+/g)].map(([link]) => link);
  const open = async (link: string) => {
    const page: Page = await (await browser.newContext()).newPage();
    await page.goto(link);
    await page.locator(".sidebar li a", { hasText: "Tea" }).click();
    await page.locator("textarea").waitFor();
    expect(page.url()).not.toContain("token");
    return new Tab(page);
  };
  const [adas, graces] = await Promise.all(links.map(open));

  await adas!.say("Is anybody there?");
  await graces!.sees("Is anybody there?");
  await graces!.page.locator("article .quote", { hasText: "Is anybody there?" }).waitFor({ timeout: 60_000 }); // by the bot
  process.kill(Number(/process (\d+)/.exec(printed)![1]), "SIGKILL");
  await adas!.say("And now?");
  await graces!.page.locator("article .quote", { hasText: "And now?" }).waitFor({ timeout: 60_000 });
  await graces!.say("Always.");
  await adas!.sees("Always.");
  await browser.close();

  const pid = /back, as process (\d+)/.exec(printed)![1];
  demo.kill("SIGINT");
  await until(() => demo.exitCode !== null, () => printed);
  expect(demo.exitCode).toBe(0);
  expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
});
