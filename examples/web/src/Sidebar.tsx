// The rooms of the user, newest message first, with what is unread.
import type { RoomSummary } from "parley-client";
import { useReadable, useRooms } from "parley-client/react";
import { useState } from "react";
import { Avatar } from "./Avatar.tsx";
import { useBeside } from "./beside.ts";
import { FindDialog } from "./FindDialog.tsx";
import { Icon } from "./Icon.tsx";
import { Invitations } from "./Invitations.tsx";
import { NewRoomDialog } from "./NewRoomDialog.tsx";
import { PresenceDot } from "./Presence.tsx";
import { roomAddress } from "./route.ts";
import type { Login } from "./session.ts";
import { shortTimeOf } from "./words.ts";

interface Props {
  login: Login;
  isLoaded: boolean;
  open: string | null;
  onLogout(): void;
}

export function Sidebar({ login, isLoaded, open, onLogout }: Props) {
  const rooms = useRooms();
  const [dialog, setDialog] = useState<"find" | "new" | null>(null);
  const close = () => setDialog(null);

  return (
    <nav className="sidebar" aria-label="Rooms">
      <header>
        <Avatar id={login.user.id} name={login.user.display_name} />
        <strong className="grow ellipsis">{login.user.display_name}</strong>
        <button className="plain" aria-label="Find people and rooms" onClick={() => setDialog("find")}><Icon name="search" /></button>
        <button className="plain" aria-label="New room" onClick={() => setDialog("new")}><Icon name="plus" /></button>
        <button className="plain" aria-label="Log out" onClick={onLogout}><Icon name="exit" /></button>
      </header>
      <Invitations />
      {rooms.length > 0 ? (
        <ul>
          {rooms.map((room) => (
            <li key={room.id}>
              <RoomLink room={room} me={login.user.id} isOpen={room.id === open} />
            </li>
          ))}
        </ul>
      ) : (
        <div className="empty">
          <p>{isLoaded ? "No rooms yet." : "Loading …"}</p>
          {isLoaded && <button className="primary" onClick={() => setDialog("find")}>Find people and rooms</button>}
        </div>
      )}
      {dialog === "find" && <FindDialog onClose={close} />}
      {dialog === "new" && <NewRoomDialog onClose={close} />}
    </nav>
  );
}

function RoomLink({ room, me, isOpen }: { room: RoomSummary; me: string; isOpen: boolean }) {
  const { id, title, unread, last_message_at } = room;
  const numbers = useReadable(useBeside().badges.numbers)?.rooms.find(({ room_id }) => room_id === id);
  const count = room.me.unread_capped ? `${unread}+` : unread;
  return (
    <a href={roomAddress(id)} aria-current={isOpen ? "page" : undefined}>
      <Avatar id={room.peer?.id ?? id} name={title} />
      <span className="grow">
        <span className="ellipsis title">{title} {room.peer && <PresenceDot user={room.peer.id} />}</span>
        <span className="ellipsis last">{room.typing.length ? <em>typing …</em> : <LastMessage room={room} me={me} />}</span>
      </span>
      <span className="aside">
        {last_message_at && <time dateTime={last_message_at}>{shortTimeOf(last_message_at)}</time>}
        {unread > 0 && !!numbers?.unread_mentions && <span className="badge mention">@<span className="unseen"> mentions you</span></span>}
        {unread > 0 && <span className="badge">{count}<span className="unseen"> unread</span></span>}
      </span>
    </a>
  );
}

function LastMessage({ room: { kind, last_message: last }, me }: { room: RoomSummary; me: string }) {
  if (!last) return <em>No messages yet</em>;
  if (last.text === null) return <em>{last.blocked ? "Message of a blocked user" : "Message deleted"}</em>;
  const author = last.sender.id === me ? "You: " : kind === "direct" ? "" : `${last.sender.display_name}: `;
  return <>{author + last.text}</>;
}
