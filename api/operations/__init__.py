"""The operations of the chat, a module per noun. Here are the problems that many of them share."""

NON_MEMBER = ("not_found", "room.not_member")  # of a room that the user is not in: invisible, or public
CHANGES_ROOM = (*NON_MEMBER, "room.archived", "room.direct", "room.role_required")
CHANGES_MEMBER = (*CHANGES_ROOM, "room.last_owner")
