// The list of a room's messages: scrolling, loading, the read marker, and the keyboard.
import type { ChatMessage } from "parley-client";
import { useParley, useStatus, type RoomView } from "parley-client/react";
import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import type { Purpose } from "./Composer.tsx";
import { Icon } from "./Icon.tsx";
import { keyOf, Message } from "./Message.tsx";
import { dayOf } from "./words.ts";

const NEAR_PX = 40; // so close to the end counts as there
const AHEAD_PX = "600px"; // older messages are loaded before they are reached
const SAME_BREATH_MS = 5 * 60_000; // messages of one author that stand under one name
const MANY = 40; // more unread messages are loaded from the first one on
const UNREAD = "unread";

interface Props {
  view: RoomView;
  me: string;
  isLoaded: boolean;
  /** A message to go to, chosen elsewhere. */
  goal: { id: string } | null;
  onPurpose(purpose: Purpose): void;
  onThread(id: string): void;
}

export function Messages({ view, me, isLoaded, goal: chosen, onPurpose, onThread }: Props) {
  const { room, info, messages, hasOlder, hasNewer } = view;
  const status = useStatus();
  const box = useRef<HTMLDivElement>(null);
  const top = useRef<HTMLDivElement>(null);
  const bottom = useRef<HTMLDivElement>(null);
  const before = useRef({ first: "", height: 0 });
  const isLoading = useRef(false);
  const [unread] = useState(info?.unread ?? 0); // when the room was opened
  const [readTo, setReadTo] = useState(unread ? (info!.me.read_seq ?? 0) : null);
  const [isAtEnd, setAtEnd] = useState(!unread);
  const [goal, setGoal] = useState(unread && unread <= MANY ? UNREAD : null); // the message to go to, by id
  const [current, setCurrent] = useState<string | null>(null); // the one that Tab reaches
  const firstUnread = readTo === null ? undefined : messages.find((message) => (message.seq ?? 0) > readTo && message.sender.id !== me);

  // A page of older messages does not move what is on the screen; at the end, new messages come into sight.
  useLayoutEffect(() => {
    const { scrollHeight } = box.current!;
    const first = messages[0] ? keyOf(messages[0]) : "";
    if (isAtEnd && !hasNewer) box.current!.scrollTop = scrollHeight;
    else if (messages.findIndex((message) => keyOf(message) === before.current.first) > 0) box.current!.scrollTop += scrollHeight - before.current.height;
    before.current = { first, height: scrollHeight };
  }, [messages, hasNewer, isAtEnd]);

  useEffect(() => {
    const list = box.current!;
    const observer = new ResizeObserver(() => isAtEnd && list.scrollTo({ top: list.scrollHeight }));
    observer.observe(list);
    return () => observer.disconnect();
  }, [isAtEnd]);

  useEffect(() => {
    const load = async (page: () => Promise<boolean>) => {
      if (isLoading.current) return;
      isLoading.current = true;
      await page().catch(() => {}); // without a connection: again when it is back
      isLoading.current = false;
    };
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries)
          if (isIntersecting) void load(target === top.current ? view.older : view.newer);
      },
      { root: box.current, rootMargin: AHEAD_PX },
    );
    if (hasOlder) observer.observe(top.current!);
    if (hasNewer) observer.observe(bottom.current!);
    return () => observer.disconnect();
  }, [view, hasOlder, hasNewer, status]);

  useEffect(() => {
    if (unread <= MANY || isLoading.current) return;
    isLoading.current = true;
    room
      .around(UNREAD)
      .then(() => setGoal(UNREAD), () => setAtEnd(true))
      .finally(() => (isLoading.current = false));
  }, [room, unread]);

  // What is in sight is read. While the page is not looked at, a line marks where it was left.
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "hidden") setReadTo(room.info.get()?.me.read_seq ?? null);
      else if (isAtEnd && !hasNewer) void room.read();
    };
    if (document.visibilityState === "visible") look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [room, messages, isAtEnd, hasNewer]);

  const firstUnreadId = firstUnread?.id;
  useEffect(() => {
    const isThere = goal === UNREAD ? firstUnreadId : goal;
    const element = isThere && document.getElementById(isThere);
    if (!goal || !messages.length || (!element && goal !== UNREAD)) return;
    setGoal(null);
    if (!element) return setAtEnd(true); // what was unread is gone
    element.scrollIntoView({ block: "center" });
    if (goal !== UNREAD) element.focus({ preventScroll: true });
    scrolled();
  }, [goal, messages, firstUnreadId]);

  async function goTo(id: string): Promise<void> {
    setAtEnd(false);
    if (!messages.some((message) => message.id === id)) await room.around(id).catch(() => {});
    setGoal(id);
  }

  const goToChosen = useEffectEvent(goTo);
  useEffect(() => {
    if (chosen) void goToChosen(chosen.id);
  }, [chosen]);

  function toEnd(): void {
    room.latest();
    setReadTo(null);
    setAtEnd(true);
  }

  function scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = box.current!;
    setAtEnd(scrollHeight - scrollTop - clientHeight < NEAR_PX);
  }

  function press(event: KeyboardEvent): void {
    const rows = [...box.current!.querySelectorAll<HTMLElement>("[data-message]")];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    rows[to]?.focus();
    rows[to]?.scrollIntoView({ block: "nearest" });
  }

  const last = messages.at(-1);
  const newestOfMine = messages.findLast((message) => message.sender.id === me && message.status === "sent" && !message.deleted_at);
  const tabStop = messages.some((message) => keyOf(message) === current) ? current : last && keyOf(last);

  return (
    <div className="messages" ref={box} onScroll={scrolled} onKeyDown={press}>
      <div ref={top} className="hint">{hasOlder ? "Loading …" : messages.length > 0 && "This is the beginning."}</div>
      {!messages.length && !hasOlder && <p className="empty">{isLoaded ? "Nobody has written yet. Say hello!" : "Loading …"}</p>}
      <ol aria-label="Messages">
        {messages.map((message, index) => {
          const previous = messages[index - 1];
          const isNewDay = !previous || dayOf(previous.created_at) !== dayOf(message.created_at);
          return (
            <Message
              key={keyOf(message)}
              message={message}
              me={me}
              view={view}
              day={isNewDay ? dayOf(message.created_at) : null}
              isFirstUnread={message === firstUnread}
              isContinued={!isNewDay && message !== firstUnread && isSameBreath(previous, message)}
              isTabStop={keyOf(message) === tabStop}
              onFocus={setCurrent}
              onPurpose={onPurpose}
              onGoTo={goTo}
              onThread={onThread}
              isNewestOfMine={message === newestOfMine}
            />
          );
        })}
      </ol>
      <div ref={bottom} />
      {(!isAtEnd || hasNewer) && (
        <button className="to-end" onClick={toEnd}>
          <Icon name="down" /> {info?.unread ? `${info.unread} new` : "Newest"}
        </button>
      )}
      <Announcement messages={messages} me={me} />
    </div>
  );
}

const isSameBreath = (a: ChatMessage, b: ChatMessage) =>
  a.sender.id === b.sender.id && Date.parse(b.created_at) - Date.parse(a.created_at) < SAME_BREATH_MS;

/** Reads a new message of somebody else out to those who cannot see it. */
function Announcement({ messages, me }: { messages: readonly ChatMessage[]; me: string }) {
  const client = useParley();
  const [text, setText] = useState("");
  const room = messages[0]?.room_id;
  useEffect(
    () =>
      client.on("event", ({ event, isLive }) => {
        if (!isLive || event.type !== "message.created" || event.room_id !== room || event.data.sender.id === me || event.data.blocked) return;
        setText(`${event.data.sender.display_name}: ${event.data.text}`);
      }),
    [client, room, me],
  );
  return <div className="unseen" aria-live="polite">{text}</div>;
}
