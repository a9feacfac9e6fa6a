// The way to the server: a connection of this tab, or another tab that has one.
import type { Actions, Hello, PushedEvent } from "./generated/contract.js";

export type Action = keyof Actions;

/** "offline": a pause before the next attempt. "catching-up": connected, and missed events are on their way. */
export type Status = "offline" | "connecting" | "catching-up" | "live" | "ended";

/** The end of a session: the client does not come back by itself. */
export interface End {
  /** The close code of the server; 0 when the `token` callback gave none. */
  code: number;
  reason: string;
  /** Whether a new log-in is what helps. */
  login: boolean;
}

export interface Link {
  /** Sends an action; resolves with the data of its reply. Rejects with Refused. */
  request<A extends Action>(action: A, body: Actions[A]["body"]): Promise<Actions[A]["data"]>;
}

/** What a link reports. */
export interface LinkEvents {
  /** Connected and authenticated: the events that follow are those of the streams that are subscribed to from now on. */
  up(hello: Hello): void;
  down(status: "offline" | "connecting"): void;
  events(events: PushedEvent[]): void;
  ended(end: End): void;
}
