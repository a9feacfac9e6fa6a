// One message in the list, with what can be done about it.
import type { ChatMessage } from "parley-client";
import { useParley, type RoomView } from "parley-client/react";
import { useEffect, useState, type KeyboardEvent } from "react";
import { Avatar } from "./Avatar.tsx";
import { BlockButton } from "./Blocking.tsx";
import type { Purpose } from "./Composer.tsx";
import { Dialog } from "./Dialog.tsx";
import { Icon } from "./Icon.tsx";
import { useAttempt } from "./notice.ts";
import { ReactButton, Reactions } from "./Reactions.tsx";
import { ReceiptLine } from "./Receipt.tsx";
import { timeOf, withoutText } from "./words.ts";

interface Props {
  message: ChatMessage;
  me: string;
  view: RoomView;
  /** The day that begins with this message. */
  day: string | null;
  isFirstUnread: boolean;
  /** Stands under the name of the message before. */
  isContinued: boolean;
  isTabStop: boolean;
  onFocus(key: string): void;
  onPurpose(purpose: Purpose): void;
  onGoTo(id: string): void;
  /** Opens the thread of this message; in a thread there is none. */
  onThread?(id: string): void;
  isNewestOfMine?: boolean;
}

export const keyOf = (message: ChatMessage) => `${message.sender.id} ${message.client_id}`;

export function Message({ message, me, view, day, isFirstUnread, isContinued, isTabStop, onFocus, onPurpose, onGoTo, onThread, isNewestOfMine }: Props) {
  const { sender, status } = message;
  const isMine = sender.id === me;
  const className = ["message", isMine && "mine", isContinued && "continued", message.mentions.users.includes(me) && "names-me"].filter(Boolean).join(" ");

  return (
    <li>
      {day && <div className="divider"><span>{day}</span></div>}
      {isFirstUnread && <div className="divider unread"><span>New messages</span></div>}
      <article
        id={message.id}
        data-message
        data-status={status}
        className={className}
        aria-label={`${isMine ? "You" : sender.display_name}, ${timeOf(message.created_at)}`}
        tabIndex={isTabStop ? 0 : -1}
        onFocus={() => onFocus(keyOf(message))}
      >
        {!isMine && !isContinued && <Avatar id={sender.id} name={sender.display_name} />}
        <div className="bubble">
          {!isMine && !isContinued && <strong className="author">{sender.display_name}</strong>}
          {message.reply_to && <Quote id={message.reply_to} view={view} isTabStop={isTabStop} onGoTo={onGoTo} />}
          {message.text === null ? <p className="deleted">{withoutText(message)} {message.blocked && <BlockButton user={sender} tabIndex={isTabStop ? 0 : -1} />}</p> : <Text text={message.text} />}
          <Reactions message={message} isTabStop={isTabStop} />
          {message.thread && onThread && (
            <button className="link replies-link" tabIndex={isTabStop ? 0 : -1} onClick={() => onThread(message.id)}>
              {message.thread.reply_count === 1 ? "1 reply" : `${message.thread.reply_count} replies`}
            </button>
          )}
          <p className="state">
            {message.pinned_at && <span>pinned </span>}
            {message.edited_at && !message.deleted_at && <span>edited </span>}
            <time dateTime={message.created_at}>{timeOf(message.created_at)}</time>
            {status === "queued" && <span> · waiting</span>}
            {status === "sending" && <span> · sending</span>}
          </p>
        </div>
        {status === "sent" && !message.deleted_at && <Actions message={message} me={me} view={view} isTabStop={isTabStop} onPurpose={onPurpose} onThread={onThread} />}
      </article>
      {isNewestOfMine && view.info?.mode.receipts === "members" && <ReceiptLine message={message} />}
      {status === "refused" && <Refusal message={message} view={view} />}
      {status === "queued" && <button className="link discard" onClick={() => view.room.discard(message.client_id)}>Discard</button>}
    </li>
  );
}

const LINK = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/;

function Text({ text }: { text: string }) {
  return (
    <p className="text">
      {/* oxlint-disable-next-line react/no-array-index-key -- the parts have no other name */}
      {text.split(LINK).map((part, index) => (index % 2 ? <a key={index} href={part} target="_blank" rel="noopener noreferrer">{part}</a> : part))}
    </p>
  );
}

