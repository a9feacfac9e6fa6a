// What the modules beside the core share: they follow a client from outside, by its events and its status.
import type { Parley } from "./parley.js";

/** Runs now, if the connection is live, and each time when it is live again. Returns a function that ends it. */
export function whenLive(parley: Parley, run: () => void): () => void {
  const check = () => parley.status.get() === "live" && run();
  check();
  return parley.status.subscribe(check);
}

/** Runs at most once in a pause, at its end. */
export class Debounced {
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #pauseMs: number;
  readonly #run: () => void;

  constructor(pauseMs: number, run: () => void) {
    this.#pauseMs = pauseMs;
    this.#run = run;
  }

  call(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, this.#pauseMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
