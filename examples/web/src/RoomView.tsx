// An open room: its head, its messages, who types, and the input.
import type { RoomSummary } from "parley-client";
import { useMembers, useParley, useRoom, useTyping } from "parley-client/react";
import { useState } from "react";
import { BlockedLine } from "./Blocking.tsx";
import { useIsBlocked } from "./blocks.ts";
import { Composer, type Purpose } from "./Composer.tsx";
import { Icon } from "./Icon.tsx";
import { MembersDialog } from "./MembersDialog.tsx";
import { Messages } from "./Messages.tsx";
import { useAttempt } from "./notice.ts";
import { PinsDialog } from "./PinsDialog.tsx";
import { PresenceDot } from "./Presence.tsx";
import { ThreadPane } from "./ThreadPane.tsx";
import { countOf, listOf } from "./words.ts";

export function RoomView({ id, me, isLoaded }: { id: string; me: string; isLoaded: boolean }) {
  const view = useRoom(id);
  const { info, messages, room } = view;
  const [purpose, setPurpose] = useState<Purpose>(null);
  const [thread, setThread] = useState<string | null>(null);
  const isBlocked = useIsBlocked(info?.peer?.id);
  const [goal, setGoal] = useState<{ id: string } | null>(null);

  function editLast(): void {
    const message = messages.findLast(({ sender, deleted_at, status }) => sender.id === me && !deleted_at && status === "sent");
    if (message) setPurpose({ kind: "edit", message });
  }

  return (
    <section className="room" aria-label={info?.title ?? "Room"}>
      <RoomHeader info={info} me={me} onGoTo={(message) => setGoal({ id: message })} />
      {!info && isLoaded && <NotAMember id={id} />}
      {(info !== null || messages.length > 0) && <Messages view={view} me={me} isLoaded={isLoaded} goal={goal} onPurpose={setPurpose} onThread={setThread} />}
      <TypingLine id={id} />
      {info?.archived_at && <p className="hint">This room is archived.</p>}
      {isBlocked && <BlockedLine user={info!.peer!} />}
      {!isBlocked && info?.me.can.includes("send") && (
        <Composer key={purpose?.kind === "edit" ? purpose.message.id : ""} room={room} title={info.title} purpose={purpose} onPurpose={setPurpose} onEditLast={editLast} />
      )}
      {thread && info && <ThreadPane key={thread} root={thread} view={view} info={info} me={me} onClose={() => setThread(null)} />}
    </section>
  );
}

function RoomHeader({ info, me, onGoTo }: { info: RoomSummary | null; me: string; onGoTo(id: string): void }) {
  const [isListing, setListing] = useState(false);
  const [isPinned, setPinned] = useState(false);
  return (
    <header>
      <a className="plain back" href="#/" aria-label="Back to the rooms"><Icon name="back" /></a>
      <div className="grow">
        <h2 className="ellipsis">{info?.title} {info?.peer && <PresenceDot user={info.peer.id} />}</h2>
        {info && <p className="ellipsis">{info.kind === "direct" ? `@${info.peer?.username}` : info.topic || `${info.kind} room`}</p>}
      </div>
      {info && <button className="plain" aria-label="Pinned messages" onClick={() => setPinned(true)}><Icon name="pin" /></button>}
      {info && (
        <button className="plain" aria-label={countOf(info.member_count, "member")} onClick={() => setListing(true)}>
          <Icon name="people" /> {info.member_count}
        </button>
      )}
      {isListing && info && <MembersDialog info={info} me={me} onClose={() => setListing(false)} />}
      {isPinned && info && <PinsDialog info={info} onGoTo={onGoTo} onClose={() => setPinned(false)} />}
    </header>
  );
}

function NotAMember({ id }: { id: string }) {
  const client = useParley();
  const attempt = useAttempt();
  return (
    <div className="empty">
      <p>You are not a member of this room.</p>
      <button className="primary" onClick={() => attempt(client.rest("POST /v1/rooms/{room_id}/join", { path: { room_id: id } }))}>Join</button>
      <a href="#/">Show my rooms</a>
    </div>
  );
}

function TypingLine({ id }: { id: string }) {
  const typing = useTyping(id);
  return (
    <div className="typing" role="status">
      {typing.length > 0 && <TypingNames id={id} typing={typing} />}
    </div>
  );
}

/** Loads the members only when somebody types. */
function TypingNames({ id, typing }: { id: string; typing: readonly string[] }) {
  const members = useMembers(id);
  const names = typing.map((user) => members.find((member) => member.user.id === user)?.user.display_name ?? "Somebody");
  return <>{names.length > 3 ? `${names.length} people` : listOf(names)} {names.length > 1 ? "are" : "is"} typing …</>;
}
