// Unsent messages: kept until the server has answered, sent one after another in each room, oldest first.
import type { Message, SendMessageFrame } from "./generated/contract.js";
import type { Link } from "./link.js";
import { Refused } from "./refused.js";

type Body = Omit<SendMessageFrame, "action" | "request_id">;

/** An unsent message in the store. */
export interface Unsent extends Body {
  created_at: string;
  /** Why the server will not take it; null while it may still be sent. */
  refused: { code: Refused["code"]; detail: string } | null;
}

export interface OutboxEvents {
  /** Writes a record, undefined to remove it. Reports it when the store is full. */
  keep(clientId: string, unsent: Unsent | undefined): Promise<void>;
  /** Another tab must know. */
  changed(clientId: string, unsent: Unsent | undefined, message: Message | null): void;
  /** The view of a room changes. */
  room(id: string): void;
  sent(message: Message): void;
  refused(unsent: Unsent, error: Refused): void;
}

interface Settling {
  resolve(message: Message): void;
  reject(error: Refused): void;
  kept(): void;
}

const NOT_KNOWN_MS = 1_000;

export class Outbox {
  readonly #records = new Map<string, Unsent>();
  readonly #removed = new Set<string>(); // client_ids that the store, or another tab, may still have
  readonly #settling = new Map<string, Settling>();
  readonly #sending = new Map<string, string>(); // by room, the client_id that is on its way
  readonly #pauses = new Map<string, ReturnType<typeof setTimeout>>();
  #link: Link | null = null;

  readonly #report: OutboxEvents;

  constructor(report: OutboxEvents) {
    this.#report = report;
  }

  /** Unsent messages of a room, in the order of writing. */
  of(roomId: string): Unsent[] {
    const found = [...this.#records.values()].filter((unsent) => unsent.room_id === roomId);
    return found.sort((a, b) => (a.client_id < b.client_id ? -1 : 1));
  }

  get(clientId: string): Unsent | undefined {
    return this.#records.get(clientId);
  }

  all(): Unsent[] {
    return [...this.#records.values()];
  }

  isSending(unsent: Unsent): boolean {
    return this.#sending.get(unsent.room_id) === unsent.client_id;
  }

  /** Takes records of the store, or of another tab. */
  learn(clientId: string, unsent: Unsent | undefined): void {
    const known = this.#records.get(clientId) ?? unsent;
    if (!known || this.#removed.has(clientId)) return;
    if (unsent) this.#records.set(clientId, unsent);
    else {
      this.#records.delete(clientId);
      this.#removed.add(clientId);
    }
    this.#report.room(known.room_id);
    if (unsent?.refused) this.settle(clientId, new Refused(unsent.refused.code, unsent.refused.detail));
    this.flush();
  }

  /** Keeps a message and sends it. `kept` resolves when a reload can no longer lose it. */
  add(unsent: Unsent): { kept: Promise<void>; settled: Promise<Message> } {
    this.#records.set(unsent.client_id, unsent);
    let kept!: () => void;
    const isKept = new Promise<void>((resolve) => (kept = resolve));
    const settled = new Promise<Message>((resolve, reject) => this.#settling.set(unsent.client_id, { resolve, reject, kept }));
    settled.catch(() => {}); // the view shows the refusal
    this.#report.room(unsent.room_id);
    void this.#report.keep(unsent.client_id, unsent).then(() => {
      kept();
      if (this.#records.has(unsent.client_id)) this.#report.changed(unsent.client_id, unsent, null);
      this.flush();
    });
    return { kept: isKept, settled };
  }

  /** Takes all messages of another outbox, whose user was not known yet. */
  async adopt(other: Outbox): Promise<void> {
    for (const unsent of other.all()) {
      const { client_id } = unsent;
      const settling = other.#settling.get(client_id);
      if (settling) this.#settling.set(client_id, settling);
      await this.#report.keep(client_id, unsent);
      settling?.kept();
      this.learn(client_id, unsent);
      other.#settling.delete(client_id);
      other.#forget(client_id, null);
    }
  }

  /** Removes a message that is not wanted any more. */
  remove(clientId: string, error: Refused): void {
    this.#forget(clientId, null);
    this.settle(clientId, error);
  }

  /** The server has it: by a reply, an event or a page. */
  acknowledge(message: Message): void {
    this.#forget(message.client_id, message);
    this.settle(message.client_id, message);
  }

  /** Settles the promise of a message that another tab has sent. */
  settle(clientId: string, outcome: Message | Refused): void {
    const waiting = this.#settling.get(clientId);
    this.#settling.delete(clientId);
    if (outcome instanceof Refused) waiting?.reject(outcome);
    else waiting?.resolve(outcome);
  }

  #forget(clientId: string, message: Message | null): void {
    const unsent = this.#records.get(clientId);
    if (!unsent) return;
    this.#records.delete(clientId);
    this.#removed.add(clientId);
    void this.#report.keep(clientId, undefined); // sent again later, it makes no second message
    this.#report.changed(clientId, undefined, message);
    this.#report.room(unsent.room_id);
  }

  /** Sends by this connection from now on; null: by none. */
  use(link: Link | null): void {
    this.#link = link;
    this.#sending.clear();
    for (const timer of this.#pauses.values()) clearTimeout(timer);
    this.#pauses.clear();
    this.flush();
  }

  /** All rooms go on. */
  flush(): void {
    if (!this.#link) return;
    const rooms = new Set([...this.#records.values()].map((unsent) => unsent.room_id));
    for (const id of rooms) void this.#sendNext(id, this.#link);
  }

  async #sendNext(roomId: string, link: Link): Promise<void> {
    if (this.#sending.has(roomId) || this.#pauses.has(roomId)) return;
    const next = this.of(roomId).find((unsent) => !unsent.refused);
    if (!next) return;
    this.#sending.set(roomId, next.client_id);
    this.#report.room(roomId);
    const { created_at: _, refused: __, ...body } = next;
    let pause: number | null = null;
    try {
      const message = await link.request("send_message", body);
      if (this.#link !== link) return;
      this.#report.sent(message);
      this.acknowledge(message);
    } catch (error) {
      if (this.#link !== link) return;
      pause = this.#fail(next, error as Refused);
    }
    this.#sending.delete(roomId);
    this.#report.room(roomId);
    if (pause === null) return void this.#sendNext(roomId, link);
    const resume = () => {
      this.#pauses.delete(roomId);
      this.flush();
    };
    this.#pauses.set(roomId, setTimeout(resume, pause));
  }

  /** The pause before the next attempt; null when there is none, because the server will not take the message. */
  #fail(unsent: Unsent, error: Refused): number | null {
    // A refused session is no fault of the message: the same user sends it with the next session.
    if (error.isRetryable || error.code.startsWith("auth.")) return error.problem?.retry_after_ms ?? NOT_KNOWN_MS;
    if (!this.#records.has(unsent.client_id)) return null; // acknowledged by its event, or discarded
    const refused: Unsent = { ...unsent, refused: { code: error.code, detail: error.message } };
    this.#records.set(unsent.client_id, refused);
    void this.#report.keep(unsent.client_id, refused);
    this.#report.changed(unsent.client_id, refused, null);
    this.#report.refused(refused, error);
    this.settle(unsent.client_id, error);
    return null;
  }
}
