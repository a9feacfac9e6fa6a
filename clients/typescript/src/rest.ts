// REST, typed by the contract.
import type { Endpoints, Problem } from "./generated/contract.js";
import type { TokenReason } from "./connection.js";
import { Refused, offline } from "./refused.js";

/** The parts of a call that its path needs; the others may be left out. */
type Call<E extends keyof Endpoints> = (Endpoints[E]["path"] extends undefined ? unknown : { path: Endpoints[E]["path"] }) & {
  query?: Endpoints[E]["query"];
  body?: Endpoints[E]["body"];
};
type Arguments<E extends keyof Endpoints> = Endpoints[E]["path"] extends undefined ? [call?: Call<E>] : [call: Call<E>];

/** Calls an endpoint: `rest("PATCH /v1/rooms/{room_id}", { path: { room_id }, body: { topic } })`. Rejects with Refused. */
export type Rest = <E extends keyof Endpoints>(endpoint: E, ...call: Arguments<E>) => Promise<Endpoints[E]["reply"]>;

export function rest(url: string, send: typeof fetch, getToken: (reason: TokenReason) => Promise<string | null>): Rest {
  return async (endpoint, ...[call]) => {
    const { path, query, body } = (call ?? {}) as { path?: Record<string, string>; query?: object; body?: unknown };
    const [method, template] = endpoint.split(" ") as [string, string];
    const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path![name]!));
    const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
    const search = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
    const address = url + filled + (search && `?${search}`);
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const token = await getToken("start").catch(offlineToken);
    let answer = await fetchJson(send, address, init, token);
    if (answer.status === 401 && token) {
      const fresh = await getToken("expired").catch(offlineToken);
      if (fresh !== token) answer = await fetchJson(send, address, init, fresh);
    }
    if (answer.status >= 400) throw Refused.by(answer.body as Problem);
    return answer.body as never;
  };
}

const offlineToken = () => Promise.reject(offline());

async function fetchJson(send: typeof fetch, address: string, init: RequestInit, token: string | null): Promise<{ status: number; body: unknown }> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (token) headers["Authorization"] = `Bearer ${token}`;
  if (init.body) headers["Content-Type"] = "application/json";
  try {
    const response = await send(address, { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  } catch {
    throw offline(); // no answer, or that of a proxy
  }
}
