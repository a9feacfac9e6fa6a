// The chat of one user: the client, the list of rooms beside the open room, and what concerns the whole page.
import { ParleyProvider, useEnded, useStatus, useUnread } from "parley-client/react";
import { useEffect, useState } from "react";
import { BesideContext, useOpenBeside } from "./beside.ts";
import { BlocksContext, useLoadedBlocks } from "./blocks.ts";
import { JoinByLink } from "./JoinByLink.tsx";
import { NoticeContext } from "./notice.ts";
import { RoomView } from "./RoomView.tsx";
import { useLinkCode, useOpenRoom } from "./route.ts";
import { connect, type Login } from "./session.ts";
import { Sidebar } from "./Sidebar.tsx";

const NOTICE_MS = 8_000;
interface Props {
  login: Login;
  onLogout(): void;
  onEnded(why: string): void;
}

export function Chat({ login, onLogout, onEnded }: Props) {
  const [client] = useState(() => connect(login));
  const [notice, setNotice] = useState("");
  const beside = useOpenBeside(client);
  const blocks = useLoadedBlocks(client);

  useEffect(() => {
    const timer = setTimeout(() => setNotice(""), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  useEffect(() => client.on("storage", () => setNotice("This browser keeps nothing: a reload may lose unsent messages.")), [client]);

  return (
    <ParleyProvider client={client}>
      <NoticeContext value={setNotice}>
        <BesideContext value={beside}>
          <BlocksContext value={blocks}>
            <Panes login={login} onLogout={onLogout} onEnded={onEnded} />
          </BlocksContext>
        </BesideContext>
        <div role="alert" className="notice">{notice}</div>
      </NoticeContext>
    </ParleyProvider>
  );
}

function Panes({ login, onLogout, onEnded }: Props) {
  const status = useStatus();
  const ended = useEnded();
  const unread = useUnread();
  const open = useOpenRoom();
  const code = useLinkCode();
  const [isLoaded, setLoaded] = useState(false);

  useEffect(() => {
    if (ended?.login) onEnded("Your session has ended. What you have not sent yet is kept.");
  }, [ended, onEnded]);
  useEffect(() => {
    document.title = unread ? `(${unread}) Parley` : "Parley";
  }, [unread]);
  useEffect(() => {
    if (status === "live") setLoaded(true);
  }, [status]);

  return (
    <>
      <ConnectionBanner />
      <main className={open || code ? "panes room-open" : "panes"}>
        <h1 className="unseen">Parley</h1>
        <Sidebar login={login} isLoaded={isLoaded} open={open} onLogout={onLogout} />
        {open && <RoomView key={open} id={open} me={login.user.id} isLoaded={isLoaded} />}
        {code && <JoinByLink key={code} code={code} />}
        {!open && !code && <p className="room empty">Choose a room, or find somebody to talk to.</p>}
      </main>
    </>
  );
}

function ConnectionBanner() {
  const status = useStatus();
  const ended = useEnded();
  const text = {
    live: "",
    offline: "No connection. Messages are sent when it is back.",
    connecting: "Connecting …",
    "catching-up": "Catching up …",
    ended: ended && `The server does not talk to this page: ${ended.reason.replaceAll("_", " ")}.`,
  }[status];
  return (
    <div role="status" className="banner" data-status={status}>
      {text && <span>{text}</span>}
    </div>
  );
}
