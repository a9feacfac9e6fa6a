// The input of a room: writes, answers or edits a message.
import type { ChatMessage, Room } from "parley-client";
import { useDraft } from "parley-client/react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "./Icon.tsx";
import { useAttempt } from "./notice.ts";

/** What the input is for: null writes a new message. */
export type Purpose = { kind: "reply" | "edit"; message: ChatMessage } | null;

interface Props {
  room: Room;
  title: string;
  purpose: Purpose;
  onPurpose(purpose: Purpose): void;
  onEditLast(): void;
}

const MOST_LETTERS = 8_000;

export function Composer({ room, title, purpose, onPurpose, onEditLast }: Props) {
  const isEdit = purpose?.kind === "edit";
  const [draft, setDraft] = useDraft(room.id);
  const [edited, setEdited] = useState(purpose?.message.text ?? "");
  const input = useRef<HTMLTextAreaElement>(null);
  const attempt = useAttempt();
  const text = isEdit ? edited : draft;

  useEffect(() => {
    if (purpose || matchMedia("(hover: hover)").matches) input.current?.focus(); // no keyboard opens by itself on a phone
  }, [purpose]);

  function change(text: string): void {
    if (isEdit) return setEdited(text);
    setDraft(text);
    room.type();
  }

  function submit(): void {
    const words = text.trim();
    if (!words) return;
    if (isEdit) void attempt(room.edit(purpose.message, words));
    else room.send(words, purpose ? { replyTo: purpose.message.id } : {}).settled.catch(() => {}); // the list shows a refused one
    onPurpose(null);
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
