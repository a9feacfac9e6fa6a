"""retention_days of a room, `manage.py purge`, and the event messages.purged"""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from api.models import Job, JobKind, Message, Room
from api.services import jobs, retention
from api.services.messages import Send, send_messages
from eventlog.models import Event
from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person, codes


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    """A room that keeps messages for a week."""
    room = make_room(alice, members=[bob])
    assert alice.patch(f"/v1/rooms/{room['id']}", {"retention_days": 7}).status_code == 200
    return room


def post_old(person: Person, room: Any, text: str, days: float = 8) -> Any:
    """Post a message and let it age."""
    message = post_message(person, room, text)
    age(Message.objects.filter(pk=message["id"]), days)
    return message


def age(messages: Any, days: float) -> None:
    messages.update(created_at=timezone.now() - timedelta(days=days))


def purge() -> str:
    output = StringIO()
    call_command("purge", stdout=output)
    return output.getvalue()


def read(person: Person, message: Any) -> Any:
    return person.get(f"/v1/rooms/{message['room_id']}/messages/{message['id']}").json()


def test_it_works(alice: Person, bob: Person, room: Any) -> None:
    old = [post_old(bob, room, "old"), post_old(alice, room, "older than a week")]
    new = post_message(bob, room, "new")

    assert purge().endswith("2 messages purged.\n")

    purged = events_of(room)[-1]
    assert (purged["type"], purged["actor_id"]) == ("messages.purged", None)
    assert purged["data"] == {"before_seq": new["seq"]}
    removed = {"text": None, "metadata": {}, "reply_to": None, "deleted_at": purged["at"], "version": purged["seq"]}
    assert [read(alice, message) for message in old] == [message | removed for message in old]
    assert read(alice, new) == new
    history = alice.get(f"/v1/rooms/{room['id']}/messages").json()["results"]
    assert history == [*(message | removed for message in old), new]


def test_the_log_holds_no_purged_text(alice: Person, bob: Person, room: Any) -> None:
    path = f"/v1/rooms/{room['id']}/messages"
    message = post_old(bob, room, "canary one")
    assert bob.patch(f"{path}/{message['id']}", {"text": "canary two"}).status_code == 200

    purge()

    assert not Event.objects.filter(data__contains="canary").exists()
    assert not Message.objects.filter(data__contains="canary").exists()
    [created, edited] = [event for event in events_of(room) if event["type"].startswith("message.")]
    assert created["data"] == edited["data"] == read(alice, message)


def test_nothing_to_purge_writes_no_event(alice: Person, room: Any) -> None:
    post_old(alice, room, "old", days=6.9)
    assert alice.patch(f"/v1/rooms/{make_room(alice)['id']}", {"topic": "no retention"}).status_code == 200
    before = types_of(room)

    assert purge() == "0 expired sessions deleted.\n"

    assert types_of(room) == before


def test_a_second_run_writes_no_second_event(alice: Person, room: Any) -> None:
    post_old(alice, room, "old")

    purge()
    purge()

    assert types_of(room).count("messages.purged") == 1


def test_every_message_below_has_the_version_of_the_last_purge(alice: Person, bob: Person, room: Any) -> None:
    """Messages that were tombstones already get it, too, in every answer that shows them."""
    messages = [post_old(alice, room, "deleted"), post_old(bob, room, "purged first")]
    deletion = f"/v1/rooms/{room['id']}/messages/{messages[0]['id']}"
    assert alice.delete(deletion).status_code == 204
    deleted_at = read(alice, messages[0])["deleted_at"]
    purge()
    messages.append(post_old(bob, room, "purged later"))
    purge()

    event = events_of(room)[-1]
    shown = alice.get(f"/v1/rooms/{room['id']}/messages").json()["results"]
    assert [message["version"] for message in shown] == [event["seq"]] * 3
    assert [read(alice, message) for message in messages] == shown
    assert alice.get(f"/v1/rooms/{room['id']}").json()["last_message"] == shown[-1]
    assert shown[0]["deleted_at"] == deleted_at
    assert types_of(room).count("messages.purged") == 2


