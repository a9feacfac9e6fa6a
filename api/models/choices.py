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


class Permission(TextChoices):
    """The permissions of a member, as the client's `me.can` lists them."""

    SEND = "send"
    DELETE_ANY = "delete_any"
    ADD_MEMBERS = "add_members"
    REMOVE_MEMBERS = "remove_members"
    SET_ROLES = "set_roles"
    UPDATE = "update"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    LEAVE = "leave"


PERMISSIONS: dict[str, tuple[Permission, ...]] = {
    Role.MEMBER: (Permission.SEND, Permission.LEAVE),
    Role.ADMIN: (
        Permission.SEND,
        Permission.DELETE_ANY,
        Permission.ADD_MEMBERS,
        Permission.REMOVE_MEMBERS,
        Permission.UPDATE,
        Permission.LEAVE,
    ),
    Role.OWNER: (
        Permission.SEND,
        Permission.DELETE_ANY,
        Permission.ADD_MEMBERS,
        Permission.REMOVE_MEMBERS,
        Permission.SET_ROLES,
        Permission.UPDATE,
        Permission.ARCHIVE,
        Permission.LEAVE,
    ),
}
# Every member can leave an archived room, a last owner too.
PERMISSIONS_IN_ARCHIVED: dict[str, tuple[Permission, ...]] = {
    Role.MEMBER: (Permission.LEAVE,),
    Role.ADMIN: (Permission.LEAVE,),
    Role.OWNER: (Permission.UNARCHIVE, Permission.LEAVE),
}
