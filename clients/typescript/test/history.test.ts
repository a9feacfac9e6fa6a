import { beforeEach, expect, inject, test } from "vitest";
import { memory } from "../src/index.js";
import { meet, openClient, texts } from "./pair.js";
import { Person } from "./people.js";
import { Proxy, until } from "./server.js";

let alice: Person;
let bob: Person;
let room: string;

beforeEach(async () => void ({ alice, bob, room } = await meet()));

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`);

test("a window around an old message grows in both directions until it meets the newest messages", async () => {
  const said = await alice.sayMany(room, numbers(0, 159));
  const client = openClient(bob);
  await client.start();
  const place = client.room(room);
  place.messages.subscribe(() => {});
  await until(() => texts(client, room).length === 50);

  await place.around(said[40]!.id);
  expect(texts(client, room)).toContain("40");
  expect([place.hasOlder, place.hasNewer]).toEqual([true, true]);
  await alice.say(room, "160");
  expect(texts(client, room)).not.toContain("160");
  while (await place.newer());
  while (await place.older());

  await until(() => texts(client, room).length === 161);
  expect(texts(client, room)).toEqual(numbers(0, 160));
  await place.around("1");
  place.latest();
  expect(texts(client, room).at(-1)).toBe("160");
});

test("an edit and a deletion during the load of an older page are not lost", async () => {
  const said = await alice.sayMany(room, numbers(0, 69));
  const client = openClient(bob);
  await client.start();
  const place = client.room(room);
  await place.load();
  const older = place.older();
  const path = (n: number) => ({ room_id: room, message_id: said[n]!.id });
  await Promise.all([
    older,
    alice.rest("PATCH /v1/rooms/{room_id}/messages/{message_id}", { path: path(3), body: { text: "edited" } }),
    alice.rest("DELETE /v1/rooms/{room_id}/messages/{message_id}", { path: path(5) }),
  ]);

  await until(() => place.info.get()!.head === said.length + 3, () => `${place.info.get()!.head}`);

  expect([texts(client, room)[3], texts(client, room)[5]]).toEqual(["edited", null]);
});

test("more than a thousand missed events: the room is loaded anew, without a hole", { timeout: 240_000 }, async () => {
  const store = memory();
  const first = openClient(bob, { store });
  await first.start();
  await alice.say(room, "old");
  await until(() => first.unread.get() === 1);
  await first.saved();
  first.stop();
  await alice.sayMany(room, numbers(1, 1_010));

  const second = openClient(bob, { store });
  await second.start();
  second.room(room).messages.subscribe(() => {});
  await until(() => texts(second, room).length === 50);

  const history = (await alice.history(room)).map(({ text }) => text);
  expect(texts(second, room)).toEqual(history.slice(-50));
  expect(second.rooms.get()[0]).toMatchObject({ unread: 999, me: { unread_capped: true } });
  await second.room(room).older();
  expect(texts(second, room)).toEqual(history.slice(-100));
});

test("an edit is shown at once, and undone when it is refused", async () => {
  const client = openClient(alice);
  await client.start();
  const place = client.room(room);
  await place.send("tee").settled;

  const message = place.messages.get()[0]!;
  const edited = place.edit(message, "tea");
  expect(place.messages.get()[0]).toMatchObject({ text: "tea", status: "sending" });
  await edited;
  expect(place.messages.get()[0]).toMatchObject({ text: "tea", status: "sent" });
  await expect(place.edit(message, "coffee")).rejects.toMatchObject({ code: "message.version_conflict" });
  expect(place.messages.get()[0]).toMatchObject({ text: "tea", status: "sent" });
  await place.remove(place.messages.get()[0]!);
  await until(() => place.messages.get()[0]!.text === null && place.messages.get()[0]!.status === "sent");
});

test("typing is shown to the other, and ends with the message", async () => {
  const [hers, his] = [openClient(alice), openClient(bob)];
  await Promise.all([hers.start(), his.start()]);

  hers.room(room).type();
  await until(() => his.room(room).typing.get().join() === alice.id);
  await hers.room(room).send("there").settled;
  await until(() => his.room(room).typing.get().length === 0);

  expect(hers.room(room).typing.get()).toEqual([]);
});

test("reading offline empties the badge at once and reaches the server later", async () => {
  const proxy = await Proxy.start(inject("port"));
  const client = openClient(bob, { url: proxy.url });
  await client.start();
  await alice.say(room, "one");
  await until(() => client.unread.get() === 1);
  proxy.isClosed = true;
  proxy.cut();
  await until(() => client.status.get() !== "live");

  await client.room(room).read();
  expect(client.unread.get()).toBe(0);
  proxy.isClosed = false;

  await until(async () => (await bob.rest("GET /v1/me")).unread_total === 0);
  await alice.say(room, "two");
  await until(() => client.unread.get() === 1);
  proxy.stop();
});

test("a new direct room and a removed one come and go, with the name of the other and the members", async () => {
  const [hers, his] = [openClient(alice), openClient(bob)];
  await Promise.all([hers.start(), his.start()]);

  const direct = await hers.direct(bob.id);
  await direct.send("psst").settled;
  await until(() => his.rooms.get()[0]?.title === alice.name && his.rooms.get()[0]?.unread === 1);
  hers.room(room).members.subscribe(() => {});
  await until(() => hers.room(room).members.get().length === 2);
  await his.room(room).leave();
  await until(() => hers.room(room).members.get().length === 1 && his.rooms.get().length === 1);

  expect(his.room(room).info.get()).toBeNull();
  expect(hers.rooms.get().map(({ id }) => id)).toEqual([direct.id, room]);
});

test("messages of others are announced once over all tabs, and never those that were missed", async () => {
  await alice.say(room, "missed");
  const client = openClient(bob);
  const heard: string[] = [];
  client.on("message", ({ message }) => heard.push(message.text!));
  await client.start();

  await alice.say(room, "live");
  await client.room(room).send("mine").settled;
  await until(() => heard.length > 0);

  expect(heard).toEqual(["live"]);
});

test("a restored backup empties the store", async () => {
  const { Server } = await import("./server.js");
  const server = await Server.start();
  try {
    const dora = await Person.register(server.url, "dora");
    const place = await dora.room();
    await dora.say(place, "before");
    const client = openClient(dora);
    await client.start();
    client.room(place).messages.subscribe(() => {});
    await until(() => client.room(place).messages.get().length === 1);

    const before = client.room(place).info.get()!.epoch;

    await server.manage("raise_epoch");
    await until(() => client.room(place).info.get()!.epoch > before);
    await dora.say(place, "after");

    await until(() => client.room(place).messages.get().map(({ text }) => text).join() === "before,after");
  } finally {
    await server.kill();
  }
});
