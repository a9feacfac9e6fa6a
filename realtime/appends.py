"""Text that is appended to streamed messages: ephemeral events for the members who see the message."""

from typing import ClassVar

from eventlog.models import Event
from realtime.ephemeral import Publish
from realtime.feed_registry import FeedRegistry
from realtime.log_entry import EventBatch, LogEntry
from realtime.seal import Message


class Appends:
    """The feature of the hub for text.appended. It keeps nothing: a client that misses a part fetches the message."""

    name: ClassVar[str] = "append"
    event_type: ClassVar[str] = "text.appended"

    def __init__(self, feeds: FeedRegistry, publish: Publish) -> None:
        self._feeds, self._publish = feeds, publish

    def publish(self, event: Event) -> None:
        """Deliver a part to the members who see its message, here and on the other processes."""
        stream, rendered = str(event.stream), event.json()
        of = {"min": event.min_seq, "of": event.of_seq, "by": str(event.actor_id)}
        message = {"type": self.name, "stream": stream, **of, "json": [rendered]}
        self.receive(message)
        self._publish(stream, message)

    def receive(self, message: Message) -> None:
        """Deliver a part of another process."""
        if feed := self._feeds.get(message["stream"]):
            batch, sender = EventBatch([LogEntry(0, self.event_type, message["json"][0])]), message["by"]
            feed.send_ephemeral(
                batch, message["min"], lambda blocked: None if sender in blocked else batch, message["of"]
            )

    def tick(self) -> None:
        """Do nothing: each part is delivered at once."""