def test_the_last_message_of_a_quiet_room_has_the_version_of_the_purge(alice: Person, room: Any) -> None:
    post_old(alice, room, "purged")
    last = post_old(alice, room, "deleted")
    alice.delete(f"/v1/rooms/{room['id']}/messages/{last['id']}")

    purge()

    [listed] = alice.get("/v1/rooms").json()["results"]
    assert listed["last_message"] == read(alice, last)
    assert listed["last_message"]["version"] == listed["head"]


def test_purged_messages_are_not_unread(alice: Person, bob: Person, room: Any) -> None:
    post_old(bob, room, "old")
    post_message(bob, room, "new")
    assert alice.get("/v1/me").json()["unread_total"] == 2

    purge()

    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == 1
    assert alice.get("/v1/me").json()["unread_total"] == 1


def test_a_purged_message_cannot_be_edited(bob: Person, room: Any) -> None:
    message = post_old(bob, room, "old")
    purge()

    response = bob.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", {"text": "again"})

    assert refusal(response) == (409, "message.deleted")


def test_archived_rooms_are_purged_too(alice: Person, room: Any) -> None:
    message = post_old(alice, room, "old")
    alice.delete(f"/v1/rooms/{room['id']}")

    purge()

    assert read(alice, message)["text"] is None


def test_a_large_room_is_purged_by_several_events(alice: Person, room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PURGE_MESSAGES", 4)
    monkeypatch.setattr(retention, "CHUNK", 3)
    send_messages([Send(alice.session, UUID(room["id"]), uuid4().hex, f"{n}", {}, None) for n in range(10)])
    age(Message.objects.filter(room=room["id"]), 8)

    purge()

    events = [event for event in events_of(room) if event["type"] == "messages.purged"]
    assert len(events) == 3
    seqs = [message["seq"] for message in alice.get(f"/v1/rooms/{room['id']}/messages").json()["results"]]
    assert [event["data"]["before_seq"] for event in events] == [seqs[3] + 1, seqs[7] + 1, seqs[9] + 1]
    assert not Message.objects.filter(deleted_at=None).exists()


def test_the_daily_job_does_the_same_and_is_due_again_in_a_day(alice: Person, room: Any) -> None:
    message = post_old(alice, room, "old")
    jobs.ensure_repeated()
    jobs.ensure_repeated()

    assert jobs.finish(Job.objects.all())

    assert read(alice, message)["text"] is None
    due = {job.kind: (job.due_at - timezone.now()).total_seconds() for job in Job.objects.all()}
    assert due.keys() == {JobKind.PURGE, JobKind.PURGE_SESSIONS, JobKind.FINISH_SILENT}
    assert 86_000 < due[JobKind.PURGE] <= 86_400
    assert 3_000 < due[JobKind.PURGE_SESSIONS] <= 3_600
    assert jobs.read_figures() == (0, 0, 0, 0.0)


def test_the_room_and_its_event_show_the_retention(alice: Person, bob: Person, room: Any) -> None:
    assert bob.get(f"/v1/rooms/{room['id']}").json()["retention_days"] == 7
    [updated] = [event for event in events_of(room) if event["type"] == "room.updated"]
    assert updated["data"]["retention_days"] == 7

    again = alice.patch(f"/v1/rooms/{room['id']}", {"retention_days": 7})
    never = alice.patch(f"/v1/rooms/{room['id']}", {"retention_days": None})

    assert (again.status_code, never.json()["retention_days"]) == (200, None)
    assert types_of(room).count("room.updated") == 2


@pytest.mark.parametrize("days", [0, -1, 36_501, 1.5, "7", True])
def test_a_wrong_number_of_days_is_refused(alice: Person, room: Any, days: object) -> None:
    response = alice.patch(f"/v1/rooms/{room['id']}", {"retention_days": days})

    assert response.status_code == 400
    assert codes(response).keys() == {"retention_days"}


def test_only_an_owner_changes_it(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    path = f"/v1/rooms/{room['id']}"
    alice.put(f"{path}/members/{bob.user.id}", {"role": "admin"})

    assert refusal(bob.patch(path, {"retention_days": 1})) == (403, "room.role_required")
    assert refusal(bob.patch(path, {"retention_days": None})) == (403, "room.role_required")
    assert refusal(charlie.patch(path, {"retention_days": 1})) == (404, "not_found")
    assert bob.patch(path, {"retention_days": 7, "topic": "unchanged"}).status_code == 200
    assert Room.objects.get(pk=room["id"]).retention_days == 7