/** The message that is answered: from the page, else from the server. */
function Quote({ id, view, isTabStop, onGoTo }: { id: string; view: RoomView; isTabStop: boolean; onGoTo(id: string): void }) {
  const client = useParley();
  const shown = view.messages.find((message) => message.id === id);
  const isShown = shown !== undefined;
  const roomId = view.room.id;
  const [loaded, setLoaded] = useState<Pick<ChatMessage, "sender" | "text" | "blocked"> | null>(null);

  useEffect(() => {
    if (isShown || loaded) return;
    const path = { room_id: roomId, message_id: id };
    client.rest("GET /v1/rooms/{room_id}/messages/{message_id}", { path }).then(setLoaded, () => {});
  }, [client, roomId, id, isShown, loaded]);

  const quoted = shown ?? loaded;
  return (
    <button className="quote" tabIndex={isTabStop ? 0 : -1} onClick={() => onGoTo(id)}>
      <strong>{quoted?.sender.display_name ?? "…"}</strong>
      <span className="ellipsis">{quoted ? (quoted.text ?? withoutText(quoted)) : "an earlier message"}</span>
    </button>
  );
}

interface ActionsProps {
  message: ChatMessage;
  me: string;
  view: RoomView;
  isTabStop: boolean;
  onPurpose(purpose: Purpose): void;
  onThread: ((id: string) => void) | undefined;
}

function Actions({ message, me, view: { room, info }, isTabStop, onPurpose, onThread }: ActionsProps) {
  const client = useParley();
  const attempt = useAttempt();
  const [isAsking, setAsking] = useState(false);
  const isMine = message.sender.id === me;
  const tabIndex = isTabStop ? 0 : -1;

  async function remove(): Promise<void> {
    setAsking(false);
    await attempt(room.remove(message));
  }

  function pin() {
    const endpoint = `${message.pinned_at ? "DELETE" : "PUT"} /v1/rooms/{room_id}/pins/{message_id}` as const;
    return attempt(client.rest(endpoint, { path: { room_id: room.id, message_id: message.id } }));
  }

  if (!info?.me.can.includes("send") || message.blocked) return null;
  return (
    <div className="actions" role="group" aria-label="Message actions" onKeyDown={(event: KeyboardEvent) => event.key === "Escape" && event.currentTarget.closest<HTMLElement>("article")!.focus()}>
      {info.me.can.includes("react") && <ReactButton message={message} isTabStop={isTabStop} />}
      <button className="plain" aria-label="Reply" tabIndex={tabIndex} onClick={() => onPurpose({ kind: "reply", message })}><Icon name="reply" /></button>
      {onThread && <button className="plain" aria-label="Thread" tabIndex={tabIndex} onClick={() => onThread(message.id)}><Icon name="thread" /></button>}
      {info.me.can.includes("pin") && (
        <button className="plain" aria-label={message.pinned_at ? "Unpin" : "Pin"} tabIndex={tabIndex} onClick={pin}><Icon name="pin" /></button>
      )}
      {isMine && <button className="plain" aria-label="Edit" tabIndex={tabIndex} onClick={() => onPurpose({ kind: "edit", message })}><Icon name="edit" /></button>}
      {(isMine || info.me.can.includes("delete_any")) && (
        <button className="plain" aria-label="Delete" tabIndex={tabIndex} onClick={() => setAsking(true)}><Icon name="trash" /></button>
      )}
      {!isMine && <BlockButton user={message.sender} isIcon tabIndex={tabIndex} />}
      {isAsking && (
        <Dialog title="Delete this message?" onClose={() => setAsking(false)}>
          <blockquote>{message.text}</blockquote>
          <button className="danger" data-first onClick={remove}>Delete</button>
        </Dialog>
      )}
    </div>
  );
}

function Refusal({ message, view: { room } }: { message: ChatMessage; view: RoomView }) {
  return (
    <p className="refusal" role="alert">
      <span>Not sent: {message.error?.message}</span>
      <button className="link" onClick={() => void room.retry(message.client_id)?.settled.catch(() => {})}>Try again</button>
      <button className="link" onClick={() => room.discard(message.client_id)}>Discard</button>
    </p>
  );
}
