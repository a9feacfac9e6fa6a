import { ParleyProvider, useEnded, useParley, useStatus, useUnread } from "parley-client/react";
import { useCallback, useEffect, useState } from "react";
import { NoticeContext } from "./notice.ts";
import { RoomView } from "./RoomView.tsx";
import { useOpenRoom } from "./route.ts";
import { connect, type Login } from "./session.ts";
import { Sidebar } from "./Sidebar.tsx";

const NOTICE_MS = 8_000;
const ENDINGS: Record<string, string> = {
  session_revoked: "You were logged out.",
  session_expired: "Your session has ended. What you have not sent yet is kept.",
};

interface Props {
  login: Login;
  onLogout(): void;
  onEnded(why: string): void;
}

export function Chat({ login, onLogout, onEnded }: Props) {
  const [client] = useState(() => connect(login));
  const [notice, setNotice] = useState("");

  useEffect(() => {
    const timer = setTimeout(() => setNotice(""), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  useEffect(() => client.on("storage", () => setNotice("This browser keeps nothing: a reload may lose unsent messages.")), [client]);

  return (
    <ParleyProvider client={client}>
      <NoticeContext value={setNotice}>
        <Panes login={login} onLogout={onLogout} onEnded={onEnded} />
        <div role="alert" className="notice">{notice}</div>
      </NoticeContext>
    </ParleyProvider>
  );
}

function Panes({ login, onLogout, onEnded }: Props) {
  const client = useParley();
  const ended = useEnded();
  const unread = useUnread();
  const open = useOpenRoom();
  const [isLoaded, setLoaded] = useState(false);

  useEffect(() => {
    if (ended) onEnded(ENDINGS[ended.reason] ?? `The connection has ended: ${ended.reason.replaceAll("_", " ")}.`);
  }, [ended]);
  useEffect(() => {
    document.title = unread ? `(${unread}) Parley` : "Parley";
  }, [unread]);
  const check = useCallback(() => client.status.get() === "live" && setLoaded(true), [client]);
  useEffect(() => client.status.subscribe(check), [client, check]);

  return (
    <>
      <ConnectionBanner />
      <div className={open ? "panes room-open" : "panes"}>
        <Sidebar login={login} isLoaded={isLoaded} open={open} onLogout={onLogout} />
        {open ? (
          <RoomView key={open} id={open} me={login.user.id} isLoaded={isLoaded} />
        ) : (
          <main className="room empty">
            <p>Choose a room, or find somebody to talk to.</p>
          </main>
        )}
      </div>
    </>
  );
}

function ConnectionBanner() {
  const status = useStatus();
  const text = { offline: "No connection. Messages are sent when it is back.", connecting: "Connecting …", "catching-up": "Catching up …" };
  return (
    <div role="status" className="banner" data-status={status}>
      {status in text && <span>{text[status as keyof typeof text]}</span>}
    </div>
  );
}
