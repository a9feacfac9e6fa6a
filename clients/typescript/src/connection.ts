// One socket to the server, opened again after each break until the server says that it is final.
import { FINAL_CLOSE_CODES } from "./generated/codes.js";
import type { Actions, Goodbye, Hello, Problem, PushedEvent } from "./generated/contract.js";
import type { Action, End, Link, LinkEvents } from "./link.js";
import { newId, type Platform, type Socket } from "./platform.js";
import { Refused, offline } from "./refused.js";
import { pause } from "./pause.js";

/** "start": the first connection. "expiring": the session ends soon. "expired": the last token was refused. */
export type TokenReason = "start" | "expiring" | "expired";

/** A token, or null when nobody is logged in. It may be called often. A rejection is a failure to be tried again. */
export type TokenSource = (reason: TokenReason) => string | null | Promise<string | null>;

const OPEN = 1;
const HELLO_MS = 10_000;
const REQUEST_MS = 30_000;
const PING_MS = 10_000;
const WAKING_PING_MS = 4_000;
const WAKING_EVENTS = ["online", "pageshow", "visibilitychange"];
const TOKEN_CODES = [4401, 4402]; // a newer token may help
const LOGIN_CODES = [...TOKEN_CODES, 4410];

type Frame =
  | { action: "hello"; data: Hello }
  | { action: "goodbye"; data: Goodbye }
  | { action: "events"; data: PushedEvent[] }
  | { action: Action | null; request_id: string | null; errors: Problem[]; data: unknown };

