// Everything of one user of one server: rooms, unsent messages and drafts, in memory and in the store.
import type { Hello, Message, PushedEvent } from "./generated/contract.js";
import type { Connection } from "./connection.js";
import type { Group, Note, Sharing } from "./group.js";
import type { End, Status } from "./link.js";
import { Outbox, type Unsent } from "./outbox.js";
import { Persist } from "./persist.js";
import { Refused, stopped } from "./refused.js";
import type { Rest } from "./rest.js";
import { scopeOf, type Store } from "./store.js";
import { World } from "./world.js";

const AGAIN_MS = 1_000;

export interface SessionEvents {
  status(status: Status): void;
  ended(end: End): void;
  /** Another tab tells of the connection that this tab uses. */
  hello(hello: Hello): void;
  room(id: string): void;
  event(event: PushedEvent, isLive: boolean): void;
  refused(unsent: Unsent, error: Refused): void;
  /** The store takes no more. */
  storage(error: unknown): void;
  draft(roomId: string): void;
  read(roomId: string, seq: number): void;
}

export class Session {
  readonly world: World;
  readonly outbox: Outbox;
  readonly tabs: Group;
  readonly persist: Persist;
  readonly drafts = new Map<string, string>();
  readonly scope: string;
  #isClosed = false;
  #hello: Hello | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;
  #learning: Promise<unknown> = Promise.resolve(); // of what other tabs tell, in order

  readonly #store: Store;
  readonly #connection: Connection;
  readonly #report: SessionEvents;

