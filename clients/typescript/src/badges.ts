// Unread mentions and threads of all rooms, as the server counts them: asked for when something may have changed them.
import { Debounced, whenLive } from "./follow.js";
import type { PushedEvent, Unread } from "./generated/contract.js";
import type { Parley } from "./parley.js";
import { Value, type Readable } from "./readable.js";

const PAUSE_MS = 1_000;
const CHANGES = ["message.edited", "message.deleted", "messages.purged", "read.updated", "thread.read", "thread.followed", "thread.unfollowed"];

export class Badges {
  readonly #numbers = new Value<Unread | null>(null);
  readonly #loading: Debounced;
  readonly #parley: Parley;

  /** The numbers of `GET me/unread`; null until they are here. */
  readonly numbers: Readable<Unread | null> = this.#numbers;

  constructor(parley: Parley) {
    this.#parley = parley;
    this.#loading = new Debounced(PAUSE_MS, () => void this.#load().catch(() => {}));
  }

  /** Keeps the numbers up to date. Returns a function that ends it. */
  open(): () => void {
    const ends = [
      whenLive(this.#parley, () => void this.#load().catch(() => {})),
      this.#parley.on("event", ({ event, isLive }) => isLive && this.#isChange(event) && this.#loading.call()),
      () => this.#loading.end(),
    ];
    return () => ends.forEach((end) => end());
  }

  async #load(): Promise<void> {
    this.#numbers.set(await this.#parley.rest("GET /v1/me/unread"));
  }

  #isChange(event: PushedEvent): boolean {
    const me = this.#parley.me.get()?.id ?? "";
    if (event.type === "read.updated") return event.data.user_id === me;
    if (event.type !== "message.created") return CHANGES.includes(event.type);
    const { mentions, thread_root, sender } = event.data;
    return sender.id !== me && (thread_root !== null || mentions.room || mentions.users.includes(me));
  }
}
