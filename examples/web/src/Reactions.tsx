// What members think of a message, in one emoji each.
import type { ChatMessage } from "parley-client";
import { useParley } from "parley-client/react";
import { useState } from "react";
import { Icon } from "./Icon.tsx";
import { useAttempt } from "./notice.ts";

const KEYS = ["👍", "❤️", "😂", "🎉", "👀"];

/** Adds or removes my reaction; the event of it brings the change. */
function useReact({ id, room_id }: ChatMessage) {
  const client = useParley();
  const attempt = useAttempt();
  return (key: string, isOn: boolean) => {
    const path = { room_id, message_id: id, key };
    const endpoint = `${isOn ? "PUT" : "DELETE"} /v1/rooms/{room_id}/messages/{message_id}/reactions/{key}` as const;
    return attempt(client.rest(endpoint, { path }));
  };
}

interface Props {
  message: ChatMessage;
  isTabStop: boolean;
}

/** The reactions of a message. The server names the first five users of each, so that mine may be beyond them. */
export function Reactions({ message, me, isTabStop }: Props & { me: string }) {
  const react = useReact(message);
  if (!message.reactions.length) return null;
  return (
    <div className="reactions" role="group" aria-label="Reactions">
      {message.reactions.map(({ key, count, user_ids }) => {
        const isMine = user_ids.includes(me);
        return (
          <button key={key} aria-pressed={isMine} tabIndex={isTabStop ? 0 : -1} onClick={() => react(key, !isMine)}>
            {key} {count}
          </button>
        );
      })}
    </div>
  );
}

/** A button that offers some reactions. */
export function ReactButton({ message, isTabStop }: Props) {
  const react = useReact(message);
  const [isOpen, setOpen] = useState(false);
  const tabIndex = isTabStop ? 0 : -1;
  if (!isOpen)
    return <button className="plain" aria-label="React" tabIndex={tabIndex} onClick={() => setOpen(true)}><Icon name="smile" /></button>;
  const choose = (key: string) => {
    setOpen(false);
    void react(key, true);
  };
  return KEYS.map((key) => (
    <button key={key} className="plain" tabIndex={tabIndex} onClick={() => choose(key)}>{key}</button>
  ));
}
