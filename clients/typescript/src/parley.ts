// The client: one user at a time, one connection, and everything of theirs to read and to follow.
import { Connection, type TokenSource } from "./connection.js";
import type { Actions, CreateRoomBody, Hello, Message, PushedEvent, User } from "./generated/contract.js";
import { alone, type Sharing } from "./group.js";
import type { Action, End, Status } from "./link.js";
import { platform, type Platform } from "./platform.js";
import { invalidate, Value, View, type Readable } from "./readable.js";
import { offline, type Refused } from "./refused.js";
import { rest, type Rest } from "./rest.js";
import { Room, type RoomSummary } from "./room.js";
import { Session } from "./session.js";
import { memory, scopeOf, type Store } from "./store.js";

export interface Options {
  /** The address of the server, as `https://chat.example.com`. */
  url: string;
  /** A token, or what gives one. It is asked again when the session ends soon or the token was refused. */
  token: string | TokenSource;
  /**
   * The id of the user who is logged in, as the log-in has answered it. Their rooms are then shown without a
   * connection, and what they write before the first connection of a token is theirs whatever token comes next.
   */
  user?: string;
  /** Where rooms, messages and unsent texts are kept. In memory by default. */
  store?: Store;
  /** `shareTabs()` of `parley-client/tabs`: the tabs of one user share a connection. Otherwise each tab has its own. */
  tabs?: Sharing;
  /** Parts of the environment, where they are missing. */
  platform?: Partial<Platform>;
}

export interface Events {
  /** A message of somebody else has just arrived; not one that was missed, and in one tab only. */
  message: { room: Room; message: Message };
  /** The server will not take a message. */
  refused: { room: Room; clientId: string; error: Refused };
  /** The store is full or broken. The client goes on; a reload shows less. */
  storage: unknown;
  /** Every event as the server sends it, also of types that this client does not know. */
  event: { event: PushedEvent; isLive: boolean };
}

const UNKNOWN = "token-"; // begins the name of a user whom the server has not named yet
// Nobody can say whose records these would be: they are written when the user, or at least the token, is known.
const unwritten: Store = { read: async () => [], write: () => new Promise(() => {}) };
const isKnown = ({ user }: Session) => !user.startsWith(UNKNOWN);

export class Parley {
  readonly #statusValue = new Value<Status>("offline");
  readonly #endedValue = new Value<End | null>(null);
  readonly #meValue = new Value<User | null>(null);

  /** The state of the connection. */
  readonly status: Readable<Status> = this.#statusValue;
  /** Why the session has ended; null while it has not. Log in again and `start()`. */
  readonly ended: Readable<End | null> = this.#endedValue;
  /** The user of the token, once the server has named them. */
  readonly me: Readable<User | null> = this.#meValue;
  /** My rooms, those with the newest message first; without hidden and archived ones. */
  readonly rooms: Readable<readonly RoomSummary[]> = new View(() => this.#listRooms());
  /** The number of unread messages in these rooms. */
  readonly unread: Readable<number> = new View(() => this.rooms.get().reduce((sum, room) => sum + room.unread, 0));
  /** REST, typed by the contract, with the token of this client. Rejects with Refused. */
  readonly rest: Rest;

  readonly #url: string;
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #connection: Connection;
  readonly #opened = new Map<string, Room>();
  readonly #listeners: { [E in keyof Events]?: Set<(event: Events[E]) => void> } = {};
  #session: Session | null = null;
  #sessionReady: Promise<void> = Promise.resolve();
  #isStarted = false;
  #typingMs = { resend: 0, expire: 0 }; // before the hello nothing is sent, and nobody is shown

  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
    const { token } = options;
    const source: TokenSource = typeof token === "function" ? token : () => token;
    this.#url = options.url.replace(/\/+$/, "");
    this.#platform = platform(options.platform);
    this.#store = options.store ?? memory();
    this.rest = rest(this.#url, this.#platform.fetch, (reason) => this.#connection.getToken(reason));
    this.#connection = new Connection(this.#url, source, this.#platform, {
      up: (hello) => void this.#welcome(hello),
      down: (status) => (this.#session ? this.#session.down(status) : this.#statusValue.set(status)),
      events: (events) => this.#session?.receive(events),
      ended: (end) => this.#end(end, true),
    });
  }

