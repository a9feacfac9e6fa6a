// One room, folded from the server's Room, pages of history and events. It has no connection and no store.
import type { Message, MessageHistory, PushedEvent, ReadUpdated, Room } from "./generated/contract.js";
import { History, isInRoom } from "./history.js";
import { EXACT, Unread } from "./unread.js";

type Durable = Extract<PushedEvent, { room_id: string; seq: number }>;
export type Block = Extract<PushedEvent, { type: "block.added" | "block.removed" }>;

/** A room in the store; its messages are records of their own. */
export interface StoredRoom {
  room: Room;
  from: number | null;
  moreBefore: boolean;
  marked: number;
  hiddenAt: number | null;
  isOutdated: boolean;
  stale?: string[];
}

/** The content of a message of which nothing is shown. */
const NOTHING = {
  text: null,
  metadata: {},
  reply_to: null,
  mentions: { users: [] as string[], room: false },
  attachments: [],
  forwarded: null,
} satisfies Partial<Message>;

/** The fields of a message that is gone, beside `deleted_at`; its place in a thread and its own thread stay. */
const GONE = { ...NOTHING, reactions: [], pinned_at: null, pinned_by: null, streaming: false, interrupted: false } satisfies Partial<Message>;

/** The fields of a message that uses nothing; its text is null. */
export const PLAIN = {
  ...GONE,
  deleted_at: null,
  thread_root: null,
  in_room: false,
  thread: null,
  blocked: false,
} satisfies Partial<Message>;

/** The data of an event with a part of a message. */
export type PartialEvent = { id: string; version: number; base_version: number; change?: unknown; reaction?: Message["reactions"][number] };

/** A message with the fields of a partial event, which fit on the version that it names; any other copy is stale. */
export function merge(held: Message, { base_version, change: _, reaction, ...fields }: PartialEvent): Message | undefined {
  if (held.version !== base_version) return undefined;
  const byKey = new Map(held.reactions.map((each) => [each.key, each]));
  if (reaction) byKey.set(reaction.key, reaction);
  return { ...held, ...fields, reactions: [...byKey.values()].filter(({ count }) => count) };
}

export class RoomState {
  readonly history = new History();
  /** The Room must be loaded again: the events do not tell everything, as what a new role may do. */
  isOutdated = false;
  /** Held messages of which only a newer version is known, by id: they must be loaded, or are being loaded (true). */
  readonly stale = new Map<string, boolean>();
  #unread!: Unread;
  #marked = 0; // the seq as of which the read marker stands
  #hiddenAt: number | null = null;
  #awaited: Room | null = null; // loaded, and newer than the events so far
  #recent: (Durable | Block)[] | null = null; // while a page is on its way
  #pages = 0;

  readonly #me: string;

  constructor(
    me: string,
    /** As the server renders it, with every change since. Replaced, never changed. */
    public shape: Room,
  ) {
    this.#me = me;
    this.load(shape);
  }

  static restore(me: string, stored: StoredRoom, messages: Message[]): RoomState {
    const state = new RoomState(me, stored.room);
    if (stored.from !== null) state.history.restore(messages, stored.from, stored.moreBefore);
    state.#marked = stored.marked;
    state.#hiddenAt = stored.hiddenAt;
    state.isOutdated = stored.isOutdated;
    for (const id of stored.stale ?? []) state.stale.set(id, false);
    return state;
  }

