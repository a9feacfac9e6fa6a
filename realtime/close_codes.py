"""Every code with which the server closes a websocket: its reasons, its meaning, and whether to reconnect."""

from enum import IntEnum


class CloseCode(IntEnum):
    """A close code. `reasons` are the texts of the goodbye and of the close frame.

    They are empty where the reason is the code of a problem, and where the client broke the websocket protocol: the
    reason is then a remark of the protocol library, and no goodbye is sent.
    """

    reasons: tuple[str, ...]
    reconnect: bool
    meaning: str

    def __new__(cls, code: int, reasons: tuple[str, ...], reconnect: bool, meaning: str) -> "CloseCode":
        member = int.__new__(cls, code)
        member._value_ = code
        member.reasons, member.reconnect, member.meaning = reasons, reconnect, meaning
        return member

    PROTOCOL_ERROR = (
        1002,
        (),
        False,
        "The client broke the websocket protocol. The reason is free text, and no goodbye comes.",
    )
    INVALID_TEXT = 1007, (), False, "A text frame was not UTF-8. The reason is free text, and no goodbye comes."
    ROOM_REFUSED = (
        1008,
        (),
        False,
        "/ws/chat/{slug}/ only: the room cannot be entered. The reason is the problem's code.",
    )
    FRAME_TOO_BIG = 1009, ("frame_too_big",), False, "A frame of more than 64 KiB came in."
    INTERNAL = 1011, ("internal",), True, "The server failed unexpectedly."
    RESTART = 1012, ("restart",), True, "The server restarts. Reconnect after retry_after_ms and resume."
    TRY_AGAIN_LATER = (
        1013,
        ("overloaded", "unavailable"),
        True,
        "The server is too busy, or the database is unavailable. Reconnect a little later.",
    )
    TOO_SLOW = 4002, ("too_slow",), True, "The client did not read its waiting data for 20 seconds."
    HEARTBEAT = 4004, ("heartbeat",), True, "No pong answered the server's ping."
    BAD_FRAMES = 4400, ("bad_frames",), False, "Twenty frames in a minute were unreadable."
    UNAUTHENTICATED = (
        4401,
        ("unauthenticated", "token_in_url"),
        False,
        "The token is unknown, expired or revoked, or was in the URL.",
    )
    TOKEN_EXPIRED = 4402, ("token_expired",), False, "The session has expired: log in again."
    ACCOUNT_DISABLED = 4403, ("account_disabled",), False, "The account is disabled."
    ORIGIN_NOT_ALLOWED = (
        4406,
        ("origin_not_allowed",),
        False,
        "The Origin of the page is not among those that the operator of the server allows.",
    )
    AUTH_TIMEOUT = 4408, ("auth_timeout",), False, "No authenticate came within 5 seconds."
    SESSION_REVOKED = (
        4410,
        ("session_revoked",),
        False,
        "The session was ended: logged out, revoked, or the password changed.",
    )
    SUBPROTOCOL = (
        4426,
        ("protocol",),
        False,
        "Subprotocols were offered, and chat.v1 is not among them, even if a header has a token.",
    )
    RATE_LIMITED = (
        4429,
        ("rate_limited",),
        True,
        "Twenty requests in ten seconds were refused by rate limits without a pause, or the client has too many "
        "sockets or handshakes. Reconnect after retry_after_ms.",
    )