interface Waiting {
  resolve(data: never): void;
  reject(error: Refused): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Connection implements Link {
  /** The token that was given last. */
  token: string | null = null;
  #socket: Socket | null = null;
  #isUp = false;
  #isStarted = false;
  #attempt = 0;
  #notBefore = 0;
  #heartbeatMs = 0;
  #refusedToken: string | null = null;
  #lastEnd!: End; // of the refused token
  #reason: TokenReason = "start";
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined; // of the hello, or of the next sign of life
  readonly #waiting = new Map<string, Waiting>();
  readonly #wakeUp = () => this.wake();

  readonly #url: string;
  readonly #source: TokenSource;
  readonly #platform: Platform;
  readonly #report: LinkEvents;

  /** `url` is the address of REST, without a closing slash. */
  constructor(
    url: string,
    source: TokenSource,
    platform: Platform,
    report: LinkEvents,
  ) {
    this.#url = url;
    this.#source = source;
    this.#platform = platform;
    this.#report = report;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#attempt = 0;
    this.#refusedToken = null;
    for (const name of WAKING_EVENTS) this.#platform.page?.addEventListener(name, this.#wakeUp, true);
    void this.#connect();
  }

  stop(): void {
    this.#isStarted = false;
    for (const name of WAKING_EVENTS) this.#platform.page?.removeEventListener(name, this.#wakeUp, true);
    clearTimeout(this.#retryTimer);
    this.#drop();
  }

  /** Connects at once after a pause; if the socket looks open, finds out whether it still works. */
  wake(): void {
    if (!this.#isStarted || this.#platform.isHidden()) return;
    if (this.#isUp) this.#ping(WAKING_PING_MS);
    else if (this.#retryTimer !== undefined) {
      clearTimeout(this.#retryTimer);
      this.#attempt = 0;
      this.#retryTimer = setTimeout(() => void this.#connect(), Math.max(0, this.#notBefore - Date.now()));
    }
  }

  request<A extends Action>(action: A, body: Actions[A]["body"]): Promise<Actions[A]["data"]> {
    const socket = this.#socket;
    if (!this.#isUp || socket?.readyState !== OPEN) return Promise.reject(offline());
    return new Promise((resolve, reject) => {
      const id = newId();
      // A reply that does not come is a broken line: what was asked is asked again after the next hello.
      const timer = setTimeout(() => this.#reconnect(), REQUEST_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ action, request_id: id, ...body }));
    });
  }

  async #connect(): Promise<void> {
    this.#retryTimer = undefined;
    this.#report.down("connecting");
    let token: string | null;
    try {
      token = await this.getToken(this.#reason);
    } catch {
      if (this.#isStarted) this.#reconnect();
      return;
    }
    if (!this.#isStarted || this.#socket) return;
    if (!token) return this.#end({ code: 0, reason: "no_token", login: true });
    if (token === this.#refusedToken) return this.#end(this.#lastEnd);
    this.#open(token);
  }

  /** The token that was given last, or for another reason than "start" a new one. */
  async getToken(reason: TokenReason): Promise<string | null> {
    if (reason !== "start" || !this.token) this.token = await this.#source(reason);
    return this.token;
  }

  #open(token: string): void {
    const address = `${this.#url.replace(/^http/, "ws")}/v1/ws`;
    let socket: Socket;
    try {
      socket = new this.#platform.WebSocket(address, ["chat.v1", `bearer.${token}`]);
    } catch (error) {
      this.#report.ended({ code: 0, reason: String(error), login: false });
      return this.stop();
    }
    this.#socket = socket;
    this.#deadline = setTimeout(() => this.#reconnect(), HELLO_MS);
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)) as Frame);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    socket.onerror = () => {}; // a close follows
  }

  #receive(frame: Frame): void {
    this.#listen();
    if (frame.action === "hello") this.#welcome((frame as { data: Hello }).data);
    else if (frame.action === "events") this.#receiveEvents((frame as { data: PushedEvent[] }).data);
    else if (frame.action === "goodbye") this.#notBefore = Date.now() + ((frame as { data: Goodbye }).data.retry_after_ms ?? 0);
    else if ("request_id" in frame) this.#settle(frame.request_id, frame.errors[0], frame.data);
  }

  #welcome(hello: Hello): void {
    this.#isUp = true;
    this.#attempt = 0;
    this.#reason = "start";
    this.#refusedToken = null;
    this.#heartbeatMs = hello.heartbeat.interval_ms;
    this.#listen();
    this.#report.up(hello);
  }

  #receiveEvents(events: PushedEvent[]): void {
    if (events.some(({ type }) => type === "session.expiring")) void this.#renew();
    this.#report.events(events);
  }

  #settle(id: string | null, problem: Problem | undefined, data: unknown): void {
    const waiting = this.#waiting.get(id ?? "");
    if (!waiting) return;
    this.#waiting.delete(id!);
    clearTimeout(waiting.timer);
    if (problem) waiting.reject(Refused.by(problem));
    else waiting.resolve(data as never);
  }

  /** Gives the open socket a fresh token, so that it outlives the session. */
  async #renew(): Promise<void> {
    try {
      const token = await this.#source("expiring");
      if (!token || token === this.token) return;
      await this.request("authenticate", { token });
      this.token = token;
    } catch {
      // The session ends, and the next connection asks for a token again.
    }
  }

  /** Any frame is a sign of life. After a silence the server is asked for one. */
  #listen(): void {
    clearTimeout(this.#deadline);
    if (this.#isUp) this.#deadline = setTimeout(() => this.#ping(PING_MS), this.#heartbeatMs);
    else if (this.#socket) this.#deadline = setTimeout(() => this.#reconnect(), HELLO_MS);
  }

  #ping(patienceMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#reconnect(), patienceMs);
    this.request("ping", {}).catch(() => {});
  }

  #closed(code: number, reason: string): void {
    if (!FINAL_CLOSE_CODES.includes(code)) return this.#reconnect();
    this.#lastEnd = { code, reason, login: LOGIN_CODES.includes(code) };
    if (!TOKEN_CODES.includes(code)) return this.#end(this.#lastEnd);
    this.#refusedToken = this.token; // a different one is tried, the same one is not
    this.#reason = "expired";
    this.#drop();
    void this.#connect();
  }

  #end(end: End): void {
    this.stop();
    this.#report.ended(end);
  }

  #reconnect(): void {
    this.#drop();
    if (!this.#isStarted) return;
    const jitter = pause(this.#attempt++, this.#platform.isHidden(), this.#platform.random());
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => void this.#connect(), Math.max(this.#notBefore - Date.now(), jitter));
    this.#report.down("offline");
  }

  #drop(): void {
    clearTimeout(this.#deadline);
    const socket = this.#socket;
    this.#socket = null;
    this.#isUp = false;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, timer } of lost) {
      clearTimeout(timer);
      reject(offline());
    }
  }
}

