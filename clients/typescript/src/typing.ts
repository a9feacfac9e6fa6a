// Typing: who types in a room, for as long as it is true, and how often the own typing is told.

export class Typing {
  private users: readonly string[] = [];
  private expiry: ReturnType<typeof setTimeout> | undefined;
  private notBefore = 0;

  constructor(
    private readonly changed: () => void,
    private readonly intervals: () => { resend: number; expire: number },
  ) {}

  others(me: string): readonly string[] {
    return this.users.filter((id) => id !== me);
  }

  /** Each event has the whole set. After a lost connection no event ends it, so it expires. */
  set(users: readonly string[]): void {
    clearTimeout(this.expiry);
    this.users = users;
    if (users.length) this.expiry = setTimeout(() => this.set([]), this.intervals().expire);
    this.changed();
  }

  remove(user: string): void {
    if (this.users.includes(user)) this.set(this.users.filter((id) => id !== user));
  }

  /** Whether the own typing is to be told now. */
  type(): boolean {
    if (Date.now() < this.notBefore) return false;
    this.notBefore = Date.now() + this.intervals().resend;
    return true;
  }

  /** A sent message has ended the own typing. */
  sent(): void {
    this.notBefore = 0;
  }
}
