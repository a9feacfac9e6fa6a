// Log-ins. A browser may hold those of several people; each tab belongs to one of them.
import { Parley, type Rest, type User } from "parley-client";
import { indexedDb } from "parley-client/indexeddb";
import { shareTabs } from "parley-client/tabs";

declare const SERVER: string; // see build.mjs

export interface Login {
  token: string;
  user: Pick<User, "id" | "username" | "display_name">;
}

const LOGINS = "parley-web logins";
const USER = "parley-web user"; // of this tab; a new tab begins with the last one

const logins = () => JSON.parse(localStorage.getItem(LOGINS) ?? "{}") as Record<string, Login>;
const rest = (token: string | null): Rest => new Parley({ url: SERVER, token: () => token }).rest;

/** The log-in of this tab. */
export function current(): Login | null {
  const user = sessionStorage.getItem(USER) ?? localStorage.getItem(USER);
  return (user && logins()[user]) || null;
}

export function remember({ token, user }: Login): Login {
  const login = { token, user: { id: user.id, username: user.username, display_name: user.display_name } };
  localStorage.setItem(LOGINS, JSON.stringify({ ...logins(), [user.id]: login }));
  for (const storage of [localStorage, sessionStorage]) storage.setItem(USER, user.id);
  return login;
}

export function forget({ user, token }: Login): void {
  const { [user.id]: known, ...others } = logins();
  if (known?.token === token) localStorage.setItem(LOGINS, JSON.stringify(others));
  sessionStorage.removeItem(USER);
}

/** A link may end in `#token=...`: who opens it is logged in. The token leaves the address at once. */
export async function takeLink(): Promise<Login | null> {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (!token) return null;
  history.replaceState(null, "", "#/");
  return remember({ token, user: await rest(token)("GET /v1/me") });
}

export const logIn = (username: string, password: string) =>
  rest(null)("POST /v1/auth/login", { body: { username, password } });

export const register = (username: string, password: string) =>
  rest(null)("POST /v1/auth/register", { body: { username, password } });

/** Ends the session at the server, as far as it can be reached. What was not sent stays in the browser for its author. */
export async function logOut(login: Login): Promise<void> {
  forget(login);
  await rest(login.token)("POST /v1/auth/logout").catch(() => {});
}

export function connect({ user }: Login): Parley {
  return new Parley({
    url: SERVER,
    user: user.id,
    token: () => logins()[user.id]?.token ?? null, // of another tab, if this user has logged in there since
    store: indexedDb(),
    tabs: shareTabs(),
  });
}
