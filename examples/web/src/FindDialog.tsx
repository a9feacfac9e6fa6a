import type { ServerRoom, User } from "parley-client";
import { useParley } from "parley-client/react";
import { useEffect, useState } from "react";
import { Avatar } from "./Avatar.tsx";
import { BlockButton } from "./Blocking.tsx";
import { useBlocks } from "./blocks.ts";
import { Dialog } from "./Dialog.tsx";
import { useAttempt } from "./notice.ts";
import { openRoom } from "./route.ts";
import { countOf } from "./words.ts";

const PAUSE_MS = 200;
const LEAST_LETTERS = 2; // the server searches people from two letters on

/** People and public rooms by name: a direct room is opened, a public one is joined. */
export function FindDialog({ onClose }: { onClose(): void }) {
  const client = useParley();
  const attempt = useAttempt();
  const blocked = useBlocks();
  const [words, setWords] = useState("");
  const [people, setPeople] = useState<User[]>([]);
  const [rooms, setRooms] = useState<ServerRoom[]>([]);
  const [isSearched, setSearched] = useState(false);

  useEffect(() => {
    let isCurrent = true;
    const q = words.trim();
    const search = async () => {
      const found = await attempt(
        Promise.all([
          client.rest("GET /v1/rooms/directory", { query: { limit: 20, ...(q && { q }) } }),
          q.length < LEAST_LETTERS ? { results: [] } : client.rest("GET /v1/users", { query: { q, limit: 20 } }),
        ]),
      );
      if (!isCurrent || !found) return;
      setRooms(found[0].results);
      setPeople(found[1].results.filter(({ id }) => id !== client.me.get()?.id));
      setSearched(true);
    };
    const timer = setTimeout(() => void search(), PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [client, attempt, words]);

  async function go(opening: Promise<{ id: string }>) {
    const room = await attempt(opening);
    onClose();
    if (room) openRoom(room.id);
  }
  const join = (room: ServerRoom) =>
    room.me.state === "joined" ? Promise.resolve(room) : client.rest("POST /v1/rooms/{room_id}/join", { path: { room_id: room.id } });

  return (
    <Dialog title="Find people and rooms" onClose={onClose}>
      <label>
        Name
        <input type="search" value={words} onChange={(event) => setWords(event.target.value)} data-first />
      </label>
      <div className="results" role="group" aria-label="Results">
        {people.map((user) => (
          <button key={user.id} className="row" onClick={() => go(client.direct(user.id))}>
            <Avatar id={user.id} name={user.display_name} />
            <span className="grow ellipsis">{user.display_name} <small>@{user.username}</small></span>
          </button>
        ))}
        {rooms.map((room) => (
          <button key={room.id} className="row" onClick={() => go(join(room))}>
            <Avatar id={room.id} name={room.name!} />
            <span className="grow ellipsis">{room.name} <small>{room.topic}</small></span>
            <small>{room.me.state === "joined" ? "joined" : countOf(room.member_count, "member")}</small>
          </button>
        ))}
      </div>
      <p role="status" className="hint">
        {isSearched && !people.length && !rooms.length && "Nobody and nothing has this name."}
        {words.trim().length < LEAST_LETTERS && "Type two letters to find people."}
      </p>
      {blocked.length > 0 && (
        <section aria-label="People you block">
          <h3>People you block</h3>
          <ul className="results">
            {blocked.map((user) => (
              <li key={user.id} className="row">
                <span className="grow ellipsis">{user.display_name} <small>@{user.username}</small></span>
                <BlockButton user={user} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  );
}
