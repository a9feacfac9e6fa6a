"""Sending many messages at once, of one user or of many: messages.send_messages."""

from typing import Any
from uuid import UUID, uuid4

from pytest_django import DjangoAssertNumQueries

from accounts.administration import deactivate
from accounts.services import log_out
from api.models import Member
from api.services.messages import Send, SendResult, send_messages
from tests.api.stories import events_of, make_room, post_message, types_of
from tests.clients import Person, join_parley
from wire.problems import Problem


def item(person: Person, room: Any, text: str = "Hi", **more: Any) -> Send:
    given: dict[str, Any] = {"client_id": uuid4().hex, "metadata": {}, "reply_to": None, **more}
    return Send(session=person.session, room_id=UUID(room["id"]), text=text, **given)


def outcome(result: SendResult | Problem) -> object:
    return result.code if isinstance(result, Problem) else (result.seq, result.created)


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    results = send_messages([item(alice, room, "1"), item(bob, room, "2"), item(alice, room, "3")])

    assert [outcome(result) for result in results] == [(2, True), (3, True), (4, True)]
    sent = [(event["seq"], event["data"]["text"], event["data"]["sender"]["username"]) for event in events_of(room)[1:]]
    assert sent == [(2, "1", "alice"), (3, "2", "bob"), (4, "3", "alice")]


def test_each_senders_marker_moves_to_their_last_message(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    send_messages([item(alice, room), item(bob, room), item(alice, room)])

    markers = dict(Member.objects.values_list("user_id", "read_seq"))
    assert markers == {alice.user.id: 4, bob.user.id: 3}


def test_an_invalid_item_fails_alone(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    earlier = post_message(alice, room, "Earlier")
    log_out(session=bob.session)

    results = send_messages(
        [
            item(charlie, room),
            item(bob, room),
            item(alice, room, reply_to=uuid4()),
            item(alice, room, "Other", client_id=earlier["client_id"]),
            item(alice, room, "Earlier", client_id=earlier["client_id"]),
            item(alice, room, "Good"),
        ]
    )

    assert [outcome(result) for result in results] == [
        "not_found",
        "auth.invalid_token",
        "request.invalid",
        "message.client_id_reused",
        (2, False),
        (3, True),
    ]
    assert types_of(room) == ["room.created", "message.created", "message.created"]


def test_an_ended_session_cannot_send(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    deactivate(user=bob.user)

    [result] = send_messages([item(bob, room)])

    assert outcome(result) == "auth.invalid_token"
    assert types_of(room) == ["room.created"]


def test_a_message_twice_in_one_batch_is_created_once(alice: Person) -> None:
    room = make_room(alice)

    results = send_messages(
        [item(alice, room, client_id="1"), item(alice, room, client_id="1"), item(alice, room, "Other", client_id="1")]
    )

    assert [outcome(result) for result in results] == [(2, True), (2, False), "message.client_id_reused"]
    assert types_of(room) == ["room.created", "message.created"]


def test_a_whole_batch_can_be_retried(alice: Person) -> None:
    room = make_room(alice)
    batch = [item(alice, room, str(number)) for number in range(3)]
    first = send_messages(batch)

    again = send_messages([*batch, item(alice, room, "more")])

    assert [outcome(result) for result in again] == [(2, False), (3, False), (4, False), (5, True)]
    assert [result.json for result in again[:3] if isinstance(result, SendResult)] == [
        result.json for result in first if isinstance(result, SendResult)
    ]


def test_fifty_cost_as_many_queries_as_two(alice: Person, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    people = [join_parley(f"guest-{number}") for number in range(10)]
    room = make_room(alice, members=people)
    target = UUID(post_message(alice, room, "Tea?")["id"])

    for size in (2, 50):
        batch = [item(people[number % 10], room, reply_to=target) for number in range(size)]
        with django_assert_num_queries(10):
            results = send_messages(batch)
        assert all(isinstance(result, SendResult) for result in results)
