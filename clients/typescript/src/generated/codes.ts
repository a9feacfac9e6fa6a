// Generated from the contracts by `make schema`; do not edit.

/** Close codes after which the same connection would end the same way: the client does not come back. */
export const FINAL_CLOSE_CODES: readonly number[] = [1002, 1007, 1008, 1009, 4400, 4401, 4402, 4403, 4406, 4408, 4410, 4426];

/** Every close code of the server. A connection that is lost without one has 1006. */
export type CloseCode = 1002 | 1007 | 1008 | 1009 | 1011 | 1012 | 1013 | 4002 | 4004 | 4400 | 4401 | 4402 | 4403 | 4406 | 4408 | 4410 | 4426 | 4429;

/** The types of events that are stored, and replayed to a client that was away. */
export const DURABLE_EVENT_TYPES = ["room.created", "room.updated", "room.archived", "room.unarchived", "member.joined", "member.left", "member.removed", "member.role_changed", "invite.created", "invite.ended", "ban.created", "ban.ended", "mute.created", "mute.ended", "message.created", "message.edited", "message.deleted", "reaction.changed", "pin.added", "pin.removed", "messages.purged", "thread.changed", "thread.followed", "thread.unfollowed", "thread.read", "user.erased", "room.added", "room.removed", "me.updated", "block.added", "block.removed", "room.preferred", "room.invited", "room.uninvited", "read.updated"] as const;

/** The types of events that are only live. */
export const EPHEMERAL_EVENT_TYPES = ["text.appended", "draft.updated", "delivered.updated", "read.updated", "typing", "room.synced", "room.limited", "room.reset", "presence.updated", "session.expiring"] as const;
