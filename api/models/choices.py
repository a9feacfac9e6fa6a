"""The choices of rooms and members: kinds of rooms, history rules, roles, states and permissions."""

from django.db.models import TextChoices


class Kind(TextChoices):
    """The kinds of rooms: they decide who may see a room and who may enter it."""

    PUBLIC = "public"
    PRIVATE = "private"
    DIRECT = "direct"


class History(TextChoices):
    """The history rules: they decide which part of the past a member sees."""

    SHARED = "shared"
    SINCE_JOINED = "since_joined"


class Role(TextChoices):
    """The roles of members, the most powerful first."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Receipts(TextChoices):
    """The receipts of a room: the members whom a message has reached, or only their number."""

    MEMBERS = "members"
    COUNTS = "counts"


class State(TextChoices):
    """The states of a membership: joined, or the way in which it ended."""

    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"
    BANNED = "banned"


# An invitation is no membership: only the user's own view of a room has this state.
INVITED = "invited"


class Posting(TextChoices):
    """The members who may write in a room."""

    EVERYONE = "everyone"
    ADMINS = "admins"


class Notify(TextChoices):
    """The messages of a room of which a member wants to be notified. The server only keeps it for the clients."""

    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


class DirectorySort(TextChoices):
    """The orders of the directory."""

    ACTIVITY = "activity"
    MEMBERS = "members"
    NAME = "name"


class Permission(TextChoices):
    """The permissions of a member, as the client's `me.can` lists them."""

    SEND = "send"
    REACT = "react"
    PIN = "pin"
    MENTION_ROOM = "mention_room"
    DELETE_ANY = "delete_any"
    ADD_MEMBERS = "add_members"
    REMOVE_MEMBERS = "remove_members"
    INVITE = "invite"
    BAN = "ban"
    MUTE = "mute"
    BYPASS_SLOW_MODE = "bypass_slow_mode"
    SET_ROLES = "set_roles"
    UPDATE = "update"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    LEAVE = "leave"


PERMISSIONS: dict[str, tuple[Permission, ...]] = {
    Role.MEMBER: (Permission.SEND, Permission.REACT, Permission.LEAVE),
    Role.ADMIN: (
        Permission.SEND,
        Permission.REACT,
        Permission.PIN,
        Permission.MENTION_ROOM,
        Permission.DELETE_ANY,
        Permission.ADD_MEMBERS,
        Permission.REMOVE_MEMBERS,
        Permission.INVITE,
        Permission.BAN,
        Permission.MUTE,
        Permission.BYPASS_SLOW_MODE,
        Permission.UPDATE,
        Permission.LEAVE,
    ),
    Role.OWNER: (
        Permission.SEND,
        Permission.REACT,
        Permission.PIN,
        Permission.MENTION_ROOM,
        Permission.DELETE_ANY,
        Permission.ADD_MEMBERS,
        Permission.REMOVE_MEMBERS,
        Permission.INVITE,
        Permission.BAN,
        Permission.MUTE,
        Permission.BYPASS_SLOW_MODE,
        Permission.SET_ROLES,
        Permission.UPDATE,
        Permission.ARCHIVE,
        Permission.LEAVE,
    ),
}
# Of plain members, where only admins write.
NOT_IN_READ_ONLY = frozenset({Permission.SEND, Permission.REACT, Permission.MENTION_ROOM})
PERMISSIONS_IN_DIRECT = (Permission.SEND, Permission.REACT, Permission.PIN, Permission.MENTION_ROOM)
# In a room of up to so many members each of them may mention everybody.
MENTION_ROOM_UP_TO = 20
# Every member can leave an archived room, a last owner too.
PERMISSIONS_IN_ARCHIVED: dict[str, tuple[Permission, ...]] = {
    Role.MEMBER: (Permission.LEAVE,),
    Role.ADMIN: (Permission.LEAVE,),
    Role.OWNER: (Permission.UNARCHIVE, Permission.LEAVE),
}
