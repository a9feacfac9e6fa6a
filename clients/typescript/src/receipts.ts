// Receipts: what has reached this device is acknowledged, and who has received and read a message.
import { Debounced, whenLive } from "./follow.js";
import type { Member } from "./generated/contract.js";
import type { Parley } from "./parley.js";
import type { ChatMessage } from "./room.js";

const PAUSE_MS = 1_000; // once a second is enough
const MOST_ROOMS = 100; // of one acknowledgement

/** Acknowledges what reaches this device, which the others see as delivered. Returns a function that ends it. */
export function acknowledge(parley: Parley): () => void {
  const done = new Map<string, number>();
  const acking = new Debounced(PAUSE_MS, () => {
    const rooms = parley.rooms.get().filter(({ id, head }) => head > (done.get(id) ?? 0)).slice(0, MOST_ROOMS);
    if (!rooms.length || parley.status.get() !== "live") return;
    const heads = rooms.map(({ id, head }) => [id, head] as const);
    for (const [id, head] of heads) done.set(id, head);
    parley.request("ack", { rooms: Object.fromEntries(heads) }).then(
      () => acking.call(), // what is beyond the most rooms, or came meanwhile
      () => heads.forEach(([id]) => done.delete(id)),
    );
  });
  const ends = [whenLive(parley, () => acking.call()), parley.rooms.subscribe(() => acking.call()), () => acking.end()];
  return () => ends.forEach((end) => end());
}

/** The members, without the sender, who have read a message, and those whom it has reached. */
export interface Receipt {
  read: readonly Member[];
  delivered: readonly Member[];
}

/** The receipt of a message by `room.members`. In a room whose `mode.receipts` is counts, ask REST for the numbers. */
export function receiptOf({ seq, sender }: ChatMessage, members: readonly Member[]): Receipt {
  if (seq === null) return { read: [], delivered: [] };
  const others = members.filter(({ user }) => user.id !== sender.id);
  return {
    read: others.filter(({ read_seq }) => (read_seq ?? 0) >= seq),
    delivered: others.filter(({ read_seq, delivered_seq }) => Math.max(read_seq ?? 0, delivered_seq ?? 0) >= seq),
  };
}
