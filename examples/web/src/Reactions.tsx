// What members think of a message, in one emoji each.
import type { ChatMessage } from "parley-client";
import { useReadable } from "parley-client/react";
import { useState } from "react";
import { useBeside } from "./beside.ts";
import { Icon } from "./Icon.tsx";
import { useAttempt } from "./notice.ts";

const KEYS = ["👍", "❤️", "😂", "🎉", "👀"];

/** Adds or removes my reaction; the event of it brings the change. */
function useReact(message: ChatMessage) {
  const { reactions } = useBeside();
  const attempt = useAttempt();
  return (key: string, isOn: boolean) => attempt(reactions.set(message, key, isOn));
}

interface Props {
  message: ChatMessage;
  isTabStop: boolean;
}

/** The reactions of a message. The server names the first five users of each; whether I am beyond them is asked for. */
export function Reactions({ message, isTabStop }: Props) {
  const react = useReact(message);
  const { reactions } = useBeside();
  useReadable(reactions.known);
  if (!message.reactions.length) return null;
  const mine = reactions.of(message);
  return (
    <div className="reactions" role="group" aria-label="Reactions">
      {message.reactions.map(({ key, count }) => {
        const isMine = mine.includes(key);
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
