// The samples of docs/frontend.md, run as they stand in Chromium.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { alias } from "../../../examples/web/build.mjs";
import { ada, grace, tea, world } from "./pair.ts";
import { until, type Person } from "./world.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const { build } = createRequire(`${ROOT}/examples/web/build.mjs`)("esbuild");
const page = readFileSync(`${ROOT}/docs/frontend.md`, "utf8");
const samples = new Map([...page.matchAll(/^```(\w+ \w+)\n(.*?)^```$/gms)].map(([, name, body]) => [name!, body!]));
const HTML = '<ol id="list" style="height: 200px; overflow: auto"></ol><p id="banner"></p>';

let count = 0;

/** A page with this body and program, in which `login` is that of a person. */
async function open(person: Person, html: string, program: string): Promise<Page> {
  const login = { token: person.token, user: { id: person.id } };
  const contents = `const login = ${JSON.stringify(login)};\n${program.replace("https://chat.example.com", world.proxy.url)}`;
  const stdin = { contents, loader: "ts", resolveDir: ROOT };
  const { outputFiles } = await build({ stdin, bundle: true, format: "esm", alias, write: false, target: "es2022" });
  const opened = await (await world.open()).newPage();
  opened.on("pageerror", (error) => world.errors.push(String(error)));
  // A file beside the page: Chromium lets no page of unknown origin connect to this machine.
  const name = `sample-${count++}.html`;
  writeFileSync(join(world.folder, name), `<!doctype html>${html}<script type="module">${outputFiles[0].text}</script>`);
  await opened.goto(`${world.page}/${name}`);
  return opened;
}

/** A page with a started client, a room and a recipe; resolves when it has run. */
async function cook(person: Person, recipe: string): Promise<Page> {
  const client = 'import { Parley } from "parley-client"; const parley = new Parley({ url: "https://chat.example.com", token: login.token });';
  const start = `await parley.start(); const room = parley.room("${tea}"); await room.load();`;
  const opened = await open(person, HTML, `${client}\n${start}\n${samples.get(`ts ${recipe}`)}\ndocument.body.dataset.done = "";`);
  await opened.locator("[data-done]").waitFor();
  return opened;
}

test("the quick start chats, and sends what was written without a connection", async () => {
  const [adas, graces] = [await open(ada, samples.get("html quick")!, samples.get("ts quick")!), await open(grace, samples.get("html quick")!, samples.get("ts quick")!)];
  const say = async (text: string) => {
    await adas.getByLabel("Message").fill(text);
    await adas.getByRole("button", { name: "Send" }).click();
  };
  await adas.waitForFunction(() => document.forms[0]!.onsubmit);

  await say("Tea?");
  await graces.getByText("Tea?", { exact: true }).waitFor();
  world.proxy.isClosed = true;
  world.proxy.cut();
  await say("Cake?");
  await adas.getByText("Cake? (queued)").waitFor();
  world.proxy.isClosed = false;

  await graces.getByText("Cake?", { exact: true }).waitFor();
  await adas.getByText("Cake?", { exact: true }).waitFor();
});

test("badge: the title counts", async () => {
  const graces = await cook(grace, "badge");

  await ada.say(tea, "one");

  await until(async () => (await graces.title()) === "(1) Tea");
});

test("read: what is on the screen is read", async () => {
  await cook(grace, "read");

  const { seq } = await ada.say(tea, "one");

  await until(async () => (await grace.call("GET", `rooms/${tea}`)).me.read_seq >= seq);
});

test("scroll: all messages are reached", async () => {
  for (let line = 1; line <= 120; line++) await ada.say(tea, `Line ${line}`);
  const adas = await cook(ada, "scroll");

  await until(async () => {
    await adas.evaluate(() => (document.getElementById("list")!.scrollTop = 0));
    return (await adas.locator("li").count()) === 120;
  });

  expect(await adas.locator("li").allInnerTexts()).toEqual(Array.from({ length: 120 }, (_, line) => `Line ${line + 1}`));
});

test("offline: the state is shown", async () => {
  const graces = await cook(grace, "offline");

  world.proxy.isClosed = true;
  world.proxy.cut();
  await graces.getByText("No connection. Messages are sent later.").waitFor();
  world.proxy.isClosed = false;

  await until(async () => (await graces.locator("#banner").innerText()) === "");
});

test("notify: a message is shown while the page is hidden", async () => {
  const graces = await cook(grace, "notify");
  await graces.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden" });
    (window as any).Notification = class {
      constructor(title: string, { body }: { body: string }) {
        document.title = `${title}: ${body}`;
      }
    };
  });

  await ada.say(tea, "one");

  await until(async () => (await graces.title()) === "Tea: one");
});

test("quote: an answered message is found", async () => {
  const { id } = await ada.say(tea, "Where are the spoons?");
  for (let line = 1; line <= 60; line++) await ada.say(tea, `Line ${line}`);
  await ada.call("POST", `rooms/${tea}/messages`, { client_id: "answer", text: "In the drawer.", reply_to: id });
  const logged: string[] = [];
  world.onConsole = (text) => void logged.push(text);

  await cook(grace, "quote");

  expect(logged).toContain("Where are the spoons?");
});
