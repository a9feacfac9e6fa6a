// Makes a public or a private room.
import { useParley } from "parley-client/react";
import { useState, type SubmitEvent } from "react";
import { Dialog } from "./Dialog.tsx";
import { useAttempt } from "./notice.ts";
import { openRoom } from "./route.ts";

export function NewRoomDialog({ onClose }: { onClose(): void }) {
  const client = useParley();
  const attempt = useAttempt();
  const [isBusy, setBusy] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const kind = fields.get("private") ? "private" : "public";
    setBusy(true);
    const room = await attempt(client.create({ kind, name: String(fields.get("name")), topic: String(fields.get("topic")) }));
    setBusy(false);
    if (!room) return;
    onClose();
    openRoom(room.id);
  }

  return (
    <Dialog title="New room" onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          Name
          <input name="name" maxLength={80} required data-first />
        </label>
        <label>
          Topic <small>(if it needs one)</small>
          <input name="topic" maxLength={200} />
        </label>
        <label className="check">
          <input type="checkbox" name="private" /> Only people who were added can find it
        </label>
        <button className="primary" disabled={isBusy}>Make the room</button>
      </form>
    </Dialog>
  );
}
