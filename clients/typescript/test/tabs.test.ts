import { beforeEach, expect, test } from "vitest";
import { meet, openClient, texts } from "./pair.js";
import { Browser, type Person } from "./people.js";
import { until } from "./server.js";

let alice: Person;
let bob: Person;
let room: string;
let browser: Browser;

beforeEach(async () => {
  ({ alice, bob, room } = await meet());
  browser = new Browser();
});

const tab = (person: Person) => openClient(person, browser.tab());
const sessions = async (person: Person) => (await person.rest("GET /v1/auth/sessions")).results.length;

test("two tabs share a connection, and both show what either sends", async () => {
  const first = tab(alice);
  await first.start();
  const second = tab(alice);
  await second.start();
  expect(await sessions(alice)).toBe(1);

  await first.room(room).send("from the first").settled;
  await second.room(room).send("from the second").settled;
  await bob.say(room, "from bob");

  const all = ["from the first", "from the second", "from bob"];
  await until(() => [first, second].every((each) => texts(each, room).join() === all.join()), () => JSON.stringify([texts(first, room), texts(second, room)]));
  expect((await alice.history(room)).map(({ text }) => text)).toEqual(all);
});

test("when the tab with the connection closes, another takes over and sends what is unsent", async () => {
  const first = tab(alice);
  await first.start();
  const second = tab(alice);
  await second.start();

  await second.room(room).send("hello").settled;
  first.stop();
  const sent = second.room(room).send("and again");
  await until(() => second.status.get() === "live");
  await sent.settled;
  await bob.say(room, "still here");

  await until(() => texts(second, room).join() === "hello,and again,still here", () => texts(second, room).join());
});

test("a message that a closed tab has written is sent by the other one", async () => {
  const first = tab(alice);
  const second = tab(alice);
  await first.start();
  await second.start();

  await second.room(room).send("written and closed").kept;
  second.stop();

  await until(() => texts(first, room).join() === "written and closed");
});

test("what a new tab writes before it has joined the others is sent first, and soon", async () => {
  const first = tab(alice);
  await first.start();
  await until(() => first.status.get() === "live");

  const second = tab(alice);
  void second.start();
  const early = second.room(room).send("before it joined");
  await early.kept;
  await until(() => second.status.get() === "live");
  await second.room(room).send("afterwards").settled;
  await early.settled;

  expect((await alice.history(room)).map(({ text }) => text)).toEqual(["before it joined", "afterwards"]);
});

test("drafts, read markers and the end of the session reach all tabs", async () => {
  const first = tab(alice);
  const second = tab(alice);
  await first.start();
  await second.start();
  await bob.say(room, "unread");
  await until(() => first.unread.get() === 1 && second.unread.get() === 1);

  second.room(room).setDraft("half a thou");
  await second.room(room).read();

  await until(() => first.unread.get() === 0 && second.unread.get() === 0);
  await until(() => first.room(room).draft.get() === "half a thou");
  await alice.logout();
  await until(() => first.ended.get() && second.ended.get());
  expect([first.ended.get()?.code, second.ended.get()?.login]).toEqual([4410, true]);
});

test("the next user of the browser neither sees nor sends what the last one left", async () => {
  const hers = tab(alice);
  await hers.start();
  await hers.room(room).send("alice, online").settled;
  hers.stop();
  const offline = openClient(alice, { ...browser.tab(), url: "http://127.0.0.1:9" });
  void offline.start();
  await offline.room(room).send("nowhere").kept.catch(() => {});
  offline.stop();
  const unsent = tab(alice);
  void unsent.start();
  await until(() => unsent.status.get() !== "offline");
  unsent.stop();

  const his = tab(bob);
  await his.start();
  await his.room(room).send("bob").settled;

  const said = (await alice.history(room)).map(({ text, sender }) => `${sender.username.slice(0, 3)}: ${text}`);
  expect(said).toEqual(["ali: alice, online", "bob: bob"]);
});
