// Tabs of one user share one connection: the tab that holds a Web Lock has it, the others use it by a BroadcastChannel.
import type { Actions, Hello, Problem, PushedEvent } from "./generated/contract.js";
import { alone, type Group, type GroupEvents, type Note, type Sharing } from "./group.js";
import type { Action, End, Link } from "./link.js";
import { newId } from "./platform.js";
import { Refused, offline } from "./refused.js";

type Frame =
  | { type: "who" } // a tab asks whether there is a connection
  | { type: "up"; hello: Hello; run: number; count: number }
  | { type: "down"; status: "offline" | "connecting" }
  | { type: "ended"; end: End }
  | { type: "events"; events: PushedEvent[]; count: number }
  | { type: "request"; id: string; tab: string; action: Action; body: object }
  | { type: "reply"; id: string; data?: unknown; problem?: Problem | null; code?: Refused["code"] }
  | { type: "note"; note: Note };

/** The part of a BroadcastChannel that is used. */
export interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** The part of Web Locks that is used. */
export interface Locks {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    held: (lock: unknown) => Promise<void> | void,
  ): Promise<unknown>;
}

/** The parts of a browser that tabs share. */
export interface Shared {
  locks: Locks;
  channel: (name: string) => Channel;
}

/** Tabs of one user share a connection. Where the browser has no Web Locks, each tab has its own. */
export function shareTabs(shared: Shared | null = browser()): Sharing {
  return (name, connection, report) => (shared ? new Tabs(name, shared, connection, report) : alone(name, connection, report));
}

function browser(): Shared | null {
  const { navigator, BroadcastChannel } = globalThis as { navigator?: { locks?: Locks }; BroadcastChannel?: new (name: string) => Channel };
  if (!navigator?.locks || !BroadcastChannel) return null;
  return { locks: navigator.locks, channel: (name) => new BroadcastChannel(name) };
}

const MOST_WATCHED = 200; // people, by one socket
const REPLY_MS = 35_000; // longer than the connection waits

class Tabs implements Group {
  isLeader = false;
  #channel: Channel | null = null;
  readonly #ended = new AbortController();
  #release: (() => void) | undefined;
  #hello: Hello | null = null;
  #run = 0; // of the subscriptions: after a new run the other tabs catch up
  #count = 0; // of the frames with events, so that a tab that was frozen notices a gap
  readonly #tab = newId();
  /** By tab, the people whom it watches: the socket has one list for all. */
  readonly #watched = new Map<string, readonly string[]>();
  readonly #waiting = new Map<string, { resolve(data: never): void; reject(error: Refused): void }>();

  readonly #name: string;
  readonly #shared: Shared;
  readonly #connection: Link;
  readonly #report: GroupEvents;

  constructor(
    name: string,
    shared: Shared,
    /** The connection of this tab, which is used while it leads. */
    connection: Link,
    report: GroupEvents,
  ) {
    this.#name = name;
    this.#shared = shared;
    this.#connection = connection;
    this.#report = report;
  }