  constructor(
    /** The user's id; before the first connection of a token, a name made of the token. */
    readonly user: string,
    url: string,
    store: Store,
    sharing: Sharing,
    connection: Connection,
    rest: Rest,
    report: SessionEvents,
  ) {
    this.#store = store;
    this.#connection = connection;
    this.#report = report;
    this.scope = scopeOf(url, user);
    this.tabs = sharing(this.scope, connection, {
      lead: () => this.#lead(),
      up: (hello) => void this.up(hello),
      down: (status) => this.down(status),
      events: (events) => this.world.receive(events),
      ended: (end) => this.#report.ended(end),
      note: (note) => this.#learn(note),
    });
    this.world = new World(user, this.tabs, rest, {
      room: (id) => this.changed(id),
      message: (message) => this.outbox.acknowledge(message),
      event: (event, isLive) => this.#report.event(event, isLive),
      lost: () => void this.#catchUp(),
    });
    this.persist = new Persist(store, this.scope, this.world, (error) => this.#report.storage(error));
    this.outbox = new Outbox({
      keep: (clientId, unsent) => this.#keep(clientId, unsent),
      changed: (clientId, unsent, message) => this.#tell(clientId, unsent, message),
      room: (id) => this.#report.room(id),
      sent: (message) => this.take(message),
      refused: (unsent, error) => this.#report.refused(unsent, error),
    });
  }

  /** Shows what the store has. */
  async open(): Promise<void> {
    try {
      await this.persist.load();
      for (const [key, text] of await this.#store.read(`${this.scope}draft `)) this.drafts.set(key.split(" ").pop()!, text as string);
      await this.#loadUnsent();
    } catch (error) {
      this.#report.storage(error); // #mode, for example: the session works without a store
    }
    for (const id of new Set([...this.world.rooms.keys(), ...this.outbox.all().map(({ room_id }) => room_id)])) this.#report.room(id);
  }

  async #loadUnsent(): Promise<void> {
    for (const [, record] of await this.#store.read(`${this.scope}unsent `).catch(() => [])) {
      const unsent = record as Unsent;
      if (!this.outbox.get(unsent.client_id)) this.outbox.learn(unsent.client_id, unsent);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#again);
    this.outbox.use(null);
    this.world.interrupt();
    this.tabs.leave();
  }

  /** Removes everything of this user from the store. */
  async forget(): Promise<void> {
    this.close();
    await this.persist.done();
    const records = await this.#store.read(this.scope);
    await this.#store.write(records.map(([key]) => [key, undefined]));
  }

  #lead(): void {
    for (const id of this.world.rooms.keys()) this.persist.changed(id); // the tab that led before has stored its own state
    this.#connection.start();
    if (this.#hello) void this.up(this.#hello);
  }

  /** There is a connection: of this tab, or of the one that leads. */
  async up(hello: Hello): Promise<void> {
    this.#hello = hello;
    this.#report.hello(hello);
    if (this.tabs.isLeader) await this.#loadUnsent(); // of tabs that were closed since
    else for (const unsent of this.outbox.all()) this.#tell(unsent.client_id, unsent, null); // written before it had joined
    await this.#catchUp();
  }

  down(status: "offline" | "connecting"): void {
    this.#hello = null;
    clearTimeout(this.#again);
    this.outbox.use(null);
    this.world.interrupt();
    if (this.tabs.isLeader) this.tabs.down(status);
    if (!this.#isClosed) this.#report.status(status);
  }

  /** Events of the own connection. */
  receive(events: PushedEvent[]): void {
    this.tabs.events(events);
    this.world.receive(events);
  }

  async #catchUp(): Promise<void> {
    const hello = this.#hello;
    if (!hello || this.#isClosed) return;
    clearTimeout(this.#again);
    this.#report.status("catching-up");
    try {
      if (!(await this.world.catchUp(this.tabs.isLeader)) || hello !== this.#hello) return;
    } catch (error) {
      const pause = (error as Refused).problem?.retry_after_ms ?? AGAIN_MS;
      if (hello === this.#hello) this.#again = setTimeout(() => void this.#catchUp(), pause);
      return;
    }
    if (this.tabs.isLeader) {
      this.tabs.up(hello);
      this.outbox.use(this.#connection);
    }
    this.#report.status("live");
  }

  /** Takes a message that a reply brought. */
  take(message: Message): void {
    const room = this.world.rooms.get(message.room_id);
    if (!room) return;
    room.take(message);
    this.changed(room.id);
  }

  /** A room changed, by an event, a reply or a page. */
  changed(id: string): void {
    if (this.tabs.isLeader) this.persist.changed(id);
    this.#report.room(id);
  }

  async #keep(clientId: string, unsent: Unsent | undefined): Promise<void> {
    const record: [string, unknown] = [`${this.scope}unsent ${clientId}`, unsent];
    const write = () => this.#store.write([record]);
    try {
      // Messages can be loaded again, an unsent one cannot.
      await write().catch(() => this.persist.empty().then(write));
    } catch {
      if (unsent) this.#report.storage(new Refused("client.storage", "A reload loses the unsent message."));
    }
  }

  #tell(clientId: string, unsent: Unsent | undefined, message: Message | null): void {
    this.tabs.tell({ kind: "outbox", clientId, unsent, message });
  }

  #learn(note: Note): void {
    if (note.kind === "draft") return this.#learnDraft(note.roomId, note.text);
    if (note.kind === "read") return this.#report.read(note.roomId, note.seq);
    const { clientId, unsent, message } = note;
    const learn = async () => {
      // What a tab wrote before it had joined is in the store, and older than what it tells of.
      if (this.tabs.isLeader && unsent) await this.#loadUnsent();
      if (!unsent) this.outbox.settle(clientId, message ?? stopped());
      if (message) this.take(message);
      this.outbox.learn(clientId, unsent);
    };
    this.#learning = this.#learning.then(learn, learn); // also after a listener of the app has thrown
  }

  setDraft(roomId: string, text: string): void {
    this.#learnDraft(roomId, text);
    this.tabs.tell({ kind: "draft", roomId, text });
    this.#store.write([[`${this.scope}draft ${roomId}`, text || undefined]]).catch((error) => this.#report.storage(error));
  }

  #learnDraft(roomId: string, text: string): void {
    if (text) this.drafts.set(roomId, text);
    else this.drafts.delete(roomId);
    this.#report.draft(roomId);
  }
}
