"""The signal that is sent after each commit."""

from typing import Any

from pytest_django import DjangoCaptureOnCommitCallbacks

from eventlog.signals import events_committed
from tests.api.stories import make_room, post_message
from tests.clients import Person
from tests.signals import collect_commits, connected


def test_each_commit_is_sent_once_with_its_events(
    alice: Person, bob: Person, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with collect_commits() as commits, django_capture_on_commit_callbacks(execute=True):
        room = make_room(alice, members=[bob])
        post_message(alice, room, "hello")

    assert [[event.type for event in events] for events in commits] == [
        ["room.created", "room.added", "room.added"],
        ["message.created"],
    ]


def test_a_receiver_that_fails_does_not_stop_the_others(
    alice: Person, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError

    with (
        collect_commits() as commits,
        connected(events_committed, fail),
        django_capture_on_commit_callbacks(execute=True),
    ):
        room = make_room(alice)

    assert room["head"] == 1
    assert [event.type for [*events] in commits for event in events] == ["room.created", "room.added"]
