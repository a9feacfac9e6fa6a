// The samples of README.md, run as they stand.
import "fake-indexeddb/auto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, expect, inject, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Parley, Room } from "../src/index.js";
import { Person } from "./people.js";
import { until } from "./server.js";

const url = inject("url");
const folder = `${import.meta.dirname}/../.readme`;
const samples = new Map<string, { body: string; ending: string }>();
const given = `import type { Login, Parley as Client, Room as Place, ChatMessage } from "parley-client";
declare global { var login: Login; var parley: Client; var room: Place; var id: string; var draw: (messages: readonly ChatMessage[]) => void; }
`;
let alice: Person;
let logged: string[];
let client: Parley | undefined;

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const readme = readFileSync(`${import.meta.dirname}/../README.md`, "utf8");
  for (const [, ending, name, body] of readme.matchAll(/^```(tsx?) (\w+)\n(.*?)^```$/gms)) {
    samples.set(name!, { body: body!, ending: ending! });
    writeFileSync(`${folder}/${name}.${ending}`, `${given}${body}\nexport {};\n`);
  }
  alice = await Person.register(url, "alice");
  vi.stubGlobal("WebSocket", WebSocket);
  vi.stubGlobal("login", { token: alice.token, user: { id: alice.id } });
});

afterEach(() => {
  client?.stop();
  vi.restoreAllMocks();
});

/** Runs a sample against the server of the tests. */
async function run(name: string): Promise<Record<string, unknown>> {
  const { body, ending } = samples.get(name)!;
  const path = `${folder}/${name}.run.${ending}`;
  writeFileSync(path, `${given}${body.replace("https://chat.example.com", url)}\nexport {};\n`);
  logged = [];
  vi.spyOn(console, "log").mockImplementation((...words) => void logged.push(words.join(" ")));
  try {
    return (await import(/* @vite-ignore */ path)) as Record<string, unknown>;
  } finally {
    rmSync(path);
  }
}

async function open(): Promise<Room> {
  client = alice.client();
  await client.start();
  const id = await alice.room();
  await until(() => client!.room(id).info.get());
  for (const [name, value] of Object.entries({ parley: client, room: client.room(id), id, draw: () => {} })) vi.stubGlobal(name, value);
  return client.room(id);
}

test("page: a page chats", async () => {
  await run("page");

  await until(() => logged.includes("Tea? (sent)"));
  expect(logged).toContain("The server has it as number 2.");
});

test("scroll: history is loaded", async () => {
  const room = await open();
  await alice.sayMany(room.id, Array.from({ length: 120 }, (_, n) => `${n}`));
  await until(() => room.info.get()?.head === 121);

  await run("scroll");

  expect(room.messages.get().length).toBe(120);
});

test("send: a message is sent, edited and deleted", async () => {
  const room = await open();

  await run("send");

  expect((await alice.history(room.id)).map(({ text }) => text)).toEqual([null]);
  expect(room.draft.get()).toBe("half a thought");
});

test("errors: a refusal has a code", async () => {
  await open();

  await run("errors");

  expect(logged).toEqual(["request.invalid name false"]);
});

test("react: the sample is a component", async () => {
  await open();

  const { App } = await run("react");

  expect(App).toBeTypeOf("function");
});

test("beside: each module works", async () => {
  await open();

  await run("beside");

  await until(() => logged.includes("The river"));
  expect(logged.some((line) => /^[01] 0$/.test(line))).toBe(true);
});

test("fallback: the socket is used where one opens", async () => {
  await run("fallback");

  expect(logged).toEqual(["socket"]);
});

test("node: a bot answers", async () => {
  const bob = await Person.register(url, "bob");
  const room = await bob.room(alice);

  await run("node");
  await bob.say(room, "hello");

  await until(async () => (await bob.history(room)).some(({ text }) => text === "You said: hello"));
});
