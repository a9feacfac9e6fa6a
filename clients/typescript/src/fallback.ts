// Where a network lets no websocket through: a socket for `platform.WebSocket` that goes on over HTTP, by `POST stream`
// or, where a response does not arrive while it grows, by long polls. Actions become requests of REST.
import { FINAL_CLOSE_CODES } from "./generated/codes.js";
import type { Problem, PushedEvent, SyncBody, SyncResult } from "./generated/contract.js";
import { newId, type Platform, type Socket } from "./platform.js";

const HELLO_MS = 10_000;
const ATTEMPTS = 2; // of the socket, in a row
const SILENCE_MS = 30_000; // of a stream, which has a comment each 15 seconds
const WAIT_MS = 25_000;
const AGAIN_MS = 5 * 60_000;
const REFUSED_MS = 1_000;
const OPEN = 1;
const CLOSED = 3;
const LOST = 1006;
const RESTART = 1012;

/** The endpoint of each action that a client may send on a socket; the ids of its path are in the body. */
const ENDPOINTS: Record<string, [method: string, path: string]> = {
  send_message: ["POST", "rooms/{room_id}/messages"],
  edit_message: ["PATCH", "rooms/{room_id}/messages/{message_id}"],
  delete_message: ["DELETE", "rooms/{room_id}/messages/{message_id}"],
  get_messages: ["GET", "rooms/{room_id}/messages"],
  get_message: ["GET", "rooms/{room_id}/messages/{message_id}"],
  mark_read: ["POST", "rooms/{room_id}/read"],
  typing: ["POST", "rooms/{room_id}/typing"],
  follow_thread: ["PUT", "rooms/{room_id}/threads/{thread_root}/follow"],
  unfollow_thread: ["DELETE", "rooms/{room_id}/threads/{thread_root}/follow"],
  ack: ["POST", "ack"],
  ping: ["POST", "ping"],
  watch_presence: ["POST", "presence/watch"],
  set_presence: ["PUT", "presence"],
};

type Way = "socket" | "stream" | "poll";
type Answer = { status: number; body: unknown };
type Body = Record<string, unknown>;
type Frame = { action: string; data: unknown; errors?: Problem[] };

export interface Fallback {
  /** For `new Parley({ platform: { WebSocket } })`. */
  WebSocket: Platform["WebSocket"];
  /** How the last connection was made. */
  way(): Way;
}

/** What connections of one client know of the network. */
interface Network {
  fetch: typeof fetch;
  Native: Platform["WebSocket"] | undefined;
  failures: number; // of sockets, without a hello
  isStreaming: boolean; // false where a stream has brought nothing
  way: Way;
}

/** Parts of the environment, where they are missing. The socket that is tried first may be `ws`'. */
export function fallback(given: Partial<Pick<Platform, "WebSocket" | "fetch">> = {}): Fallback {
  const network: Network = {
    fetch: given.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    Native: given.WebSocket ?? (globalThis as { WebSocket?: Platform["WebSocket"] }).WebSocket,
    failures: 0,
    isStreaming: true,
    way: "socket",
  };
  const open = function (url: string, protocols: string[]): Socket {
    const { Native, failures } = network;
    if (Native && failures < ATTEMPTS) return new Tried(network, new Native(url, protocols));
    return new Requests(network, url, protocols);
  };
  return { WebSocket: open as unknown as Platform["WebSocket"], way: () => network.way };
}

/** A socket whose hello is waited for. */
class Tried implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly #socket: Socket;

  constructor(network: Network, socket: Socket) {
    this.#socket = socket;
    network.way = "socket";
    network.failures++; // until its first frame
    socket.onmessage = (event) => {
      network.failures = 0;
      this.onmessage?.(event);
    };
    socket.onclose = (event) => {
      if (FINAL_CLOSE_CODES.includes(event.code)) network.failures = 0; // the server itself has answered
      this.onclose?.(event);
    };
    socket.onerror = () => {};
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.#socket.close();
  }
}

