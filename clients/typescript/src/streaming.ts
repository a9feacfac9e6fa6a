// Streamed messages: the text of a message that is written bit by bit grows on the page with each part.
import { whenLive } from "./follow.js";
import type { Message, TextAppended } from "./generated/contract.js";
import type { Parley } from "./parley.js";
import type { ChatMessage } from "./room.js";

/** A message with a part of its text; null when it has the part or ends already, undefined when parts before it are missing. */
export function grow<M extends Pick<Message, "streaming" | "text">>(held: M, { offset, text }: TextAppended): M | null | undefined {
  if (!held.streaming || held.text === null) return null;
  const known = [...held.text].length - offset; // in code points, as the offset is
  if (known < 0) return undefined;
  const fresh = [...text].slice(known).join("");
  return fresh ? { ...held, text: held.text + fresh } : null;
}

/** Grows the streamed messages of `room.messages` until the returned function is called. */
export function followStreams(parley: Parley): () => void {
  const loading = new Map<string, TextAppended[]>(); // by message, the parts that came meanwhile
  const shown = (roomId: string) => parley.room(roomId).messages.get();

  const append = (part: TextAppended) => {
    const held = shown(part.room_id).find(({ id }) => id === part.id);
    const grown = held && grow(held, part);
    if (grown) parley.room(part.room_id).take(stored(grown));
    return !held || grown !== undefined;
  };
  const load = async (roomId: string, id: string) => {
    if (loading.has(id)) return;
    const parts: TextAppended[] = [];
    loading.set(id, parts);
    try {
      parley.room(roomId).take(await parley.request("get_message", { room_id: roomId, message_id: id }));
      parts.every(append); // after a hole the next part loads the message again
    } catch {
      // Without a connection: with the next one.
    } finally {
      loading.delete(id);
    }
  };
  const receive = (part: TextAppended) => {
    const waiting = loading.get(part.id);
    if (waiting) waiting.push(part);
    else if (!append(part)) void load(part.room_id, part.id);
  };
  const loadAll = () => {
    for (const { id } of parley.rooms.get())
      for (const message of shown(id)) if (message.streaming && message.status === "sent") void load(id, message.id);
  };

  const ends = [
    parley.on("event", ({ event }) => event.type === "text.appended" && receive(event.data)),
    whenLive(parley, loadAll), // what was missed is not replayed
  ];
  return () => ends.forEach((end) => end());
}

function stored({ status: _, error: __, ...message }: ChatMessage): Message {
  return message as Message;
}
