"""The server's application with event streams that live for a second, and comments that come ten times as often."""

from realtime.consumers import event_stream
from tests.realtime.inspected import application

__all__ = ["application"]

vars(event_stream).update(COMMENT_SECONDS=0.1, STREAM_SECONDS=1.0)