/** A socket in shape, requests in fact. */
class Requests implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readyState = 0;
  #token: string;
  #pages: SyncResult[] = []; // of the sync of a stream, which the client asks for one after the other
  #syncing: string | null = null; // the request id of the sync that waits for its page
  #following = new AbortController(); // the stream or poll of the last sync
  readonly #ending = new AbortController();
  readonly #again: ReturnType<typeof setTimeout>;
  readonly #url: string;
  readonly #protocols: string[];
  readonly #network: Network;
  readonly #online = () => void this.#trySocket();

  constructor(network: Network, url: string, protocols: string[]) {
    this.#network = network;
    this.#url = url;
    this.#protocols = protocols;
    this.#token = protocols.find((each) => each.startsWith("bearer."))!.slice("bearer.".length);
    this.#again = setTimeout(this.#online, AGAIN_MS);
    (globalThis as { addEventListener?: EventTarget["addEventListener"] }).addEventListener?.("online", this.#online);
    void this.#open();
  }

  send(text: string): void {
    const { action, request_id, ...body } = JSON.parse(text) as { action: string; request_id: string };
    this.#act(action, request_id, body).catch(() => this.#fail());
  }

  close(): void {
    this.readyState = CLOSED;
    clearTimeout(this.#again);
    (globalThis as { removeEventListener?: EventTarget["removeEventListener"] }).removeEventListener?.("online", this.#online);
    this.#following.abort();
    this.#ending.abort();
  }

  #fail(code = LOST, reason = ""): void {
    if (this.readyState === CLOSED) return;
    this.close();
    this.onclose?.({ code, reason });
  }

  #push(frame: object): void {
    if (this.readyState !== CLOSED) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** Says hello when REST answers: otherwise the network is away, and the socket is tried first when it is back. */
  async #open(): Promise<void> {
    const { status, body: user } = await this.#fetch("GET", "me").catch(() => ({ status: 0, body: null }));
    if (status !== 200) {
      Object.assign(this.#network, { failures: 0, isStreaming: true });
      return status === 401 || status === 403 ? this.#refuse(user as Problem) : this.#fail();
    }
    this.readyState = OPEN;
    this.#network.way = this.#network.isStreaming ? "stream" : "poll";
    const heartbeat = { interval_ms: SILENCE_MS, timeout_ms: 2 * SILENCE_MS };
    const typing = { resend_ms: 5_000, expire_ms: 15_000 };
    this.#push({ action: "hello", data: { protocol: "chat.v1", connection_id: newId(), user, heartbeat, typing } });
  }

  /** Ends as a socket with this token would. */
  #refuse({ code }: Problem): void {
    if (code === "auth.account_disabled") this.#fail(4403, "account_disabled");
    else this.#fail(4401, "unauthenticated");
  }

  async #fetch(method: string, path: string, body?: unknown, signal: AbortSignal = this.#ending.signal): Promise<Answer> {
    const response = await this.#request(method, path, body, signal);
    const text = await response.text();
    return { status: response.status, body: text ? (JSON.parse(text) as unknown) : null };
  }

  #request(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const address = `${this.#url.replace(/^ws/, "http").replace(/\/ws$/, "")}/${path}`;
    const headers = { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" };
    return this.#network.fetch(address, { method, headers, signal, ...(body !== undefined && { body: JSON.stringify(body) }) });
  }

  async #act(action: string, id: string, body: Body): Promise<void> {
    if (action === "sync") return this.#sync(id, body);
    if (action === "authenticate") return this.#authenticate(id, body["token"] as string);
    const [method, path] = ENDPOINTS[action] ?? ["GET", `unknown/${action}`];
    const rest = { ...body };
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    const pairs = Object.entries(rest).filter(([, value]) => value != null);
    const query = method === "GET" && pairs.length ? `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}` : "";
    const hasBody = method !== "GET" && method !== "DELETE" && pairs.length > 0;
    this.#reply(action, id, await this.#fetch(method, filled + query, hasBody ? rest : undefined));
  }

  #reply(action: string, request_id: string, { status, body }: Answer): void {
    if (status === 401) return this.#refuse(body as Problem);
    const errors = status >= 400 ? [body] : [];
    this.#push({ action, request_id, response_status: status, errors, data: status >= 400 ? null : (body ?? {}) });
  }

  /** A fresh token: what follows is opened again with it. */
  async #authenticate(id: string, token: string): Promise<void> {
    const before = this.#token;
    this.#token = token;
    const answer = await this.#fetch("GET", "me");
    if (answer.status >= 400) this.#token = before;
    this.#reply("authenticate", id, answer.status === 401 ? { ...answer, status: 403 } : answer);
    if (answer.status < 400) this.#askToSync();
  }

  /** Makes the client sync again, from its own cursors. */
  #askToSync(): void {
    this.#push({ action: "events", data: [{ type: "room.limited", room_id: null, seq: null, at: "", actor_id: null, data: {} }] });
  }

  async #sync(id: string, { next, rooms, inbox, epoch }: SyncBody): Promise<void> {
    this.#syncing = id;
    if (next) return this.#givePage();
    this.#pages = [];
    this.#following.abort();
    const following = (this.#following = new AbortController());
    const cursors = { rooms: { ...rooms }, inbox: inbox ?? null, epoch: epoch ?? null };
    if (this.#network.isStreaming) await this.#stream(cursors, following);
    else await this.#poll(cursors, following.signal);
  }

  #givePage(): void {
    const id = this.#syncing;
    const page = id === null ? undefined : this.#pages.shift();
    if (!page) return;
    this.#syncing = null;
    this.#reply("sync", id!, { status: 200, body: page });
  }

  async #stream(cursors: SyncBody, following: AbortController): Promise<void> {
    const { signal } = following;
    let hasBegun = false;
    let silence = setTimeout(() => following.abort(), HELLO_MS);
    try {
      const response = await this.#request("POST", "stream", cursors, signal);
      if (!response.ok || !response.body) return this.#reply("sync", this.#syncing!, { status: response.status, body: await response.json() });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        hasBegun = true;
        clearTimeout(silence);
        silence = setTimeout(() => following.abort(), SILENCE_MS);
        const lines = (rest + value).split("\n");
        rest = lines.pop()!;
        for (const line of lines) if (line.startsWith("data: ")) this.#take(JSON.parse(line.slice(6)) as Frame);
      }
    } catch {
      // Lost, or ended here.
    } finally {
      clearTimeout(silence);
    }
    if (this.#following !== following || this.readyState === CLOSED) return;
    if (!hasBegun) this.#network.isStreaming = false;
    this.#fail(); // the client comes back, and syncs
  }

  #take(frame: Frame): void {
    if (frame.action === "events") this.#push(frame);
    else if (frame.action === "goodbye") {
      this.#push(frame);
      const { code, reason } = frame.data as { code: number; reason: string };
      this.#fail(code, reason);
    } else if (frame.action === "sync" && frame.errors?.length)
      this.#reply("sync", this.#syncing!, { status: frame.errors[0]!.status, body: frame.errors[0] });
    else if (frame.action === "sync") {
      this.#pages.push(frame.data as SyncResult);
      this.#givePage();
    }
  }

  async #poll(cursors: SyncBody, signal: AbortSignal): Promise<void> {
    let isFirst = true;
    let next: string | null = null;
    try {
      while (!signal.aborted) {
        const body: SyncBody = { ...cursors, ...(next && { next }), ...(!isFirst && !next && { wait_ms: WAIT_MS }) };
        const { status, body: answer } = await this.#fetch("POST", "sync", body, signal);
        if (status === 401) return this.#refuse(answer as Problem);
        if (status >= 400) {
          if (isFirst) return this.#reply("sync", this.#syncing!, { status, body: answer });
          await new Promise((waited) => setTimeout(waited, (answer as Problem).retry_after_ms ?? REFUSED_MS));
          continue;
        }
        const page = answer as SyncResult;
        if (isFirst) this.#pages.push(page);
        else if (!this.#passOn(page)) return this.#askToSync();
        advance(cursors, page);
        next = page.next;
        if (isFirst) this.#givePage();
        if (!next) isFirst = false;
      }
    } catch {
      if (!signal.aborted) this.#fail();
    }
  }

  /** Passes events on as a socket would. False when events alone do not tell what has happened. */
  #passOn({ inbox, rooms }: SyncResult): boolean {
    if (inbox.reset || inbox.limited || rooms.some(({ reset, limited }) => reset || limited)) return false;
    const events: PushedEvent[] = [inbox, ...rooms].flatMap((each) => each.events as PushedEvent[]);
    if (events.length) this.#push({ action: "events", data: events });
    return true;
  }

  /** Opens a socket beside: when it says hello, the client comes back and uses one. */
  async #trySocket(): Promise<void> {
    const { Native } = this.#network;
    if (!Native || this.readyState !== OPEN) return;
    clearTimeout(this.#again);
    const socket = new Native(this.#url, [this.#protocols[0]!, `bearer.${this.#token}`]);
    const isOpen = await new Promise<boolean>((decided) => {
      socket.onmessage = () => decided(true);
      socket.onclose = socket.onerror = () => decided(false);
      setTimeout(() => decided(false), HELLO_MS);
    });
    socket.close();
    if (!isOpen) return void setTimeout(this.#online, AGAIN_MS);
    Object.assign(this.#network, { failures: 0, isStreaming: true });
    this.#fail(RESTART);
  }
}

/** Moves the cursors to where a page ends. */
function advance(cursors: SyncBody, page: SyncResult): void {
  for (const { id, head } of page.rooms) cursors.rooms![id] = head;
  for (const { id } of page.removed) delete cursors.rooms![id];
  Object.assign(cursors, { inbox: page.inbox.head, epoch: page.epoch });
}
