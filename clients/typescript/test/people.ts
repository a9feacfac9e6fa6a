// People of a test: accounts of a real server, and their clients.
import { on } from "node:events";
import { WebSocket } from "ws";
import { Parley, memory, type Options, type Platform, type Message } from "../src/index.js";
import { shareTabs, type Locks } from "../src/tabs.js";
import { rest, type Rest } from "../src/rest.js";

const PASSWORD = "correct horse battery";
let made = 0;

export class Person {
  private constructor(
    readonly url: string,
    readonly id: string,
    readonly name: string,
    public token: string,
    readonly rest: Rest,
  ) {}

  static async register(url: string, name: string): Promise<Person> {
    const username = `${name}-${Date.now().toString(36)}${process.pid.toString(36)}${made++}`;
    const anonymous = rest(url, fetch, async () => null);
    const { token, user } = await anonymous("POST /v1/auth/register", { body: { username, password: PASSWORD } });
    const person: Person = new Person(url, user.id, username, token, rest(url, fetch, async () => person.token));
    return person;
  }

  /** A new session. The token before stays valid. */
  async login(): Promise<string> {
    const anonymous = rest(this.url, fetch, async () => null);
    const { token } = await anonymous("POST /v1/auth/login", { body: { username: this.name, password: PASSWORD } });
    return (this.token = token);
  }

  async logout(): Promise<void> {
    await this.rest("POST /v1/auth/logout");
  }

  async room(...others: Person[]): Promise<string> {
    const members = others.map(({ id }) => id);
    return (await this.rest("POST /v1/rooms", { body: { kind: "private", name: "Tea", history: "shared", members } })).id;
  }

  async say(room: string, text: string): Promise<Message> {
    const body = { client_id: `${this.name}-${made++}`, text };
    return this.rest("POST /v1/rooms/{room_id}/messages", { path: { room_id: room }, body });
  }

  /** Says many things at once, in order. */
  async sayMany(room: string, texts: string[]): Promise<{ id: string }[]> {
    const socket = new WebSocket(`${this.url.replace("http", "ws")}/v1/ws`, ["chat.v1", `bearer.${this.token}`]);
    const said: { id: string }[] = [];
    const most = 50;
    for await (const [data] of on(socket, "message", { close: ["close"] })) {
      const frame = JSON.parse(String(data)) as { action: string; data: { results: { id: string }[] } };
      if (frame.action === "send_messages") said.push(...frame.data.results);
      if (said.length === texts.length) break;
      const items = texts.slice(said.length, said.length + most).map((text) => ({ client_id: `many-${made++}`, text }));
      socket.send(JSON.stringify({ action: "send_messages", room_id: room, items }));
    }
    socket.close();
    return said;
  }

  /** The whole history of a room. */
  async history(room: string): Promise<Message[]> {
    const found: Message[] = [];
    let before: string | undefined;
    for (;;) {
      const query = { limit: 100, ...(before !== undefined && { before }) };
      const { results, page } = await this.rest("GET /v1/rooms/{room_id}/messages", { path: { room_id: room }, query });
      found.unshift(...results);
      if (!page.more_before) return found;
      before = String(page.oldest_seq);
    }
  }

  client(options: Partial<Options> = {}): Parley {
    const { platform, ...more } = options;
    return new Parley({ url: this.url, token: () => this.token, platform: { ...node(), ...platform }, ...more });
  }
}

/** Node's parts of a platform. */
export function node(): Partial<Platform> {
  return { WebSocket: WebSocket as unknown as Platform["WebSocket"] };
}

/** One browser: tabs with Web Locks and BroadcastChannels between them. Node has the channels, and no locks. */
export class Browser {
  private readonly name = ` browser ${made++}`;
  private readonly queues = new Map<string, (() => void)[]>();
  private readonly held = new Set<string>();
  readonly locks: Locks = {
    request: (name, { ifAvailable, signal }, callback) => this.request(name, ifAvailable ?? false, signal, callback),
  };

  private readonly sharing = shareTabs({ locks: this.locks, channel: (name) => new BroadcastChannel(name + this.name) as never });
  readonly store = memory();

  /** The options of a tab. */
  tab(): Partial<Options> {
    return { store: this.store, tabs: this.sharing };
  }

  private async request(
    name: string,
    ifAvailable: boolean,
    signal: AbortSignal | undefined,
    callback: (lock: unknown) => Promise<void> | void,
  ): Promise<unknown> {
    await Promise.resolve();
    if (this.held.has(name)) {
      if (ifAvailable) return callback(null);
      await new Promise<void>((granted, refused) => {
        const queue = this.queues.get(name) ?? [];
        this.queues.set(name, [...queue, granted]);
        signal?.addEventListener("abort", () => {
          this.queues.set(name, this.queues.get(name)!.filter((each) => each !== granted));
          refused(signal.reason as Error);
        });
      });
    }
    this.held.add(name);
    try {
      return await callback({ name });
    } finally {
      this.held.delete(name);
      const [next, ...rest] = this.queues.get(name) ?? [];
      this.queues.set(name, rest);
      next?.();
    }
  }
}
