// What a front end writes with the types of openapi-typescript: it compiles, or a contract has become worse.
import type { components } from "./build/contract.js";

type Schemas = components["schemas"];
type ServerFrame = Schemas["ServerFrame"];
type ClientFrame = Schemas["ClientFrame"];
type PushedEvent = Schemas["PushedEvent"];

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>() => {};

// Each value selects one member, and each member has a literal of its own: no action and no type overlaps another.
type Selects<Union, Field extends keyof Union> = {
  [Value in Extract<Union[Field], string>]: Equal<Extract<Union, Record<Field, Value>>[Field & keyof Union], Value>;
}[Extract<Union[Field], string>];
holds<Selects<ServerFrame, "action">>();
holds<Selects<ClientFrame, "action">>();
holds<Selects<PushedEvent, "type">>();
holds<Selects<Schemas["Event"], "type">>();
holds<Selects<Schemas["EphemeralEvent"], "type">>();
holds<Equal<Extract<ServerFrame, { action: null }>, Schemas["FrameError"]>>();
holds<Equal<Schemas["FrameError"]["action"], null>>();
holds<Equal<Schemas["EventsPush"]["data"], PushedEvent[]>>();
// @ts-expect-error There is no such action.
holds<Equal<Extract<ServerFrame, { action: "FrameError" }>["action"], "FrameError">>();

export function receive(frame: ServerFrame): string | number | null {
  if (frame.action === "hello") return frame.data.limits.page;
  if (frame.action === "goodbye") return frame.data.reconnect ? frame.data.retry_after_ms : frame.data.reason;
  if (frame.action === "events") return frame.data.map(apply).join();
  if (frame.action === null) return frame.errors[0]!.code;

  // What is left are replies.
  holds<Equal<typeof frame.request_id, string | null>>();
  if (frame.errors[0]) return frame.errors[0].detail;
  if (frame.action === "send_message" && frame.data) return frame.data.text;
  if (frame.action === "get_messages" && frame.data) return frame.data.page.newest_seq;
  if (frame.action === "sync" && frame.data) return frame.data.rooms[0]?.room?.last_message?.text ?? null;
  if (frame.action === "delete_message") holds<Equal<typeof frame.data, Record<string, never> | null>>();
  // @ts-expect-error A reply may have refused.
  if (frame.action === "ping") return frame.data.server_time;
  return frame.response_status;
}

export function apply(event: PushedEvent): string | number | null {
  switch (event.type) {
    case "message.created":
    case "message.edited":
    case "message.deleted":
      holds<Equal<typeof event.room_id, string>>();
      holds<Equal<typeof event.seq, number>>();
      return event.data.text;
    case "room.added":
      return event.data.peer?.username ?? null;
    case "read.updated":
      holds<Equal<typeof event.seq, number | null>>();
      return event.data.unread ?? event.data.read_seq;
    case "typing":
      return event.data.user_ids.length;
    case "session.expiring":
      return event.data.expires_at;
    default:
      return null;
  }
}

export const sent: ClientFrame[] = [
  { action: "ping" },
  { action: "send_message", request_id: "a1", room_id: "r", client_id: "c", text: "Tea?" },
  { action: "get_messages", room_id: "r", before: "42" },
  // @ts-expect-error An anchor is text.
  { action: "get_messages", room_id: "r", before: 42 },
  // @ts-expect-error A room is missing.
  { action: "send_message", client_id: "c", text: "Tea?" },
];

export function explain(problem: Schemas["Problem"]): string[] {
  holds<Equal<typeof problem.request_id, string | null>>();
  return problem.errors.map((error) => (error.code === "required" ? `${error.field} is missing` : error.detail));
}