  /** Shows what is stored, and connects. Resolves with true when everything missed is here, false when it ended before. */
  start(): Promise<boolean> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      if (this.#endedValue.get()) this.#close();
      this.#endedValue.set(null);
      this.#statusValue.set("connecting");
      void this.#begin();
    }
    return new Promise((resolve) => {
      const check = () => {
        const isLive = this.#statusValue.get() === "live";
        if (!isLive && this.#isStarted) return;
        end();
        resolve(isLive);
      };
      const end = this.#statusValue.subscribe(check);
      check();
    });
  }

  /** Ends the connection and all timers. Unsent messages stay in the store. `start()` begins again. */
  stop(): void {
    this.#isStarted = false;
    this.#connection.stop();
    this.#close();
    this.#statusValue.set("offline");
  }

  #close(): void {
    this.#connection.token = null;
    this.#session?.close();
    this.#session = null;
    this.#sessionReady = Promise.resolve();
    this.#meValue.set(null);
    this.#allChanged();
  }

  /** Stops, and removes everything of this user from the store: unsent messages too. */
  async forget(): Promise<void> {
    const session = this.#session;
    this.stop();
    await session?.forget();
  }

  /** Connects at once, for an app that knows that it is in the foreground again, or the network back (React Native). */
  wake(): void {
    this.#connection.wake();
  }

  /** A room by its id, the same object each time. It may be one that the user does not have, yet. */
  room(id: string): Room {
    const known = this.#opened.get(id);
    if (known) return known;
    const room = new Room(id, {
      session: () => this.#session,
      ready: () => this.#sessionReady,
      rest: this.rest,
      typingMs: () => this.#typingMs,
      me: () => this.#meValue.get(),
      refresh: (changed) => this.#roomChanged(changed),
    });
    this.#opened.set(id, room);
    return room;
  }

  /** Makes a room. */
  async create(body: CreateRoomBody): Promise<Room> {
    return this.room((await this.rest("POST /v1/rooms", { body })).id);
  }

  /** The direct room with this user, made if there is none. */
  async direct(userId: string): Promise<Room> {
    return this.room((await this.rest("PUT /v1/rooms/direct/{user_id}", { path: { user_id: userId } })).id);
  }

  /** Sends an action of the socket, on the connection that this tab has or shares. Rejects with Refused. */
  request<A extends Action>(action: A, body: Actions[A]["body"]): Promise<Actions[A]["data"]> {
    return this.#session?.tabs.request(action, body) ?? Promise.reject(offline());
  }

  /** Follows something that happens. Returns a function that ends it. */
  on<E extends keyof Events>(name: E, listener: (event: Events[E]) => void): () => void {
    const listeners = ((this.#listeners as Record<E, Set<typeof listener>>)[name] ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Resolves when everything so far is in the store. */
  async saved(): Promise<void> {
    await this.#session?.persist.done();
  }

  #emit<E extends keyof Events>(name: E, event: Events[E]): void {
    for (const listener of [...(this.#listeners[name] ?? [])]) listener(event);
  }

  /** Opens the store of the user, if it is known who that is, and connects. */
  async #begin(): Promise<void> {
    const { user } = this.#options;
    const opening = this.#open(user ?? UNKNOWN, user ? this.#store : unwritten);
    const unknown = this.#session;
    await opening;
    const token = user ? null : await this.#connection.getToken("start").catch(() => null);
    const known = user ?? (token && (await this.#userOf(token)));
    if (this.#session !== unknown) return;
    const session = known && known !== user ? await this.#open(known) : unknown;
    if (this.#session !== session) return;
    if (session && isKnown(session)) void session.tabs.join();
    else this.#connection.start();
  }

  /** The user of this token, or a name for the time until the server has told it. */
  async #userOf(token: string): Promise<string> {
    const name = UNKNOWN + token.slice(-10);
    const [known] = await this.#store.read(`${scopeOf(this.#url, name)}user`).catch(() => []);
    return known ? String(known[1]) : name;
  }

  /** Replaces the session. What was written before the user was known goes with it. */
  async #open(user: string, store: Store = this.#store): Promise<Session> {
    const before = this.#session;
    before?.close();
    const session: Session = new Session(user, this.#url, store, this.#options.tabs ?? alone, this.#connection, this.rest, {
      status: (status) => session === this.#session && this.#changeStatus(status),
      ended: (end) => session === this.#session && this.#end(end, false),
      hello: (hello) => this.#learn(hello),
      room: (id) => session === this.#session && this.#roomChanged(id),
      event: (event, isLive) => this.#pass(event, isLive),
      refused: ({ room_id, client_id }, error) => this.#emit("refused", { room: this.room(room_id), clientId: client_id, error }),
      storage: (error) => this.#emit("storage", error),
      draft: (id) => this.#opened.get(id)?.draftChanged(),
      read: (id, seq) => this.#opened.get(id)?.readElsewhere(seq),
    });
    this.#session = session;
    this.#allChanged();
    this.#sessionReady = session.open();
    await this.#sessionReady;
    if (before && !isKnown(before)) await session.outbox.adopt(before.outbox);
    return session;
  }

  /** The server has named the user: from now on everything is theirs alone. */
  async #welcome(hello: Hello): Promise<void> {
    const { user } = hello;
    if (this.#session?.user !== user.id) {
      const session = await this.#open(user.id);
      const token = scopeOf(this.#url, UNKNOWN + this.#connection.token!.slice(-10));
      await this.#store.write([[`${token}user`, user.id]]).catch((error) => this.#emit("storage", error));
      if (this.#session !== session) return;
      await session.tabs.join();
      if (!session.tabs.isLeader) return this.#connection.stop(); // another tab has the connection
    }
    await this.#sessionReady;
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- a stop during the wait has removed it
    await this.#session?.up(hello);
  }

  #end(end: End, isOwn: boolean): void {
    if (isOwn) this.#session?.tabs.end(end);
    this.#session?.close();
    this.#connection.stop();
    this.#isStarted = false;
    this.#endedValue.set(end);
    this.#statusValue.set("ended");
  }

  #pass(event: PushedEvent, isLive: boolean): void {
    if (event.room_id) this.#opened.get(event.room_id)?.receive(event);
    this.#emit("event", { event, isLive });
    const session = this.#session!;
    if (event.type !== "message.created" || !isLive || !session.tabs.isLeader) return;
    const { data: message, room_id } = event;
    if (message.sender.id !== session.user && !message.blocked) this.#emit("message", { room: this.room(room_id), message });
  }

  #changeStatus(status: Status): void {
    this.#statusValue.set(status);
    if (status === "live") for (const room of this.#opened.values()) room.resumed(this.#session!);
  }

  #learn(hello: Hello): void {
    this.#meValue.set(hello.user);
    this.#typingMs = { resend: hello.typing.resend_ms, expire: hello.typing.expire_ms };
  }

  #roomChanged(id: string): void {
    this.#opened.get(id)?.changed();
    invalidate(this.rooms, this.unread);
  }

  #allChanged(): void {
    for (const id of this.#opened.keys()) this.#roomChanged(id);
    invalidate(this.rooms, this.unread);
  }

  #listRooms(): readonly RoomSummary[] {
    const states = [...(this.#session?.world.rooms.values() ?? [])];
    const listed = states.filter(({ shape }) => !shape.archived_at && !shape.me.hidden);
    const rooms = listed.map(({ id }) => this.room(id).info.get()!).filter(Boolean);
    return rooms.sort((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1));
  }
}

const orderOf = (room: RoomSummary) => (room.last_message_at ?? room.created_at) + room.id;
