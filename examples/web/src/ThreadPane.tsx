// A thread beside its room: the message that began it, the replies, and an input of its own.
import type { ChatMessage, RoomSummary } from "parley-client";
import { useParley, useReadable, type RoomView } from "parley-client/react";
import { Thread } from "parley-client/threads";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Composer, type Purpose } from "./Composer.tsx";
import { Icon } from "./Icon.tsx";
import { keyOf, Message } from "./Message.tsx";
import { countOf, withoutText } from "./words.ts";

interface Props {
  root: string;
  view: RoomView;
  info: RoomSummary;
  me: string;
  onClose(): void;
}

export function ThreadPane({ root: id, view, info, me, onClose }: Props) {
  const client = useParley();
  const thread = useMemo(() => new Thread(client, view.room.id, id), [client, view.room, id]);
  const replies = useReadable(thread.replies);
  const root = useReadable(thread.root);
  const [purpose, setPurpose] = useState<Purpose>(null);
  const [current, setCurrent] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const last = replies.at(-1);
  const lastKey = last && keyOf(last);

  useEffect(() => thread.open(), [thread]);
  useEffect(() => {
    if (last?.seq && document.visibilityState === "visible") void thread.read().catch(() => {});
  }, [thread, last?.seq]);
  useLayoutEffect(() => {
    list.current!.scrollTo({ top: list.current!.scrollHeight });
  }, [lastKey]);

  const stop = replies.some((message) => keyOf(message) === current) ? current : lastKey;
  const isMine = (message: ChatMessage) => message.sender.id === me && !message.deleted_at && message.status === "sent";
  return (
    <aside className="thread" aria-label="Thread" onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <header>
        <h3 className="grow">Thread</h3>
        <button className="plain" aria-label="Close the thread" onClick={onClose}><Icon name="close" /></button>
      </header>
      <div className="replies" ref={list} tabIndex={0} role="group" aria-label="Replies of the thread">
        {root && (
          <blockquote>
            <strong>{root.sender.display_name}</strong>
            <p className="text">{root.text ?? withoutText(root)}</p>
          </blockquote>
        )}
        <p className="hint">{replies.length ? countOf(root?.thread?.reply_count ?? replies.length, "repl").replace(/repl(s?)$/, (_, s) => (s ? "replies" : "reply")) : "No replies yet."}</p>
        {thread.hasOlder && <button className="link" onClick={() => void thread.older().catch(() => {})}>Older replies</button>}
        <ol aria-label="Replies">
          {replies.map((message) => (
            <Message
              key={keyOf(message)}
              message={message}
              me={me}
              view={{ ...view, messages: replies }}
              day={null}
              isFirstUnread={false}
              isContinued={false}
              isTabStop={keyOf(message) === stop}
              onFocus={setCurrent}
              onPurpose={setPurpose}
              onGoTo={() => {}}
            />
          ))}
        </ol>
      </div>
      {info.me.can.includes("send") && (
        <Composer
          key={purpose?.kind === "edit" ? purpose.message.id : ""}
          room={view.room}
          thread={thread}
          title="in the thread"
          purpose={purpose}
          onPurpose={setPurpose}
          onEditLast={() => {
            const message = replies.findLast(isMine);
            if (message) setPurpose({ kind: "edit", message });
          }}
        />
      )}
    </aside>
  );
}
