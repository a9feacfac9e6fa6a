import { beforeEach, expect, inject, test } from "vitest";
import { memory } from "../src/index.js";
import { meet, openClient, texts } from "./pair.js";
import { Person } from "./people.js";
import { Proxy, Server, sleep, until } from "./server.js";

let alice: Person;
let bob: Person;
let room: string;

beforeEach(async () => void ({ alice, bob, room } = await meet()));

test("a message is shown at once, sent once, and heard by the other", async () => {
  const [hers, his] = [openClient(alice), openClient(bob)];
  expect([await hers.start(), await his.start()]).toEqual([true, true]);

  const sent = hers.room(room).send("Tea?");

  expect(hers.room(room).messages.get().at(-1)).toMatchObject({ text: "Tea?", seq: null, status: "queued" });
  const message = await sent.settled;
  await until(() => texts(his, room).includes("Tea?"));
  expect(hers.room(room).messages.get().map(({ id, status }) => [id, status])).toEqual([[message.id, "sent"]]);
  expect(his.rooms.get().map(({ id, unread }) => [id, unread])).toEqual([[room, 1]]);
});

test("the first subscription loads the newest page, and older pages follow without a hole", async () => {
  await alice.sayMany(room, Array.from({ length: 120 }, (_, n) => `${n}`));
  const his = openClient(bob);
  await his.start();

  const end = his.room(room).messages.subscribe(() => {});
  await until(() => texts(his, room).length === 50);
  while (await his.room(room).older());
  end();

  expect(texts(his, room)).toEqual(Array.from({ length: 120 }, (_, n) => `${n}`));
  expect(his.room(room).hasOlder).toBe(false);
});

test("messages written before, during and after an outage are sent once and in order", async () => {
  const server = await Server.start();
  try {
    const carol = await Person.register(server.url, "carol");
    const place = await carol.room();
    const store = memory();
    const client = openClient(carol, { store });
    await client.start();
    await client.room(place).send("before").settled;

    await server.kill();
    for (let n = 0; n < 5; n++) client.room(place).send(`during ${n}`);
    await client.room(place).send("last").kept;
    client.stop(); // a reload
    const again = openClient(carol, { store });
    void again.start();
    await until(() => again.room(place).messages.get().length === 7);
    expect(again.room(place).messages.get().map(({ status }) => status).slice(1)).toEqual(Array(6).fill("queued"));
    await server.start();
    await until(() => again.status.get() === "live");
    await until(() => again.room(place).messages.get().every(({ status }) => status === "sent"));

    const said = (await carol.history(place)).map(({ text }) => text);
    expect(said).toEqual(["before", "during 0", "during 1", "during 2", "during 3", "during 4", "last"]);
    expect(again.room(place).messages.get().map(({ text }) => text)).toEqual(said);
  } finally {
    await server.kill();
  }
});

test("a cut line brings missed messages back, and a mute one is noticed", async () => {
  const proxy = await Proxy.start(inject("port"));
  const his = openClient(bob, { url: proxy.url });
  await his.start();
  proxy.isClosed = true;
  proxy.cut();
  await until(() => his.status.get() !== "live");

  await alice.say(room, "missed");
  proxy.isClosed = false;

  await until(() => texts(his, room).includes("missed"));
  await sleep(0);
  expect(his.status.get()).toBe("live");
  proxy.stop();
});
