// A thread: the replies to one message, loaded when somebody opens it, then kept up to date by events.
import { whenLive } from "./follow.js";
import type { Message, MessageHistory, PushedEvent, TextAppended } from "./generated/contract.js";
import type { Parley } from "./parley.js";
import { supersedes } from "./history.js";
import { Value, View, type Readable } from "./readable.js";
import type { ChatMessage, Draft, Room, Sent } from "./room.js";
import { merge, type PartialEvent } from "./room_state.js";
import { grow } from "./streaming.js";

const PAGE = 50;
const RELOADING = ["user.erased", "messages.purged", "block.added", "block.removed"];

export class Thread {
  readonly room: Room;
  readonly #held = new Map<string, Message>();
  readonly #shown = new WeakMap<Message, ChatMessage>();
  readonly #repliesView = new View<readonly ChatMessage[]>(() => this.#list());
  readonly #rootValue = new Value<Message | null>(null);
  readonly #parley: Parley;
  #hasOlder = false;
  #unsent: readonly ChatMessage[] = []; // of the room, as the replies were listed last
  readonly #recent = new Set<PushedEvent[]>(); // by page that is on its way, the events since

  /** The replies in order, unsent ones last. */
  readonly replies: Readable<readonly ChatMessage[]> = {
    get: () => {
      if (this.#unsent !== this.room.unsent.get()) this.#repliesView.invalidate();
      return this.#repliesView.get();
    },
    subscribe: (listener) => this.#repliesView.subscribe(listener),
  };

  /** The message to which they reply; null until it is here. */
  readonly root: Readable<Message | null> = this.#rootValue;

  constructor(
    parley: Parley,
    roomId: string,
    readonly rootId: string,
  ) {
    this.#parley = parley;
    this.room = parley.room(roomId);
  }

  /** Whether there are older replies than those that are shown. */
  get hasOlder(): boolean {
    return this.#hasOlder;
  }

  /** Loads the newest replies and follows the thread until the returned function is called. */
  open(): () => void {
    const ends = [
      this.#parley.on("event", ({ event }) => this.#receive(event)),
      this.room.unsent.subscribe(() => this.#repliesView.invalidate()),
      whenLive(this.#parley, () => this.#reload()),
    ];
    return () => ends.forEach((end) => end());
  }

  /** Loads the page before the oldest reply. False when there is none. */
  async older(): Promise<boolean> {
    const [oldest] = this.#sorted();
    if (this.#hasOlder && oldest) this.#hasOlder = (await this.#load({ before: String(oldest.seq) })).page.more_before;
    this.#repliesView.invalidate();
    return this.#hasOlder;
  }

  /** Sends a reply. With `in_room` the main line of the room shows it too. */
  send(text: string, draft: Draft = {}): Sent {
    return this.room.send(text, { ...draft, thread_root: this.rootId });
  }

  /** Marks the thread as read up to the newest reply that is here. */
  async read(): Promise<void> {
    const seq = this.#sorted().at(-1)?.seq;
    if (seq) await this.#parley.request("mark_read", { room_id: this.room.id, thread_root: this.rootId, seq });
  }

  /** Follows the thread, or does no more: a followed one counts in the unread threads. */
  async follow(isWanted: boolean): Promise<void> {
    await this.#parley.request(isWanted ? "follow_thread" : "unfollow_thread", { room_id: this.room.id, thread_root: this.rootId });
  }

  #reload(): void {
    void this.#load({}, true).catch(() => {}); // without a connection: with the next one
  }

  async #load(anchor: { before?: string }, isAnew = false): Promise<MessageHistory> {
    const recent: PushedEvent[] = [];
    this.#recent.add(recent);
    const body = { room_id: this.room.id, thread: this.rootId, limit: PAGE, ...anchor };
    const found = await this.#parley.request("get_messages", body).finally(() => this.#recent.delete(recent));
    if (isAnew) {
      this.#held.clear();
      this.#hasOlder = found.page.more_before;
    }
    if (found.root && isAnew) this.#rootValue.set(found.root);
    else if (found.root) this.#take(found.root);
    for (const message of found.results) this.#take(message);
    for (const event of recent) if (event.seq !== null && event.seq > found.head) this.#apply(event);
    this.#repliesView.invalidate();
    return found;
  }

  #receive(event: PushedEvent): void {
    if (RELOADING.includes(event.type)) return this.#reload();
    if (event.room_id !== this.room.id) return;
    for (const recent of this.#recent) recent.push(event);
    this.#apply(event);
  }

  #apply(event: PushedEvent): void {
    const data = event.data as Message | PartialEvent;
    if (event.type.startsWith("message.")) {
      const message = data as Message;
      const isNew = event.type === "message.created" && message.thread_root === this.rootId;
      if (isNew || this.#get(message.id)) this.#take(message);
    } else if (event.type === "text.appended") this.#grow(event.data);
    else if ("base_version" in data) this.#merge(data);
  }

  #get(id: string): Message | null | undefined {
    return id === this.rootId ? this.#rootValue.get() : this.#held.get(id);
  }

  #take(message: Message): void {
    const held = this.#get(message.id);
    if (held && !supersedes(message, held)) return;
    if (message.id === this.rootId) this.#rootValue.set(message);
    else this.#held.set(message.id, message);
    this.#repliesView.invalidate();
  }

  #merge(part: PartialEvent): void {
    const held = this.#get(part.id);
    if (!held || held.version >= part.version) return;
    const merged = merge(held, part);
    if (merged) this.#take(merged);
    else this.#reload();
  }

  #grow(part: TextAppended): void {
    const held = this.#get(part.id);
    if (!held) return;
    const grown = grow(held, part);
    if (grown) this.#take(grown);
    else if (grown === undefined && !this.#recent.size) this.#reload();
  }

  #sorted(): Message[] {
    return [...this.#held.values()].sort((a, b) => a.seq - b.seq);
  }

  #list(): readonly ChatMessage[] {
    const sent = this.#sorted().map((message) => this.#show(message));
    const known = new Set([...this.#held.values()].map(({ sender, client_id }) => `${sender.id} ${client_id}`));
    const isHere = ({ sender, client_id }: ChatMessage) => known.has(`${sender.id} ${client_id}`);
    this.#unsent = this.room.unsent.get();
    return [...sent, ...this.#unsent.filter((each) => each.thread_root === this.rootId && !isHere(each))];
  }

  #show(message: Message): ChatMessage {
    const shown = this.#shown.get(message) ?? { ...message, status: "sent", error: null };
    this.#shown.set(message, shown);
    return shown;
  }
}
