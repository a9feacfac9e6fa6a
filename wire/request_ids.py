"""The id of a request: the client's own, if it is a plain word, else a new one."""

import re

from uuid_utils.compat import uuid7

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,128}")  # other characters could forge a line of a log


def checked_request_id(given: str) -> str:
    """Return the given X-Request-ID if it is a plain word, else a new id."""
    return given if _PLAIN.fullmatch(given) else str(uuid7())
