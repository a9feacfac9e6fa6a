// All rooms of the user and their inbox, kept up to date by sync, events and REST. It has no socket of its own.
import type { Message, PushedEvent, Room, SyncResult } from "./generated/contract.js";
import type { Link } from "./link.js";
import type { Refused } from "./refused.js";
import type { Rest } from "./rest.js";
import { RoomState, type Block, type StoredRoom } from "./room_state.js";

type Durable = Extract<PushedEvent, { room_id: string; seq: number }>;
type Inbox = Extract<
  PushedEvent,
  { type: "room.added" | "room.removed" | "room.preferred" | "room.invited" | "room.uninvited" | "read.updated" }
>;

const NEW_MEMBER: Omit<Room["me"], "role" | "read_seq"> = {
  state: "joined",
  can: [],
  unread: 0,
  unread_capped: false,
  unread_mentions: 0,
  unread_threads: 0,
  notify: "all",
  snoozed_until: null,
  pinned: false,
  hidden: false,
  muted_until: null,
};

const MOST_CURSORS = 1_000; // of one sync; other rooms come as new ones
const RELOAD_MS = 1_000;

export interface WorldEvents {
  /** A room changed, came or went. */
  room(id: string): void;
  /** A message was stored, by the log, a page or a reply. */
  message(message: Message): void;
  /** A stored or ephemeral event arrived; `isLive` is false for those that were missed. */
  event(event: PushedEvent, isLive: boolean): void;
  /** A hole that only a new sync can fill. */
  lost(): void;
}

export class World {
  readonly rooms = new Map<string, RoomState>();
  inbox: number | null = null;
  epoch: number | null = null;
  /** All rooms come as new ones with the next sync. */
  isNew = false;
  #run = 0; // of the catch-up, so that a later one ends an earlier one
  #held: PushedEvent[] | null = null; // events that arrive during the sync of a tab that does not subscribe
  readonly #loading = new Map<string, PushedEvent[]>(); // events of a room that is being loaded
  readonly #refreshing = new Set<RoomState>();
  readonly #gone = new Map<string, number>(); // by room, the seq at which my membership ended
  /** Inbox events of rooms that are not known yet. */
  readonly #early = new Map<string, Inbox[]>();

  readonly #link: Link;
  readonly #rest: Rest;
  readonly #report: WorldEvents;

  constructor(
    readonly me: string,
    link: Link,
    rest: Rest,
    report: WorldEvents,
  ) {
    this.#link = link;
    this.#rest = rest;
    this.#report = report;
  }

  /** A room as the store had it. */
  restore(stored: StoredRoom, messages: Message[]): void {
    this.rooms.set(stored.room.id, RoomState.restore(this.me, stored, messages));
  }

  /** Gets everything that was missed. With `subscribe` the connection delivers all later events. */
  async catchUp(subscribe: boolean): Promise<boolean> {
    const run = ++this.#run;
    this.#held = subscribe ? null : [];
    this.#loading.clear();
    const body = { rooms: this.#cursors(), inbox: this.inbox, epoch: this.epoch, subscribe };
    let next: string | null = null;
    do {
      const page: SyncResult = await this.#link.request("sync", { ...body, next });
      if (run !== this.#run) return false;
      if (this.#applyPage(page)) {
        this.#forget();
        return this.catchUp(subscribe);
      }
      next = page.next;
    } while (next);
    if (run !== this.#run) return false; // an event of the page has begun another one
    const held = this.#held;
    this.#held = null;
    this.isNew = false;
    if (held) this.receive(held);
    for (const room of this.rooms.values()) this.#complete(room);
    return true;
  }

  /** The connection is lost: what is on its way will not come. */
  interrupt(): void {
    this.#run++;
    this.#held = null;
    this.#loading.clear();
  }

  #cursors(): Record<string, number> {
    if (this.isNew) return {};
    const rooms = [...this.rooms.values()].filter((room) => room.isMember);
    rooms.sort((a, b) => (a.shape.last_event_at < b.shape.last_event_at ? 1 : -1));
    return Object.fromEntries(rooms.slice(0, MOST_CURSORS).map((room) => [room.id, room.cursor]));
  }

  #forget(): void {
    this.inbox = this.epoch = null;
    this.rooms.clear();
  }

  /** Applies a page of sync. True when it cannot be continued from the cursors: all rooms must come anew. */
  #applyPage(page: SyncResult): boolean {
    if (page.inbox.reset || page.inbox.limited) return true;
    this.epoch = page.epoch;
    for (const event of page.inbox.events) this.#applyInbox(event as Inbox, false);
    this.inbox = Math.max(this.inbox ?? 0, page.inbox.head);
    for (const { id, head, events, limited, reset, room } of page.rooms) {
      if (room) this.#place(room, reset || limited !== null);
      for (const event of events) this.#applyRoom(event as Durable, false);
      if (!this.#loading.has(id)) this.rooms.get(id)?.skipTo(head);
      this.#report.room(id);
    }
    for (const { id, seq } of page.removed) this.#remove(id, seq);
    return false;
  }

  /** Takes a Room of the server. Held messages stay only if nothing was missed since. */
  #place(room: Room, isBroken: boolean): void {
    const known = this.rooms.get(room.id);
    if (!known) this.rooms.set(room.id, new RoomState(this.me, room));
    else {
      if (isBroken || known.cursor < room.head) known.history.clear();
      if (isBroken || known.cursor <= room.head) known.load(room);
    }
    for (const event of this.#early.get(room.id) ?? []) this.#applyToRoom(event, false);
    this.#early.delete(room.id);
  }

  /** Takes events as the connection delivers them. */
  receive(events: PushedEvent[]): void {
    if (this.#held) return void this.#held.push(...events);
    for (const event of events) this.#apply(event);
  }

  #apply(event: PushedEvent): void {
    if (event.type === "room.limited" || event.type === "room.reset") return this.#report.lost();
    if (event.seq === null) this.#report.event(event, true);
    else if (event.room_id === null) this.#applyInbox(event as Inbox, true);
    else this.#applyRoom(event as Durable, true);
  }

  #applyRoom(event: Durable, isLive: boolean): void {
    const id = event.room_id;
    const waiting = this.#loading.get(id);
    if (waiting) return void waiting.push(event);
    const room = this.rooms.get(id) ?? this.#begin(event);
    if (event.seq <= (room?.cursor ?? this.#gone.get(id) ?? 0)) return;
    if (!room || event.seq > room.cursor + 1) return void this.#reload(id, [event]);
    room.apply(event);
    if (event.type === "message.created") this.#report.message(event.data);
    this.#report.event(event, isLive);
    if (!room.isMember) this.#remove(id, event.seq);
    else if (isLive) this.#complete(room);
    this.#report.room(id);
  }

  /** A new room, at its first event. Its Room has the rights and the peer, so it is loaded as well. */
  #begin(event: Durable): RoomState | undefined {
    if (event.type !== "room.created") return undefined;
    const { members, ...fields } = event.data;
    const role = members.find(({ user_id }) => user_id === this.me)?.role ?? null;
    const room = new RoomState(this.me, {
      ...fields,
      head: 0,
      last_event_at: event.at,
      last_message_at: null,
      member_count: members.length,
      last_message: null,
      peer: null,
      me: { ...NEW_MEMBER, role, read_seq: event.seq },
    });
    this.rooms.set(room.id, room);
    return room;
  }

  #applyInbox(event: Inbox, isLive: boolean): void {
    if (event.seq === null || (this.inbox !== null && event.seq <= this.inbox)) return;
    if (this.inbox !== null && event.seq > this.inbox + 1) return this.#report.lost();
    this.inbox = event.seq;
    if (event.type === "room.removed") this.#remove(event.data.id, event.data.seq);
    else if (event.type === "room.added") {
      const known = this.rooms.get(event.data.id);
      if (isLive && (!known || !known.isMember)) void this.#reload(event.data.id);
    } else if (event.type.startsWith("block")) {
      this.isNew = true; // for what counts as unread, and the last messages
      for (const room of this.rooms.values()) {
        room.block(event as PushedEvent as Block);
        this.#report.room(room.id);
      }
      this.#report.lost();
    } else this.#applyToRoom(event, isLive);
    this.#report.event(event, isLive);
  }