  /** What the store keeps, beside the newest messages. */
  stored(kept: Message[]): StoredRoom {
    const { isEmpty, tail } = this.history;
    const isWhole = kept.length === 0 || kept[0]!.seq <= tail.from;
    const from = isEmpty ? null : isWhole ? tail.from : kept[0]!.seq;
    const { isOutdated, shape } = this;
    const moreBefore = !isWhole || tail.moreBefore;
    return { room: shape, from, moreBefore, marked: this.#marked, hiddenAt: this.#hiddenAt, isOutdated, stale: [...this.stale.keys()] };
  }

  get id(): string {
    return this.shape.id;
  }

  /** The seq of the last event that is applied. */
  get cursor(): number {
    return this.shape.head;
  }

  get isMember(): boolean {
    return this.shape.me.state === "joined";
  }

  /** Takes a Room that the server has just rendered. */
  load(room: Room): void {
    this.shape = room;
    this.isOutdated = false;
    this.#awaited = null;
    this.#marked = room.head;
    this.#hiddenAt = room.me.hidden ? room.head : null;
    this.#unread = new Unread(room.head, room.me.unread, room.me.unread_capped);
  }

  /** Takes a Room that may be older or newer than the events so far. False when it is older: load it again. */
  update(room: Room): boolean {
    this.#awaited = room.head > this.cursor ? room : null;
    if (room.head === this.cursor) this.load(room);
    return room.head >= this.cursor;
  }

  /** The events up to this seq are not for the user. */
  skipTo(seq: number): void {
    if (seq > this.cursor) this.#change({ head: seq });
  }

  apply(event: Durable): void {
    if (event.seq <= this.cursor) return;
    this.#recent?.push(event);
    this.#change({ head: event.seq, last_event_at: event.at });
    const noun = event.type.split(".")[0];
    if (noun === "message") this.#applyMessage(event as Extract<Durable, { data: Message }>);
    else if (noun === "room") this.#applyRoom(event);
    else if (noun === "member") this.#applyMember(event as Extract<Durable, { type: "member.joined" }>);
    else if (noun === "mute") this.isOutdated ||= (event as Extract<Durable, { type: "mute.created" }>).data.user.id === this.#me;
    else this.#applyToHeld(event, this.history.all());
    this.#countUnread();
    if (this.#awaited && this.#awaited.head <= event.seq) this.update(this.#awaited);
  }

  #change(fields: Partial<Room>): void {
    this.shape = { ...this.shape, ...fields };
  }

  #changeMe(fields: Partial<Room["me"]>): void {
    this.#change({ me: { ...this.shape.me, ...fields } });
  }

