// The page at a link to a room: says where it leads, and joins.
import type { LinkedRoom, Refused } from "parley-client";
import { useParley, useStatus } from "parley-client/react";
import { useEffect, useState } from "react";
import { Avatar } from "./Avatar.tsx";
import { useAttempt } from "./notice.ts";
import { leaveLinkFor } from "./route.ts";
import { countOf } from "./words.ts";

const NO_ROOM = "This link does not lead to a room any more: it has ended, was used up or was deleted.";

export function JoinByLink({ code }: { code: string }) {
  const client = useParley();
  const status = useStatus();
  const attempt = useAttempt();
  const [room, setRoom] = useState<LinkedRoom | null>(null);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    let isCurrent = true;
    client.rest("GET /v1/links/{code}", { path: { code } }).then(
      (found) => isCurrent && setRoom(found),
      (error: Refused) => {
        if (!isCurrent || error.isRetryable) return; // again when the connection is back
        setProblem(error.code === "not_found" ? NO_ROOM : error.message);
      },
    );
    return () => void (isCurrent = false);
  }, [client, code, status]);

  async function join(): Promise<void> {
    setBusy(true);
    const joined = await attempt(client.rest("POST /v1/links/{code}/join", { path: { code } }));
    setBusy(false);
    if (joined) leaveLinkFor(joined.id);
  }

  return (
    <section className="room empty" aria-label="Invitation">
      {room && !problem && (
        <>
          <Avatar id={room.room_id} name={room.name} />
          <h2>You are invited to {room.name}</h2>
          {room.topic && <p>{room.topic}</p>}
          <p>A {room.kind} room with {countOf(room.member_count, "member")}</p>
          <button className="primary" disabled={isBusy} onClick={join}>Join</button>
        </>
      )}
      {problem && <p role="alert">{problem}</p>}
      {!room && !problem && <p>Loading …</p>}
      <a href="#/">Show my rooms</a>
    </section>
  );
}
