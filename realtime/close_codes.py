"""Every close code of the sockets in one table: what it means and whether to come back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Close:
    """A close by the server. `reasons` are the words in the goodbye and in the close frame.

    They are empty where a problem's code stands there instead, and where no goodbye comes because the peer broke the
    protocol: the reason is then a remark of the protocol's own.
    """

    code: int
    reasons: tuple[str, ...]
    reconnect: bool
    when: str


CLOSE_CODES = (
    Close(1002, (), False, "The client broke the websocket protocol. The reason is free text, and no goodbye comes."),
    Close(1007, (), False, "A text frame was not UTF-8. The reason is free text, and no goodbye comes."),
    Close(1008, (), False, "/ws/chat/{slug}/ only: the room cannot be entered. The reason is the problem's code."),
    Close(1009, ("frame_too_big",), False, "A frame of more than 64 KiB came in."),
    Close(1011, ("internal",), True, "Something went wrong on our side."),
    Close(1012, ("restart",), True, "The server restarts. Come back after retry_after_ms and resume."),
    Close(1013, ("overloaded", "unavailable"), True, "Too busy, or the database is away. Come back a little later."),
    Close(4002, ("too_slow",), True, "What waited for the client did not move for 20 seconds."),
    Close(4004, ("heartbeat",), True, "No pong answered the server's ping."),
    Close(4400, ("bad_frames",), False, "Twenty frames in a minute could not be read."),
    Close(
        4401,
        ("unauthenticated", "token_in_url"),
        False,
        "The token is unknown, expired or revoked, or stood in the URL.",
    ),
    Close(4402, ("token_expired",), False, "The session has expired: log in again."),
    Close(4403, ("account_disabled",), False, "The account is disabled."),
    Close(4406, ("origin_not_allowed",), False, "The page's Origin is none that the server's operator allows."),
    Close(4408, ("auth_timeout",), False, "No authenticate came within 5 seconds."),
    Close(4410, ("session_revoked",), False, "The session was ended: logged out, revoked, or the password changed."),
    Close(
        4426,
        ("protocol",),
        False,
        "Subprotocols were offered, and chat.v1 is not among them, also beside a token in a header.",
    ),
)
RECONNECT_CODES = frozenset(close.code for close in CLOSE_CODES if close.reconnect)
