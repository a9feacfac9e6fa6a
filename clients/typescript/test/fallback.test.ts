// Where no websocket opens: the same client over a stream, over long polls, and back on a socket.
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { fallback, type Fallback } from "../src/fallback.js";
import type { Parley, Platform, Socket } from "../src/index.js";
import { Person } from "./people.js";
import { Proxy, Server, until } from "./server.js";

let server: Server;
let proxy: Proxy;
beforeAll(async () => {
  server = await Server.start({ RATE_LIMITS: "0" });
  proxy = await Proxy.start(server.port);
});
afterAll(async () => {
  proxy.stop();
  await server.kill();
});

function refusedSocket(): Socket {
  const socket = { readyState: 3, onmessage: null, onclose: null, onerror: null, send() {}, close() {} } as Socket;
  setTimeout(() => socket.onclose?.({ code: 1006, reason: "" }));
  return socket;
}

/** A network that lets a websocket through only when it is told to, and a stream perhaps. */
class Network {
  isOpen = false;
  isStreaming = true;
  readonly asked: string[] = [];

  fallback(): Fallback {
    const isOpen = () => this.isOpen;
    const Native = function (url: string, protocols: string[]) {
      return isOpen() ? new WebSocket(url, protocols) : refusedSocket();
    } as unknown as Platform["WebSocket"];
    return fallback({
      WebSocket: Native,
      fetch: (input, init) => {
        const address = input as string;
        this.asked.push(address.split("/v1/")[1]!);
        if (!this.isStreaming && address.endsWith("/stream")) return Promise.reject(new TypeError("terminated"));
        return fetch(address, init);
      },
    });
  }
}

interface Story {
  alice: Person;
  bob: Person;
  room: string;
  bobs: Parley;
  way: Fallback["way"];
}

async function begin(network: Network): Promise<Story> {
  const [alice, bob] = await Promise.all(["alice", "bob"].map((name) => Person.register(server.url, name)));
  const room = await alice!.room(bob!);
  const { WebSocket, way } = network.fallback();
  const bobs = bob!.client({ url: proxy.url, platform: { WebSocket } });
  await bobs.start();
  bobs.room(room).messages.subscribe(() => {});
  return { alice: alice!, bob: bob!, room, bobs, way };
}

const texts = ({ bobs, room }: Story) => bobs.room(room).messages.get().map(({ text }) => text);

for (const way of ["stream", "poll"] as const) {
  test(`a ${way} carries messages, answers, changes, new rooms and what was missed`, async () => {
    const network = new Network();
    network.isStreaming = way === "stream";
    const story = await begin(network);
    const { alice, bob, bobs, room } = story;
    await until(() => story.way() === way && bobs.status.get() === "live", () => `${story.way()} ${bobs.status.get()}`);

    await alice.say(room, "Tea?");
    await until(() => texts(story).includes("Tea?"));
    const sent = await bobs.room(room).send("Yes.").settled;
    const shown = () => bobs.room(room).messages.get().find(({ id }) => id === sent.id)!;
    await until(() => shown()?.status === "sent");
    await bobs.room(room).edit(shown(), "Yes, please.");
    await bobs.room(room).read();
    expect((await bob.rest("GET /v1/rooms/{room_id}", { path: { room_id: room } })).me.unread).toBe(0);

    proxy.isClosed = true;
    proxy.cut();
    await until(() => bobs.status.get() !== "live");
    const written = bobs.room(room).send("Is it ready?");
    await alice.say(room, "It is ready.");
    proxy.isClosed = false;
    await written.settled;
    const cake = await alice.room(bob);
    await until(() => bobs.rooms.get().some(({ id }) => id === cake));

    await until(() => texts(story).length === 4);
    expect(texts(story)).toEqual((await alice.history(room)).map(({ text }) => text));
    await until(() => story.way() === way);
    bobs.stop();
  });
}

test("a socket is used again as soon as one opens, and the session's end is noticed on every way", async () => {
  const network = new Network();
  const page = new EventTarget();
  Object.assign(globalThis, {
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
  const story = await begin(network);
  await until(() => story.way() === "stream");

  network.isOpen = true;
  page.dispatchEvent(new Event("online"));
  await until(() => story.way() === "socket" && story.bobs.status.get() === "live");
  await story.alice.say(story.room, "By socket");
  await until(() => texts(story).includes("By socket"));
  network.isOpen = false;
  proxy.cut();
  await until(() => story.way() === "stream" && story.bobs.status.get() === "live");
  await story.bob.logout();

  await until(() => story.bobs.status.get() === "ended");
  expect(story.bobs.ended.get()).toMatchObject({ login: true });
  Object.assign(globalThis, { addEventListener: undefined, removeEventListener: undefined });
});
