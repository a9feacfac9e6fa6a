// Seeded walks of cuts, reloads, tab changes, user changes, expiries and restarts; then the store equals the log.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Message, Parley } from "../src/index.js";
import { Browser, Person } from "./people.js";
import { Proxy, Server, sleep, until } from "./server.js";

const STEPS = Number(process.env["STEPS"] ?? 300); // `npm run random` takes 10,000
const SEED = Number(process.env["SEED"] ?? 7); // of the first walk
const MOST_STEPS = 300; // of a walk, whose end compares whole histories

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

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Tab {
  client: Parley;
  name: number;
}

class Walk {
  readonly random: () => number;
  readonly browser = new Browser();
  readonly written: { text: string; user: string; room: string; tab: number }[] = [];
  readonly log: string[] = [];
  tabs: Tab[] = [];
  made = 0;
  current: Person;

  constructor(
    readonly server: Server,
    readonly proxy: Proxy,
    readonly users: Person[],
    readonly carol: Person,
    readonly rooms: string[],
    readonly visited: string,
    seed: number,
  ) {
    this.random = generator(seed);
    this.current = users[0]!;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  open(): Tab {
    const options = { ...this.browser.tab(), url: this.proxy.url, token: async () => this.token(), user: this.current.id };
    const tab = { client: this.current.client(options), name: this.made++ };
    this.tabs.push(tab);
    void tab.client.start();
    tab.client.ended.subscribe((end) => end && setTimeout(() => void this.logInAgain(tab), 20));
    if (this.random() < 0.7) tab.client.room(this.pick(this.rooms)).messages.subscribe(() => {});
    return tab;
  }

  /** As an app does whose back end gives out tokens: a new session when the last one has ended. */
  async token(): Promise<string> {
    return this.current.token;
  }

  async logInAgain(tab: Tab): Promise<void> {
    if (!this.tabs.includes(tab)) return;
    await this.relogin.catch(() => {});
    if (this.tabs.includes(tab)) void tab.client.start();
  }

  relogin: Promise<unknown> = Promise.resolve();

  async step(): Promise<void> {
    const { proxy } = this;
    const steps: [weight: number, name: string, run: () => unknown][] = [
      [20, "write", () => this.write()],
      [10, "carol writes", () => this.carol.say(this.pick(this.rooms), `carol ${this.made++}`)],
      [4, "carol changes", () => this.change()],
      [8, "cut", () => proxy.cut()],
      [5, "offline", () => ((proxy.isClosed = true), proxy.cut())],
      [8, "online", () => (proxy.isClosed = false)],
      [8, "reload", () => this.reload()],
      [4, "open", () => this.tabs.length < 3 && this.open()],
      [3, "close", () => this.tabs.length > 1 && this.tabs.splice(Math.floor(this.random() * this.tabs.length), 1)[0]!.client.stop()],
      [3, "other user", () => this.changeUser()],
      [3, "session ends", () => this.endSession()],
      [3, "read", () => this.pick(this.tabs).client.room(this.pick(this.rooms)).read()],
      [2, "scroll", () => this.scroll()],
      [3, "come and go", () => this.comeAndGo()],
      [8, "rest", () => sleep(this.random() * 300)],
    ];
    let place = this.random() * steps.reduce((sum, [weight]) => sum + weight, 0);
    const [, name, run] = steps.find(([weight]) => (place -= weight) < 0)!;
    this.log.push(name);
    await run();
  }

  async write(): Promise<void> {
    const { client, name } = this.pick(this.tabs);
    const room = this.pick(this.rooms);
    const text = `${this.current.name} ${this.made++}`;
    this.written.push({ text, user: this.current.id, room, tab: name });
    await client.room(room).send(text).kept;
  }

  async change(): Promise<void> {
    const room = this.pick(this.rooms);
    const mine = (await this.carol.history(room)).filter(({ sender, deleted_at }) => sender.id === this.carol.id && !deleted_at);
    if (!mine.length) return;
    const path = { room_id: room, message_id: this.pick(mine).id };
    if (this.random() < 0.5) await this.carol.rest("DELETE /v1/rooms/{room_id}/messages/{message_id}", { path });
    else await this.carol.rest("PATCH /v1/rooms/{room_id}/messages/{message_id}", { path, body: { text: `edited ${this.made++}` } });
  }

  reload(): void {
    const old = this.pick(this.tabs);
    this.tabs = this.tabs.filter((tab) => tab !== old);
    old.client.stop();
    this.open().name = old.name;
  }

  changeUser(): void {
    const { tabs } = this;
    this.tabs = [];
    for (const { client } of tabs) client.stop();
    this.current = this.pick(this.users);
    this.open();
  }

  async endSession(): Promise<void> {
    const old = this.current.rest;
    const path = "POST /v1/auth/logout" as const;
    const token = this.current.token;
    this.relogin = this.current.login();
    await this.relogin;
    await fetch(`${this.server.url}${path.slice(5)}`, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
    void old;
  }

  async scroll(): Promise<void> {
    await this.pick(this.tabs).client.room(this.pick(this.rooms)).older().catch(() => {});
  }

  async comeAndGo(): Promise<void> {
    const path = { room_id: this.visited, user_id: this.pick(this.users).id };
    await this.carol.say(this.visited, `before ${this.made++}`);
    if (this.random() < 0.5) await this.carol.rest("PUT /v1/rooms/{room_id}/members/{user_id}", { path, body: {} });
    else await this.carol.rest("DELETE /v1/rooms/{room_id}/members/{user_id}", { path }).catch(() => {});
    await this.carol.say(this.visited, `after ${this.made++}`);
  }

  async restart(): Promise<void> {
    this.log.push("restart");
    await (this.random() < 0.5 ? this.server.kill() : this.server.stop());
    await this.write();
    await this.server.start();
  }
}

const shape = ({ id, seq, version, text, client_id, deleted_at, sender }: Message) => ({ id, seq, version, text, client_id, deleted_at, sender: sender.id });

/** The client holds exactly the end of each room's log, and the server's counts. */
async function compare(walk: Walk, client: Parley, person: Person): Promise<void> {
  const listed = (await person.rest("GET /v1/rooms", { query: { limit: 100 } })).results;
  const known = client.rooms.get().map(({ id, unread, head, last_message_at, me }) => ({ id, unread, head, last_message_at, read: me.read_seq, can: me.can }));
  const expected = listed.map(({ id, head, last_message_at, me }) => ({ id, unread: me.unread, head, last_message_at, read: me.read_seq, can: me.can }));
  expect(known).toEqual(expected);
  for (const { id } of listed) {
    const shown = client.room(id).messages.get().map((message) => shape(message as Message));
    const history = (await person.history(id)).map(shape);
    expect(shown, walk.log.join(", ")).toEqual(shown.length ? history.slice(-shown.length) : []);
    if (client.room(id).messages.get().length && !client.room(id).hasOlder) expect(shown.length).toBe(history.length);
  }
}

async function walkThrough(steps: number, seed: number): Promise<void> {
  const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((name) => Person.register(server.url, name)));
  const rooms = [await carol!.room(alice!, bob!), await carol!.room(alice!, bob!)];
  const walk = new Walk(server, proxy, [alice!, bob!], carol!, rooms, await carol!.room(), seed);
  walk.open();

  for (let n = 1; n <= steps; n++) {
    await walk.step();
    if (n % 100 === 50) await walk.restart();
  }

  proxy.isClosed = false;
  for (const person of [alice!, bob!]) {
    for (const { client } of walk.tabs.splice(0)) client.stop();
    walk.current = person;
    const { client } = walk.open();
    for (const room of [...rooms, walk.visited]) client.room(room).messages.subscribe(() => {});
    await until(() => client.status.get() === "live", () => client.status.get());
    await until(() => rooms.every((room) => client.room(room).messages.get().every(({ status }) => status === "sent")));
    await until(async () => compare(walk, client, person).then(() => true, () => false)).catch(() => compare(walk, client, person));
    await client.saved();
    client.stop();

    const offline = person.client({ ...walk.browser.tab(), url: proxy.url, user: person.id, token: () => Promise.reject(new Error("offline")) });
    void offline.start();
    await until(() => offline.rooms.get().length > 0);
    await compare(walk, offline, person);
    offline.stop();
    walk.tabs = [];
  }

  for (const room of rooms) {
    const said = (await carol!.history(room)).filter(({ sender }) => sender.id !== carol!.id);
    const written = walk.written.filter((each) => each.room === room);
    expect(said.map(({ text, sender }) => `${sender.id} ${text}`).sort()).toEqual(written.map(({ text, user }) => `${user} ${text}`).sort());
    for (const tab of new Set(written.map((each) => each.tab))) {
      const texts = written.filter((each) => each.tab === tab).map(({ text }) => text);
      expect(said.map(({ text }) => text).filter((text) => texts.includes(text!))).toEqual(texts);
    }
  }
}

for (let done = 0, seed = SEED; done < STEPS; done += MOST_STEPS, seed++) {
  const steps = Math.min(MOST_STEPS, STEPS - done);
  test(`${steps} random cuts, reloads, tabs, users and expiries (seed ${seed})`, { timeout: 600_000 }, () => walkThrough(steps, seed));
}
