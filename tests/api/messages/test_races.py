"""Sends, edits and deletions at the same time, on real connections."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.models import Message
from eventlog.models import Event
from tests.api.stories import events_of, make_room, post_message, types_of
from tests.clients import Person, join_parley
from tests.threads import closing_connections

THREADS = 8
SENDS = 25

pytestmark = pytest.mark.django_db(transaction=True)


def test_seqs_are_gapless_and_every_sender_keeps_their_order(alice: Person) -> None:
    people = [join_parley(f"guest-{number}") for number in range(THREADS)]
    room = make_room(alice, members=people)

    def talk(person: Person) -> list[int]:
        return [post_message(person, room, str(number))["seq"] for number in range(SENDS)]

    with ThreadPoolExecutor(THREADS) as pool:
        acknowledged = list(pool.map(closing_connections(talk), people))

    assert [event["seq"] for event in events_of(room)] == list(range(1, 2 + THREADS * SENDS))
    assert all(seqs == sorted(seqs) for seqs in acknowledged)
    assert sorted(seq for seqs in acknowledged for seq in seqs) == list(range(2, 2 + THREADS * SENDS))
    times = [event["at"] for event in events_of(room)]
    assert times == sorted(times)


def test_one_client_id_makes_one_message(alice: Person) -> None:
    room = make_room(alice)
    url, body = f"/v1/rooms/{room['id']}/messages", {"client_id": "once", "text": "Hi"}

    def send(number: int) -> tuple[int, str]:
        response = Person(alice.token, alice.session).post(url, body)
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(closing_connections(send), range(THREADS)))

    assert sorted(status for status, _ in answers) == [200] * (THREADS - 1) + [201]
    assert len({message_id for _, message_id in answers}) == 1
    assert Message.objects.count() == 1


def test_an_edit_and_a_deletion_end_in_a_tombstone(alice: Person) -> None:
    room = make_room(alice)
    message = post_message(alice, room, "Secret")
    url = f"/v1/rooms/{room['id']}/messages/{message['id']}"

    def act(number: int) -> int:
        person = Person(alice.token, alice.session)
        response = person.delete(url) if number == THREADS // 2 else person.patch(url, {"text": f"Secret {number}"})
        return int(response.status_code)

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(closing_connections(act), range(THREADS)))

    assert set(statuses) <= {200, 204, 409}
    assert alice.get(url).json()["text"] is None
    assert not Event.objects.filter(data__contains="Secret").exists()
    assert types_of(room).count("message.deleted") == 1


def test_no_message_of_a_removed_member_follows_the_removal(alice: Person) -> None:
    people = [join_parley(f"guest-{number}") for number in range(4)]
    room = make_room(alice, members=people)

    def talk(person: Person) -> None:
        for number in range(10):
            body = {"client_id": f"{number}", "text": "Hi"}
            if person.post(f"/v1/rooms/{room['id']}/messages", body).status_code == 404:
                return

    def remove(person: Person) -> None:
        owner = Person(alice.token, alice.session)
        owner.delete(f"/v1/rooms/{room['id']}/members/{person.user.id}")

    with ThreadPoolExecutor(THREADS) as pool:
        list(
            pool.map(
                closing_connections(lambda job: job[0](job[1])), [(do, p) for p in people for do in (talk, remove)]
            )
        )

    events = events_of(room)
    left = {event["data"]["user"]["id"]: event["seq"] for event in events if event["type"] == "member.removed"}
    assert len(left) == 4
    assert all(event["seq"] < left[event["actor_id"]] for event in events if event["type"] == "message.created")
