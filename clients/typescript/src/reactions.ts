// My own reactions. A Message names the first users of each key; whether I am among the others is asked for, once.
import { Debounced } from "./follow.js";
import type { MessageHistory, PushedEvent } from "./generated/contract.js";
import type { Parley } from "./parley.js";
import { Value, type Readable } from "./readable.js";
import type { ChatMessage } from "./room.js";

const PAUSE_MS = 20; // messages that are drawn together are asked for together
const PAGE = 100;

/** The keys with which the user has reacted. */
export class Reactions {
  readonly #known = new Value<ReadonlyMap<string, readonly string[]>>(new Map());
  readonly #wanted = new Map<string, ChatMessage>();
  readonly #asking: Debounced;
  readonly #parley: Parley;

  /** My keys by message, as far as the message itself does not tell; a list is drawn again when it changes. */
  readonly known: Readable<ReadonlyMap<string, readonly string[]>> = this.#known;

  constructor(parley: Parley) {
    this.#parley = parley;
    this.#asking = new Debounced(PAUSE_MS, () => void this.#ask().catch(() => {}));
  }

  /** Follows my reactions on all devices. Returns a function that ends it. */
  open(): () => void {
    const ends = [this.#parley.on("event", ({ event }) => this.#receive(event)), () => this.#asking.end()];
    return () => ends.forEach((end) => end());
  }

  /** My keys of a message. */
  of(message: ChatMessage): readonly string[] {
    const me = this.#me;
    const shown = message.reactions.filter(({ user_ids }) => user_ids.includes(me)).map(({ key }) => key);
    const hidden = message.reactions.filter(({ count, user_ids }) => count > user_ids.length && !user_ids.includes(me));
    if (!hidden.length) return shown;
    const known = this.#known.get().get(message.id);
    if (known) return [...shown, ...hidden.map(({ key }) => key).filter((key) => known.includes(key))];
    this.#wanted.set(message.id, message);
    this.#asking.call();
    return shown;
  }

  /** Adds or removes my reaction. Rejects with Refused; the event of it brings the change. */
  async set({ id, room_id }: ChatMessage, key: string, on: boolean): Promise<void> {
    await this.#parley.request("react", { room_id, message_id: id, key, on });
  }

  get #me(): string {
    return this.#parley.me.get()?.id ?? "";
  }

  #receive(event: PushedEvent): void {
    if (event.type !== "reaction.changed" || event.data.change.user_id !== this.#me) return;
    const { id, change } = event.data;
    const known = this.#known.get().get(id);
    if (!known) return;
    const others = known.filter((key) => key !== change.key);
    this.#known.set(new Map(this.#known.get()).set(id, change.on ? [...others, change.key] : others));
  }

  /** Loads pages around the messages that are wanted: one answers for its neighbours. */
  async #ask(): Promise<void> {
    const wanted = new Map(this.#wanted);
    this.#wanted.clear();
    while (wanted.size) {
      const [message] = wanted.values();
      const { id, room_id, thread_root } = message!;
      const query = { around: id, limit: PAGE, ...(thread_root && { thread: thread_root }) };
      const { results, mine }: MessageHistory = await this.#parley.rest("GET /v1/rooms/{room_id}/messages", { path: { room_id }, query });
      const known = new Map(this.#known.get());
      for (const each of [message!, ...results]) {
        known.set(each.id, mine[each.id] ?? []);
        wanted.delete(each.id);
      }
      this.#known.set(known);
    }
  }
}
