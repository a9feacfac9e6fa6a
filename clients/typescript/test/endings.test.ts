import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import type { Platform, TokenReason } from "../src/index.js";
import { openClient, url } from "./pair.js";
import { Person, node } from "./people.js";
import { Proxy, Server, sleep, until } from "./server.js";

let alice: Person;
let room: string;

beforeEach(async () => {
  alice = await Person.register(url, "alice");
  room = await alice.room();
});

test("a token that the server does not know ends the client, which says that a log-in helps", async () => {
  const client = openClient(alice, { token: "prl_not-a-token-of-this-server" });

  expect(await client.start()).toBe(false);

  expect(client.ended.get()).toEqual({ code: 4401, reason: "unauthenticated", login: true });
});

test("no token ends the client", async () => {
  const client = openClient(alice, { token: () => null });

  expect(await client.start()).toBe(false);

  expect(client.ended.get()).toEqual({ code: 0, reason: "no_token", login: true });
});

test("a logout ends the client; what is unsent stays, and is sent after the next log-in", async () => {
  const client = openClient(alice);
  await client.start();
  await alice.logout();
  await until(() => client.ended.get());
  expect(client.ended.get()).toEqual({ code: 4410, reason: "session_revoked", login: true });
  expect(client.room(room).info.get()?.name).toBe("Tea");

  await alice.login();
  expect(await client.start()).toBe(true);
  await client.room(room).send("back again").settled;

  expect((await alice.history(room)).map(({ text }) => text)).toEqual(["back again"]);
});

test("a page of another origin is told to stop, and not to log in", async () => {
  class Foreign extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols, { origin: "https://elsewhere.example.com" });
    }
  }
  const client = openClient(alice, { platform: { WebSocket: Foreign as unknown as Platform["WebSocket"] } });

  await client.start();

  expect(client.ended.get()).toEqual({ code: 4406, reason: "origin_not_allowed", login: false });
});

test("a rejected token callback is tried again, and a message written meanwhile is sent", async () => {
  let calls = 0;
  const client = openClient(alice, { token: async () => (++calls < 3 ? Promise.reject(new Error("no network")) : alice.token) });
  const started = client.start();
  const sent = client.room(room).send("early");
  expect(client.room(room).messages.get().map(({ text }) => text)).toEqual(["early"]);

  expect(await started).toBe(true);

  expect((await sent.settled).text).toBe("early");
});

test("a message that the server refuses is kept with its reason, and can be sent again or discarded", async () => {
  const bob = await Person.register(url, "bob");
  const client = openClient(alice);
  await client.start();
  const place = await bob.room(alice);
  await until(() => client.room(place).info.get());
  const refusals: string[] = [];
  client.on("refused", ({ error }) => refusals.push(error.code));
  await bob.rest("DELETE /v1/rooms/{room_id}/members/{user_id}", { path: { room_id: place, user_id: alice.id } });
  await until(() => !client.room(place).info.get());

  const first = client.room(place).send("too late");
  await expect(first.settled).rejects.toMatchObject({ name: "Refused", code: "not_found" });
  expect(client.room(place).messages.get()).toMatchObject([{ text: "too late", status: "refused", error: { code: "not_found" } }]);
  await bob.rest("PUT /v1/rooms/{room_id}/members/{user_id}", { path: { room_id: place, user_id: alice.id }, body: {} });
  const second = client.room(place).send("in time");
  await second.settled;
  await client.room(place).retry(first.clientId)!.settled;
  const third = client.room(place).send("x".repeat(9_000));
  await expect(third.settled).rejects.toMatchObject({ code: "request.invalid" });
  expect(client.room(place).discard(third.clientId)).toBe(true);

  expect(refusals).toEqual(["not_found", "request.invalid"]);
  expect(client.room(place).messages.get().map(({ text, status }) => [text, status])).toEqual([["in time", "sent"], ["too late", "sent"]]);
});

test("a mute line is noticed at once when the page wakes", async () => {
  const page = new EventTarget();
  const proxy = await Proxy.start(inject("port"));
  const client = openClient(alice, { url: proxy.url, platform: { page } });
  await client.start();
  proxy.isMute = true;
  page.dispatchEvent(new Event("visibilitychange"));

  await until(() => client.status.get() !== "live");
  proxy.isMute = false;

  await until(() => client.status.get() === "live");
  proxy.stop();
});

test("going online ends the pause", async () => {
  const page = new EventTarget();
  const proxy = await Proxy.start(inject("port"));
  proxy.isClosed = true;
  const client = openClient(alice, { url: proxy.url, platform: { page, random: () => 100 } }); // the first pause is 25 seconds
  void client.start();
  await until(() => client.status.get() === "offline");
  proxy.isClosed = false;
  const began = Date.now();
  page.dispatchEvent(new Event("online"));

  await until(() => client.status.get() === "live");

  expect(Date.now() - began).toBeLessThan(20_000);
  proxy.stop();
});

test("after stop nothing keeps Node alive, and nothing happens any more", async () => {
  const client = openClient(alice);
  await client.start();
  const statuses: string[] = [];
  client.status.subscribe((status) => statuses.push(status));

  client.stop();
  await alice.say(room, "unheard");
  await sleep(500);

  expect(statuses).toEqual(["offline"]);
  await expect(client.room(room).send("nobody there").settled).rejects.toMatchObject({ code: "client.stopped" });
});

test("the environment without a WebSocket is named", async () => {
  const client = openClient(alice, { platform: { ...node(), WebSocket: undefined as never } });

  expect(await client.start()).toBe(false);

  expect(client.ended.get()?.reason).toMatch("WebSocket");
});

let short: Server;

beforeAll(async () => {
  short = await Server.start({ SESSION_MAX_SECONDS: "6" });
});

afterAll(async () => {
  await short.kill();
});

test("a session that ends soon is renewed on the open socket", async () => {
  const dora = await Person.register(short.url, "dora");
  const reasons: TokenReason[] = [];
  const statuses: string[] = [];
  const token = async (reason: TokenReason) => {
    reasons.push(reason);
    return reason === "start" ? dora.token : dora.login();
  };
  const client = openClient(dora, { token });
  await client.start();
  client.status.subscribe((status) => statuses.push(status));

  await sleep(8_000);

  expect(reasons.slice(0, 2)).toEqual(["start", "expiring"]);
  expect(statuses).toEqual([]);
});

test("a session that has ended is replaced by the next token", async () => {
  const dora = await Person.register(short.url, "dora");
  const reasons = new Set<TokenReason>();
  const client = openClient(dora, {
    token: async (reason) => {
      reasons.add(reason);
      return reason === "expired" ? dora.login() : dora.token;
    },
  });
  await client.start();
  const place = await dora.room();

  await until(() => reasons.has("expired"));
  await until(() => client.status.get() === "live");
  await client.room(place).send("still me").settled;

  expect(client.ended.get()).toBeNull();
});
