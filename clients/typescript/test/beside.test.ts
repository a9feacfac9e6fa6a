// The modules beside the core: threads, reactions, receipts, presence, drafts and unread numbers, of two people.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Badges } from "../src/badges.js";
import { syncDrafts } from "../src/drafts.js";
import type { Parley } from "../src/index.js";
import { Presence } from "../src/presence.js";
import { Reactions } from "../src/reactions.js";
import { acknowledge, receiptOf } from "../src/receipts.js";
import { followStreams } from "../src/streaming.js";
import { Thread } from "../src/threads.js";
import { Browser, Person } from "./people.js";
import { Proxy, Server, until } from "./server.js";

let server: Server;
let proxy: Proxy;
let alice: Person;
let bob: Person;
let room: string;
let alices: Parley;
let bobs: Parley;
const ends: (() => void)[] = [];

beforeAll(async () => {
  server = await Server.start({ RATE_LIMITS: "0" });
  proxy = await Proxy.start(server.port);
});
afterAll(async () => {
  proxy.stop();
  await server.kill();
});
beforeEach(async () => {
  [alice, bob] = (await Promise.all(["alice", "bob"].map((name) => Person.register(server.url, name)))) as [Person, Person];
  room = await alice.room(bob);
  [alices, bobs] = [alice.client(), bob.client({ url: proxy.url })];
  await Promise.all([alices.start(), bobs.start()]);
  for (const client of [alices, bobs]) client.room(room).messages.subscribe(() => {});
  await until(() => [alices, bobs].every((client) => client.rooms.get().length));
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  for (const client of [alices, bobs]) client.stop();
});

async function offline(work: () => Promise<unknown>): Promise<void> {
  proxy.isClosed = true;
  proxy.cut();
  await until(() => bobs.status.get() !== "live");
  try {
    await work();
  } finally {
    proxy.isClosed = false;
  }
  await until(() => bobs.status.get() === "live");
}

test("a thread shows its replies, missed ones too, and the main line does not", async () => {
  const root = await alice.say(room, "Where to?");
  const thread = new Thread(bobs, room, root.id);
  ends.push(thread.open());
  const texts = () => thread.replies.get().map(({ text }) => text);

  await thread.send("The river").settled;
  const reply = { client_id: "sea", text: "Or the sea", thread_root: root.id };
  await offline(async () => {
    await alice.rest("POST /v1/rooms/{room_id}/messages", { path: { room_id: room }, body: reply });
    thread.send("Both");
    expect(texts()).toEqual(["The river", "Both"]);
    expect(bobs.room(room).messages.get().map(({ text }) => text)).toEqual(["Where to?"]);
  });

  await until(() => thread.replies.get().length === 3 && thread.replies.get().every(({ status }) => status === "sent"));
  expect(texts()).toEqual(["The river", "Or the sea", "Both"]);
  await until(() => thread.root.get()?.thread?.reply_count === 3);
  await thread.read();
  await thread.follow(false);
  expect((await bob.rest("GET /v1/me/threads")).results).toEqual([]);
});

test("older replies are loaded page by page, and a deletion empties a held one", async () => {
  const root = await alice.say(room, "Counting");
  const replies = [];
  for (let n = 0; n < 60; n++) {
    const body = { client_id: `count-${n}`, text: `${n}`, thread_root: root.id };
    replies.push(await alice.rest("POST /v1/rooms/{room_id}/messages", { path: { room_id: room }, body }));
  }
  const thread = new Thread(bobs, room, root.id);
  ends.push(thread.open());
  await until(() => thread.replies.get().length === 50);

  expect(await thread.older()).toBe(false);
  expect(thread.replies.get().map(({ text }) => text)).toEqual(Array.from({ length: 60 }, (_, n) => `${n}`));
  await alice.rest("DELETE /v1/rooms/{room_id}/messages/{message_id}", { path: { room_id: room, message_id: replies[7]!.id } });
  await until(() => thread.replies.get()[7]!.deleted_at);
});

test("my reaction is known beyond the users whom a message names, and follows changes", async () => {
  const others = await Promise.all(Array.from({ length: 6 }, (_, n) => Person.register(server.url, `guest${n}`)));
  for (const { id } of others)
    await alice.rest("PUT /v1/rooms/{room_id}/members/{user_id}", { path: { room_id: room, user_id: id }, body: {} });
  const { id } = await alice.say(room, "Cake!");
  const path = { room_id: room, message_id: id, key: "🎉" };
  for (const each of [...others, bob]) await each.rest("PUT /v1/rooms/{room_id}/messages/{message_id}/reactions/{key}", { path });
  const reactions = new Reactions(bobs);
  ends.push(reactions.open());
  const mine = () => {
    const message = bobs.room(room).messages.get().find((each) => each.id === id);
    return message?.reactions[0]?.count === 7 || message?.reactions[0]?.count === 6 ? reactions.of(message) : null;
  };

  await until(() => mine()?.includes("🎉"));
  const message = bobs.room(room).messages.get().find((each) => each.id === id)!;
  expect(message.reactions[0]!.user_ids).not.toContain(bob.id);
  await reactions.set(message, "🎉", false);
  await until(() => mine()?.length === 0);
});

test("a message is delivered when it has reached a device, and read when it was looked at", async () => {
  alices.room(room).members.subscribe(() => {});
  const { id } = await alices.room(room).send("Tea?").settled;
  const receipt = () => {
    const message = alices.room(room).messages.get().find((each) => each.id === id)!;
    const { read, delivered } = receiptOf(message, alices.room(room).members.get());
    return [read.length, delivered.length].join();
  };
  await until(() => alices.room(room).members.get().length === 2);

  expect(receipt()).toBe("0,0");
  ends.push(acknowledge(bobs));
  await until(() => receipt() === "0,1");
  await bobs.room(room).read();
  await until(() => receipt() === "1,1");
});

