// Values that change: `get` returns the same object until the next change, `subscribe` is told of it once per turn.

/** A value to read and to follow, in the shape that React, Svelte, Vue and signals can use. */
export interface Readable<T> {
  /** The value now. The same object is returned until it changes. */
  get(): T;
  /** Calls the listener after each change, not now. Returns a function that ends it. */
  subscribe(listener: (value: T) => void): () => void;
}

const changed = new Set<View<unknown>>();

function notify(): void {
  const views = [...changed];
  changed.clear();
  for (const view of views) view.flush();
}

/** A readable that is computed from other state when it is read. */
export class View<T> implements Readable<T> {
  readonly #listeners = new Set<(value: T) => void>();
  #value!: T;
  #isFresh = false;

  readonly #compute: () => T;
  readonly #observed: (() => void) | undefined;

  /** `observed` is called with each first subscription. */
  constructor(
    compute: () => T,
    observed?: () => void,
  ) {
    this.#compute = compute;
    this.#observed = observed;
  }

  get isObserved(): boolean {
    return this.#listeners.size > 0;
  }

  get(): T {
    if (!this.#isFresh) {
      this.#value = this.#compute();
      this.#isFresh = true;
    }
    return this.#value;
  }

  subscribe(listener: (value: T) => void): () => void {
    const each = (value: T) => listener(value); // the same function may subscribe twice
    this.#listeners.add(each);
    if (this.#listeners.size === 1) this.#observed?.();
    return () => void this.#listeners.delete(each);
  }

  /** Computes the value again when it is read next; listeners are called at the end of the turn. */
  invalidate(): void {
    this.#isFresh = false;
    if (!this.#listeners.size) return;
    if (!changed.size) queueMicrotask(notify);
    changed.add(this as View<unknown>);
  }

  flush(): void {
    for (const listener of [...this.#listeners]) listener(this.get());
  }
}

/** Invalidates readables that are views. */
export function invalidate(...views: Readable<unknown>[]): void {
  for (const view of views) (view as View<unknown>).invalidate();
}

/** A readable that is set. */
export class Value<T> extends View<T> {
  #current: T;

  constructor(current: T, observed?: () => void) {
    super(() => this.#current, observed);
    this.#current = current;
  }

  set(value: T): void {
    if (Object.is(value, this.#current)) return;
    this.#current = value;
    this.invalidate();
  }
}