  #applyRoom(event: Durable): void {
    const { members: _, ...fields } = event.data as Partial<Room> & { members?: unknown };
    // The rights have changed.
    if (event.type !== "room.updated" || fields.posting !== this.shape.posting) this.isOutdated = true;
    this.#change(fields);
  }

  #applyMember({ type, seq, data }: Extract<Durable, { type: "member.joined" }>): void {
    const by = { "member.joined": 1, "member.left": -1, "member.removed": -1 }[type as string] ?? 0;
    this.#change({ member_count: this.shape.member_count + by });
    if (data.user.id !== this.#me) return;
    this.#changeMe({ state: data.state, role: data.role });
    this.isOutdated = true;
    if (by > 0) {
      this.#markHere(seq);
      this.#showHere(seq);
    }
  }

  #applyMessage({ type, seq, at, data: message }: { type: string; seq: number; at: string; data: Message }): void {
    const isNew = type === "message.created";
    const isMine = message.sender.id === this.#me;
    if (isNew) this.history.append(message);
    else if (this.history.get(message.id)) this.history.put(message);
    if (!isInRoom(message)) return;
    if (isNew) {
      this.#change({ last_message_at: at });
      this.#showHere(seq);
    }
    if (isNew || this.shape.last_message?.id === message.id) this.#change({ last_message: message });
    if (isMine) {
      if (isNew) this.#markHere(seq);
    } else if (!message.blocked && message.seq > (this.shape.me.read_seq ?? 0)) {
      if (isNew) this.#unread.change(seq, message.seq, 1);
      else if (type === "message.deleted") this.#unread.change(seq, message.seq, -1);
    }
  }

  /** Applies an event to messages that are held: of the whole room, or of a page that is older than the event. */
  #applyToHeld(event: Durable | Block, held: Iterable<Message>): void {
    if (event.type === "block.added")
      this.#rewrite(held, (message) => (message.sender.id === event.data.user_id ? { ...message, ...NOTHING, blocked: true } : message));
    else if (event.type === "block.removed") {
      if ([...held].some(({ blocked }) => blocked)) this.history.clear(); // the page that is shown is loaded again
    } else if (event.type === "user.erased") this.#erase(event.data.user, held);
    else if (event.type === "messages.purged") this.#purge(event.data.before_seq, event, held);
    else if ("base_version" in event.data) this.#merge(event.data);
    else if (event.type.startsWith("message.")) {
      const message = event.data as Message;
      if (this.history.get(message.id)) this.history.put(message);
    }
  }

  #erase(user: Message["sender"], held: Iterable<Message>): void {
    const by = <Shown extends { sender: Message["sender"] } | null>(shown: Shown): Shown =>
      shown?.sender.id === user.id ? { ...shown, sender: user } : shown;
    const rename = (message: Message): Message => by({ ...message, forwarded: by(message.forwarded) });
    this.#rewrite(held, rename);
    this.isOutdated ||= this.shape.peer?.id === user.id;
  }

  /** Changes held messages, and the last one. */
  #rewrite(held: Iterable<Message>, rewrite: (message: Message) => Message): void {
    for (const message of [...held]) {
      const changed = rewrite(message);
      if (changed !== message) this.history.replace(changed);
    }
    const { last_message: last } = this.shape;
    if (last) this.#change({ last_message: rewrite(last) });
  }

  /** A block of a user has begun or ended. The next sync brings the number of unread messages. */
  block(event: Block): void {
    this.#recent?.push(event);
    this.#applyToHeld(event, this.history.all());
    this.#countUnread();
  }

  #purge(before: number, { seq, at }: Durable, held: Iterable<Message>): void {
    this.#rewrite(held, (message) =>
      message.seq < before && message.version < seq ? { ...message, ...GONE, deleted_at: message.deleted_at ?? at, version: seq } : message,
    );
    if (this.shape.me.unread && before > (this.shape.me.read_seq ?? 0)) this.isOutdated = true;
  }

  #merge(part: PartialEvent): void {
    const held = this.history.get(part.id);
    if (!held || held.version >= part.version) return;
    const merged = merge(held, part);
    if (merged) this.history.put(merged);
    else this.stale.set(part.id, false);
  }

  /** The own marker moved, on this or another device, as of `head` of this room. */
  mark({ read_seq, head, unread, unread_capped }: ReadUpdated): void {
    if (head < this.#marked) return;
    this.#marked = head;
    this.#changeMe({ read_seq });
    // A count of a time before this state was stored cannot be continued: the server counts again.
    if (unread !== undefined && !this.#unread.countAt(head, unread, unread_capped ?? false, read_seq)) this.isOutdated = true;
    this.#countUnread();
  }

  #markHere(seq: number): void {
    if (seq <= this.#marked) return;
    this.#marked = seq;
    this.#changeMe({ read_seq: seq });
    this.#unread.countAt(seq, 0, false, seq);
  }

  #countUnread(): void {
    // A Room may count messages that are newer than its head; the messages themselves, if all are here, are exact.
    const held = this.history.unreadBy(this.#me, this.shape.me.read_seq ?? 0);
    const count = Math.min(held ?? this.#unread.count, EXACT);
    const isCapped = held === null ? this.#unread.isCapped : held > EXACT;
    if (count !== this.shape.me.unread || isCapped !== this.shape.me.unread_capped)
      this.#changeMe({ unread: count, unread_capped: isCapped });
  }

  /** The room was hidden or shown, as of `head`: a newer message has ended it. */
  prefer({ hidden, head, room_id: _, ...fields }: { hidden: boolean; head: number; room_id: string }): void {
    this.#hiddenAt = hidden && (this.shape.last_message?.seq ?? 0) <= head ? head : null;
    this.#changeMe({ ...fields, hidden: this.#hiddenAt !== null });
  }

  #showHere(seq: number): void {
    if (this.#hiddenAt === null || seq <= this.#hiddenAt) return;
    this.#hiddenAt = null;
    this.#changeMe({ hidden: false });
  }

  /** A message that came outside the log, as a reply: taken if it is held or newer than all that is. */
  take(message: Message): void {
    if (this.history.get(message.id)) this.history.put(message, this.stale.has(message.id));
    else if (message.seq > this.cursor || message.seq >= this.history.tail.from) this.history.append(message);
  }

  /**
   * Loads a page. Events that arrive meanwhile do not touch messages that are not held yet, and the page may be older
   * than they are: they are applied to it afterwards.
   */
  async page(load: () => Promise<MessageHistory>, place: (page: MessageHistory) => void): Promise<MessageHistory> {
    this.#recent ??= [];
    this.#pages++;
    try {
      const page = await load();
      for (const message of page.results) this.history.put(message);
      place(page);
      for (const event of this.#recent) {
        if (event.room_id && event.seq <= page.head) continue;
        const held = page.results.map(({ id }) => this.history.get(id)).filter(Boolean) as Message[];
        this.#applyToHeld(event, held);
      }
      this.#countUnread();
      return page;
    } finally {
      if (--this.#pages === 0) this.#recent = null;
    }
  }
}
