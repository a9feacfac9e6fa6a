import type { Message, RoomSummary } from "parley-client";
import { useParley } from "parley-client/react";
import { useEffect, useState } from "react";
import { Dialog } from "./Dialog.tsx";
import { useAttempt } from "./notice.ts";
import { withoutText } from "./words.ts";

/** The pinned messages of a room; choosing one leads to its place. */
export function PinsDialog({ info, onGoTo, onClose }: { info: RoomSummary; onGoTo(id: string): void; onClose(): void }) {
  const client = useParley();
  const attempt = useAttempt();
  const [pins, setPins] = useState<readonly Message[] | null>(null);
  useEffect(() => {
    const load = () => void attempt(client.rest("GET /v1/rooms/{room_id}/pins", { path: { room_id: info.id } })).then((page) => page && setPins(page.results));
    load();
    return client.on("event", ({ event }) => event.room_id === info.id && event.type.startsWith("pin.") && load());
  }, [client, attempt, info.id]);

  return (
    <Dialog title="Pinned messages" onClose={onClose}>
      {pins?.length === 0 && <p className="hint">Nothing is pinned.</p>}
      <ul className="results">
        {pins?.map((message) => (
          <li key={message.id}>
            <button className="row" onClick={() => (onClose(), onGoTo(message.id))}>
              <span className="grow ellipsis"><strong>{message.sender.display_name}</strong> {message.text ?? withoutText(message)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
