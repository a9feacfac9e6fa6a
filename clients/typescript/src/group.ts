// The tabs of one user. Without sharing each tab is a group of its own; `tabs.ts` is the group that shares a connection.
import type { Actions, Hello, Message, PushedEvent } from "./generated/contract.js";
import type { Action, End, Link, LinkEvents } from "./link.js";
import type { Unsent } from "./outbox.js";

/** News of one tab for the others. */
export type Note =
  | { kind: "outbox"; clientId: string; unsent: Unsent | undefined; message: Message | null }
  | { kind: "draft"; roomId: string; text: string }
  | { kind: "read"; roomId: string; seq: number };

export interface GroupEvents extends LinkEvents {
  /** This tab has the connection from now on. */
  lead(): void;
  note(note: Note): void;
}

/** The link of a tab: its own connection while it leads, otherwise that of the tab which leads. */
export interface Group extends Link {
  readonly isLeader: boolean;
  join(): Promise<void>;
  leave(): void;
  tell(note: Note): void;
  // The tab that leads passes on what its connection reports. `up` means that all later events are on their way.
  up(hello: Hello): void;
  down(status: "offline" | "connecting"): void;
  end(end: End): void;
  events(events: PushedEvent[]): void;
}

/** Makes the group of this name. */
export type Sharing = (name: string, connection: Link, report: GroupEvents) => Group;

const nothing = () => {};

/** A tab by itself. */
export const alone: Sharing = (_, connection, report) => {
  let isLeader = false;
  return {
    get isLeader() {
      return isLeader;
    },
    async join() {
      isLeader = true;
      report.lead();
    },
    request: <A extends Action>(action: A, body: Actions[A]["body"]) => connection.request(action, body),
    leave: nothing,
    tell: nothing,
    up: nothing,
    down: nothing,
    end: nothing,
    events: nothing,
  };
};
