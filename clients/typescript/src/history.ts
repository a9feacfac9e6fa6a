// The messages of a room that are held: the newest ones without a hole, and beside them one window around an older place.
import type { Message, MessageHistory } from "./generated/contract.js";

/** A part of the room: every message with `from` <= seq <= `to` is held. */
interface Range {
  from: number;
  to: number;
  moreBefore: boolean;
}

/** Replies in threads are not in the main line of the room. */
export const isInRoom = ({ thread_root, in_room }: Pick<Message, "thread_root" | "in_room">) => !thread_root || in_room;

/** A newer version supersedes the held copy, and so does one of the same version when the held copy is not whole. */
export function supersedes(message: Message, held: Message, isStale = false): boolean {
  if (message.version !== held.version) return message.version > held.version;
  // Of two texts that are still written, one begins with the other: the longer one is greater.
  return held.blocked || (held.streaming ? !message.streaming || message.text! > held.text! : isStale);
}

const EMPTY: Range = { from: Infinity, to: Infinity, moreBefore: true };

export class History {
  readonly #messages = new Map<string, Message>();
  /** The newest messages. */
  tail: Readonly<Range> = EMPTY;
  #around: Range | null = null;
  /** Messages whose newest version is not known to the store. */
  readonly unsaved = new Set<string>();

  get isEmpty(): boolean {
    return this.tail === EMPTY;
  }

  /** Whether the window ends before the newest message. */
  get moreAfter(): boolean {
    return this.#around !== null;
  }

  /** The window that is shown. */
  get window(): Range {
    return this.#around ?? this.tail;
  }

  get(id: string): Message | undefined {
    return this.#messages.get(id);
  }

  all(): Iterable<Message> {
    return this.#messages.values();
  }

  /** The messages of the window that is shown, oldest first. */
  shown(): Message[] {
    const { from, to } = this.window;
    return this.#between(from, to).filter(isInRoom);
  }

  /** The number of messages after this seq that count as unread for a user; null when not all of them are held. */
  unreadBy(user: string, after: number): number | null {
    const { from, moreBefore } = this.tail;
    if (this.isEmpty || (moreBefore && from > after + 1)) return null;
    let count = 0;
    for (const message of this.#messages.values())
      if (message.seq > after && message.sender.id !== user && !message.deleted_at && !message.blocked && isInRoom(message)) count++;
    return count;
  }

  /** The newest messages without a hole, oldest first, at most `most`. */
  newest(most: number): Message[] {
    return this.#between(this.tail.from, Infinity).slice(-most);
  }

  #between(from: number, to: number): Message[] {
    return [...this.#messages.values()].filter(({ seq }) => seq >= from && seq <= to).sort((a, b) => a.seq - b.seq);
  }

  /** Takes a message if it supersedes the held copy. */
  put(message: Message, isStale?: boolean): void {
    const held = this.#messages.get(message.id);
    if (!held || supersedes(message, held, isStale)) this.replace(message);
  }

  /** Takes a message, whatever its version. */
  replace(message: Message): void {
    this.#messages.set(message.id, message);
    this.unsaved.add(message.id);
  }

  /** Takes a new message of the room's end. Without any other message it is the first of the newest ones. */
  append(message: Message): void {
    this.tail = { ...this.tail, from: Math.min(this.tail.from, message.seq) };
    this.put(message);
  }

  /** The newest messages, as the store had them. */
  restore(messages: Message[], from: number, moreBefore: boolean): void {
    this.tail = { from, to: Infinity, moreBefore };
    for (const message of messages) if (message.seq >= from) this.#messages.set(message.id, message);
  }

  /** A page begins the newest messages, or follows them backwards. Its messages are held already, as with the next two. */
  prepend({ page }: MessageHistory): void {
    const range = this.window;
    const from = Math.min(range.from, page.oldest_seq ?? range.from);
    const longer = { ...range, from: from === Infinity ? 0 : from, moreBefore: page.more_before };
    if (this.#around) this.#around = longer;
    else this.tail = longer;
  }

  /** A page around a place: it is shown instead of the newest messages, unless it reaches them. */
  show({ page }: MessageHistory): void {
    this.#around = { from: page.oldest_seq ?? 0, to: page.newest_seq ?? 0, moreBefore: page.more_before };
    this.#join(page.more_after);
  }

  /** A page that follows the window forwards. */
  extend({ page }: MessageHistory): void {
    if (!this.#around) return;
    this.#around = { ...this.#around, to: Math.max(this.#around.to, page.newest_seq ?? 0) };
    this.#join(page.more_after);
  }

  /** The newest messages are shown again. */
  showNewest(): void {
    this.#around = null;
    this.#sweep();
  }

  #join(moreAfter: boolean): void {
    const window = this.#around;
    if (!window || (moreAfter && window.to + 1 < this.tail.from)) return;
    if (window.from < this.tail.from) this.tail = { ...window, to: Infinity };
    this.#around = null;
  }

  /** Everything that is held may be wrong: the newest page comes next. */
  clear(): void {
    this.tail = EMPTY;
    this.#around = null;
    this.#messages.clear();
    this.unsaved.clear();
  }

  /** Keeps only the newest messages. */
  trim(most: number): void {
    const newest = this.newest(Infinity);
    if (this.#around || newest.length <= most) return;
    this.tail = { from: newest[newest.length - most]!.seq, to: Infinity, moreBefore: true };
    this.#sweep();
  }

  #sweep(): void {
    for (const { id, seq } of this.#messages.values()) if (seq < this.tail.from) this.#messages.delete(id);
  }
}
