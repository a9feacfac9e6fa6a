"""The rules of a room for those who write: posting, slow mode, and their order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.models import Member
from api.services.messages import Send, SendResult, send_messages
from tests.api.stories import events_of, make_room, post_message, refusal
from tests.clients import Person, codes
from wire.problems import Problem

READ_ONLY, SLOW, MUTED = (403, "room.read_only"), (429, "room.slow_mode"), (403, "room.muted")


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


def send(person: Person, room: Any, client_id: str = "") -> Any:
    body = {"client_id": client_id or uuid4().hex, "text": "hello"}
    return person.post(f"/v1/rooms/{room['id']}/messages", body)


def change(person: Person, room: Any, **changes: Any) -> Any:
    return person.patch(f"/v1/rooms/{room['id']}", changes)


def test_only_admins_write_in_a_read_only_room(alice: Person, bob: Person, room: Any) -> None:
    message = post_message(bob, room, "hello")
    url = f"/v1/rooms/{room['id']}"

    response = change(alice, room, posting="admins")

    assert (response.status_code, response.json()["posting"]) == (200, "admins")
    assert events_of(room)[-1]["data"]["posting"] == "admins"
    assert refusal(send(bob, room)) == READ_ONLY
    assert refusal(bob.patch(f"{url}/messages/{message['id']}", {"text": "edited"})) == READ_ONLY
    assert refusal(bob.post(f"{url}/typing", {"on": True})) == READ_ONLY
    assert "send" not in bob.get(url).json()["me"]["can"]
    assert "send" in alice.get(url).json()["me"]["can"]
    assert send(alice, room).status_code == 201
    assert bob.delete(f"{url}/messages/{message['id']}").status_code == 204
    change(alice, room, posting="everyone")
    assert send(bob, room).status_code == 201


def test_slow_mode_holds_back_a_member(alice: Person, bob: Person, room: Any) -> None:
    first = send(bob, room, "first")
    assert change(alice, room, slow_mode_seconds=60).json()["slow_mode_seconds"] == 60

    refused = send(bob, room)

    assert (refusal(refused), refused.json()["retryable"]) == (SLOW, True)
    assert 50_000 < refused.json()["retry_after_ms"] <= 60_000
    assert 50 <= int(refused["Retry-After"]) <= 60
    assert send(bob, room, "first").json() == first.json()
    assert bob.patch(f"/v1/rooms/{room['id']}/messages/{first.json()['id']}", {"text": "edited"}).status_code == 200
    assert [send(alice, room).status_code for _ in range(2)] == [201, 201]
    member = Member.objects.get(user=bob.user)
    assert member.last_sent_at is not None
    member.last_sent_at -= timedelta(seconds=61)
    member.save()
    assert (send(bob, room).status_code, refusal(send(bob, room))) == (201, SLOW)


def test_a_batch_has_one_message_of_a_member_in_slow_mode(alice: Person, bob: Person, room: Any) -> None:
    change(alice, room, slow_mode_seconds=60)
    sends = [Send(bob.session, UUID(room["id"]), uuid4().hex, "hello", {}, None) for _ in range(2)]

    first, second = send_messages(sends)

    assert isinstance(first, SendResult)
    assert isinstance(second, Problem)
    assert (second.code, second.retry_after_ms) == ("room.slow_mode", 60_000)


def test_an_admin_bypasses_slow_mode(alice: Person, bob: Person, room: Any) -> None:
    change(alice, room, slow_mode_seconds=60)
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})

    assert "bypass_slow_mode" in bob.get(f"/v1/rooms/{room['id']}").json()["me"]["can"]
    assert [send(bob, room).status_code for _ in range(2)] == [201, 201]


def test_the_first_rule_that_refuses_answers(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    send(bob, room)
    change(alice, room, posting="admins", slow_mode_seconds=60)
    url = f"/v1/rooms/{room['id']}"
    alice.put(f"{url}/mutes/{bob.user.id}")
    answers = [refusal(send(bob, room))]
    lift: list[Callable[[], Any]] = [
        lambda: alice.delete(f"{url}/mutes/{bob.user.id}"),
        lambda: change(alice, room, posting="everyone"),
    ]
    for each in lift:
        each()
        answers.append(refusal(send(bob, room)))

    assert answers == [MUTED, READ_ONLY, SLOW]
    assert refusal(send(charlie, room)) == (404, "not_found")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"posting": "nobody"}, "invalid_choice"),
        ({"slow_mode_seconds": -1}, "min_value"),
        ({"slow_mode_seconds": 21_601}, "max_value"),
        ({"slow_mode_seconds": True}, "type"),
    ],
)
def test_wrong_rules_are_rejected(alice: Person, room: Any, changes: Any, code: str) -> None:
    response = change(alice, room, **changes)

    assert set(codes(response).values()) == {code}


def test_a_plain_member_does_not_set_rules(bob: Person, room: Any) -> None:
    assert refusal(change(bob, room, posting="admins")) == (403, "room.role_required")
