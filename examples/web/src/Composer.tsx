// The input of a room: writes, answers or edits a message.
import type { ChatMessage, Room, Sent } from "parley-client";
import { useDraft } from "parley-client/react";
import type { Thread } from "parley-client/threads";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "./Icon.tsx";
import { finishName, mentionsIn, Suggestions, unfinishedName } from "./Mentions.tsx";
import { useAttempt } from "./notice.ts";

/** What the input is for: null writes a new message. */
export type Purpose = { kind: "reply" | "edit"; message: ChatMessage } | null;

interface Props {
  room: Room;
  title: string;
  /** The replies go into this thread instead of the room. */
  thread?: Thread;
  purpose: Purpose;
  onPurpose(purpose: Purpose): void;
  onEditLast(): void;
}

const MOST_LETTERS = 8_000;

export function Composer({ room, thread, title, purpose, onPurpose, onEditLast }: Props) {
  const isEdit = purpose?.kind === "edit";
  const [roomDraft, setRoomDraft] = useDraft(room.id);
  const [threadDraft, setThreadDraft] = useState("");
  const [draft, setDraft] = thread ? [threadDraft, setThreadDraft] : [roomDraft, setRoomDraft];
  const [edited, setEdited] = useState(purpose?.message.text ?? "");
  const input = useRef<HTMLTextAreaElement>(null);
  const attempt = useAttempt();
  const text = isEdit ? edited : draft;
  const name = unfinishedName(text);

  useEffect(() => {
    if (purpose || matchMedia("(hover: hover)").matches) input.current?.focus(); // no keyboard opens by itself on a phone
  }, [purpose]);

  function change(to: string): void {
    if (isEdit) return setEdited(to);
    setDraft(to);
    if (!thread) room.type();
  }

  function submit(): void {
    const words = text.trim();
    if (!words) return;
    if (isEdit) void attempt(room.edit(purpose.message, words));
    else send(words).settled.catch(() => {}); // the list shows a refused one
    onPurpose(null);
    input.current?.focus();
  }

  function send(words: string): Sent {
    const users = mentionsIn(words, room);
    const fields = { ...(purpose && { replyTo: purpose.message.id }), ...(users.length && { mentions: { users } }) };
    if (!thread) return room.send(words, fields);
    setThreadDraft("");
    return thread.send(words, fields);
  }

  function mention(username: string): void {
    change(finishName(text, username));
    input.current?.focus();
  }

  function press(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && purpose) {
      event.stopPropagation();
      onPurpose(null);
    } else if (event.key === "ArrowUp" && !text) {
      event.preventDefault();
      onEditLast();
    }
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {purpose && (
        <p className="purpose">
          <span className="ellipsis grow">{isEdit ? "Edit your message" : `Reply to ${purpose.message.sender.display_name}: ${purpose.message.text}`}</span>
          <button type="button" className="plain" aria-label="Cancel" onClick={() => onPurpose(null)}><Icon name="close" /></button>
        </p>
      )}
      {name !== null && <Suggestions room={room} name={name} onChoose={mention} />}
      <div className="in-line">
        <textarea
          ref={input}
          rows={1}
          value={text}
          maxLength={MOST_LETTERS}
          aria-label={isEdit ? "Edit your message" : `Message ${title}`}
          placeholder={`Message ${title}`}
          onChange={(event) => change(event.target.value)}
          onKeyDown={press}
        />
        <button className="primary" aria-label={isEdit ? "Save" : "Send"} disabled={!text.trim()}><Icon name="send" /></button>
      </div>
    </form>
  );
}
