// The unread count of a room: as the server counted it at one seq, and what has changed it since.

const MOST_CHANGES = 1_000;
export const EXACT = 999; // the server counts no further

type Change = [seq: number, messageSeq: number, by: 1 | -1];

export class Unread {
  #changes: Change[] = [];

  #head: number;
  #base: number;

  /** `head` is the seq as of which `base` was counted. */
  constructor(
    head: number,
    base: number,
    public isCapped: boolean,
  ) {
    this.#head = head;
    this.#base = base;
  }

  get count(): number {
    return Math.min(EXACT, Math.max(0, this.#base + this.#changes.reduce((sum, [, , by]) => sum + by, 0)));
  }

  /** An event at `seq` has added or removed a message that counts. */
  change(seq: number, messageSeq: number, by: 1 | -1): void {
    if (this.count === EXACT && by > 0) this.isCapped = true;
    if (!this.isCapped) this.#changes.push([seq, messageSeq, by]);
    if (this.#changes.length > MOST_CHANGES) this.#rebase(this.#changes[0]![0]);
  }

  /** A newer count of the server, or of the user's own action. False when it is older than the changes known here. */
  countAt(head: number, base: number, isCapped: boolean, readSeq: number): boolean {
    if (head < this.#head) return false;
    this.#changes = this.#changes.filter(([seq, messageSeq]) => seq > head && messageSeq > readSeq);
    this.#head = head;
    this.#base = base;
    this.isCapped = isCapped;
    return true;
  }

  #rebase(upTo: number): void {
    for (const [seq, , by] of this.#changes) if (seq <= upTo) this.#base += by;
    this.#changes = this.#changes.filter(([seq]) => seq > upTo);
    this.#head = upTo;
  }
}