test("people are watched while somebody looks, again after a break, and by all tabs of a browser", async () => {
  const browser = new Browser();
  const tabs = [bob.client({ ...browser.tab(), user: bob.id }), bob.client({ ...browser.tab(), user: bob.id })];
  const carol = await Person.register(server.url, "carol");
  await alice.rest("PUT /v1/rooms/{room_id}/members/{user_id}", { path: { room_id: room, user_id: carol.id }, body: {} });
  for (const each of [bob, carol]) await each.say(room, "I am here."); // who was only added is not seen
  for (const tab of tabs) await tab.start();
  const [first, second] = tabs.map((tab) => new Presence(tab)) as [Presence, Presence];
  ends.push(first.open(), second.open(), ...tabs.map((tab) => () => tab.stop()));

  first.of(alice.id).subscribe(() => {});
  await until(() => first.of(alice.id).get()?.state === "online");
  second.of(carol.id).subscribe(() => {});
  await until(() => second.of(carol.id).get()?.state === "offline");
  await alices.request("set_presence", { state: "away" });
  await until(() => first.of(alice.id).get()?.state === "away");
  const carols = carol.client();
  await carols.start();

  await until(() => second.of(carol.id).get()?.state === "online");
  carols.stop();
});

test("a draft is the same on another device, and ends there when it is sent", async () => {
  const phone = bob.client();
  await phone.start();
  ends.push(syncDrafts(bobs), syncDrafts(phone), () => phone.stop());

  bobs.room(room).setDraft("half a thought");
  await until(() => phone.room(room).draft.get() === "half a thought");
  await offline(async () => bobs.room(room).setDraft("a whole thought"));
  await until(() => phone.room(room).draft.get() === "a whole thought");
  await phone.room(room).send("a whole thought").settled;

  await until(() => bobs.room(room).draft.get() === "");
  expect((await bob.rest("GET /v1/me/drafts")).results).toEqual([]);
});

test("mentions and replies count until they are read", async () => {
  const badges = new Badges(bobs);
  ends.push(badges.open());
  await until(() => badges.numbers.get()?.mentions_total === 0);
  const body = { client_id: "ready", text: "Ready?", mentions: { users: [bob.id] } };

  await alice.rest("POST /v1/rooms/{room_id}/messages", { path: { room_id: room }, body });
  await until(() => badges.numbers.get()?.mentions_total === 1);
  await bobs.room(room).read();

  await until(() => badges.numbers.get()?.mentions_total === 0);
});

test("a block hides what is held, here and in the store, and its end shows it again", async () => {
  const browser = new Browser();
  const client = bob.client({ ...browser.tab(), user: bob.id });
  await client.start();
  ends.push(() => client.stop());
  client.room(room).messages.subscribe(() => {});
  const root = await alice.say(room, "Can you hear me?");
  const thread = new Thread(client, room, root.id);
  ends.push(thread.open());
  const texts = () => client.room(room).messages.get().map(({ text }) => text);
  await until(() => texts().join() === "Can you hear me?");

  await bob.rest("PUT /v1/me/blocks/{user_id}", { path: { user_id: alice.id } });
  await until(() => client.room(room).messages.get()[0]?.blocked);
  expect(client.rooms.get()[0]!.last_message!.text).toBe(null);
  await client.saved();
  const stored = JSON.stringify(await browser.store.read(""));
  expect(stored).not.toContain("Can you hear me?");
  await until(() => thread.root.get()?.blocked);
  await bob.rest("DELETE /v1/me/blocks/{user_id}", { path: { user_id: alice.id } });

  await until(() => texts().join() === "Can you hear me?");
  await until(() => thread.root.get()?.text === "Can you hear me?");
});

test("a message that is written bit by bit grows in its room and in a thread, missed parts too", async () => {
  const root = await alice.say(room, "Sing!");
  const thread = new Thread(bobs, room, root.id);
  ends.push(followStreams(bobs), thread.open());
  const body = { text: "Twinkle", streaming: true };
  const song = { ...body, client_id: "song" };
  const reply = { ...body, client_id: "reply", thread_root: root.id };
  const [{ id }, { id: replyId }] = await Promise.all(
    [song, reply].map((each) => alice.rest("POST /v1/rooms/{room_id}/messages", { path: { room_id: room }, body: each })),
  ) as unknown as [{ id: string }, { id: string }];
  const append = async (offset: number, text: string) => {
    for (const message_id of [id, replyId]) {
      const path = { room_id: room, message_id };
      await alice.rest("POST /v1/rooms/{room_id}/messages/{message_id}/append", { path, body: { offset, text } });
    }
  };
  const shown = () => [bobs.room(room).messages.get().find((each) => each.id === id), thread.replies.get().find((each) => each.id === replyId)];
  const isShown = (text: string) => () => shown().every((each) => each?.text === text);
  await until(isShown("Twinkle"));

  await append(7, " 🦇");
  await until(isShown("Twinkle 🦇"));
  await append(9, "!");
  await until(isShown("Twinkle 🦇!"));
  await offline(() => append(10, " How I"));
  await until(isShown("Twinkle 🦇! How I"));
  await append(16, " wonder");
  await until(isShown("Twinkle 🦇! How I wonder"));
  for (const message_id of [id, replyId])
    await alice.rest("POST /v1/rooms/{room_id}/messages/{message_id}/finish", { path: { room_id: room, message_id }, body: {} });

  await until(() => shown().every((each) => each?.streaming === false));
  expect(isShown("Twinkle 🦇! How I wonder")()).toBe(true);
});
