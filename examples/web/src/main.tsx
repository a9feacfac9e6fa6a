// The page: log-in or chat.
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Chat } from "./Chat.tsx";
import { current, forget, logOut, takeLink, type Login } from "./session.ts";
import { SignIn } from "./SignIn.tsx";
import "./style/base.css";
import "./style/page.css";
import "./style/rooms.css";
import "./style/room.css";
import "./style/phone.css";

function App({ first, problem }: { first: Login | null; problem: string }) {
  const [login, setLogin] = useState(first);
  const [why, setWhy] = useState(problem);

  if (!login) return <SignIn why={why} onLogin={setLogin} />;
  const leave = (reason: string) => {
    setWhy(reason);
    setLogin(null);
  };
  const onLogout = () => {
    leave("");
    void logOut(login);
  };
  const onEnded = (reason: string) => {
    forget(login);
    leave(reason);
  };
  return <Chat key={login.token} login={login} onLogout={onLogout} onEnded={onEnded} />;
}

let problem = "";
const link = await takeLink().catch((error: Error) => {
  problem = error.message;
  return null;
});
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App first={link ?? current()} problem={problem} />
  </StrictMode>,
);
