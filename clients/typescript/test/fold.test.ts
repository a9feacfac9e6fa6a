// The fold of one room, by properties: any log, any pages, in any order, end as the log does.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message, MessageHistory, PushedEvent, ServerRoom } from "../src/index.js";
import { pause } from "../src/pause.js";
import { PLAIN, RoomState, type Block } from "../src/room_state.js";

type Durable = Extract<PushedEvent, { room_id: string; seq: number }>;

const AT = "2026-01-01T00:00:00.000Z";
const author = (id: string) => ({ id, username: id, display_name: id, avatar_url: null, kind: "person" as const });

/** A room on a server: its log, and the messages as of each event. */
class Log {
  readonly events: Durable[] = [];
  readonly history: Map<string, Message>[] = [new Map()];
  private readonly erased = new Set<string>();

  get head(): number {
    return this.events.length;
  }

  private add(type: string, data: object, changed: Message[] = []): void {
    const seq = this.head + 1;
    this.events.push({ type, room_id: "r", seq, at: AT, actor_id: "a", data } as unknown as Durable);
    const messages = new Map(this.history.at(-1));
    for (const message of changed) messages.set(message.id, message);
    this.history.push(messages);
  }

  apply([kind, who, place]: Step): void {
    const seq = this.head + 1;
    const now = [...this.history.at(-1)!.values()];
    const chosen = now[place % Math.max(1, now.length)];
    if (kind === "create" || !chosen) {
      const message = { id: `m${seq}`, room_id: "r", seq, version: seq, sender: author(this.erased.has(who) ? "dora" : who), client_id: `c${seq}`, text: `${seq}` };
      const said: Message = { ...PLAIN, ...message, created_at: AT, edited_at: null, deleted_at: null };
      this.add("message.created", said, [said]);
    } else if (kind === "edit" && !chosen.deleted_at) {
      const edited = { ...chosen, text: `edited ${seq}`, version: seq };
      this.add("message.edited", edited, [edited]);
    } else if (kind === "delete" && !chosen.deleted_at) {
      const gone = { ...chosen, ...PLAIN, text: null, deleted_at: AT, version: seq };
      this.add("message.deleted", gone, [gone]);
    } else if (kind === "react" && !chosen.deleted_at) {
      const reaction = { key: ["a", "b"][place % 2]!, count: seq % 3, user_ids: [who] };
      const others = chosen.reactions.filter(({ key }) => key !== reaction.key);
      const isKnown = others.length < chosen.reactions.length;
      const all = isKnown ? chosen.reactions.map((each) => (each.key === reaction.key ? reaction : each)) : [...others, reaction];
      const partial = { id: chosen.id, room_id: "r", seq: chosen.seq, version: seq, base_version: chosen.version };
      const reacted = { ...chosen, reactions: all.filter(({ count }) => count), version: seq };
      this.add("reaction.changed", { ...partial, change: { user_id: who, key: reaction.key, on: true }, reaction }, [reacted]);
    } else if (kind === "pin" && !chosen.deleted_at) {
      const pinned = { pinned_at: AT, pinned_by: who };
      const partial = { id: chosen.id, room_id: "r", seq: chosen.seq, version: seq, base_version: chosen.version };
      this.add("pin.added", { ...partial, ...pinned }, [{ ...chosen, ...pinned, version: seq }]);
    } else if (kind === "purge") {
      const below = now.filter((message) => message.seq < chosen.seq);
      const empty = below.map((message) => ({ ...message, ...PLAIN, text: null, deleted_at: message.deleted_at ?? AT, version: seq }));
      this.add("messages.purged", { before_seq: chosen.seq }, empty);
    } else if (kind === "erase") {
      this.erased.add(who);
      const erased = { ...author(who), display_name: "" };
      const theirs = now.filter(({ sender }) => sender.id === who);
      this.add("user.erased", { user: erased }, theirs.map((message) => ({ ...message, sender: erased })));
    } else this.add("room.updated", { topic: `${seq}` });
  }

  at(head: number): Message[] {
    return [...this.history[head]!.values()].sort((a, b) => a.seq - b.seq);
  }

  page(before: number, limit: number): MessageHistory {
    const older = this.at(this.head).filter(({ seq }) => seq < before);
    const results = older.slice(-limit);
    const seqs = { oldest_seq: results[0]?.seq ?? null, newest_seq: results.at(-1)?.seq ?? null };
    return { results, page: { ...seqs, more_before: older.length > limit, more_after: false }, head: this.head, epoch: 1, mine: {} };
  }

  unread(readSeq: number): number {
    return this.at(this.head).filter(({ seq, sender, deleted_at }) => seq > readSeq && sender.id !== "me" && !deleted_at).length;
  }

  room(): ServerRoom {
    const me = { state: "joined", role: "member", can: ["send"], read_seq: 0, unread: this.unread(0), unread_capped: false, hidden: false };
    return { id: "r", head: this.head, me, last_message: this.at(this.head).at(-1) ?? null, peer: null, member_count: 2 } as unknown as ServerRoom;
  }
}

type Step = [kind: "create" | "edit" | "delete" | "react" | "pin" | "purge" | "erase" | "update" | "deliver" | "page", who: string, place: number];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom("create", "create", "create", "edit", "delete", "react", "react", "pin", "purge", "erase", "update", "deliver", "deliver", "page", "page"),
    fc.constantFrom("bob", "carol"),
    fc.nat(50),
  ) as fc.Arbitrary<Step>,
  { maxLength: 60 },
);

