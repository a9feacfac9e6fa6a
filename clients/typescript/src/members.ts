// The members of a room, loaded when somebody looks at them, then kept up to date by events.
import type { Member, PushedEvent, User } from "./generated/contract.js";
import { View } from "./readable.js";
import type { Rest } from "./rest.js";

const PAGE = 100;

export class Members {
  readonly #members = new Map<string, Member>();
  #isLoaded = false;
  readonly view = new View<readonly Member[]>(
    () => [...this.#members.values()],
    () => void this.#load().catch(() => {}),
  );

  readonly #room: string;
  readonly #rest: Rest;

  constructor(
    room: string,
    rest: Rest,
  ) {
    this.#room = room;
    this.#rest = rest;
  }

  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    let cursor: string | undefined;
    this.#isLoaded = true;
    try {
      do {
        const query = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
        const page = await this.#rest("GET /v1/rooms/{room_id}/members", { path: { room_id: this.#room }, query });
        for (const member of page.results) this.#members.set(member.user.id, member);
        cursor = page.next ?? undefined;
      } while (cursor);
    } catch (error) {
      this.#isLoaded = false;
      throw error;
    } finally {
      this.view.invalidate();
    }
  }

  /** Read markers may have been missed: if somebody looks at the members, they are loaded again. */
  reset(): void {
    this.#isLoaded = false;
    if (this.view.isObserved) void this.#load().catch(() => {});
  }

  receive(event: PushedEvent): void {
    if (!this.#isLoaded) return;
    const members = this.#members;
    if (event.type === "member.joined" || event.type === "member.role_changed") members.set(event.data.user.id, event.data);
    else if (event.type === "member.left" || event.type === "member.removed") members.delete(event.data.user.id);
    else if (event.type === "read.updated") this.#change(event.data.user_id, { read_seq: event.data.read_seq });
    else if (event.type === "delivered.updated") this.#change(event.data.user_id, { delivered_seq: event.data.delivered_seq });
    else if (event.type === "user.erased") this.#change(event.data.user.id, { user: event.data.user });
    else return;
    this.view.invalidate();
  }

  #change(id: string, fields: Partial<Omit<Member, "user">> & { user?: Partial<User> }): void {
    const member = this.#members.get(id);
    if (member) this.#members.set(id, { ...member, ...fields, user: { ...member.user, ...fields.user } });
  }
}
