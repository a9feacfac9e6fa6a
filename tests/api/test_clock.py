"""A clock that jumps: the order of a room and the life of a session do not follow it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Session, idle_time
from tests.api.stories import make_room, post_message
from tests.clients import Person

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
real_now = timezone.now


class Clock:
    """The server's clock, which a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = timedelta(0)
        monkeypatch.setattr(timezone, "now", lambda: real_now() + self.offset)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob])


@pytest.mark.parametrize("jumps", [(-HOUR, -HOUR), (-HOUR, HOUR), (HOUR, -HOUR), (-DAY, DAY)])
def test_messages_keep_their_order_when_the_clock_jumps(
    alice: Person, bob: Person, clock: Clock, room: Any, jumps: tuple[timedelta, ...]
) -> None:
    sent = [post_message(alice, room, "0")]
    cursor = sent[0]["seq"]

    for number, jump in enumerate(jumps, start=1):
        clock.offset += jump
        sent += [post_message(person, room, f"{number} {person.user.username}") for person in (alice, bob)]

    expected = [(cursor + place, message["text"]) for place, message in enumerate(sent)]
    history = alice.get(f"/v1/rooms/{room['id']}/messages").json()["results"]
    missed = bob.get(f"/v1/rooms/{room['id']}/events", after=cursor).json()["results"]
    assert [(each["seq"], each["text"]) for each in sorted(history, key=lambda each: each["seq"])] == expected
    assert [(each["seq"], each["data"]["text"]) for each in missed] == expected[1:]
    times = [message["created_at"] for message in sent]
    assert times == sorted(times)


def test_a_clock_that_goes_back_does_not_change_when_a_session_expires(alice: Person, clock: Clock) -> None:
    expires_at = Session.objects.get().expires_at

    clock.offset = -HOUR
    answer = alice.get("/v1/me")

    assert answer.status_code == 200
    assert Session.objects.get().expires_at == expires_at
    clock.offset = expires_at - real_now() + HOUR
    assert alice.get("/v1/me").json()["code"] == "auth.invalid_token"


def test_a_clock_that_goes_ahead_for_a_while_ends_no_session_in_use(alice: Person, clock: Clock) -> None:
    clock.offset = DAY
    ahead = alice.get("/v1/me")
    clock.offset = timedelta(0)
    after = alice.get("/v1/me")

    assert (ahead.status_code, after.status_code) == (200, 200)
    assert Session.objects.get().expires_at - real_now() <= idle_time() + DAY


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_an_ended_session_stays_ended_when_the_clock_jumps(alice: Person, clock: Clock, jump: timedelta) -> None:
    assert alice.post("/v1/auth/logout").status_code == 204

    clock.offset = jump

    assert alice.get("/v1/me").json()["code"] == "auth.invalid_token"
