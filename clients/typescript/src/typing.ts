// Typing: who types in a room, for as long as it is true, and how often the own typing is told.

export class Typing {
  #users: readonly string[] = [];
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #notBefore = 0;

  readonly #changed: () => void;
  readonly #intervals: () => { resend: number; expire: number };

  constructor(
    changed: () => void,
    intervals: () => { resend: number; expire: number },
  ) {
    this.#changed = changed;
    this.#intervals = intervals;
  }

  others(me: string): readonly string[] {
    return this.#users.filter((id) => id !== me);
  }

  /** Each event has the whole set. After a lost connection no event ends it, so it expires. */
  set(users: readonly string[]): void {
    clearTimeout(this.#expiry);
    this.#users = users;
    if (users.length) this.#expiry = setTimeout(() => this.set([]), this.#intervals().expire);
    this.#changed();
  }

  remove(user: string): void {
    if (this.#users.includes(user)) this.set(this.others(user));
  }

  /** Whether the own typing is to be told now. */
  type(): boolean {
    if (Date.now() < this.#notBefore) return false;
    this.#notBefore = Date.now() + this.#intervals().resend;
    return true;
  }

  /** A sent message has ended the own typing. */
  sent(): void {
    this.#notBefore = 0;
  }
}
