// Who is online: the people whom the page shows are watched, and this device says whether somebody uses it.
import { Debounced, whenLive } from "./follow.js";
import type { Presence as State, PushedEvent } from "./generated/contract.js";
import type { Parley } from "./parley.js";
import { Value, type Readable } from "./readable.js";

const MOST_WATCHED = 200; // of one socket
const PAUSE_MS = 50; // people who are drawn together are watched together

/** The state of people, for as long as it is open. */
export class Presence {
  readonly #states = new Map<string, Value<State | null>>();
  readonly #watching: Debounced;
  readonly #parley: Parley;

  constructor(parley: Parley) {
    this.#parley = parley;
    this.#watching = new Debounced(PAUSE_MS, () => void this.#watch());
  }

  /** The state of a user; null while it is not known. A user is watched while somebody subscribes. */
  of(userId: string): Readable<State | null> {
    let state = this.#states.get(userId);
    if (!state) this.#states.set(userId, (state = new Value<State | null>(null, () => this.#watching.call())));
    return state;
  }

  /** Watches, and tells the others when the page is hidden. Returns a function that ends both. */
  open(): () => void {
    const page = (globalThis as { document?: Document }).document;
    const announce = () => page && void this.#parley.request("set_presence", { state: page.hidden ? "away" : "active" }).catch(() => {});
    page?.addEventListener("visibilitychange", announce);
    const ends = [
      this.#parley.on("event", ({ event }) => this.#receive(event)),
      whenLive(this.#parley, () => (announce(), this.#watching.call())), // a new connection watches nobody
      () => page?.removeEventListener("visibilitychange", announce),
      () => this.#watching.end(),
    ];
    return () => ends.forEach((end) => end());
  }

  async #watch(): Promise<void> {
    const observed = [...this.#states].filter(([, state]) => state.isObserved).map(([id]) => id);
    try {
      const { states } = await this.#parley.request("watch_presence", { user_ids: observed.slice(-MOST_WATCHED) });
      for (const state of states) this.#states.get(state.user_id)?.set(state);
    } catch {
      // Without a connection: the next one watches.
    }
  }

  #receive(event: PushedEvent): void {
    if (event.type === "presence.updated") this.#states.get(event.data.user_id)?.set(event.data);
  }
}
