"""Erasure of a deleted account: its traces in messages and events, the steps of its job, and `user.erased`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event as Signal
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from accounts import administration
from accounts.models import User
from api.models import Job, JobKind, Member, Message
from api.serializers.authors import Author
from api.serializers.message_shape import render_message
from api.services import erasure, jobs
from api.services.messages import Send, send_messages
from eventlog.models import Event, StreamHead
from eventlog.transaction import record_events
from tests.api.stories import events_of, make_room, post_message, types_of
from tests.clients import PASSWORD, Person, join_parley
from tests.services import wait_until
from tests.threads import closing_connections

CANARIES = ("dormouse", "tweedledum", "jabberwock", "wonderland", "hatter.png")


@pytest.fixture
def dora(db: None) -> Person:
    """Everything that a profile can show is a canary, the name that she had before too."""
    dora = join_parley("dormouse", display_name="Jabberwock")
    changes = {"avatar_url": "https://example.org/hatter.png", "metadata": {"city": "Wonderland"}}
    for name in ("Tweedledum", "The Jabberwock"):
        assert dora.patch("/v1/me", {"display_name": name, **changes}).status_code == 200
    dora.user.refresh_from_db()
    return dora


def delete_account(person: Person) -> None:
    assert person.delete("/v1/me", {"password": PASSWORD}).status_code == 204


def finish() -> None:
    assert jobs.finish(Job.objects.all())


def post_messages(person: Person, room: Any, count: int) -> None:
    for first in range(0, count, 50):
        names = [f"{first + n}" for n in range(min(50, count - first))]
        send_messages([Send(person.session, UUID(room["id"]), uuid4().hex, name, {}, None) for name in names])


def traces() -> list[str]:
    """The tables and columns in which a canary still stands."""
    found = []
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
        for row in rows:
            for column, value in zip(columns, row, strict=True):
                if any(canary in str(value).lower() for canary in CANARIES):
                    found.append(f"{table}.{column}")
    return sorted(set(found))


def test_it_works(alice: Person, dora: Person) -> None:
    room = make_room(alice, members=[dora])
    message = post_message(dora, room, "I breathe when I sleep")

    delete_account(dora)
    finish()

    erased = events_of(room)[-1]
    tombstone = erased["data"]["user"]
    assert (erased["type"], erased["actor_id"], erased["data"].keys()) == ("user.erased", tombstone["id"], {"user"})
    assert tombstone == {
        "id": str(dora.user.id),
        "username": alice.get(f"/v1/users/{dora.user.id}").json()["username"],
        "display_name": "Deleted account",
        "avatar_url": None,
        "kind": "person",
    }
    left = alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}").json()
    assert left == {**message, "sender": tombstone}
    assert alice.get(f"/v1/rooms/{room['id']}").json()["last_message"] == left
    assert not Job.objects.exists()


def test_no_column_of_the_database_holds_the_name(alice: Person, bob: Person, dora: Person) -> None:
    room = make_room(dora, kind="public", members=[alice])
    path = f"/v1/rooms/{room['id']}"
    message = [post_message(dora, room, text) for text in ("one", "two", "three")]
    dora.patch(f"{path}/messages/{message[0]['id']}", {"text": "edited"})
    dora.delete(f"{path}/messages/{message[1]['id']}")
    alice.post(f"{path}/messages", {"client_id": "reply", "text": "yes", "reply_to": message[2]["id"]})
    dora.put(f"{path}/members/{alice.user.id}", {"role": "owner"})
    alice.put(f"{path}/members/{dora.user.id}", {"role": "admin"})
    dora.post(f"{path}/leave")
    alice.put(f"{path}/members/{dora.user.id}", {})
    alice.delete(f"{path}/members/{dora.user.id}")
    post_message(dora, dora.put(f"/v1/rooms/direct/{bob.user.id}").json(), "psst")
    bob.delete(f"/v1/rooms/{make_room(bob, members=[dora])['id']}")
    assert {"api_event.data", "api_message.data", "accounts_user.username"} <= set(traces())

    delete_account(dora)
    finish()

    assert traces() == []
    assert types_of(room).count("user.erased") == 1


def test_rooms_that_only_invited_or_banned_the_user_are_rewritten(alice: Person, bob: Person, dora: Person) -> None:
    """The user was never a member of them."""
    rooms = [make_room(alice, name=name) for name in ("declined", "open", "banned")]
    for room in rooms[:2]:
        alice.put(f"/v1/rooms/{room['id']}/invites/{dora.user.id}")
    dora.post(f"/v1/rooms/{rooms[0]['id']}/decline")
    alice.put(f"/v1/rooms/{rooms[2]['id']}/bans/{dora.user.id}")
    dora.put(f"/v1/rooms/{make_room(dora)['id']}/invites/{bob.user.id}")

    delete_account(dora)
    finish()

    assert traces() == []
    assert [types_of(room)[1:] for room in rooms] == [
        ["invite.created", "invite.ended", "user.erased"],
        ["invite.created", "invite.ended", "user.erased"],
        ["ban.created", "user.erased"],
    ]
    assert alice.get(f"/v1/rooms/{rooms[1]['id']}/invites").json()["results"] == []
    assert bob.get("/v1/me/invites").json()["results"][0]["invited_by"]["display_name"] == "Deleted account"


def test_erasure_keeps_the_texts_of_others(alice: Person, dora: Person) -> None:
    room = make_room(alice, members=[dora])
    mention = {"mentions": [{"id": str(dora.user.id), "username": "dormouse"}], "big": 1.0}
    body = {"client_id": "a", "text": "wake up, dormouse", "metadata": mention}
    message = alice.post(f"/v1/rooms/{room['id']}/messages", body).json()

    delete_account(dora)
    finish()

    assert alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}").json() == message


def test_seqs_and_versions_stay(alice: Person, dora: Person) -> None:
    room = make_room(alice, members=[dora])
    message = post_message(dora, room, "one")
    dora.patch(f"/v1/rooms/{room['id']}/messages/{message['id']}", {"text": "two"})
    before = [(event["seq"], event["type"], event["data"].get("version")) for event in events_of(room)]

    delete_account(dora)
    finish()

    after = [(event["seq"], event["type"], event["data"].get("version")) for event in events_of(room)]
    assert after[: len(before)] == before
    assert [kind for _, kind, _ in after[len(before) :]] == ["member.left", "user.erased"]


@pytest.mark.parametrize("whose", ["alice", "bob", "dora"])
def test_the_inboxes_that_show_the_user_are_rewritten(alice: Person, bob: Person, dora: Person, whose: str) -> None:
    owner = {"alice": alice, "bob": bob, "dora": dora}[whose].user.id
    direct = alice.put(f"/v1/rooms/direct/{dora.user.id}").json()
    bob.put(f"/v1/rooms/direct/{dora.user.id}")
    shown = Author.of(dora.user)._asdict()
    with record_events(inboxes=[owner]) as log:
        log.append(owner, "room.added", dora.user.id, {"id": direct["id"], "seq": 1, "peer": shown})

    delete_account(dora)
    finish()

    added = Event.objects.filter(stream=owner, type="room.added", data__contains=f'"peer":{{"id":"{dora.user.id}"')
    assert {orjson.loads(event.data)["peer"]["display_name"] for event in added} == {"Deleted account"}
    assert traces() == []


def test_logging_in_ends_at_once_and_the_rest_follows(alice: Person, dora: Person, stranger: Person) -> None:
    room = make_room(alice, members=[dora])

    delete_account(dora)

    assert dora.get("/v1/me").status_code == 401
    login = stranger.post("/v1/auth/login", {"username": "dormouse", "password": PASSWORD})
    assert (login.status_code, login.json()["code"]) == (401, "auth.bad_credentials")
    assert types_of(room) == ["room.created"]
    assert list(Job.objects.values_list("kind", flat=True)) == [JobKind.ERASE]


class Step:
    """The locked streams and the rewritten rows of one transaction of a job."""

    def __init__(self) -> None:
        self.streams: set[UUID] = set()
        self.rows = 0

    def __call__(self, execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, parameters, many, context)
        if sql.startswith('SELECT "api_streamhead"'):
            self.streams |= set(_uuids(parameters))
        if sql.startswith(("UPDATE api_event", "UPDATE api_message")):
            self.rows += context["cursor"].rowcount
        return answer


def _uuids(values: Any) -> Iterator[UUID]:
    for value in values:
        try:
            yield UUID(str(value))
        except ValueError:
            continue


@contextmanager
def watching() -> Iterator[Step]:
    step = Step()
    with connection.execute_wrapper(step):
        yield step


def test_a_step_locks_one_room_and_rewrites_at_most_two_hundred_rows(alice: Person, dora: Person) -> None:
    rooms = [make_room(alice, members=[dora]) for _ in range(5)]
    post_messages(dora, rooms[0], 450)
    delete_account(dora)
    taken, running = [], jobs.run_due()

    while True:
        with watching() as step:
            if next(running, None) is None:
                break
        taken.append(step)

    room_ids = {UUID(room["id"]) for room in rooms}
    assert max(len(step.streams & room_ids) for step in taken) == 1
    assert max(step.rows for step in taken) == 200
    # Each event and message once, and the two me.updated of the inbox; member.left shows the tombstone already.
    assert sum(step.rows for step in taken) == 2 * 450 + 2
    assert all(types_of(room)[-1] == "user.erased" for room in rooms)


def test_small_rooms_take_one_step_each(alice: Person, dora: Person) -> None:
    rooms = [make_room(alice, members=[dora]) for _ in range(5)]
    rooms.append(make_room(dora))  # archived by the same step
    for room in rooms:
        post_message(dora, room, "here")
    delete_account(dora)

    steps = sum(1 for _ in jobs.run_due())

    assert steps == len(rooms) + 1  # and her inbox
    assert [types_of(room)[2:] for room in rooms[:5]] == [["member.left", "user.erased"]] * 5
    assert types_of(rooms[5])[2:] == ["member.left", "room.archived", "user.erased"]
    assert traces() == []


def test_a_long_log_is_looked_through_in_windows(alice: Person, dora: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    room = make_room(alice, members=[dora])
    post_messages(alice, room, 50)
    post_message(dora, room, "late")
    post_messages(alice, room, 50)
    monkeypatch.setattr(erasure, "WINDOW", 7)

    delete_account(dora)
    finish()

    assert traces() == []
    assert types_of(room)[-1] == "user.erased"


def test_a_failed_step_leaves_nothing_and_is_tried_again(
    alice: Person, dora: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = make_room(alice, members=[dora])
    delete_account(dora)

    def fail(job: Job) -> bool:
        erasure.step(job)
        raise OperationalError("lock timeout")

    with monkeypatch.context() as patched:
        patched.setitem(jobs.STEPS, JobKind.ERASE, fail)
        with pytest.raises(CommandError, match="is still queued"):
            call_command("run_jobs")

    job = Job.objects.get()
    assert (job.failures, job.lease) == (1, None)
    assert job.due_at > timezone.now()
    assert "lock timeout" in caplog.text
    Job.objects.update(due_at=timezone.now(), failures=0)
    finish()
    assert types_of(room)[-1] == "user.erased"


def test_a_process_that_lost_its_lease_writes_nothing(alice: Person, dora: Person) -> None:
    room = make_room(alice, members=[dora])
    delete_account(dora)
    slow = jobs.run_due()
    next(slow)
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    quick = jobs.run_due()
    next(quick)
    before = types_of(room)

    assert next(slow, None) is None

    assert types_of(room) == before
    finish_with(quick)
    assert types_of(room).count("user.erased") == 1


def finish_with(running: Iterator[float]) -> None:
    assert all(pause > 0 for pause in running)
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_several_processes_never_do_it_twice(alice: Person, dora: Person, bob: Person) -> None:
    rooms = [make_room(alice, members=[dora, bob]) for _ in range(6)]
    delete_account(dora)
    delete_account(bob)

    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(closing_connections(lambda _: jobs.finish(Job.objects.all())), range(3)))

    assert done == [True] * 3
    for room in rooms:
        assert types_of(room).count("user.erased") == types_of(room).count("member.left") == 2
        assert StreamHead.objects.get(stream=room["id"]).last_seq == len(types_of(room))


@pytest.mark.django_db(transaction=True)
def test_a_send_that_was_under_way_is_rewritten_too(alice: Person, dora: Person) -> None:
    room = make_room(alice, members=[dora])
    room_id, author, began = UUID(room["id"]), Author.of(dora.user), Signal()

    def send_slowly(_: int) -> None:
        with record_events(rooms=[room_id]) as log:
            began.set()
            if connection.vendor == "postgresql":  # SQLite's one lock keeps the deletion waiting
                deleted = User.objects.filter(pk=dora.user.pk, deleted_at__isnull=False)
                wait_until(deleted.exists, seconds=20, what="the account is deleted")
            shape = render_message(
                id=uuid4(),
                room_id=room_id,
                seq=log.next_seq(room_id),
                sender=author,
                client_id="late",
                text="late",
                metadata={},
                reply_to=None,
                at=log.at,
            )
            log.append(room_id, "message.created", author.id, shape)

    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(closing_connections(send_slowly), 0)
        assert began.wait(20)
        delete_account(dora)
        while not jobs.finish(Job.objects.all()):  # the room was locked for longer than a step waits
            Job.objects.update(failures=0)
        sending.result()

    assert traces() == []
    assert types_of(room)[-1] == "user.erased"


def test_two_erasures_leave_each_other_alone(alice: Person, bob: Person, dora: Person) -> None:
    room = make_room(alice, members=[dora, bob])
    post_message(dora, room, "one")
    message = post_message(bob, room, "two")

    delete_account(dora)
    finish()

    assert Message.objects.get(pk=message["id"]).data == Event.objects.get(message_id=message["id"]).data
    assert alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}").json()["sender"]["display_name"] == "Bob"


def test_an_account_without_rooms_is_done_at_once(dora: Person) -> None:
    delete_account(dora)
    finish()

    assert traces() == []
    assert not Member.objects.exists()


def test_a_deactivated_account_that_comes_back_keeps_its_rooms(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    administration.deactivate(user=alice.user)
    administration.reactivate(user=alice.user)

    finish()

    assert types_of(room) == ["room.created"]
