// Generated from the contracts by `make schema`; do not edit.

/** The seqs that have reached the device. A room of which the user is not a member is ignored. */
export interface AckBody {
  /** By room id, the seq up to which the device has the room's events; null is absent. */
  rooms: Record<string, number | null>;
}

/** Acknowledge the events that have reached this device. */
export interface AckFrame {
  action: "ack";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** By room id, the seq up to which the device has the room's events; null is absent. */
  rooms: Record<string, number | null>;
}

/** The answer to `ack`: `data` on success, one problem in `errors` otherwise. */
export interface AckReply {
  action: "ack";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Acked | null;
}

/** Nothing: the markers are written within about a second. */
export type Acked = Record<string, never>;

/** Every action. */
export type ActionName = "ack" | "append_message" | "authenticate" | "block_user" | "create_link" | "decline_invite" | "delete_ban" | "delete_draft" | "delete_invite" | "delete_link" | "delete_message" | "delete_mute" | "edit_message" | "finish_message" | "follow_thread" | "get_events" | "get_link" | "get_me" | "get_message" | "get_messages" | "get_receipts" | "get_room_link" | "get_unread" | "get_versions" | "join_by_link" | "join_room" | "list_bans" | "list_blocks" | "list_drafts" | "list_invites" | "list_links" | "list_mentions" | "list_mutes" | "list_my_invites" | "list_pins" | "list_reactions" | "list_threads" | "mark_read" | "mark_unread" | "pin_message" | "ping" | "put_ban" | "put_draft" | "put_invite" | "put_mute" | "put_owner" | "react" | "send_message" | "send_messages" | "set_presence" | "subscribe" | "sync" | "typing" | "unarchive_room" | "unblock_user" | "unfollow_thread" | "unpin_message" | "unsubscribe" | "update_me" | "update_room_me" | "watch_presence";

/** The activity that was set. */
export interface Activity {
  state: "active" | "away" | "background";
}

/** The body of POST admin/rooms. */
export interface AdminRoomBody {
  kind: "public" | "private";
  name: string;
  slug?: string | null;
  /** `""` when absent. */
  topic?: string | null;
  metadata?: Record<string, unknown> | null;
  members?: string[] | null;
  history?: "shared" | "since_joined" | null;
  client_id?: string | null;
  /** The id of the user who owns the room. */
  owner: string;
}

/** A user, as the backend that made them sees them. */
export interface AdminUser {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  kind: "person" | "bot";
  metadata: Record<string, unknown>;
  created_at: string;
  external_id: string;
  is_active: boolean;
}

/** A further part of the text. */
export interface AppendMessageBody {
  /** Unicode code points of the text before this part. */
  offset: number;
  /** "" only shows that the sender is still writing. */
  text: string;
}

/** Append to the text of a message that I stream. */
export interface AppendMessageFrame {
  action: "append_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
  /** Unicode code points of the text before this part. */
  offset: number;
  /** "" only shows that the sender is still writing. */
  text: string;
}

