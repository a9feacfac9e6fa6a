// Tabs of one user share one connection: the tab that holds a Web Lock has it, the others use it by a BroadcastChannel.
import type { Actions, Hello, Message, Problem, PushedEvent } from "./generated/contract.js";
import type { Action, End, Link, LinkEvents } from "./link.js";
import type { Unsent } from "./outbox.js";
import { newId, type Channel, type Platform } from "./platform.js";
import { Refused, offline } from "./refused.js";

type Frame =
  | { type: "who" } // a tab asks whether there is a connection
  | { type: "up"; hello: Hello; run: number; count: number }
  | { type: "down"; status: "offline" | "connecting" }
  | { type: "ended"; end: End }
  | { type: "events"; events: PushedEvent[]; count: number }
  | { type: "request"; id: string; action: Action; body: object }
  | { type: "reply"; id: string; data?: unknown; problem?: Problem | null; code?: Refused["code"] }
  | { type: "outbox"; clientId: string; unsent: Unsent | undefined; message: Message | null }
  | { type: "draft"; roomId: string; text: string }
  | { type: "read"; roomId: string; seq: number };

export interface TabsEvents extends LinkEvents {
  /** This tab has the connection from now on. */
  lead(): void;
  outbox(clientId: string, unsent: Unsent | undefined, message: Message | null): void;
  draft(roomId: string, text: string): void;
  /** Another tab has marked a room as read. */
  read(roomId: string, seq: number): void;
}

const REPLY_MS = 35_000; // longer than the connection waits

export class Tabs implements Link {
  isLeader = false;
  private channel: Channel | null = null;
  private readonly ended = new AbortController();
  private release: (() => void) | undefined;
  private hello: Hello | null = null;
  private run = 0; // of the subscriptions: after a new run the other tabs catch up
  private count = 0; // of the frames with events, so that a tab that was frozen notices a gap
  private readonly waiting = new Map<string, { resolve(data: never): void; reject(error: Refused): void }>();

  constructor(
    private readonly name: string,
    private readonly platform: Platform,
    /** The connection of this tab, which is used while it leads. */
    private readonly connection: Link,
    private readonly report: TabsEvents,
  ) {}

  /** Joins the tabs of this name. Without Web Locks each tab leads. */
  async join(): Promise<void> {
    const { locks, channel } = this.platform;
    if (!locks || !channel) return this.lead();
    this.channel = channel(this.name);
    this.channel.onmessage = ({ data }) => this.receive(data as Frame);
    const isFree = await new Promise<boolean>((decided) => {
      this.hold({ ifAvailable: true }, decided);
    });
    if (isFree || this.ended.signal.aborted) return;
    this.hold({ signal: this.ended.signal }, () => {});
    this.post({ type: "who" });
  }

  private hold(options: { ifAvailable?: boolean; signal?: AbortSignal }, decided: (isHeld: boolean) => void): void {
    const held = (lock: unknown): Promise<void> | void => {
      decided(lock !== null);
      if (lock === null || this.ended.signal.aborted) return;
      this.lead();
      return new Promise<void>((release) => (this.release = release));
    };
    this.platform.locks!.request(this.name, options, held).catch(() => decided(false)); // left before the lock was free
  }

  private lead(): void {
    this.isLeader = true;
    this.reject();
    this.report.lead();
  }

  leave(): void {
    if (this.isLeader) this.down("connecting");
    this.isLeader = false;
    this.ended.abort();
    this.release?.();
    this.channel?.close();
    this.channel = null;
    this.reject();
  }

  private reject(): void {
    for (const { reject } of this.waiting.values()) reject(offline());
    this.waiting.clear();
  }

  // For the tab that leads

  /** The connection is live: the other tabs catch up. */
  up(hello: Hello): void {
    this.hello = hello;
    this.run++;
    this.announce(hello);
  }

  private announce(hello: Hello): void {
    this.post({ type: "up", hello, run: this.run, count: this.count });
  }

  down(status: "offline" | "connecting"): void {
    this.hello = null;
    this.post({ type: "down", status });
  }

  end(end: End): void {
    this.hello = null;
    this.post({ type: "ended", end });
  }

  events(events: PushedEvent[]): void {
    if (this.hello) this.post({ type: "events", events, count: ++this.count });
  }

  // For all tabs

  outbox(clientId: string, unsent: Unsent | undefined, message: Message | null): void {
    this.post({ type: "outbox", clientId, unsent, message });
  }

  draft(roomId: string, text: string): void {
    this.post({ type: "draft", roomId, text });
  }

  read(roomId: string, seq: number): void {
    this.post({ type: "read", roomId, seq });
  }

  request<A extends Action>(action: A, body: Actions[A]["body"]): Promise<Actions[A]["data"]> {
    if (this.isLeader) return this.connection.request(action, body);
    if (!this.channel) return Promise.reject(offline());
    const id = newId();
    const reply = new Promise<Actions[A]["data"]>((resolve, reject) => {
      const timer = setTimeout(() => this.waiting.get(id)?.reject(offline()), REPLY_MS);
      const settle = (done: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        done();
      };
      this.waiting.set(id, {
        resolve: (data: never) => settle(() => resolve(data)),
        reject: (error) => settle(() => reject(error)),
      });
    });
    this.post({ type: "request", id, action, body });
    return reply;
  }

  private post(frame: Frame): void {
    this.channel?.postMessage(frame);
  }

  private receive(frame: Frame): void {
    if (frame.type === "outbox") return this.report.outbox(frame.clientId, frame.unsent, frame.message);
    if (frame.type === "draft") return this.report.draft(frame.roomId, frame.text);
    if (frame.type === "read") return this.report.read(frame.roomId, frame.seq);
    if (this.isLeader) this.serve(frame);
    else this.follow(frame);
  }

  private serve(frame: Frame): void {
    if (frame.type === "who" && this.hello) this.announce(this.hello);
    if (frame.type !== "request") return;
    const { id, action, body } = frame;
    this.connection.request(action, body as never).then(
      (data) => this.post({ type: "reply", id, data }),
      ({ code, problem }: Refused) => this.post({ type: "reply", id, code, problem }),
    );
  }

  private follow(frame: Frame): void {
    if (frame.type === "up") {
      this.count = frame.count;
      if (this.hello?.connection_id === frame.hello.connection_id && this.run === frame.run) return; // for another tab
      this.run = frame.run;
      this.hello = frame.hello;
      this.report.up(frame.hello);
    } else if (frame.type === "events") this.followEvents(frame.events, frame.count);
    else if (frame.type === "reply") {
      const waiting = this.waiting.get(frame.id);
      if (frame.code) waiting?.reject(frame.problem ? Refused.by(frame.problem) : new Refused(frame.code));
      else waiting?.resolve(frame.data as never);
    } else if (frame.type === "down" || frame.type === "ended") {
      this.hello = null;
      this.reject();
      if (frame.type === "down") this.report.down(frame.status);
      else this.report.ended(frame.end);
    }
  }

  private followEvents(events: PushedEvent[], count: number): void {
    if (!this.hello) return;
    const isGap = count !== this.count + 1;
    this.count = count;
    this.report.events(events);
    if (isGap) this.report.up(this.hello); // frames were lost while this tab was frozen: catch up
  }
}