  /** Joins the tabs of this name. */
  async join(): Promise<void> {
    this.#channel = this.#shared.channel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#receive(data as Frame);
    const isFree = await new Promise<boolean>((decided) => {
      this.#hold({ ifAvailable: true }, decided);
    });
    if (isFree || this.#ended.signal.aborted) return;
    this.#hold({ signal: this.#ended.signal }, () => {});
    this.#post({ type: "who" });
  }

  #hold(options: { ifAvailable?: boolean; signal?: AbortSignal }, decided: (isHeld: boolean) => void): void {
    const held = (lock: unknown): Promise<void> | void => {
      decided(lock !== null);
      if (lock === null || this.#ended.signal.aborted) return;
      this.#lead();
      return new Promise<void>((release) => (this.#release = release));
    };
    this.#shared.locks.request(this.#name, options, held).catch(() => decided(false)); // left before the lock was free
  }

  #lead(): void {
    this.isLeader = true;
    this.#reject();
    this.#report.lead();
  }

  leave(): void {
    if (this.isLeader) this.down("connecting");
    this.isLeader = false;
    this.#ended.abort();
    this.#release?.();
    this.#channel?.close();
    this.#channel = null;
    this.#reject();
  }

  #reject(): void {
    for (const { reject } of this.#waiting.values()) reject(offline());
    this.#waiting.clear();
  }

  // For the tab that leads

  /** The connection is live: the other tabs catch up. */
  up(hello: Hello): void {
    this.#hello = hello;
    this.#run++;
    this.#announce(hello);
  }

  #announce(hello: Hello): void {
    this.#post({ type: "up", hello, run: this.#run, count: this.#count });
  }

  down(status: "offline" | "connecting"): void {
    this.#hello = null;
    this.#watched.clear();
    this.#post({ type: "down", status });
  }

  end(end: End): void {
    this.#hello = null;
    this.#post({ type: "ended", end });
  }

  events(events: PushedEvent[]): void {
    if (this.#hello) this.#post({ type: "events", events, count: ++this.#count });
  }

  // For all tabs

  tell(note: Note): void {
    this.#post({ type: "note", note });
  }

  request<A extends Action>(action: A, body: Actions[A]["body"]): Promise<Actions[A]["data"]> {
    if (this.isLeader) return this.#connection.request(action, this.#joined(this.#tab, action, body));
    if (!this.#channel) return Promise.reject(offline());
    const id = newId();
    const reply = new Promise<Actions[A]["data"]>((resolve, reject) => {
      const timer = setTimeout(() => this.#waiting.get(id)?.reject(offline()), REPLY_MS);
      const settle = (done: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        done();
      };
      this.#waiting.set(id, {
        resolve: (data: never) => settle(() => resolve(data)),
        reject: (error) => settle(() => reject(error)),
      });
    });
    this.#post({ type: "request", id, tab: this.#tab, action, body });
    return reply;
  }

  /** The body of a request of one tab; people are watched for all tabs together. */
  #joined<B extends object>(tab: string, action: Action, body: B): B {
    if (action !== "watch_presence") return body;
    this.#watched.set(tab, (body as { user_ids?: string[] }).user_ids ?? []);
    return { ...body, user_ids: [...new Set([...this.#watched.values()].flat())].slice(-MOST_WATCHED) };
  }

  #post(frame: Frame): void {
    this.#channel?.postMessage(frame);
  }

  #receive(frame: Frame): void {
    if (frame.type === "note") this.#report.note(frame.note);
    else if (this.isLeader) this.#serve(frame);
    else this.#follow(frame);
  }

  #serve(frame: Frame): void {
    if (frame.type === "who" && this.#hello) this.#announce(this.#hello);
    if (frame.type !== "request") return;
    const { id, tab, action, body } = frame;
    this.#connection.request(action, this.#joined(tab, action, body) as never).then(
      (data) => this.#post({ type: "reply", id, data }),
      ({ code, problem }: Refused) => this.#post({ type: "reply", id, code, problem }),
    );
  }

  #follow(frame: Frame): void {
    if (frame.type === "up") {
      this.#count = frame.count;
      if (this.#hello?.connection_id === frame.hello.connection_id && this.#run === frame.run) return; // for another tab
      this.#run = frame.run;
      this.#hello = frame.hello;
      this.#report.up(frame.hello);
    } else if (frame.type === "events") this.#followEvents(frame.events, frame.count);
    else if (frame.type === "reply") {
      const waiting = this.#waiting.get(frame.id);
      if (frame.code) waiting?.reject(frame.problem ? Refused.by(frame.problem) : new Refused(frame.code));
      else waiting?.resolve(frame.data as never);
    } else if (frame.type === "down" || frame.type === "ended") {
      this.#hello = null;
      this.#reject();
      if (frame.type === "down") this.#report.down(frame.status);
      else this.#report.ended(frame.end);
    }
  }

  #followEvents(events: PushedEvent[], count: number): void {
    if (!this.#hello) return;
    const isGap = count !== this.#count + 1;
    this.#count = count;
    this.#report.events(events);
    if (isGap) this.#report.up(this.#hello); // frames were lost while this tab was frozen: catch up
  }
}