/** The answer to `append_message`: `data` on success, one problem in `errors` otherwise. */
export interface AppendMessageReply {
  action: "append_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** Authenticate the socket; later, a new token or JWT of the same user keeps all subscriptions. */
export interface AuthenticateFrame {
  action: "authenticate";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** Of a session, or on an authenticated socket a JWT, which lets its session live longer. */
  token: string;
}

/** The answer to `authenticate`: `data` on success, one problem in `errors` otherwise. */
export interface AuthenticateReply {
  action: "authenticate";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Identity | null;
}

/** The sender of a message, as of the message's last event; or the other member of a direct room, as of now. */
export interface Author {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  kind: "person" | "bot";
}

/** A ban of a user: they are not in the room and cannot enter it. */
export interface Ban {
  room_id: string;
  user: Author;
  by: Author;
  /** null without one, and for those who may not set any. */
  reason: string | null;
  /** null: until it is lifted. */
  until: string | null;
  created_at: string;
}

/** A user was banned, or a ban changed. */
export interface BanCreatedEvent {
  type: "ban.created";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: SanctionEvent;
}

/** A ban was lifted. */
export interface BanEndedEvent {
  type: "ban.ended";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: SanctionEvent;
}

export interface BanPage {
  results: Ban[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** A user whom I block, since `created_at`. */
export interface Block {
  user: Author;
  created_at: string;
}

/** I blocked a user: their messages become stubs. */
export interface BlockAddedEvent {
  type: "block.added";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: BlockChanged;
}

/** I blocked this user, or no longer do; see people.md for what a client does with the messages that it holds. */
export interface BlockChanged {
  user_id: string;
}

export interface BlockPage {
  results: Block[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** I unblocked a user: the stubs are stale. */
export interface BlockRemovedEvent {
  type: "block.removed";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: BlockChanged;
}

/** Block a user: their messages become stubs for me, and nobody writes in our direct room. */
export interface BlockUserFrame {
  action: "block_user";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  user_id: string;
}

/** The answer to `block_user`: `data` on success, one problem in `errors` otherwise. */
export interface BlockUserReply {
  action: "block_user";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Block | null;
}

export interface ChangePasswordBody {
  old: string;
  /** Not only digits, no common password, and not like the username or the display name. */
  new: string;
}

/** A frame that a client may send on /v1/ws. */
export type ClientFrame = AckFrame | AppendMessageFrame | AuthenticateFrame | BlockUserFrame | CreateLinkFrame | DeclineInviteFrame | DeleteBanFrame | DeleteDraftFrame | DeleteInviteFrame | DeleteLinkFrame | DeleteMessageFrame | DeleteMuteFrame | EditMessageFrame | FinishMessageFrame | FollowThreadFrame | GetEventsFrame | GetLinkFrame | GetMeFrame | GetMessageFrame | GetMessagesFrame | GetReceiptsFrame | GetRoomLinkFrame | GetUnreadFrame | GetVersionsFrame | JoinByLinkFrame | JoinRoomFrame | ListBansFrame | ListBlocksFrame | ListDraftsFrame | ListInvitesFrame | ListLinksFrame | ListMentionsFrame | ListMutesFrame | ListMyInvitesFrame | ListPinsFrame | ListReactionsFrame | ListThreadsFrame | MarkReadFrame | MarkUnreadFrame | PinMessageFrame | PingFrame | PutBanFrame | PutDraftFrame | PutInviteFrame | PutMuteFrame | PutOwnerFrame | ReactFrame | SendMessageFrame | SendMessagesFrame | SetPresenceFrame | SubscribeFrame | SyncFrame | TypingFrame | UnarchiveRoomFrame | UnblockUserFrame | UnfollowThreadFrame | UnpinMessageFrame | UnsubscribeFrame | UpdateMeFrame | UpdateRoomMeFrame | WatchPresenceFrame;

export interface ConfirmPasswordResetBody {
  token: string;
  /** Not only digits, no common password, and not like the username or the display name. */
  password: string;
}

/** The body of POST rooms/{id}/links; without a field the link has no such end. */
export interface CreateLinkBody {
  max_age_seconds?: number | null;
  max_uses?: number | null;
}

/** Create a link by which anybody may join a room. */
export interface CreateLinkFrame {
  action: "create_link";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  max_age_seconds?: number | null;
  max_uses?: number | null;
}

/** The answer to `create_link`: `data` on success, one problem in `errors` otherwise. */
export interface CreateLinkReply {
  action: "create_link";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 201 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: NewLink | null;
}

/** The body of POST rooms. */
export interface CreateRoomBody {
  kind: "public" | "private";
  name: string;
  slug?: string | null;
  /** `""` when absent. */
  topic?: string | null;
  metadata?: Record<string, unknown> | null;
  members?: string[] | null;
  history?: "shared" | "since_joined" | null;
  client_id?: string | null;
}

/** Decline my invitation to a room. */
export interface DeclineInviteFrame {
  action: "decline_invite";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
}

/** The answer to `decline_invite`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeclineInviteReply {
  action: "decline_invite";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** Lift a ban. */
export interface DeleteBanFrame {
  action: "delete_ban";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  user_id: string;
}

/** The answer to `delete_ban`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeleteBanReply {
  action: "delete_ban";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** The same as DeleteDraftQuery, in JSON. */
export interface DeleteDraftBody {
  thread_root?: string | null;
}

/** Delete my draft of a room or of a thread. */
export interface DeleteDraftFrame {
  action: "delete_draft";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  thread_root?: string | null;
}

/** The answer to `delete_draft`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeleteDraftReply {
  action: "delete_draft";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** Withdraw an invitation. */
export interface DeleteInviteFrame {
  action: "delete_invite";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  user_id: string;
}

/** The answer to `delete_invite`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeleteInviteReply {
  action: "delete_invite";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** End a link to a room. */
export interface DeleteLinkFrame {
  action: "delete_link";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  link_id: string;
}

/** The answer to `delete_link`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeleteLinkReply {
  action: "delete_link";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

export interface DeleteMeBody {
  password: string;
}

/** Delete a message; a tombstone of it remains. */
export interface DeleteMessageFrame {
  action: "delete_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
}

/** The answer to `delete_message`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeleteMessageReply {
  action: "delete_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** Lift a mute. */
export interface DeleteMuteFrame {
  action: "delete_mute";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  user_id: string;
}

/** The answer to `delete_mute`: no `errors` on success, one problem in `errors` otherwise. */
export interface DeleteMuteReply {
  action: "delete_mute";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** The delivery marker of a member: everything up to `delivered_seq` has reached one of their devices. */
export interface DeliveredUpdated {
  room_id: string;
  user_id: string;
  delivered_seq: number;
}

/** Messages have reached a device of a member (small rooms). */
export interface DeliveredUpdatedEvent {
  type: "delivered.updated";
  room_id: string;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: DeliveredUpdated;
}

/** The name and the platform of a device, for its owner. */
export interface Device {
  name?: string | null;
  platform?: string | null;
}

/** A text that I have not sent yet: one for each room, and one for each thread. */
export interface Draft {
  room_id: string;
  /** null: the draft for the main line of the room. */
  thread_root: string | null;
  text: string;
  metadata: Record<string, unknown>;
  reply_to: string | null;
  updated_at: string;
}

export interface DraftPage {
  results: Draft[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** My draft changed on one of my devices; `text` is null when it was deleted. */
export interface DraftUpdated {
  room_id: string;
  /** null: the draft for the main line of the room. */
  thread_root: string | null;
  text: string | null;
  metadata: Record<string, unknown>;
  reply_to: string | null;
  updated_at: string;
}

/** A draft of mine changed, on any of my devices. */
export interface DraftUpdatedEvent {
  type: "draft.updated";
  /** Always null. */
  room_id: string | null;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: DraftUpdated;
}

/** The changes to a message; with `if_version` only if the message still has that version. */
export interface EditMessageBody {
  /** May be "" when metadata is not {}. */
  text?: string | null;
  metadata?: Record<string, unknown> | null;
  mentions?: MentionsBody | null;
  if_version?: number | null;
}

/** Edit a message of mine. */
export interface EditMessageFrame {
  action: "edit_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
  /** May be "" when metadata is not {}. */
  text?: string | null;
  metadata?: Record<string, unknown> | null;
  mentions?: MentionsBody | null;
  if_version?: number | null;
}

/** The answer to `edit_message`: `data` on success, one problem in `errors` otherwise. */
export interface EditMessageReply {
  action: "edit_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** An event that is not stored: it may be lost, and is never replayed. */
export type EphemeralEvent = TextAppendedEvent | DraftUpdatedEvent | DeliveredUpdatedEvent | ReadUpdatedEvent | TypingEvent | RoomSyncedEvent | RoomLimitedEvent | RoomResetEvent | PresenceUpdatedEvent | SessionExpiringEvent;

/** A stored event. Ignore types that you do not know. */
export type Event = RoomCreatedEvent | RoomUpdatedEvent | RoomArchivedEvent | RoomUnarchivedEvent | MemberJoinedEvent | MemberLeftEvent | MemberRemovedEvent | MemberRoleChangedEvent | InviteCreatedEvent | InviteEndedEvent | BanCreatedEvent | BanEndedEvent | MuteCreatedEvent | MuteEndedEvent | MessageCreatedEvent | MessageEditedEvent | MessageDeletedEvent | ReactionChangedEvent | PinAddedEvent | PinRemovedEvent | MessagesPurgedEvent | ThreadChangedEvent | ThreadFollowedEvent | ThreadUnfollowedEvent | ThreadReadEvent | UserErasedEvent | RoomAddedEvent | RoomRemovedEvent | MeUpdatedEvent | BlockAddedEvent | BlockRemovedEvent | RoomPreferredEvent | RoomInvitedEvent | RoomUninvitedEvent | ReadUpdatedEvent;

/** A page of events in order, as of `head`; `more` is true when the requested range holds more. */
export interface EventPage {
  results: Event[];
  head: number;
  epoch: number;
  more: boolean;
}

/** Events of the subscribed streams, in order. */
export interface EventsPush {
  action: "events";
  data: PushedEvent[];
}

export interface ExchangeBody {
  /** A JWT. */
  token: string;
  device?: Device | null;
}

/** A field that was rejected. */
export interface FieldError {
  /** Dotted path; empty for the whole body. */
  field: string;
  code: FieldErrorCode;
  detail: string;
}

/**
 * * `ahead`: It is beyond the last event of the room.
 * * `blank`: It is empty.
 * * `control`: It has control characters.
 * * `empty`: It is an empty list.
 * * `forbidden_key`: It has a key that is unsafe in JavaScript.
 * * `in_url`: It must not be in the URL, which logs would store.
 * * `invalid`: It has the wrong form; `detail` names the right one.
 * * `invalid_choice`: It is none of the allowed values.
 * * `invisible`: It has characters that are invisible or change the direction of the text.
 * * `marks`: It has too many combining marks in a row.
 * * `max_bytes`: It has too many bytes.
 * * `max_length`: It is too long.
 * * `max_value`: It is too large.
 * * `min_length`: It is too short.
 * * `min_value`: It is too small.
 * * `not_found`: It names something that does not exist or is not visible to you.
 * * `null`: It is null.
 * * `one`: It excludes another field that is present.
 * * `password_entirely_numeric`: The password has only digits.
 * * `password_too_common`: The password is too common.
 * * `password_too_short`: The password is too short.
 * * `password_too_similar`: The password is too similar to the username or the display name.
 * * `public_only`: Only public rooms have it.
 * * `deleted`: It names a deleted message.
 * * `in_thread`: It names a reply, which has no thread of its own.
 * * `thread_only`: Only a reply in a thread has it.
 * * `repeated`: It is present more than once.
 * * `required`: It is missing.
 * * `reserved`: It is a reserved name.
 * * `self`: It names the user of the request.
 * * `taken`: It is already taken.
 * * `type`: It has the wrong JSON type.
 * * `unknown`: There is no such field, parameter or action.
 * * `unknown_user`: No such user exists.
 */
export type FieldErrorCode = "ahead" | "blank" | "control" | "empty" | "forbidden_key" | "in_url" | "invalid" | "invalid_choice" | "invisible" | "marks" | "max_bytes" | "max_length" | "max_value" | "min_length" | "min_value" | "not_found" | "null" | "one" | "password_entirely_numeric" | "password_too_common" | "password_too_short" | "password_too_similar" | "public_only" | "deleted" | "in_thread" | "thread_only" | "repeated" | "required" | "reserved" | "self" | "taken" | "type" | "unknown" | "unknown_user";

/** The end of a streamed message. */
export interface FinishMessageBody {
  /** The whole text, in place of what was appended. */
  text?: string | null;
}

/** Finish a message that I stream. */
export interface FinishMessageFrame {
  action: "finish_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
  /** The whole text, in place of what was appended. */
  text?: string | null;
}

/** The answer to `finish_message`: `data` on success, one problem in `errors` otherwise. */
export interface FinishMessageReply {
  action: "finish_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** A thread as I follow it. */
export interface Follow {
  root: Message;
  room_id: string;
  following: boolean;
  read_seq: number;
  /** The number of replies above read_seq that are visible to the user, sent by others and not deleted; exact to 999, then unread_capped is true. */
  unread: number;
  unread_capped: boolean;
  /** The newest reply that I may see. */
  last_reply: Message | null;
}

export interface FollowPage {
  /** The keys of my own reactions, by message id; without messages that have none. */
  mine: Record<string, string[]>;
  results: Follow[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** Follow a thread; its unread replies are those after the room's head at this moment. */
export interface FollowThreadFrame {
  action: "follow_thread";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  thread_root: string;
}

/** The answer to `follow_thread`: `data` on success, one problem in `errors` otherwise. */
export interface FollowThreadReply {
  action: "follow_thread";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Follow | null;
}

/** The message to forward: any that the sender may see. */
export interface ForwardBody {
  room_id: string;
  message_id: string;
}

/** The message that was forwarded, as it was then. */
export interface Forwarded {
  message_id: string;
  room_id: string;
  sender: Author;
  text: string | null;
  attachments: Record<string, unknown>[];
  created_at: string;
}

/** The answer to a frame that could not be read, or that names an unknown action. */
export interface FrameError {
  action: ActionName | null;
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** The `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** Get a page of the events of a room or, with null, of my inbox. */
export interface GetEventsFrame {
  action: "get_events";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string | null;
  after?: number | null;
  before?: number | null;
  /** `200` when absent. */
  limit?: number | null;
}

/** The answer to `get_events`: `data` on success, one problem in `errors` otherwise. */
export interface GetEventsReply {
  action: "get_events";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: EventPage | null;
}

/** Get the room of a link whose code I have. */
export interface GetLinkFrame {
  action: "get_link";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  code: string;
}

/** The answer to `get_link`: `data` on success, one problem in `errors` otherwise. */
export interface GetLinkReply {
  action: "get_link";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: LinkedRoom | null;
}

/** Get my user. */
export interface GetMeFrame {
  action: "get_me";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
}

/** The answer to `get_me`: `data` on success, one problem in `errors` otherwise. */
export interface GetMeReply {
  action: "get_me";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Me | null;
}

/** Get the current version of a message. */
export interface GetMessageFrame {
  action: "get_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
}

/** The answer to `get_message`: `data` on success, one problem in `errors` otherwise. */
export interface GetMessageReply {
  action: "get_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: MessageAndMine | null;
}

/** Get a page of a room's messages, oldest first. */
export interface GetMessagesFrame {
  action: "get_messages";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** The newest messages that are older than this place: a seq, the id of a message, an RFC 3339 time, or `unread`. */
  before?: string | null;
  /** The oldest messages that are newer than this place: a seq, the id of a message, an RFC 3339 time, or `unread`. */
  after?: string | null;
  /** The messages on both sides of this place: a seq, the id of a message, an RFC 3339 time, or `unread`; and the message at that place. */
  around?: string | null;
  /** The replies in the thread of this message, in place of the room's main line. */
  thread?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `get_messages`: `data` on success, one problem in `errors` otherwise. */
export interface GetMessagesReply {
  action: "get_messages";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: MessageHistory | null;
}

/** Get the members whom a message has reached, and those who have read it. */
export interface GetReceiptsFrame {
  action: "get_receipts";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
}

/** The answer to `get_receipts`: `data` on success, one problem in `errors` otherwise. */
export interface GetReceiptsReply {
  action: "get_receipts";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Receipts | null;
}

/** Get a link to a room. */
export interface GetRoomLinkFrame {
  action: "get_room_link";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  link_id: string;
}

/** The answer to `get_room_link`: `data` on success, one problem in `errors` otherwise. */
export interface GetRoomLinkReply {
  action: "get_room_link";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Link | null;
}

/** Get the unread numbers of all my rooms. */
export interface GetUnreadFrame {
  action: "get_unread";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
}

/** The answer to `get_unread`: `data` on success, one problem in `errors` otherwise. */
export interface GetUnreadReply {
  action: "get_unread";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Unread | null;
}

/** Get the versions of a message, oldest first. */
export interface GetVersionsFrame {
  action: "get_versions";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
}

/** The answer to `get_versions`: `data` on success, one problem in `errors` otherwise. */
export interface GetVersionsReply {
  action: "get_versions";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Versions | null;
}

/** The last push before the server closes; the close frame repeats code and reason. */
export interface Goodbye {
  /** The close code that follows; asyncapi.yaml lists them in `x-close-codes`. */
  code: number;
  reason: "account_disabled" | "auth_timeout" | "bad_frames" | "frame_too_big" | "heartbeat" | "internal" | "origin_not_allowed" | "overloaded" | "protocol" | "rate_limited" | "restart" | "session_revoked" | "token_expired" | "token_in_url" | "too_slow" | "unauthenticated" | "unavailable";
  /** Whether to reconnect with the same token, and resume. */
  reconnect: boolean;
  retry_after_ms: number | null;
}

/** The last push before the server closes. */
export interface GoodbyePush {
  action: "goodbye";
  data: Goodbye;
}

/** The health of the server. */
export interface Health {
  status: "ok" | "degraded" | "unavailable";
  /** The first part that is unavailable, or else degraded. */
  reason?: "database" | "migrations" | "disk" | "descriptors" | "redis";
  parts?: HealthParts;
}

/** Each part that was checked. */
export interface HealthParts {
  database?: "ok" | "degraded" | "unavailable" | "unused";
  migrations?: "ok" | "degraded" | "unavailable" | "unused";
  disk?: "ok" | "degraded" | "unavailable" | "unused";
  descriptors?: "ok" | "degraded" | "unavailable" | "unused";
  redis?: "ok" | "degraded" | "unavailable" | "unused";
}

/** The interval of the server's pings, which a client has to answer with pongs; of the comments in a stream. */
export interface Heartbeat {
  interval_ms: number;
}

/** The data of the first push after authentication. */
export interface Hello {
  protocol: string;
  connection_id: string;
  user: User;
  session: Session;
  server_time: string;
  epoch: number;
  heartbeat: Heartbeat;
  limits: Limits;
  typing: TypingIntervals;
}

/** The first push after authentication: the user, the session, and every limit that a client needs. */
export interface HelloPush {
  action: "hello";
  data: Hello;
}

/** The position of a page in the history; the seqs are null when it is empty. */
export interface HistoryPosition {
  oldest_seq: number | null;
  newest_seq: number | null;
  more_before: boolean;
  more_after: boolean;
}

/** The user and the session of the socket. */
export interface Identity {
  user: User;
  session: Session;
}

/** A member of the room since its creation (seq 1). */
export interface InitialMember {
  user_id: string;
  role: "owner" | "admin" | "member";
}

/** An invitation of a user to a room. */
export interface Invite {
  room_id: string;
  user: Author;
  invited_by: Author;
  created_at: string;
}

/** The data of invite.created. */
export interface InviteCreated {
  user: Author;
  invited_by: Author;
}

/** A user was invited. */
export interface InviteCreatedEvent {
  type: "invite.created";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: InviteCreated;
}

/** The data of invite.ended. */
export interface InviteEnded {
  user: Author;
  reason: "accepted" | "declined" | "withdrawn";
}

/** An invitation ended. */
export interface InviteEndedEvent {
  type: "invite.ended";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: InviteEnded;
}

export interface InvitePage {
  results: Invite[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** Join the room of a link; a member's join uses nothing. */
export interface JoinByLinkFrame {
  action: "join_by_link";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  code: string;
}

/** The answer to `join_by_link`: `data` on success, one problem in `errors` otherwise. */
export interface JoinByLinkReply {
  action: "join_by_link";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Room | null;
}

/** Join a public room, accept an invitation, or confirm a room that somebody added me to. */
export interface JoinRoomFrame {
  action: "join_room";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
}

/** The answer to `join_room`: `data` on success, one problem in `errors` otherwise. */
export interface JoinRoomReply {
  action: "join_room";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Room | null;
}

/** The limits that a client would otherwise hard-code. */
export interface Limits {
  /** The largest frame that the server accepts. */
  frame_bytes: number;
  /** Unicode code points of a message's text; JavaScript's length counts UTF-16 units. */
  text_chars: number;
  /** Bytes of a message's text in UTF-8. Both limits apply. */
  text_bytes: number;
  metadata_bytes: number;
  /** Rooms that a user may be in. */
  rooms: number;
  /** Messages of a page of history. */
  page: number;
  /** Items of one send_messages. */
  batch: number;
  /** Missed events that are replayed; more are `limited`. */
  replay: number;
  /** Sessions that a user may have; a log-in ends the least recent one. */
  sessions: number;
  sockets: Sockets;
  /** The rate limits by name; a refusal has the code `limit.<name>`. */
  rates: Record<string, Rate>;
}

/** A link by which anybody who has its code may join the room. */
export interface Link {
  id: string;
  room_id: string;
  created_by: Author;
  created_at: string;
  expires_at: string | null;
  max_uses: number | null;
  uses: number;
}

export interface LinkPage {
  results: Link[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** The room to which a link leads, for somebody who is not in it yet. */
export interface LinkedRoom {
  room_id: string;
  name: string;
  topic: string;
  kind: "public" | "private";
  member_count: number;
}

/** List the bans of a room, oldest first. */
export interface ListBansFrame {
  action: "list_bans";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_bans`: `data` on success, one problem in `errors` otherwise. */
export interface ListBansReply {
  action: "list_bans";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: BanPage | null;
}

/** List the users whom I block, newest first. */
export interface ListBlocksFrame {
  action: "list_blocks";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_blocks`: `data` on success, one problem in `errors` otherwise. */
export interface ListBlocksReply {
  action: "list_blocks";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: BlockPage | null;
}

/** List my drafts, the newest first. */
export interface ListDraftsFrame {
  action: "list_drafts";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_drafts`: `data` on success, one problem in `errors` otherwise. */
export interface ListDraftsReply {
  action: "list_drafts";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: DraftPage | null;
}

/** List the open invitations to a room, oldest first. */
export interface ListInvitesFrame {
  action: "list_invites";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_invites`: `data` on success, one problem in `errors` otherwise. */
export interface ListInvitesReply {
  action: "list_invites";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: InvitePage | null;
}

/** List the links to a room that can be used, oldest first. */
export interface ListLinksFrame {
  action: "list_links";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_links`: `data` on success, one problem in `errors` otherwise. */
export interface ListLinksReply {
  action: "list_links";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: LinkPage | null;
}

/** List the messages of the last 90 days that name me or everybody in one of my rooms, newest first. */
export interface ListMentionsFrame {
  action: "list_mentions";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_mentions`: `data` on success, one problem in `errors` otherwise. */
export interface ListMentionsReply {
  action: "list_mentions";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: MessagePage | null;
}

/** List the mutes of a room, oldest first. */
export interface ListMutesFrame {
  action: "list_mutes";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_mutes`: `data` on success, one problem in `errors` otherwise. */
export interface ListMutesReply {
  action: "list_mutes";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: MutePage | null;
}

/** List my open invitations, oldest first. */
export interface ListMyInvitesFrame {
  action: "list_my_invites";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_my_invites`: `data` on success, one problem in `errors` otherwise. */
export interface ListMyInvitesReply {
  action: "list_my_invites";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: MyInvitePage | null;
}

/** List the pinned messages that I may see, newest pin first. */
export interface ListPinsFrame {
  action: "list_pins";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_pins`: `data` on success, one problem in `errors` otherwise. */
export interface ListPinsReply {
  action: "list_pins";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: PinPage | null;
}

/** List the reactions to a message with their users, by key and then by time. */
export interface ListReactionsFrame {
  action: "list_reactions";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
  /** As in PageQuery. */
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
  /** One emoji, or `:name:` of 1 to 32 of the characters `a-z0-9_+-`. */
  key?: string | null;
}

/** The answer to `list_reactions`: `data` on success, one problem in `errors` otherwise. */
export interface ListReactionsReply {
  action: "list_reactions";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: UserReactionPage | null;
}

/** List the threads that I follow, newest activity first. */
export interface ListThreadsFrame {
  action: "list_threads";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** true: only threads with unread replies. `false` when absent. */
  unread?: boolean | null;
  cursor?: string | null;
  /** `50` when absent. */
  limit?: number | null;
}

/** The answer to `list_threads`: `data` on success, one problem in `errors` otherwise. */
export interface ListThreadsReply {
  action: "list_threads";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: FollowPage | null;
}

/** The response of register and log_in: the only one with the token. */
export interface Login {
  token: string;
  session: Session;
  user: User;
}

export interface LoginBody {
  username: string;
  password: string;
  device?: Device | null;
}

/** Mark everything up to this seq as read: in the main line, or in a thread. */
export interface MarkReadBody {
  seq: number;
  /** Mark the replies in the thread of this message. */
  thread_root?: string | null;
}

/** Move my read marker forward to this seq; it never moves back. */
export interface MarkReadFrame {
  action: "mark_read";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  seq: number;
  /** Mark the replies in the thread of this message. */
  thread_root?: string | null;
}

/** The answer to `mark_read`: `data` on success, one problem in `errors` otherwise. */
export interface MarkReadReply {
  action: "mark_read";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: ReadMarker | null;
}

/** Mark this seq and everything after it as unread. */
export interface MarkUnreadBody {
  seq: number;
}

/** Move my read marker back to before this seq; it never moves forward. */
export interface MarkUnreadFrame {
  action: "mark_unread";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  seq: number;
}

/** The answer to `mark_unread`: `data` on success, one problem in `errors` otherwise. */
export interface MarkUnreadReply {
  action: "mark_unread";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: ReadMarker | null;
}

/** My own user, with the number of unread messages in all my rooms. */
export interface Me {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  kind: "person" | "bot";
  metadata: Record<string, unknown>;
  created_at: string;
  email: string | null;
  /** Whether the address is verified; only then it is used. */
  email_verified: boolean;
  settings: Settings;
  unread_total: number;
  /** Whether the count of a room was capped, so that there are more. */
  unread_total_capped: boolean;
}

/** My profile or my settings changed, on any of my devices. */
export interface MeUpdatedEvent {
  type: "me.updated";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Myself;
}

/** A member of a room, as all members see them. */
export interface Member {
  room_id: string;
  user: User;
  role: "owner" | "admin" | "member";
  state: "joined" | "left" | "removed" | "banned";
  joined_at: string;
  /** null: the member does not share it (`share_read`). */
  read_seq: number | null;
  /** Everything up to it has reached one of the member's devices; 0 before the first `ack`. null: the member does not share it, or the room has the mode counts. Its changes are not in the log: in an event it is old or null. */
  delivered_seq: number | null;
}

/** A user joined or was added. */
export interface MemberJoinedEvent {
  type: "member.joined";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Member;
}

/** A member left. */
export interface MemberLeftEvent {
  type: "member.left";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Member;
}

export interface MemberPage {
  results: Member[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** A member was removed. */
export interface MemberRemovedEvent {
  type: "member.removed";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Member;
}

/** A member's role changed. */
export interface MemberRoleChangedEvent {
  type: "member.role_changed";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Member;
}

/** The users whom a message names, and whether it names everybody in the room. */
export interface Mentions {
  users: string[];
  room: boolean;
}

/** The users whom a message names. The text is not searched for names. */
export interface MentionsBody {
  /** Users who are not members of the room are left out. */
  users?: string[] | null;
  /** Names everybody in the room; needs `mention_room` in `can`. `false` when absent. */
  room?: boolean | null;
}

/** A message as of its last event; `version` is that event's seq. A deleted one is a tombstone: text is null. */
export interface Message {
  id: string;
  room_id: string;
  seq: number;
  version: number;
  sender: Author;
  client_id: string;
  text: string | null;
  metadata: Record<string, unknown>;
  reply_to: string | null;
  created_at: string;
  edited_at: string | null;
  deleted_at: string | null;
  mentions: Mentions;
  /** Always empty in this release. */
  attachments: Record<string, unknown>[];
  reactions: Reaction[];
  /** The message that this one replies to in a thread. */
  thread_root: string | null;
  /** A reply in a thread that the main line shows too. */
  in_room: boolean;
  thread: Thread | null;
  pinned_at: string | null;
  pinned_by: string | null;
  forwarded: Forwarded | null;
  /** Its sender is still writing it. */
  streaming: boolean;
  /** Its sender fell silent while writing it. */
  interrupted: boolean;
  /** I block its sender: the content is left out. */
  blocked: boolean;
}

/** A message and, if it has reactions, beside its fields the keys of the user's own ones. */
export interface MessageAndMine {
  id: string;
  room_id: string;
  seq: number;
  version: number;
  sender: Author;
  client_id: string;
  text: string | null;
  metadata: Record<string, unknown>;
  reply_to: string | null;
  created_at: string;
  edited_at: string | null;
  deleted_at: string | null;
  mentions: Mentions;
  /** Always empty in this release. */
  attachments: Record<string, unknown>[];
  reactions: Reaction[];
  /** The message that this one replies to in a thread. */
  thread_root: string | null;
  /** A reply in a thread that the main line shows too. */
  in_room: boolean;
  thread: Thread | null;
  pinned_at: string | null;
  pinned_by: string | null;
  forwarded: Forwarded | null;
  /** Its sender is still writing it. */
  streaming: boolean;
  /** Its sender fell silent while writing it. */
  interrupted: boolean;
  /** I block its sender: the content is left out. */
  blocked: boolean;
  /** The keys of my own reactions, by message id; without messages that have none. */
  mine?: Record<string, string[]>;
}

/** A message was sent. */
export interface MessageCreatedEvent {
  type: "message.created";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Message;
}

/** A message was deleted; a tombstone remains. */
export interface MessageDeletedEvent {
  type: "message.deleted";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Message;
}

/** The text or metadata of a message changed. */
export interface MessageEditedEvent {
  type: "message.edited";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: Message;
}

/**
 * A page of messages, oldest first, as of `head`: follow the room's events from there.
 *
 * With `thread`, `root` is the message that began it.
 */
export interface MessageHistory {
  root?: Message;
  results: Message[];
  page: HistoryPosition;
  head: number;
  epoch: number;
  /** The keys of my own reactions, by message id; without messages that have none. */
  mine: Record<string, string[]>;
}

export interface MessagePage {
  /** The keys of my own reactions, by message id; without messages that have none. */
  mine: Record<string, string[]>;
  results: Message[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** All messages with a seq below `before_seq` are tombstones, and the seq of this event is their version. */
export interface MessagesPurged {
  before_seq: number;
}

/** Messages older than the room keeps became tombstones. */
export interface MessagesPurgedEvent {
  type: "messages.purged";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: MessagesPurged;
}

/** The missed seqs that the answer leaves out, both ends included: page the events, or load the history again. */
export interface MissedRange {
  from: number;
  to: number;
}

/** A mute of a member: they read, and cannot write. */
export interface Mute {
  room_id: string;
  user: Author;
  by: Author;
  /** null without one, and for those who may not set any. */
  reason: string | null;
  /** null: until it is lifted. */
  until: string | null;
  created_at: string;
}

/** A member was muted, or a mute changed. */
export interface MuteCreatedEvent {
  type: "mute.created";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: SanctionEvent;
}

/** A mute was lifted. */
export interface MuteEndedEvent {
  type: "mute.ended";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: SanctionEvent;
}

export interface MutePage {
  results: Mute[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** An invitation, as the invited user sees it: with the room as a user who is no member gets it. */
export interface MyInvite {
  room: Room;
  invited_by: Author;
  created_at: string;
}

export interface MyInvitePage {
  results: MyInvite[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** My own user, with the e-mail address and the settings that nobody else sees; the data of me.updated. */
export interface Myself {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  kind: "person" | "bot";
  metadata: Record<string, unknown>;
  created_at: string;
  email: string | null;
  /** Whether the address is verified; only then it is used. */
  email_verified: boolean;
  settings: Settings;
}

/** A link that was just created, with its code, which no later answer has. */
export interface NewLink {
  id: string;
  room_id: string;
  created_by: Author;
  created_at: string;
  expires_at: string | null;
  max_uses: number | null;
  uses: number;
  code: string;
}

export interface OpenSessionBody {
  device?: Device | null;
  /** The longest life of the session in seconds. Without it the session lives as after a log-in. */
  expires_in?: number | null;
}

export interface PasswordResetBody {
  email: string;
}

/** A message was pinned. */
export interface PinAddedEvent {
  type: "pin.added";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: PinChanged;
}

/** The pin of a message: null when it was removed. */
export interface PinChanged {
  id: string;
  room_id: string;
  seq: number;
  version: number;
  base_version: number;
  pinned_at: string | null;
  pinned_by: string | null;
}

/** Pin a message. */
export interface PinMessageFrame {
  action: "pin_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
}

/** The answer to `pin_message`: `data` on success, one problem in `errors` otherwise. */
export interface PinMessageReply {
  action: "pin_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** A page of the pinned messages of a room, newest pin first. */
export interface PinPage {
  results: Message[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
  /** The keys of my own reactions, by message id; without messages that have none. */
  mine: Record<string, string[]>;
}

/** A message is no longer pinned. */
export interface PinRemovedEvent {
  type: "pin.removed";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: PinChanged;
}

/** Check that the server answers and that the token is valid. */
export interface PingFrame {
  action: "ping";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
}

/** The answer to `ping`: `data` on success, one problem in `errors` otherwise. */
export interface PingReply {
  action: "ping";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Pong | null;
}

/** The server's clock. */
export interface Pong {
  server_time: string;
}

/** The presence of a user: offline, with null, for everybody who may not see it. */
export interface Presence {
  user_id: string;
  state: "online" | "away" | "offline";
  /** When the user was last online; null while online, and when that is not known. */
  last_seen_at: string | null;
}

/** The presence of each user of the request, once, in its order. */
export interface PresenceStates {
  states: Presence[];
}

/** The presence of a watched user changed. */
export interface PresenceUpdatedEvent {
  type: "presence.updated";
  /** Always null. */
  room_id: string | null;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: Presence;
}

/** An error in the form of RFC 9457; the same object is in `errors` of a reply on the socket. */
export interface Problem {
  /** A URI reference that ends in the code. */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  errors: FieldError[];
  /** Whether the same request may succeed later. */
  retryable: boolean;
  retry_after_ms: number | null;
  /** `X-Request-ID`, or the `request_id` of the frame. A frame's integer is repeated as an integer. */
  request_id: string | null;
  /** Of `stream.offset` alone: the end of the text so far. */
  offset?: number;
}

/**
 * * `action.unknown` (400): There is no such action
 * * `auth.account_disabled` (403): The account is disabled.
 * * `auth.bad_credentials` (401): The username or the password is wrong.
 * * `auth.invalid_token` (401): The token is unknown, expired or revoked.
 * * `auth.other_user` (403): A socket cannot change its user
 * * `auth.required` (401): Authentication is required.
 * * `auth.token_revoked` (401): The token was issued before its user's sessions were ended.
 * * `auth.username_taken` (409): The username is taken.
 * * `auth.wrong_password` (403): The password is wrong.
 * * `ban.limit` (409): The room has too many bans
 * * `block.limit` (409): Too many blocks
 * * `email.invalid_token` (400): The link is wrong, expired or already used.
 * * `email.missing` (409): The account has no e-mail address.
 * * `email.not_configured` (409): This server sends no e-mail.
 * * `email.taken` (409): Another account has verified this e-mail address.
 * * `forbidden` (403): You may not do this.
 * * `frame.invalid` (400): The frame is not a request: a JSON object with an action
 * * `internal` (500): The server failed.
 * * `invite.limit` (409): The room has too many open invitations
 * * `json.invalid` (400): The body is not acceptable JSON.
 * * `key.in_browser` (403): A server key must not be used in a browser.
 * * `limit.admin` (429): Too many requests of this kind: try again later.
 * * `limit.anonymous` (429): Too many requests of this kind: try again later.
 * * `limit.email` (429): Too many requests of this kind: try again later.
 * * `limit.exchange` (429): Too many requests of this kind: try again later.
 * * `limit.handshake` (429): Too many requests of this kind: try again later.
 * * `limit.hash` (429): Too many requests of this kind: try again later.
 * * `limit.invite` (429): Too many requests of this kind: try again later.
 * * `limit.login` (429): Too many requests of this kind: try again later.
 * * `limit.login_address` (429): Too many requests of this kind: try again later.
 * * `limit.password` (429): Too many requests of this kind: try again later.
 * * `limit.password_reset` (429): Too many requests of this kind: try again later.
 * * `limit.read` (429): Too many requests of this kind: try again later.
 * * `limit.refused` (429): Too many requests of this kind: try again later.
 * * `limit.register` (429): Too many requests of this kind: try again later.
 * * `limit.search` (429): Too many requests of this kind: try again later.
 * * `limit.send` (429): Too many requests of this kind: try again later.
 * * `limit.send_room` (429): Too many requests of this kind: try again later.
 * * `limit.sockets` (429): Too many sockets are open.
 * * `limit.sync` (429): Too many requests of this kind: try again later.
 * * `limit.typing` (429): Too many requests of this kind: try again later.
 * * `limit.work` (429): Too many requests of this kind: try again later.
 * * `limit.write` (429): Too many requests of this kind: try again later.
 * * `link.limit` (409): The room has too many links
 * * `message.client_id_reused` (409): This client_id was used for another message
 * * `message.deleted` (409): The message is deleted
 * * `message.not_author` (403): The message has another author
 * * `message.not_streaming` (409): The message is not being streamed, or is finished already
 * * `message.streaming` (409): The message is still being streamed: finish it first
 * * `message.version_conflict` (409): The message has changed since that version
 * * `method_not_allowed` (405): This method is not allowed here.
 * * `mute.limit` (409): The room has too many mutes
 * * `not_acceptable` (406): Responses are application/json only.
 * * `not_found` (404): It does not exist, or you may not see it.
 * * `pin.limit` (409): The room has too many pinned messages
 * * `reaction.limit` (409): The message has too many different reactions, or you have too many on it
 * * `read.ahead` (400): The room has not come that far
 * * `request.invalid` (400): The request is not valid.
 * * `request.too_large` (413): The request is too large.
 * * `room.already_member` (409): The user is a member of the room already
 * * `room.archived` (409): The room is archived: it can be read, not changed
 * * `room.banned` (403): You are banned from this room
 * * `room.client_id_reused` (409): The client_id was used for another room
 * * `room.direct` (403): A direct room cannot be changed
 * * `room.last_owner` (409): A room with members needs an owner
 * * `room.limit` (409): Too many rooms
 * * `room.muted` (403): You are muted in this room
 * * `room.not_member` (403): You are not a member of this room
 * * `room.peer_deleted` (409): The other member of this direct room has deleted their account
 * * `room.read_only` (403): Only admins may write in this room
 * * `room.role_required` (403): Your role does not allow this
 * * `room.slow_mode` (429): The room is in slow mode: wait before you send again
 * * `room.slug_taken` (409): The slug is taken
 * * `room.user_banned` (409): The user is banned from this room
 * * `stream.offset` (409): The offset is not the end of the text so far
 * * `unavailable` (503): The service is temporarily unavailable.
 * * `unsupported_media_type` (415): Send application/json.
 * * `upgrade_required` (426): This address accepts WebSocket connections only.
 * * `user.blocked` (403): One of the two users blocks the other
 * * `username.limit` (409): The username was changed too often.
 */
export type ProblemCode = "action.unknown" | "auth.account_disabled" | "auth.bad_credentials" | "auth.invalid_token" | "auth.other_user" | "auth.required" | "auth.token_revoked" | "auth.username_taken" | "auth.wrong_password" | "ban.limit" | "block.limit" | "email.invalid_token" | "email.missing" | "email.not_configured" | "email.taken" | "forbidden" | "frame.invalid" | "internal" | "invite.limit" | "json.invalid" | "key.in_browser" | "limit.admin" | "limit.anonymous" | "limit.email" | "limit.exchange" | "limit.handshake" | "limit.hash" | "limit.invite" | "limit.login" | "limit.login_address" | "limit.password" | "limit.password_reset" | "limit.read" | "limit.refused" | "limit.register" | "limit.search" | "limit.send" | "limit.send_room" | "limit.sockets" | "limit.sync" | "limit.typing" | "limit.work" | "limit.write" | "link.limit" | "message.client_id_reused" | "message.deleted" | "message.not_author" | "message.not_streaming" | "message.streaming" | "message.version_conflict" | "method_not_allowed" | "mute.limit" | "not_acceptable" | "not_found" | "pin.limit" | "reaction.limit" | "read.ahead" | "request.invalid" | "request.too_large" | "room.already_member" | "room.archived" | "room.banned" | "room.client_id_reused" | "room.direct" | "room.last_owner" | "room.limit" | "room.muted" | "room.not_member" | "room.peer_deleted" | "room.read_only" | "room.role_required" | "room.slow_mode" | "room.slug_taken" | "room.user_banned" | "stream.offset" | "unavailable" | "unsupported_media_type" | "upgrade_required" | "user.blocked" | "username.limit";

/** An event as a socket receives it. Ignore types that you do not know. */
export type PushedEvent = RoomCreatedEvent | TextAppendedEvent | RoomUpdatedEvent | RoomArchivedEvent | RoomUnarchivedEvent | MemberJoinedEvent | MemberLeftEvent | MemberRemovedEvent | MemberRoleChangedEvent | InviteCreatedEvent | InviteEndedEvent | BanCreatedEvent | BanEndedEvent | MuteCreatedEvent | MuteEndedEvent | MessageCreatedEvent | MessageEditedEvent | MessageDeletedEvent | ReactionChangedEvent | PinAddedEvent | PinRemovedEvent | MessagesPurgedEvent | ThreadChangedEvent | ThreadFollowedEvent | ThreadUnfollowedEvent | ThreadReadEvent | DraftUpdatedEvent | UserErasedEvent | RoomAddedEvent | RoomRemovedEvent | MeUpdatedEvent | BlockAddedEvent | BlockRemovedEvent | RoomPreferredEvent | RoomInvitedEvent | RoomUninvitedEvent | ReadUpdatedEvent | DeliveredUpdatedEvent | TypingEvent | RoomSyncedEvent | RoomLimitedEvent | RoomResetEvent | PresenceUpdatedEvent | SessionExpiringEvent;

/** Ban a user from a room, for ever or until a time. */
export interface PutBanFrame {
  action: "put_ban";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  user_id: string;
  /** null: until it is lifted. */
  until?: string | null;
  /** For the admins of the room; others do not see it. */
  reason?: string | null;
}

/** The answer to `put_ban`: `data` on success, one problem in `errors` otherwise. */
export interface PutBanReply {
  action: "put_ban";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Ban | null;
}

/** A draft. */
export interface PutDraftBody {
  text: string;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  /** The root of the thread; absent: the main line. */
  thread_root?: string | null;
}

/** Keep what I have not sent yet to a room or a thread, for all of my devices. */
export interface PutDraftFrame {
  action: "put_draft";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  text: string;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  /** The root of the thread; absent: the main line. */
  thread_root?: string | null;
}

/** The answer to `put_draft`: `data` on success, one problem in `errors` otherwise. */
export interface PutDraftReply {
  action: "put_draft";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Draft | null;
}

/** Invite a user to a room. */
export interface PutInviteFrame {
  action: "put_invite";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  user_id: string;
}

/** The answer to `put_invite`: `data` on success, one problem in `errors` otherwise. */
export interface PutInviteReply {
  action: "put_invite";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Invite | null;
}

/** The body of PUT rooms/{id}/members/{user_id}; without a role it adds a plain member. */
export interface PutMemberBody {
  role?: "owner" | "admin" | "member" | null;
}

/** Mute a member, for ever or until a time: they read, and cannot write. */
export interface PutMuteFrame {
  action: "put_mute";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  user_id: string;
  /** null: until it is lifted. */
  until?: string | null;
  /** For the admins of the room; others do not see it. */
  reason?: string | null;
}

/** The answer to `put_mute`: `data` on success, one problem in `errors` otherwise. */
export interface PutMuteReply {
  action: "put_mute";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Mute | null;
}

/** The body of PUT rooms/{id}/owner. */
export interface PutOwnerBody {
  /** A member, who becomes an owner in my place. */
  user_id: string;
}

/** Hand a room over: another member owns it, and I become an admin. */
export interface PutOwnerFrame {
  action: "put_owner";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** A member, who becomes an owner in my place. */
  user_id: string;
}

/** The answer to `put_owner`: `data` on success, one problem in `errors` otherwise. */
export interface PutOwnerReply {
  action: "put_owner";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Member | null;
}

export interface PutUserBody {
  /** A new user without one gets one. */
  username?: string | null;
  display_name?: string | null;
  /** http or https; null or empty removes it. */
  avatar_url?: string | null;
  metadata?: Record<string, unknown> | null;
  /** false ends all sessions, and refuses the JWTs that were issued until now. */
  is_active?: boolean | null;
}

/** A rate limit: `limit` calls at once, and as many in each window, for each address, account, session or room. */
export interface Rate {
  limit: number;
  window_seconds: number;
  by: "address" | "account" | "session" | "room";
}

/** Add a reaction to a message, or remove mine. */
export interface ReactFrame {
  action: "react";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
  /** One emoji, or `:name:` of 1 to 32 of the characters `a-z0-9_+-`. */
  key: string;
  on: boolean;
}

/** The answer to `react`: `data` on success, one problem in `errors` otherwise. */
export interface ReactReply {
  action: "react";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** All reactions to a message with one key; `user_ids` are the first five users by time. */
export interface Reaction {
  key: string;
  count: number;
  user_ids: string[];
}

/** The user of a change, the key, and whether the reaction was added or removed. */
export interface ReactionChange {
  user_id: string;
  key: string;
  on: boolean;
}

/** A change of a message's reactions; `reaction` replaces that of its key, or is the last of them. At 0 drop it. */
export interface ReactionChanged {
  id: string;
  room_id: string;
  seq: number;
  version: number;
  base_version: number;
  change: ReactionChange;
  reaction: Reaction;
}

/** A user reacted to a message, or no longer. */
export interface ReactionChangedEvent {
  type: "reaction.changed";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: ReactionChanged;
}

/** The position of the read marker, and the number of unread messages above it. */
export interface ReadMarker {
  read_seq: number;
  /** The number of messages of the main line above read_seq that are visible to the user, sent by others and not deleted; exact to 999, then unread_capped is true. */
  unread: number;
  unread_capped: boolean;
}

/**
 * The read marker of a member. The member's own message with a seq above `head` moves the marker further.
 *
 * My inbox has the event for my own marker, with the unread count as of the room's `head`. A room has it for its other
 * members, without the two fields of the count.
 */
export interface ReadUpdated {
  room_id: string;
  user_id: string;
  read_seq: number;
  head: number;
  /** The number of messages of the main line above read_seq that are visible to the user, sent by others and not deleted; exact to 999, then unread_capped is true. */
  unread?: number;
  unread_capped?: boolean;
}

/** My read marker moved, on any of my devices. The read marker of a member moved (small rooms). */
export interface ReadUpdatedEvent {
  type: "read.updated";
  /** null in the inbox. */
  room_id: string | null;
  /** null when the event is not stored. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: ReadUpdated;
}

/**
 * The current members, except the sender, whom a message has reached, and those who have read it.
 *
 * Members who joined after the message, and those who do not share it (`share_read`), are in none of these. Read
 * messages count as delivered.
 */
export interface Receipts {
  /** The `receipts` of the room's mode. */
  mode: "members" | "counts";
  /** Their ids; [] in the mode counts. */
  read: string[];
  /** Their ids; [] in the mode counts. */
  delivered: string[];
  read_count: number;
  delivered_count: number;
}

export interface RegisterBody {
  /** 3 to 32 of the characters a-z 0-9 _ . - and no reserved name. Capital letters become lower case. */
  username: string;
  /** Not only digits, no common password, and not like the username or the display name. */
  password: string;
  display_name?: string | null;
  email?: string | null;
  device?: Device | null;
}

/** A room of the request of which the user is no longer a member, since `seq`. */
export interface RemovedRoom {
  id: string;
  reason: "left" | "removed" | "banned";
  seq: number;
}

/** A room, as the user of the request sees it. */
export interface Room {
  id: string;
  kind: "public" | "private" | "direct";
  name: string | null;
  slug: string | null;
  topic: string;
  metadata: Record<string, unknown>;
  history: "shared" | "since_joined";
  /** `admins`: only admins and owners write and react. */
  posting: "everyone" | "admins";
  /** The least time between two messages of a member without bypass_slow_mode; 0: none. */
  slow_mode_seconds: number;
  /** Messages that are older than so many days become tombstones; null: none do. */
  retention_days: number | null;
  mode: RoomMode;
  epoch: number;
  created_at: string;
  archived_at: string | null;
  head: number;
  last_event_at: string;
  /** The time of the newest message, deleted or not; null before the first. Orders GET rooms. */
  last_message_at: string | null;
  member_count: number;
  last_message: Message | null;
  /** The other member of a direct room; null in other rooms. */
  peer: Author | null;
  me: RoomMe;
}

/** The data of room.added, in the inbox of a new member; `seq` is that of the own join. */
export interface RoomAdded {
  id: string;
  kind: "public" | "private" | "direct";
  name: string | null;
  slug: string | null;
  topic: string;
  metadata: Record<string, unknown>;
  history: "shared" | "since_joined";
  /** `admins`: only admins and owners write and react. */
  posting: "everyone" | "admins";
  /** The least time between two messages of a member without bypass_slow_mode; 0: none. */
  slow_mode_seconds: number;
  /** Messages that are older than so many days become tombstones; null: none do. */
  retention_days: number | null;
  mode: RoomMode;
  epoch: number;
  created_at: string;
  archived_at: string | null;
  seq: number;
  /** The other member of a direct room; null in other rooms. */
  peer: Author | null;
}

/** I was added to a room; `seq` is that of my join. */
export interface RoomAddedEvent {
  type: "room.added";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomAdded;
}

/** The room was archived: it is read-only. */
export interface RoomArchivedEvent {
  type: "room.archived";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomSnapshot;
}

/** The data of room.created. */
export interface RoomCreated {
  id: string;
  kind: "public" | "private" | "direct";
  name: string | null;
  slug: string | null;
  topic: string;
  metadata: Record<string, unknown>;
  history: "shared" | "since_joined";
  /** `admins`: only admins and owners write and react. */
  posting: "everyone" | "admins";
  /** The least time between two messages of a member without bypass_slow_mode; 0: none. */
  slow_mode_seconds: number;
  /** Messages that are older than so many days become tombstones; null: none do. */
  retention_days: number | null;
  mode: RoomMode;
  epoch: number;
  created_at: string;
  archived_at: string | null;
  members: InitialMember[];
}

/** The room was created, with its first members. */
export interface RoomCreatedEvent {
  type: "room.created";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomCreated;
}

/** The data of room.invited, in the inbox of the invited user. */
export interface RoomInvited {
  room_id: string;
  user: Author;
  invited_by: Author;
  created_at: string;
  room: RoomSnapshot;
}

/** I was invited to a room. */
export interface RoomInvitedEvent {
  type: "room.invited";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomInvited;
}

/** Too many events were missed to replay them. */
export interface RoomLimitedEvent {
  type: "room.limited";
  /** null in the inbox. */
  room_id: string | null;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: MissedRange;
}

/** The viewer's own membership of the room. */
export interface RoomMe {
  state: "joined" | "left" | "removed" | "banned" | "invited" | null;
  role: "owner" | "admin" | "member" | null;
  can: ("send" | "react" | "pin" | "mention_room" | "delete_any" | "add_members" | "remove_members" | "invite" | "ban" | "mute" | "bypass_slow_mode" | "set_roles" | "update" | "archive" | "leave" | "unarchive")[];
  read_seq: number | null;
  /** The number of messages of the main line above read_seq that are visible to the user, sent by others and not deleted; exact to 999, then unread_capped is true. */
  unread: number;
  unread_capped: boolean;
  /** The unread messages that name me or everybody in the room; exact to 999. */
  unread_mentions: number;
  /** The threads of the room that I follow and that have unread replies; exact to 999. */
  unread_threads: number;
  notify: "all" | "mentions" | "none";
  /** It passes without an event: compare with the time. */
  snoozed_until: string | null;
  pinned: boolean;
  /** I hid the room and no message was sent since; or the peer opened this direct room and sent nothing. */
  hidden: boolean;
  /** I cannot write before; in the year 9999 for a mute without a time. It passes without an event. */
  muted_until: string | null;
}

/** The things that members learn about each other. It changes above 100 members, and again below 80. */
export interface RoomMode {
  /** members: who has read and received each message; counts: how many. */
  receipts: "members" | "counts";
  /** Whether members see who is typing. */
  typing: boolean;
}

export interface RoomPage {
  results: Room[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** The data of room.preferred: my view of a room. A message with a seq above `head` ends `hidden`. */
export interface RoomPreferred {
  room_id: string;
  notify: "all" | "mentions" | "none";
  snoozed_until: string | null;
  pinned: boolean;
  hidden: boolean;
  head: number;
}

/** I changed my view of a room. */
export interface RoomPreferredEvent {
  type: "room.preferred";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomPreferred;
}

/** The data of room.removed, in the inbox of a former member; `seq` is that of the own leave. */
export interface RoomRemoved {
  id: string;
  kind: "public" | "private" | "direct";
  name: string | null;
  slug: string | null;
  topic: string;
  metadata: Record<string, unknown>;
  history: "shared" | "since_joined";
  /** `admins`: only admins and owners write and react. */
  posting: "everyone" | "admins";
  /** The least time between two messages of a member without bypass_slow_mode; 0: none. */
  slow_mode_seconds: number;
  /** Messages that are older than so many days become tombstones; null: none do. */
  retention_days: number | null;
  mode: RoomMode;
  epoch: number;
  created_at: string;
  archived_at: string | null;
  seq: number;
  reason: "left" | "removed" | "banned";
}

/** I left a room, or was removed at `seq`. */
export interface RoomRemovedEvent {
  type: "room.removed";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomRemoved;
}

/** The past was rewritten: load the room again, and continue from `head`. */
export interface RoomReset {
  head: number;
  epoch: number;
}

/** The cursor is no longer valid: load the room again. */
export interface RoomResetEvent {
  type: "room.reset";
  /** null in the inbox. */
  room_id: string | null;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: RoomReset;
}

/** A room in the log: the data of room.updated, room.archived and room.unarchived. */
export interface RoomSnapshot {
  id: string;
  kind: "public" | "private" | "direct";
  name: string | null;
  slug: string | null;
  topic: string;
  metadata: Record<string, unknown>;
  history: "shared" | "since_joined";
  /** `admins`: only admins and owners write and react. */
  posting: "everyone" | "admins";
  /** The least time between two messages of a member without bypass_slow_mode; 0: none. */
  slow_mode_seconds: number;
  /** Messages that are older than so many days become tombstones; null: none do. */
  retention_days: number | null;
  mode: RoomMode;
  epoch: number;
  created_at: string;
  archived_at: string | null;
}

/** The problem of a message, or of the room, that was rejected. */
export interface RoomSocketError {
  error: Problem;
}

/** A message that was sent to the room, by you or by another member. */
export interface RoomSocketMessage {
  message: string;
  /** The sender's username. */
  sender: string;
  seq: number;
}

/** A message to send to the room. */
export interface RoomSocketSend {
  message: string;
}

/** The end of the replay: all events up to `head` were sent. */
export interface RoomSynced {
  head: number;
}

/** The replay is complete; events are live from here. */
export interface RoomSyncedEvent {
  type: "room.synced";
  /** null in the inbox. */
  room_id: string | null;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: RoomSynced;
}

/** The room was reopened. */
export interface RoomUnarchivedEvent {
  type: "room.unarchived";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomSnapshot;
}

/** The data of room.uninvited: an invitation of mine has ended. */
export interface RoomUninvited {
  room_id: string;
  reason: "accepted" | "declined" | "withdrawn";
}

/** An invitation of mine ended. */
export interface RoomUninvitedEvent {
  type: "room.uninvited";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomUninvited;
}

/** A field of the room changed: name, slug, topic, metadata, posting, slow mode, retention or mode. */
export interface RoomUpdatedEvent {
  type: "room.updated";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: RoomSnapshot;
}

/** The body of PUT rooms/{id}/bans/{user_id} and of PUT rooms/{id}/mutes/{user_id}. */
export interface SanctionBody {
  /** null: until it is lifted. */
  until?: string | null;
  /** For the admins of the room; others do not see it. */
  reason?: string | null;
}

/** The data of ban.created, ban.ended, mute.created and mute.ended. */
export interface SanctionEvent {
  user: Author;
  until: string | null;
}

/** A message to send. A retry with the same client_id returns the stored message. */
export interface SendMessageBody {
  client_id: string;
  /** May be "" when metadata is not {}, and with a forward. */
  text: string;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  forward?: ForwardBody | null;
  /** true: the text, which may be "", is only its beginning; append_message and finish_message follow. `false` when absent. */
  streaming?: boolean | null;
  /** Reply in the thread of this message, which is not deleted and not in a thread itself. */
  thread_root?: string | null;
  /** With thread_root: the main line of the room shows the reply too. `false` when absent. */
  in_room?: boolean | null;
  mentions?: MentionsBody | null;
  /** Always empty in this release. */
  attachments?: string[] | null;
}

/** Send a message; a retry with the same client_id stores it once. */
export interface SendMessageFrame {
  action: "send_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  client_id: string;
  /** May be "" when metadata is not {}, and with a forward. */
  text: string;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  forward?: ForwardBody | null;
  /** true: the text, which may be "", is only its beginning; append_message and finish_message follow. `false` when absent. */
  streaming?: boolean | null;
  /** Reply in the thread of this message, which is not deleted and not in a thread itself. */
  thread_root?: string | null;
  /** With thread_root: the main line of the room shows the reply too. `false` when absent. */
  in_room?: boolean | null;
  mentions?: MentionsBody | null;
  /** Always empty in this release. */
  attachments?: string[] | null;
}

/** The answer to `send_message`: `data` on success, one problem in `errors` otherwise. */
export interface SendMessageReply {
  action: "send_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 201 or 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** Send several messages in order; an invalid item fails alone, and the whole frame may be retried. */
export interface SendMessagesFrame {
  action: "send_messages";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  items: SendMessageBody[];
}

/** The answer to `send_messages`: `data` on success, one problem in `errors` otherwise. */
export interface SendMessagesReply {
  action: "send_messages";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: SendResults | null;
}

/** The result of one item: 201, 200 for a retry, or its problem. */
export interface SendResult {
  status: number;
  id: string | null;
  seq: number | null;
  errors: Problem[];
}

/** The result of each item, in the order of the request. */
export interface SendResults {
  results: SendResult[];
}

/** A frame that a client may receive on /v1/ws. */
export type ServerFrame = HelloPush | EventsPush | GoodbyePush | AckReply | AppendMessageReply | AuthenticateReply | BlockUserReply | CreateLinkReply | DeclineInviteReply | DeleteBanReply | DeleteDraftReply | DeleteInviteReply | DeleteLinkReply | DeleteMessageReply | DeleteMuteReply | EditMessageReply | FinishMessageReply | FollowThreadReply | GetEventsReply | GetLinkReply | GetMeReply | GetMessageReply | GetMessagesReply | GetReceiptsReply | GetRoomLinkReply | GetUnreadReply | GetVersionsReply | JoinByLinkReply | JoinRoomReply | ListBansReply | ListBlocksReply | ListDraftsReply | ListInvitesReply | ListLinksReply | ListMentionsReply | ListMutesReply | ListMyInvitesReply | ListPinsReply | ListReactionsReply | ListThreadsReply | MarkReadReply | MarkUnreadReply | PinMessageReply | PingReply | PutBanReply | PutDraftReply | PutInviteReply | PutMuteReply | PutOwnerReply | ReactReply | SendMessageReply | SendMessagesReply | SetPresenceReply | SubscribeReply | SyncReply | TypingReply | UnarchiveRoomReply | UnblockUserReply | UnfollowThreadReply | UnpinMessageReply | UnsubscribeReply | UpdateMeReply | UpdateRoomMeReply | WatchPresenceReply | FrameError;

/** One of my devices; `current` marks the one that sent the request. */
export interface Session {
  id: string;
  name: string;
  platform: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  current: boolean;
}

/** The time at which the session ends: authenticate with a new token before it. */
export interface SessionExpiring {
  expires_at: string;
}

/** The session expires within a minute. */
export interface SessionExpiringEvent {
  type: "session.expiring";
  /** Always null. */
  room_id: string | null;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: SessionExpiring;
}

export interface SessionPage {
  results: Session[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** The activity of the device: active, away, or in the background, where it does not count. */
export interface SetPresenceBody {
  state: "active" | "away" | "background";
}

/** Set whether I am active or away, or whether this device does not count. */
export interface SetPresenceFrame {
  action: "set_presence";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  state: "active" | "away" | "background";
}

/** The answer to `set_presence`: `data` on success, one problem in `errors` otherwise. */
export interface SetPresenceReply {
  action: "set_presence";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Activity | null;
}

/** True while the user is typing, repeated every typing.resend_ms, and false at the end. */
export interface SetTypingBody {
  on: boolean;
}

/** My settings. */
export interface Settings {
  /** Whether others see how far I have read, and what has reached my devices. */
  share_read: boolean;
  /** Whether others see when I am online. */
  share_presence: boolean;
  /** nobody: an addition to a room becomes an invitation. */
  added_by: "anyone" | "nobody";
}

/** The largest numbers of open sockets in one process of the server. */
export interface Sockets {
  session: number;
  user: number;
  address: number;
}

/** Subscribe to a room or, with null, to my inbox: missed events first, then live, without gaps or duplicates. */
export interface SubscribeFrame {
  action: "subscribe";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string | null;
  after?: number | null;
  epoch?: number | null;
}

/** The answer to `subscribe`: `data` on success, one problem in `errors` otherwise. */
export interface SubscribeReply {
  action: "subscribe";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: SubscribeResult | null;
}

/** The position of a subscription: events after `after` up to `head` are replayed, then it is live. */
export interface SubscribeResult {
  room_id: string | null;
  after: number;
  head: number;
  epoch: number;
  replay: "complete" | "limited" | "reset";
}

/** The body of REST, which can also wait for an event. */
export interface SyncBody {
  /** By room id, the seq up to which the device has applied the room's events; null is absent. */
  rooms?: Record<string, number | null> | null;
  inbox?: number | null;
  epoch?: number | null;
  /** `1000` when absent. */
  limit?: number | null;
  next?: string | null;
  /** An answer that would have nothing waits so long for something; not with `next`. `0` when absent. */
  wait_ms?: number | null;
  /** While the request waits, its device counts as active for the presence of the user, unless this is away or background. */
  presence?: "active" | "away" | "background" | null;
}

/** Get everything that this device has missed. */
export interface SyncFrame {
  action: "sync";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** By room id, the seq up to which the device has applied the room's events; null is absent. */
  rooms?: Record<string, number | null> | null;
  inbox?: number | null;
  epoch?: number | null;
  /** `1000` when absent. */
  limit?: number | null;
  next?: string | null;
  /** true: subscribe to each stream of the answer, from its `head` on. `false` when absent. */
  subscribe?: boolean | null;
}

/** The answer to `sync`: `data` on success, one problem in `errors` otherwise. */
export interface SyncReply {
  action: "sync";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: SyncResult | null;
}

/** One page of the answer; the same body with `next` returns the following page. */
export interface SyncResult {
  rooms: SyncedRoom[];
  removed: RemovedRoom[];
  inbox: SyncedInbox;
  epoch: number;
  next: string | null;
}

/** The changes of the inbox since the cursor. */
export interface SyncedInbox {
  head: number;
  events: Event[];
  limited: MissedRange | null;
  reset: boolean;
}

/** The changes of a room since the cursor. `head` is the next cursor: the entry covers everything up to it. */
export interface SyncedRoom {
  id: string;
  head: number;
  events: Event[];
  limited: MissedRange | null;
  reset: boolean;
  room: Room | null;
}

/** A part that was appended to the text of a message, after `offset` Unicode code points. */
export interface TextAppended {
  id: string;
  room_id: string;
  offset: number;
  text: string;
}

/** The text of a streamed message goes on. */
export interface TextAppendedEvent {
  type: "text.appended";
  room_id: string;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: TextAppended;
}

/** The replies to a message in its thread; `user_ids` are at most five repliers, the newest first. */
export interface Thread {
  reply_count: number;
  last_reply_at: string;
  last_seq: number;
  user_ids: string[];
}

/** The thread of a message has new replies: merge it into a copy of the message whose version is `base_version`. */
export interface ThreadChanged {
  id: string;
  room_id: string;
  seq: number;
  version: number;
  base_version: number;
  thread: Thread;
}

/** A message has new replies in its thread. */
export interface ThreadChangedEvent {
  type: "thread.changed";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: ThreadChanged;
}

/** I follow a thread, or no longer: as of the room's `seq`. A later reply or mention of mine follows it again. */
export interface ThreadFollowed {
  room_id: string;
  thread_root: string;
  seq: number;
}

/** I follow a thread. */
export interface ThreadFollowedEvent {
  type: "thread.followed";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: ThreadFollowed;
}

/** My read marker of a thread moved forward. */
export interface ThreadRead {
  room_id: string;
  thread_root: string;
  read_seq: number;
  /** The number of replies above read_seq that are visible to the user, sent by others and not deleted; exact to 999, then unread_capped is true. */
  unread: number;
  unread_capped: boolean;
}

/** My read marker of a thread moved. */
export interface ThreadReadEvent {
  type: "thread.read";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: ThreadRead;
}

/** I no longer follow a thread. */
export interface ThreadUnfollowedEvent {
  type: "thread.unfollowed";
  /** Always null. */
  room_id: string | null;
  seq: number;
  at: string;
  actor_id: string | null;
  data: ThreadFollowed;
}

/** The set of typing users changed. */
export interface TypingEvent {
  type: "typing";
  room_id: string;
  /** Always null. */
  seq: number | null;
  at: string;
  actor_id: string | null;
  data: TypingUsers;
}

/** Set whether I am typing in a room. */
export interface TypingFrame {
  action: "typing";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  on: boolean;
}

/** The interval in which a client repeats typing, and the time after which it ends by itself. */
export interface TypingIntervals {
  resend_ms: number;
  expire_ms: number;
}

/** The answer to `typing`: no `errors` on success, one problem in `errors` otherwise. */
export interface TypingReply {
  action: "typing";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** All users who are typing: each event has the whole set. */
export interface TypingUsers {
  user_ids: string[];
}

/** Reopen an archived room, with its slug if no other room has taken it. */
export interface UnarchiveRoomFrame {
  action: "unarchive_room";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
}

/** The answer to `unarchive_room`: `data` on success, one problem in `errors` otherwise. */
export interface UnarchiveRoomReply {
  action: "unarchive_room";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Room | null;
}

/** Unblock a user. */
export interface UnblockUserFrame {
  action: "unblock_user";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  user_id: string;
}

/** The answer to `unblock_user`: no `errors` on success, one problem in `errors` otherwise. */
export interface UnblockUserReply {
  action: "unblock_user";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** No longer follow a thread, until I reply or am named in it again. */
export interface UnfollowThreadFrame {
  action: "unfollow_thread";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  thread_root: string;
}

/** The answer to `unfollow_thread`: no `errors` on success, one problem in `errors` otherwise. */
export interface UnfollowThreadReply {
  action: "unfollow_thread";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 204 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  /** Always null. */
  data: Record<string, never> | null;
}

/** Remove a message from the pins. */
export interface UnpinMessageFrame {
  action: "unpin_message";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  message_id: string;
}

/** The answer to `unpin_message`: `data` on success, one problem in `errors` otherwise. */
export interface UnpinMessageReply {
  action: "unpin_message";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Message | null;
}

/** The unread numbers of all my rooms, and their sums. */
export interface Unread {
  unread_total: number;
  mentions_total: number;
  /** The threads that I follow and that have unread replies. */
  threads_total: number;
  rooms: UnreadRoom[];
}

/** The unread numbers of a room. */
export interface UnreadRoom {
  room_id: string;
  read_seq: number;
  /** The number of messages of the main line above read_seq that are visible to the user, sent by others and not deleted; exact to 999, then unread_capped is true. */
  unread: number;
  unread_capped: boolean;
  /** The unread messages that name me or everybody in the room; exact to 999. */
  unread_mentions: number;
}

/** Unsubscribe from a room or the inbox; none of its events follows the reply. */
export interface UnsubscribeFrame {
  action: "unsubscribe";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string | null;
}

/** The answer to `unsubscribe`: `data` on success, one problem in `errors` otherwise. */
export interface UnsubscribeReply {
  action: "unsubscribe";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: UnsubscribeResult | null;
}

/** The room whose subscription ended. */
export interface UnsubscribeResult {
  room_id: string | null;
}

/** Update my profile and my settings. */
export interface UpdateMeFrame {
  action: "update_me";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  /** 3 to 32 of the characters a-z 0-9 _ . - and no reserved name. Capital letters become lower case. */
  username?: string | null;
  display_name?: string | null;
  /** http or https; null or empty removes it. */
  avatar_url?: string | null;
  metadata?: Record<string, unknown> | null;
  /** null or empty removes it. */
  email?: string | null;
  /** Required to change the e-mail address. */
  password?: string | null;
  settings?: UpdateSettingsBody | null;
}

/** The answer to `update_me`: `data` on success, one problem in `errors` otherwise. */
export interface UpdateMeReply {
  action: "update_me";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: Me | null;
}

/** The body of PATCH me; absent fields stay unchanged. */
export interface UpdateMyselfBody {
  /** 3 to 32 of the characters a-z 0-9 _ . - and no reserved name. Capital letters become lower case. */
  username?: string | null;
  display_name?: string | null;
  /** http or https; null or empty removes it. */
  avatar_url?: string | null;
  metadata?: Record<string, unknown> | null;
  /** null or empty removes it. */
  email?: string | null;
  /** Required to change the e-mail address. */
  password?: string | null;
  settings?: UpdateSettingsBody | null;
}

/** The body of PATCH rooms/{id}; absent fields stay unchanged. */
export interface UpdateRoomBody {
  name?: string | null;
  slug?: string | null;
  topic?: string | null;
  metadata?: Record<string, unknown> | null;
  posting?: "everyone" | "admins" | null;
  /** The least time between two messages of a member who is no admin; 0: none. */
  slow_mode_seconds?: number | null;
  /** Only an owner changes it; null keeps messages for ever. */
  retention_days?: number | null;
}

/** The body of PATCH rooms/{id}/me; absent fields stay unchanged. */
export interface UpdateRoomMeBody {
  /** Kept for the clients, which notify. */
  notify?: "all" | "mentions" | "none" | null;
  /** No notifications before; null ends it. */
  snoozed_until?: string | null;
  /** Clients show the room above the others. */
  pinned?: boolean | null;
  hidden?: boolean | null;
}

/** Change my own view of a room: notifications, pinned, hidden until the next message. */
export interface UpdateRoomMeFrame {
  action: "update_room_me";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  room_id: string;
  /** Kept for the clients, which notify. */
  notify?: "all" | "mentions" | "none" | null;
  /** No notifications before; null ends it. */
  snoozed_until?: string | null;
  /** Clients show the room above the others. */
  pinned?: boolean | null;
  hidden?: boolean | null;
}

/** The answer to `update_room_me`: `data` on success, one problem in `errors` otherwise. */
export interface UpdateRoomMeReply {
  action: "update_room_me";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: RoomMe | null;
}

/** Changed settings; absent ones stay unchanged. */
export interface UpdateSettingsBody {
  /** Whether others see how far I have read, and what has reached my devices. */
  share_read?: boolean | null;
  /** Whether others see when I am online. */
  share_presence?: boolean | null;
  /** nobody: an addition to a room becomes an invitation. */
  added_by?: "anyone" | "nobody" | null;
}

/** A user, as every other user sees them. */
export interface User {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  kind: "person" | "bot";
  metadata: Record<string, unknown>;
  created_at: string;
}

/** A user whose account was deleted: replace the user, by id, wherever it is shown. */
export interface UserErased {
  user: Author;
}

/** The account of a user was deleted. */
export interface UserErasedEvent {
  type: "user.erased";
  room_id: string;
  seq: number;
  at: string;
  actor_id: string | null;
  data: UserErased;
}

export interface UserPage {
  results: User[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

/** The reaction of one user. */
export interface UserReaction {
  user: Author;
  key: string;
  at: string;
}

export interface UserReactionPage {
  results: UserReaction[];
  /** The value of `cursor` for the next page; null at the end. */
  next: string | null;
  previous: string | null;
}

export interface VerifyEmailBody {
  token: string;
}

/** A message as it was from the event with this seq on. */
export interface Version {
  version: number;
  text: string | null;
  metadata: Record<string, unknown>;
  mentions: Mentions;
  at: string;
}

/** The versions of a message, oldest first: at most the newest 100. */
export interface Versions {
  results: Version[];
}

/** The users to watch, in place of those watched before; an empty list ends it. */
export interface WatchPresenceBody {
  user_ids: string[];
}

/** Get the presence of users; on the socket, watch them instead of those watched before. */
export interface WatchPresenceFrame {
  action: "watch_presence";
  /** Repeated in the reply. A string of at most 64 characters. An integer is accepted too, and repeated as an integer. */
  request_id?: string | null;
  user_ids: string[];
}

/** The answer to `watch_presence`: `data` on success, one problem in `errors` otherwise. */
export interface WatchPresenceReply {
  action: "watch_presence";
  /** The `request_id` of the frame; null when it had none. */
  request_id: string | null;
  /** 200 on success, otherwise the `status` of the problem. */
  response_status: number;
  errors: Problem[];
  data: PresenceStates | null;
}

/** The actions of the socket: the body of each, and the data of its reply. */
export interface Actions {
  ack: { body: Omit<AckFrame, "action" | "request_id">; data: NonNullable<AckReply["data"]> };
  append_message: { body: Omit<AppendMessageFrame, "action" | "request_id">; data: NonNullable<AppendMessageReply["data"]> };
  authenticate: { body: Omit<AuthenticateFrame, "action" | "request_id">; data: NonNullable<AuthenticateReply["data"]> };
  block_user: { body: Omit<BlockUserFrame, "action" | "request_id">; data: NonNullable<BlockUserReply["data"]> };
  create_link: { body: Omit<CreateLinkFrame, "action" | "request_id">; data: NonNullable<CreateLinkReply["data"]> };
  decline_invite: { body: Omit<DeclineInviteFrame, "action" | "request_id">; data: NonNullable<DeclineInviteReply["data"]> };
  delete_ban: { body: Omit<DeleteBanFrame, "action" | "request_id">; data: NonNullable<DeleteBanReply["data"]> };
  delete_draft: { body: Omit<DeleteDraftFrame, "action" | "request_id">; data: NonNullable<DeleteDraftReply["data"]> };
  delete_invite: { body: Omit<DeleteInviteFrame, "action" | "request_id">; data: NonNullable<DeleteInviteReply["data"]> };
  delete_link: { body: Omit<DeleteLinkFrame, "action" | "request_id">; data: NonNullable<DeleteLinkReply["data"]> };
  delete_message: { body: Omit<DeleteMessageFrame, "action" | "request_id">; data: NonNullable<DeleteMessageReply["data"]> };
  delete_mute: { body: Omit<DeleteMuteFrame, "action" | "request_id">; data: NonNullable<DeleteMuteReply["data"]> };
  edit_message: { body: Omit<EditMessageFrame, "action" | "request_id">; data: NonNullable<EditMessageReply["data"]> };
  finish_message: { body: Omit<FinishMessageFrame, "action" | "request_id">; data: NonNullable<FinishMessageReply["data"]> };
  follow_thread: { body: Omit<FollowThreadFrame, "action" | "request_id">; data: NonNullable<FollowThreadReply["data"]> };
  get_events: { body: Omit<GetEventsFrame, "action" | "request_id">; data: NonNullable<GetEventsReply["data"]> };
  get_link: { body: Omit<GetLinkFrame, "action" | "request_id">; data: NonNullable<GetLinkReply["data"]> };
  get_me: { body: Omit<GetMeFrame, "action" | "request_id">; data: NonNullable<GetMeReply["data"]> };
  get_message: { body: Omit<GetMessageFrame, "action" | "request_id">; data: NonNullable<GetMessageReply["data"]> };
  get_messages: { body: Omit<GetMessagesFrame, "action" | "request_id">; data: NonNullable<GetMessagesReply["data"]> };
  get_receipts: { body: Omit<GetReceiptsFrame, "action" | "request_id">; data: NonNullable<GetReceiptsReply["data"]> };
  get_room_link: { body: Omit<GetRoomLinkFrame, "action" | "request_id">; data: NonNullable<GetRoomLinkReply["data"]> };
  get_unread: { body: Omit<GetUnreadFrame, "action" | "request_id">; data: NonNullable<GetUnreadReply["data"]> };
  get_versions: { body: Omit<GetVersionsFrame, "action" | "request_id">; data: NonNullable<GetVersionsReply["data"]> };
  join_by_link: { body: Omit<JoinByLinkFrame, "action" | "request_id">; data: NonNullable<JoinByLinkReply["data"]> };
  join_room: { body: Omit<JoinRoomFrame, "action" | "request_id">; data: NonNullable<JoinRoomReply["data"]> };
  list_bans: { body: Omit<ListBansFrame, "action" | "request_id">; data: NonNullable<ListBansReply["data"]> };
  list_blocks: { body: Omit<ListBlocksFrame, "action" | "request_id">; data: NonNullable<ListBlocksReply["data"]> };
  list_drafts: { body: Omit<ListDraftsFrame, "action" | "request_id">; data: NonNullable<ListDraftsReply["data"]> };
  list_invites: { body: Omit<ListInvitesFrame, "action" | "request_id">; data: NonNullable<ListInvitesReply["data"]> };
  list_links: { body: Omit<ListLinksFrame, "action" | "request_id">; data: NonNullable<ListLinksReply["data"]> };
  list_mentions: { body: Omit<ListMentionsFrame, "action" | "request_id">; data: NonNullable<ListMentionsReply["data"]> };
  list_mutes: { body: Omit<ListMutesFrame, "action" | "request_id">; data: NonNullable<ListMutesReply["data"]> };
  list_my_invites: { body: Omit<ListMyInvitesFrame, "action" | "request_id">; data: NonNullable<ListMyInvitesReply["data"]> };
  list_pins: { body: Omit<ListPinsFrame, "action" | "request_id">; data: NonNullable<ListPinsReply["data"]> };
  list_reactions: { body: Omit<ListReactionsFrame, "action" | "request_id">; data: NonNullable<ListReactionsReply["data"]> };
  list_threads: { body: Omit<ListThreadsFrame, "action" | "request_id">; data: NonNullable<ListThreadsReply["data"]> };
  mark_read: { body: Omit<MarkReadFrame, "action" | "request_id">; data: NonNullable<MarkReadReply["data"]> };
  mark_unread: { body: Omit<MarkUnreadFrame, "action" | "request_id">; data: NonNullable<MarkUnreadReply["data"]> };
  pin_message: { body: Omit<PinMessageFrame, "action" | "request_id">; data: NonNullable<PinMessageReply["data"]> };
  ping: { body: Omit<PingFrame, "action" | "request_id">; data: NonNullable<PingReply["data"]> };
  put_ban: { body: Omit<PutBanFrame, "action" | "request_id">; data: NonNullable<PutBanReply["data"]> };
  put_draft: { body: Omit<PutDraftFrame, "action" | "request_id">; data: NonNullable<PutDraftReply["data"]> };
  put_invite: { body: Omit<PutInviteFrame, "action" | "request_id">; data: NonNullable<PutInviteReply["data"]> };
  put_mute: { body: Omit<PutMuteFrame, "action" | "request_id">; data: NonNullable<PutMuteReply["data"]> };
  put_owner: { body: Omit<PutOwnerFrame, "action" | "request_id">; data: NonNullable<PutOwnerReply["data"]> };
  react: { body: Omit<ReactFrame, "action" | "request_id">; data: NonNullable<ReactReply["data"]> };
  send_message: { body: Omit<SendMessageFrame, "action" | "request_id">; data: NonNullable<SendMessageReply["data"]> };
  send_messages: { body: Omit<SendMessagesFrame, "action" | "request_id">; data: NonNullable<SendMessagesReply["data"]> };
  set_presence: { body: Omit<SetPresenceFrame, "action" | "request_id">; data: NonNullable<SetPresenceReply["data"]> };
  subscribe: { body: Omit<SubscribeFrame, "action" | "request_id">; data: NonNullable<SubscribeReply["data"]> };
  sync: { body: Omit<SyncFrame, "action" | "request_id">; data: NonNullable<SyncReply["data"]> };
  typing: { body: Omit<TypingFrame, "action" | "request_id">; data: NonNullable<TypingReply["data"]> };
  unarchive_room: { body: Omit<UnarchiveRoomFrame, "action" | "request_id">; data: NonNullable<UnarchiveRoomReply["data"]> };
  unblock_user: { body: Omit<UnblockUserFrame, "action" | "request_id">; data: NonNullable<UnblockUserReply["data"]> };
  unfollow_thread: { body: Omit<UnfollowThreadFrame, "action" | "request_id">; data: NonNullable<UnfollowThreadReply["data"]> };
  unpin_message: { body: Omit<UnpinMessageFrame, "action" | "request_id">; data: NonNullable<UnpinMessageReply["data"]> };
  unsubscribe: { body: Omit<UnsubscribeFrame, "action" | "request_id">; data: NonNullable<UnsubscribeReply["data"]> };
  update_me: { body: Omit<UpdateMeFrame, "action" | "request_id">; data: NonNullable<UpdateMeReply["data"]> };
  update_room_me: { body: Omit<UpdateRoomMeFrame, "action" | "request_id">; data: NonNullable<UpdateRoomMeReply["data"]> };
  watch_presence: { body: Omit<WatchPresenceFrame, "action" | "request_id">; data: NonNullable<WatchPresenceReply["data"]> };
}

/** REST: each call by its method and path. */
export interface Endpoints {
  "POST /v1/ack": { path: undefined; query: undefined; body: AckBody; reply: Acked };
  "DELETE /v1/admin/keys/{key_id}": { path: { key_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/admin/rooms": { path: undefined; query: undefined; body: AdminRoomBody; reply: Room };
  "PUT /v1/admin/rooms/{room_id}/members/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: PutMemberBody; reply: Member };
  "DELETE /v1/admin/rooms/{room_id}/members/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: undefined; reply: undefined };
  "GET /v1/admin/users/{external_id}": { path: { external_id: string }; query: undefined; body: undefined; reply: AdminUser };
  "PUT /v1/admin/users/{external_id}": { path: { external_id: string }; query: undefined; body: PutUserBody; reply: AdminUser };
  "DELETE /v1/admin/users/{external_id}": { path: { external_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/admin/users/{external_id}/sessions": { path: { external_id: string }; query: undefined; body: OpenSessionBody; reply: Login };
  "DELETE /v1/admin/users/{external_id}/sessions": { path: { external_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/auth/exchange": { path: undefined; query: undefined; body: ExchangeBody; reply: Login };
  "POST /v1/auth/login": { path: undefined; query: undefined; body: LoginBody; reply: Login };
  "POST /v1/auth/logout": { path: undefined; query: undefined; body: undefined; reply: undefined };
  "POST /v1/auth/logout-all": { path: undefined; query: undefined; body: undefined; reply: undefined };
  "POST /v1/auth/password": { path: undefined; query: undefined; body: ChangePasswordBody; reply: undefined };
  "POST /v1/auth/password-reset": { path: undefined; query: undefined; body: PasswordResetBody; reply: undefined };
  "POST /v1/auth/password-reset/confirm": { path: undefined; query: undefined; body: ConfirmPasswordResetBody; reply: undefined };
  "POST /v1/auth/register": { path: undefined; query: undefined; body: RegisterBody; reply: Login };
  "GET /v1/auth/sessions": { path: undefined; query: { cursor?: string; limit?: number }; body: undefined; reply: SessionPage };
  "DELETE /v1/auth/sessions/{session_id}": { path: { session_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/auth/verify-email": { path: undefined; query: undefined; body: VerifyEmailBody; reply: undefined };
  "POST /v1/auth/verify-email/send": { path: undefined; query: undefined; body: undefined; reply: undefined };
  "GET /v1/links/{code}": { path: { code: string }; query: undefined; body: undefined; reply: LinkedRoom };
  "POST /v1/links/{code}/join": { path: { code: string }; query: undefined; body: undefined; reply: Room };
  "GET /v1/me": { path: undefined; query: undefined; body: undefined; reply: Me };
  "PATCH /v1/me": { path: undefined; query: undefined; body: UpdateMyselfBody; reply: Me };
  "DELETE /v1/me": { path: undefined; query: undefined; body: DeleteMeBody; reply: undefined };
  "GET /v1/me/blocks": { path: undefined; query: { cursor?: string; limit?: number }; body: undefined; reply: BlockPage };
  "PUT /v1/me/blocks/{user_id}": { path: { user_id: string }; query: undefined; body: undefined; reply: Block };
  "DELETE /v1/me/blocks/{user_id}": { path: { user_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/me/delete": { path: undefined; query: undefined; body: DeleteMeBody; reply: undefined };
  "GET /v1/me/drafts": { path: undefined; query: { cursor?: string; limit?: number }; body: undefined; reply: DraftPage };
  "GET /v1/me/events": { path: undefined; query: { after?: number; before?: number; limit?: number }; body: undefined; reply: EventPage };
  "GET /v1/me/invites": { path: undefined; query: { cursor?: string; limit?: number }; body: undefined; reply: MyInvitePage };
  "GET /v1/me/mentions": { path: undefined; query: { cursor?: string; limit?: number }; body: undefined; reply: MessagePage };
  "GET /v1/me/threads": { path: undefined; query: { cursor?: string; limit?: number; unread?: boolean }; body: undefined; reply: FollowPage };
  "GET /v1/me/unread": { path: undefined; query: undefined; body: undefined; reply: Unread };
  "POST /v1/ping": { path: undefined; query: undefined; body: undefined; reply: undefined };
  "PUT /v1/presence": { path: undefined; query: undefined; body: SetPresenceBody; reply: Activity };
  "POST /v1/presence/watch": { path: undefined; query: undefined; body: WatchPresenceBody; reply: PresenceStates };
  "GET /v1/rooms": { path: undefined; query: { archived?: boolean; cursor?: string; hidden?: boolean; limit?: number }; body: undefined; reply: RoomPage };
  "POST /v1/rooms": { path: undefined; query: undefined; body: CreateRoomBody; reply: Room };
  "GET /v1/rooms/{room_id}": { path: { room_id: string }; query: undefined; body: undefined; reply: Room };
  "PATCH /v1/rooms/{room_id}": { path: { room_id: string }; query: undefined; body: UpdateRoomBody; reply: Room };
  "DELETE /v1/rooms/{room_id}": { path: { room_id: string }; query: undefined; body: undefined; reply: undefined };
  "GET /v1/rooms/{room_id}/bans": { path: { room_id: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: BanPage };
  "PUT /v1/rooms/{room_id}/bans/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: SanctionBody; reply: Ban };
  "DELETE /v1/rooms/{room_id}/bans/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/rooms/{room_id}/decline": { path: { room_id: string }; query: undefined; body: undefined; reply: undefined };
  "PUT /v1/rooms/{room_id}/draft": { path: { room_id: string }; query: undefined; body: PutDraftBody; reply: Draft };
  "DELETE /v1/rooms/{room_id}/draft": { path: { room_id: string }; query: { thread_root?: string }; body: DeleteDraftBody; reply: undefined };
  "GET /v1/rooms/{room_id}/events": { path: { room_id: string }; query: { after?: number; before?: number; limit?: number }; body: undefined; reply: EventPage };
  "GET /v1/rooms/{room_id}/invites": { path: { room_id: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: InvitePage };
  "PUT /v1/rooms/{room_id}/invites/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: undefined; reply: Invite };
  "DELETE /v1/rooms/{room_id}/invites/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/rooms/{room_id}/join": { path: { room_id: string }; query: undefined; body: undefined; reply: Room };
  "POST /v1/rooms/{room_id}/leave": { path: { room_id: string }; query: undefined; body: undefined; reply: undefined };
  "GET /v1/rooms/{room_id}/links": { path: { room_id: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: LinkPage };
  "POST /v1/rooms/{room_id}/links": { path: { room_id: string }; query: undefined; body: CreateLinkBody; reply: NewLink };
  "GET /v1/rooms/{room_id}/links/{link_id}": { path: { link_id: string; room_id: string }; query: undefined; body: undefined; reply: Link };
  "DELETE /v1/rooms/{room_id}/links/{link_id}": { path: { link_id: string; room_id: string }; query: undefined; body: undefined; reply: undefined };
  "PATCH /v1/rooms/{room_id}/me": { path: { room_id: string }; query: undefined; body: UpdateRoomMeBody; reply: RoomMe };
  "GET /v1/rooms/{room_id}/members": { path: { room_id: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: MemberPage };
  "PUT /v1/rooms/{room_id}/members/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: PutMemberBody; reply: Member | Invite };
  "DELETE /v1/rooms/{room_id}/members/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: undefined; reply: undefined };
  "GET /v1/rooms/{room_id}/messages": { path: { room_id: string }; query: { after?: string; around?: string; before?: string; limit?: number; thread?: string }; body: undefined; reply: MessageHistory };
  "POST /v1/rooms/{room_id}/messages": { path: { room_id: string }; query: undefined; body: SendMessageBody; reply: Message };
  "GET /v1/rooms/{room_id}/messages/{message_id}": { path: { message_id: string; room_id: string }; query: undefined; body: undefined; reply: MessageAndMine };
  "PATCH /v1/rooms/{room_id}/messages/{message_id}": { path: { message_id: string; room_id: string }; query: undefined; body: EditMessageBody; reply: Message };
  "DELETE /v1/rooms/{room_id}/messages/{message_id}": { path: { message_id: string; room_id: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/rooms/{room_id}/messages/{message_id}/append": { path: { message_id: string; room_id: string }; query: undefined; body: AppendMessageBody; reply: Message };
  "POST /v1/rooms/{room_id}/messages/{message_id}/finish": { path: { message_id: string; room_id: string }; query: undefined; body: FinishMessageBody; reply: Message };
  "GET /v1/rooms/{room_id}/messages/{message_id}/reactions": { path: { message_id: string; room_id: string }; query: { cursor?: string; key?: string; limit?: number }; body: undefined; reply: UserReactionPage };
  "PUT /v1/rooms/{room_id}/messages/{message_id}/reactions/{key}": { path: { key: string; message_id: string; room_id: string }; query: undefined; body: undefined; reply: Message };
  "DELETE /v1/rooms/{room_id}/messages/{message_id}/reactions/{key}": { path: { key: string; message_id: string; room_id: string }; query: undefined; body: undefined; reply: Message };
  "GET /v1/rooms/{room_id}/messages/{message_id}/receipts": { path: { message_id: string; room_id: string }; query: undefined; body: undefined; reply: Receipts };
  "GET /v1/rooms/{room_id}/messages/{message_id}/versions": { path: { message_id: string; room_id: string }; query: undefined; body: undefined; reply: Versions };
  "GET /v1/rooms/{room_id}/mutes": { path: { room_id: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: MutePage };
  "PUT /v1/rooms/{room_id}/mutes/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: SanctionBody; reply: Mute };
  "DELETE /v1/rooms/{room_id}/mutes/{user_id}": { path: { room_id: string; user_id: string }; query: undefined; body: undefined; reply: undefined };
  "PUT /v1/rooms/{room_id}/owner": { path: { room_id: string }; query: undefined; body: PutOwnerBody; reply: Member };
  "GET /v1/rooms/{room_id}/pins": { path: { room_id: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: PinPage };
  "PUT /v1/rooms/{room_id}/pins/{message_id}": { path: { message_id: string; room_id: string }; query: undefined; body: undefined; reply: Message };
  "DELETE /v1/rooms/{room_id}/pins/{message_id}": { path: { message_id: string; room_id: string }; query: undefined; body: undefined; reply: Message };
  "POST /v1/rooms/{room_id}/read": { path: { room_id: string }; query: undefined; body: MarkReadBody; reply: ReadMarker };
  "PUT /v1/rooms/{room_id}/threads/{thread_root}/follow": { path: { room_id: string; thread_root: string }; query: undefined; body: undefined; reply: Follow };
  "DELETE /v1/rooms/{room_id}/threads/{thread_root}/follow": { path: { room_id: string; thread_root: string }; query: undefined; body: undefined; reply: undefined };
  "POST /v1/rooms/{room_id}/typing": { path: { room_id: string }; query: undefined; body: SetTypingBody; reply: undefined };
  "POST /v1/rooms/{room_id}/unarchive": { path: { room_id: string }; query: undefined; body: undefined; reply: Room };
  "POST /v1/rooms/{room_id}/unread": { path: { room_id: string }; query: undefined; body: MarkUnreadBody; reply: ReadMarker };
  "PUT /v1/rooms/direct/{user_id}": { path: { user_id: string }; query: undefined; body: undefined; reply: Room };
  "GET /v1/rooms/directory": { path: undefined; query: { cursor?: string; limit?: number; q?: string; sort?: "activity" | "members" | "name" }; body: undefined; reply: RoomPage };
  "POST /v1/stream": { path: undefined; query: undefined; body: SyncBody; reply: undefined };
  "POST /v1/sync": { path: undefined; query: undefined; body: SyncBody; reply: SyncResult };
  "GET /v1/users": { path: undefined; query: { cursor?: string; limit?: number; q?: string }; body: undefined; reply: UserPage };
  "GET /v1/users/{user_id}": { path: { user_id: string }; query: undefined; body: undefined; reply: User };
  "GET /livez": { path: undefined; query: undefined; body: undefined; reply: Health };
  "GET /readyz": { path: undefined; query: undefined; body: undefined; reply: Health };
}
