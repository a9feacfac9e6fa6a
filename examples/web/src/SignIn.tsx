// Log-in and sign-up.
import { Refused } from "parley-client";
import { useRef, useState, type SubmitEvent } from "react";
import { useLinkCode } from "./route.ts";
import { logIn, register, remember, type Login } from "./session.ts";

export function SignIn({ why, onLogin }: { why: string; onLogin(login: Login): void }) {
  const [isNew, setNew] = useState(false);
  const [problem, setProblem] = useState(why);
  const [isBusy, setBusy] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const code = useLinkCode();

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const [username, password] = [String(fields.get("username")), String(fields.get("password"))];
    setBusy(true);
    setProblem("");
    try {
      onLogin(remember(await (isNew ? register : logIn)(username, password)));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setProblem(error.problem?.errors.map(({ detail }) => detail).join(" ") || error.message);
      setBusy(false);
      name.current?.focus();
    }
  }

  return (
    <main className="sign-in">
      <form onSubmit={submit} aria-labelledby="sign-in">
        <h1 id="sign-in">{isNew ? "Sign up" : "Log in"}</h1>
        {code && <p>You are invited to a room. Log in or sign up to join it.</p>}
        {problem && <p role="alert" className="problem">{problem}</p>}
        <label>
          Username
          <input ref={name} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required />
        </label>
        <button className="primary" disabled={isBusy}>{isNew ? "Sign up" : "Log in"}</button>
        <button type="button" className="link" onClick={() => setNew(!isNew)}>
          {isNew ? "I have an account" : "I am new here"}
        </button>
      </form>
    </main>
  );
}
