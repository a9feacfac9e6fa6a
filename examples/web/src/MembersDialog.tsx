import type { RoomSummary, User } from "parley-client";
import { useMembers, useParley } from "parley-client/react";
import { useState, type SubmitEvent } from "react";
import { Avatar } from "./Avatar.tsx";
import { BlockButton } from "./Blocking.tsx";
import { Dialog } from "./Dialog.tsx";
import { InviteLinks } from "./InviteLinks.tsx";
import { useAttempt } from "./notice.ts";
import { PresenceDot } from "./Presence.tsx";
import { openRoom } from "./route.ts";

/** The members of a room; who may adds, invites and removes some, and everybody can leave and block. */
export function MembersDialog({ info, me, onClose }: { info: RoomSummary; me: string; onClose(): void }) {
  const client = useParley();
  const attempt = useAttempt();
  const members = useMembers(info.id);
  const can = new Set<string>(info.me.can);
  const path = (user_id: string) => ({ room_id: info.id, user_id });

  async function leave() {
    onClose();
    await attempt(client.room(info.id).leave());
    openRoom(null);
  }

  return (
    <Dialog title={`Members of ${info.title}`} onClose={onClose}>
      <ul className="results">
        {members.map(({ user, role }) => (
          <li key={user.id} className="row">
            <Avatar id={user.id} name={user.display_name} />
            <span className="grow ellipsis">{user.display_name} <small>{user.id === me ? "you" : `@${user.username}`}</small></span>
            <PresenceDot user={user.id} />
            {role !== "member" && <small>{role}</small>}
            {user.id !== me && <BlockButton user={user} />}
            {can.has("remove_members") && role === "member" && user.id !== me && (
              <button className="link" aria-label={`Remove ${user.display_name}`} onClick={() => attempt(client.rest("DELETE /v1/rooms/{room_id}/members/{user_id}", { path: path(user.id) }))}>
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {can.has("add_members") && (
        <AddMember
          onAdd={(user) => attempt(client.rest("PUT /v1/rooms/{room_id}/members/{user_id}", { path: path(user.id), body: {} }))}
          onInvite={(user) => attempt(client.rest("PUT /v1/rooms/{room_id}/invites/{user_id}", { path: path(user.id) }))}
        />
      )}
      {can.has("invite") && <InviteLinks info={info} />}
      {can.has("leave") && <button className="danger" onClick={leave}>Leave the room</button>}
    </Dialog>
  );
}

interface AddMemberProps {
  onAdd(user: User): Promise<unknown>;
  onInvite(user: User): Promise<unknown>;
}

function AddMember({ onAdd, onInvite }: AddMemberProps) {
  const client = useParley();
  const attempt = useAttempt();
  const [problem, setProblem] = useState("");
  const [done, setDone] = useState("");

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const isInvite = event.nativeEvent.submitter?.getAttribute("value") === "invite";
    const q = String(new FormData(form).get("username")).trim().toLowerCase();
    const found = await attempt(client.rest("GET /v1/users", { query: { q } }));
    const user = found?.results.find(({ username }) => username === q);
    setProblem(user || !found ? "" : `Nobody has the username “${q}”.`);
    if (!user) return;
    if (!(await (isInvite ? onInvite(user) : onAdd(user)))) return;
    form.reset();
    setDone(isInvite ? `${user.display_name} is invited.` : "");
  }

  return (
    <form className="in-line" onSubmit={submit}>
      <label className="grow">
        Add by username
        <input name="username" autoCapitalize="none" spellCheck={false} minLength={2} required />
      </label>
      <button className="primary">Add</button>
      <button value="invite">Invite</button>
      <p role="status" className="hint">{done}</p>
      <p role="alert" className="problem">{problem}</p>
    </form>
  );
}
