"""The unread count is computed, so it equals its definition wherever it is shown (G9)."""

import random
from typing import Any
from uuid import UUID

import pytest

from api.models import MembershipPeriod, Message
from api.services.messages import Send, send_messages
from api.services.reads import unread_counts
from eventlog.models import Event
from tests.api.stories import make_room, post_message
from tests.clients import Person


def by_definition(person: Person, room: Any) -> int | None:
    """Count the visible, undeleted messages of others above the read marker one by one; None for a non-member."""
    me = person.get(f"/v1/rooms/{room['id']}").json().get("me")
    if me is None or me["state"] != "joined":
        return None
    periods = MembershipPeriod.objects.filter(room=room["id"], user=person.user).values_list("joined_seq", "left_seq")
    messages = Message.objects.filter(room=room["id"], deleted_at=None, seq__gt=me["read_seq"])
    return len(
        [
            seq
            for seq, sender in messages.values_list("seq", "sender_id")
            if sender != person.user.id
            and (room["history"] == "shared" or any(joined <= seq <= (left or seq) for joined, left in periods))
        ]
    )


def act(dice: random.Random, owner: Person, person: Person, room: Any) -> None:
    """Perform a random change that may affect the unread count; it may be rejected."""
    url = f"/v1/rooms/{room['id']}"
    head = Event.objects.filter(stream=room["id"]).count()
    known = list(Message.objects.filter(room=room["id"]).values_list("pk", flat=True))
    match dice.randrange(7):
        case 0 | 1 | 2:
            person.post(f"{url}/messages", {"client_id": str(dice.random())[2:], "text": "Hi"})
        case 3:
            person.post(f"{url}/read", {"seq": dice.randint(0, head)})
        case 4:
            person.post(f"{url}/unread", {"seq": dice.randint(1, head)})
        case 5 if known:
            person.delete(f"{url}/messages/{dice.choice(known)}")
        case _ if person is not owner:
            method = owner.put if dice.random() < 0.6 else owner.delete
            method(f"{url}/members/{person.user.id}")


@pytest.mark.parametrize("history", ["shared", "since_joined"])
@pytest.mark.parametrize("seed", range(3))
def test_the_count_equals_its_definition_after_random_changes(
    alice: Person, bob: Person, charlie: Person, history: str, seed: int
) -> None:
    dice = random.Random(seed)
    room = make_room(alice, members=[bob], history=history)

    for _ in range(60):
        act(dice, alice, dice.choice([alice, bob, charlie]), room)

    for person in (alice, bob, charlie):
        expected = by_definition(person, room)
        counted = unread_counts(person.user.id).get(UUID(room["id"]))
        assert counted == (None if expected is None else (expected, False))
        assert expected is None or person.get(f"/v1/rooms/{room['id']}").json()["me"]["unread"] == expected


@pytest.mark.parametrize(("messages", "expected"), [(999, (999, False)), (1_000, (999, True)), (1_050, (999, True))])
def test_the_count_is_exact_to_999(alice: Person, bob: Person, messages: int, expected: tuple[int, bool]) -> None:
    room = UUID(make_room(alice, members=[bob])["id"])
    sends = [Send(alice.session, room, str(number), "Hi", {}, None) for number in range(messages)]
    for start in range(0, messages, 50):
        send_messages(sends[start : start + 50])

    assert unread_counts(bob.user.id, [room]) == {room: expected}
    assert unread_counts(alice.user.id, [room]) == {room: (0, False)}


def test_all_rooms_take_one_query(alice: Person, bob: Person, django_assert_num_queries: Any) -> None:
    rooms = [make_room(alice, members=[bob], history=history) for history in ("shared", "since_joined") * 3]
    for number, room in enumerate(rooms):
        for _ in range(number):
            post_message(alice, room, "Hi")

    with django_assert_num_queries(1):
        counts = unread_counts(bob.user.id)

    assert counts == {UUID(room["id"]): (number, False) for number, room in enumerate(rooms)}


def test_rooms_of_others_are_absent(alice: Person, bob: Person) -> None:
    room, other = make_room(alice, members=[bob]), make_room(alice)

    assert set(unread_counts(bob.user.id, [UUID(room["id"]), UUID(other["id"])])) == {UUID(room["id"])}