  #applyToRoom(event: Inbox, isLive: boolean): void {
    if (event.type !== "read.updated" && event.type !== "room.preferred") return;
    const room = this.rooms.get(event.data.room_id);
    if (!room) {
      this.#early.set(event.data.room_id, [...(this.#early.get(event.data.room_id) ?? []), event]);
      return;
    }
    if (event.type === "read.updated") room.mark(event.data);
    else room.prefer(event.data);
    if (isLive) this.#complete(room);
    this.#report.room(room.id);
  }

  /** The membership ended at `seq`, unless the room's own stream has later events. */
  #remove(id: string, seq: number): void {
    if ((this.rooms.get(id)?.cursor ?? 0) > seq) return;
    this.#gone.set(id, seq);
    this.#early.delete(id);
    this.rooms.delete(id);
    this.#report.room(id);
  }

  /** Loads a room that is new, or of which events are missing; its events wait meanwhile. */
  async #reload(id: string, waiting: PushedEvent[] = []): Promise<void> {
    if (this.#loading.has(id)) return;
    this.#loading.set(id, waiting);
    const room = await this.#load(id);
    if (room === undefined || this.#loading.get(id) !== waiting) return; // the next sync brings all
    this.#loading.delete(id);
    this.rooms.delete(id);
    if (room) this.#place(room, false);
    this.#report.room(id);
    for (const event of room ? waiting : []) this.#apply(event);
  }

  /** Loads what the events of a room do not tell. */
  #complete(room: RoomState): void {
    if (room.isOutdated) void this.#refresh(room);
    for (const [id, isLoading] of room.stale) if (!isLoading) void this.#reloadMessage(room, id);
  }

  /** Loads the Room of a room whose events do not tell everything; its events go on. */
  async #refresh(room: RoomState): Promise<void> {
    if (this.#refreshing.has(room)) return;
    this.#refreshing.add(room);
    let shape: Room | null | undefined;
    do shape = await this.#load(room.id);
    while (shape && !room.update(shape));
    this.#refreshing.delete(room);
    if (shape === null) this.#remove(room.id, room.cursor);
    this.#report.room(room.id);
  }

  /** The Room; null if the user is no member; undefined if it could not be loaded now. */
  async #load(id: string): Promise<Room | null | undefined> {
    try {
      const room = await this.#rest("GET /v1/rooms/{room_id}", { path: { room_id: id } });
      return room.me.state === "joined" ? room : null;
    } catch (error) {
      if (!(error as Refused).isRetryable) return null;
      setTimeout(() => this.#report.lost(), RELOAD_MS);
      return undefined;
    }
  }

  async #reloadMessage(room: RoomState, id: string): Promise<void> {
    room.stale.set(id, true);
    try {
      const path = { room_id: room.id, message_id: id };
      room.take(await this.#rest("GET /v1/rooms/{room_id}/messages/{message_id}", { path }));
      if (room.stale.get(id)) room.stale.delete(id); // otherwise an event has named a newer version meanwhile
      this.#report.room(room.id);
    } catch (error) {
      if ((error as Refused).isRetryable) room.stale.set(id, false);
      else room.stale.delete(id);
    }
  }
}
