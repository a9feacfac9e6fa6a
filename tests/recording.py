"""Every response and frame that the suite sees goes through `record`, to be judged by the two contracts."""

from __future__ import annotations

from typing import Any, Literal

Direction = Literal["sent", "received", "closed"]
Face = Literal["rest", "socket", "door"]


def record(direction: Direction, face: Face, payload: Any) -> None:
    """Note what a client sent or got.

    rest, received: {"method", "path" (without the query), "status", "content_type", "body" (parsed; None when empty)}.
    socket and door: the frame, parsed; or as text where a test sends something else than JSON.
    closed: {"code", "reason"} as the client saw them; only of closes that the server began.
    """