test("whatever arrives in which order, the held messages are the end of the log, and the count is the log's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), steps, async (before, walk) => {
      const log = new Log();
      for (let n = 0; n < before; n++) log.apply(["create", "bob", n]);
      const state = new RoomState("me", log.room());
      let pending: (() => void) | undefined;
      let loading: Promise<unknown> | undefined;
      const deliver = (seq: number) => state.cursor < seq && log.events.slice(state.cursor, seq).forEach((event) => state.apply(event));

      for (const step of walk) {
        if (step[0] === "deliver") deliver(Math.min(log.head, state.cursor + 1 + (step[2] % 3)));
        else if (step[0] !== "page") log.apply(step);
        else if (pending) {
          pending(); // the page arrives, later than it was read
          pending = undefined;
          await loading;
        } else {
          // A page is read now, at the head of the log, and its reply is on the way.
          const page = log.page(Math.min(state.history.window.from, log.head + 1), 1 + (step[2] % 7));
          loading = state.page(() => new Promise((done) => (pending = () => done(page))), state.history.prepend.bind(state.history));
        }
      }
      pending?.();
      await loading;
      deliver(log.head);

      const shown = state.history.shown();
      expect(shown).toEqual(shown.length ? log.at(log.head).slice(-shown.length) : []);
      if (shown.length && !state.history.window.moreBefore) expect(shown.length).toBe(log.at(log.head).length);
      if (!state.isOutdated) expect(state.shape.me.unread).toBe(log.unread(0));
    }),
    { numRuns: 2_000, seed: 7 },
  );
});

const whole = (fields: Partial<Message>): Message => ({
  ...PLAIN,
  id: "m1",
  room_id: "r",
  seq: 1,
  version: 1,
  sender: author("bob"),
  client_id: "c1",
  text: "Tea?",
  created_at: AT,
  edited_at: null,
  ...fields,
});
const pageOf = (results: Message[]): MessageHistory => {
  const page = { oldest_seq: 1, newest_seq: results.length, more_before: false, more_after: false };
  return { results, page, head: results.length, epoch: 1, mine: {} };
};
const event = (type: string, data: object, fields: object = {}) =>
  ({ type, room_id: "r", seq: 1, at: AT, actor_id: "a", data, ...fields }) as unknown as Durable;
const block = (type: string) => event(type, { user_id: "bob" }, { room_id: null }) as PushedEvent as Block;
const stub: Partial<Message> = { text: null, blocked: true };

test.each<[string, held: Partial<Message>, next: Partial<Message>, isTaken: boolean]>([
  ["a newer version", {}, { version: 2 }, true],
  ["an older one", { version: 2 }, { text: "Te" }, false],
  ["another text of the same version", {}, { text: "Coffee?" }, false],
  ["the whole of a stub", stub, {}, true],
  ["an older whole of a stub", { ...stub, version: 2 }, {}, false],
  ["the whole of a stub that is still empty", { ...stub, streaming: true }, { streaming: true, text: "" }, true],
  ["a longer text while it is written", { streaming: true }, { streaming: true, text: "Tea? Or" }, true],
  ["a shorter text while it is written", { streaming: true }, { streaming: true, text: "Te" }, false],
  ["a stub while it is written", { streaming: true }, { ...stub, streaming: true }, false],
  ["the end of what is written", { streaming: true }, { text: "Te" }, true],
])("events, replies and pages agree: %s", async (_, held, next, isTaken) => {
  const ways: ((state: RoomState, message: Message) => unknown)[] = [
    (state, message) => state.apply(event("message.edited", message)),
    (state, message) => state.take(message),
    (state, message) => state.page(async () => pageOf([message]), (page) => state.history.prepend(page)),
  ];
  for (const way of ways) {
    const state = new RoomState("me", new Log().room());
    state.history.append(whole(held));

    await way(state, whole(next));

    expect(state.history.get("m1")).toEqual(whole(isTaken ? next : held));
  }
});

test("a message that is loaded again replaces a stale copy of the same version", () => {
  const state = new RoomState("me", new Log().room());
  state.history.append(whole({}));
  state.apply(event("pin.added", { id: "m1", version: 4, base_version: 3 }));
  const [restored] = [RoomState.restore("me", state.stored([whole({})]), [whole({})])];
  expect([...state.stale]).toEqual([...restored.stale]);
  expect([...state.stale]).toEqual([["m1", false]]);

  restored.take(whole({ text: "Tea!" }));

  expect(restored.history.get("m1")!.text).toBe("Tea!");
});

test("a block hides what is held and a page that was on its way, and nothing of it counts", async () => {
  const said = [whole({}), whole({ id: "m2", seq: 2, version: 2, sender: author("carol") })];
  const state = new RoomState("me", { ...new Log().room(), head: 2, last_message: said[0]! });
  let arrive!: () => void;
  const loading = state.page(() => new Promise((done) => (arrive = () => done(pageOf(said)))), state.history.prepend.bind(state.history));

  state.block(block("block.added"));
  arrive();
  await loading;

  expect(state.history.shown().map(({ text, blocked }) => [text, blocked])).toEqual([[null, true], ["Tea?", false]]);
  expect([state.shape.last_message!.text, state.shape.me.unread]).toEqual([null, 1]);
  state.block(block("block.removed"));
  expect(state.history.isEmpty).toBe(true);
});

test("a reply in a thread is not the last message of its room, and moves no marker", () => {
  const state = new RoomState("me", new Log().room());

  state.apply(event("message.created", whole({ thread_root: "m0", sender: author("me") })));

  expect([state.shape.last_message, state.shape.me.read_seq]).toEqual([null, 0]);
});

test("the pause is never longer than its bound, and a page that is looked at is back within two seconds", () => {
  fc.assert(
    fc.property(fc.nat(100), fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, isHidden, random) => {
      expect(pause(attempt, isHidden, random)).toBeLessThanOrEqual(isHidden ? 30_000 : attempt < 40 ? 1_500 : 5_000);
    }),
  );
});
