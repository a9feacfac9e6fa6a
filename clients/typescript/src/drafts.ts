// Drafts on all devices of a user: those of this page are kept at the server too, and those of other devices are shown.
import { whenLive } from "./follow.js";
import type { PushedEvent } from "./generated/contract.js";
import type { Parley } from "./parley.js";

const PAUSE_MS = 1_000; // after the last key

/** Keeps the drafts of rooms the same on all devices. What is written here wins over what was written elsewhere before. */
export function syncDrafts(parley: Parley): () => void {
  const known = new Map<string, string>(); // by room, as the server has it
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const followed = new Map<string, () => void>();
  const page = (globalThis as { document?: Document }).document;

  const save = async (id: string) => {
    timers.delete(id);
    const text = parley.room(id).draft.get();
    if (text === (known.get(id) ?? "") || page?.hidden) return; // the tab in which it is written saves it
    const before = known.get(id) ?? "";
    known.set(id, text);
    const path = { room_id: id };
    const saved = text
      ? parley.rest("PUT /v1/rooms/{room_id}/draft", { path, body: { text } })
      : parley.rest("DELETE /v1/rooms/{room_id}/draft", { path });
    await saved.catch(() => known.set(id, before)); // saved with the next change, or the next connection
  };
  const schedule = (id: string) => {
    clearTimeout(timers.get(id));
    timers.set(id, setTimeout(() => void save(id), PAUSE_MS));
  };
  const followRooms = () => {
    for (const { id } of parley.rooms.get())
      if (!followed.has(id)) followed.set(id, parley.room(id).draft.subscribe(() => schedule(id)));
  };
  const take = (id: string, text: string) => {
    const room = parley.room(id);
    const isOwn = timers.has(id) || room.draft.get() !== (known.get(id) ?? "");
    known.set(id, text);
    if (!isOwn) room.setDraft(text);
    else schedule(id);
  };
  const load = async () => {
    let cursor: string | undefined;
    do {
      const found = await parley.rest("GET /v1/me/drafts", { query: cursor === undefined ? {} : { cursor } });
      for (const { room_id, thread_root, text } of found.results) if (!thread_root) take(room_id, text);
      cursor = found.next ?? undefined;
    } while (cursor);
    for (const { id } of parley.rooms.get()) if (parley.room(id).draft.get() !== (known.get(id) ?? "")) schedule(id);
  };
  const receive = (event: PushedEvent) => {
    if (event.type === "draft.updated" && !event.data.thread_root) take(event.data.room_id, event.data.text ?? "");
  };

  followRooms();
  const ends = [
    parley.rooms.subscribe(followRooms),
    parley.on("event", ({ event }) => receive(event)),
    whenLive(parley, () => void load().catch(() => {})),
  ];
  return () => {
    for (const end of [...ends, ...followed.values()]) end();
    timers.forEach((timer) => clearTimeout(timer));
  };
}
