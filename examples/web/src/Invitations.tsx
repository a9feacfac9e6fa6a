// Rooms to which others have invited me, above my rooms.
import type { MyInvite } from "parley-client";
import { useParley, useStatus } from "parley-client/react";
import { useEffect, useState } from "react";
import { useAttempt } from "./notice.ts";
import { openRoom } from "./route.ts";

const EVENTS = ["room.invited", "room.uninvited"];

function useInvites(): readonly MyInvite[] {
  const client = useParley();
  const status = useStatus();
  const [invites, setInvites] = useState<readonly MyInvite[]>([]);
  useEffect(() => {
    const load = () => void client.rest("GET /v1/me/invites").then(({ results }) => setInvites(results), () => {});
    if (status === "live") load();
    return client.on("event", ({ event }) => EVENTS.includes(event.type) && load());
  }, [client, status]);
  return invites;
}

export function Invitations() {
  const client = useParley();
  const attempt = useAttempt();
  const invites = useInvites();
  if (!invites.length) return null;

  async function accept(room_id: string) {
    if (await attempt(client.rest("POST /v1/rooms/{room_id}/join", { path: { room_id } }))) openRoom(room_id);
  }
  return (
    <section className="invitations" aria-label="Invitations">
      {invites.map(({ room, invited_by }) => (
        <div key={room.id}>
          <p><strong>{invited_by.display_name}</strong> invites you to <strong>{room.name}</strong>.</p>
          <button className="primary" onClick={() => accept(room.id)}>Join</button>
          <button onClick={() => attempt(client.rest("POST /v1/rooms/{room_id}/decline", { path: { room_id: room.id } }))}>Decline</button>
        </div>
      ))}
    </section>
  );
}
