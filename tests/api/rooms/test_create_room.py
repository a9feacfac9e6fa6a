"""POST /v1/rooms"""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from api.models import MembershipPeriod, Room
from eventlog.models import Event
from tests.api.stories import ROOM_KEYS, events_of, inbox_of, make_room, types_of
from tests.clients import Person, codes
from tests.threads import closing_connections

URL = "/v1/rooms"


def test_it_works(alice: Person) -> None:
    response = alice.post(URL, {"kind": "private", "name": " Tea ", "topic": "party", "metadata": {"seats": 3}})

    room = response.json()
    assert response.status_code == 201
    assert set(room) == ROOM_KEYS
    assert room | {"id": "", "created_at": "", "last_event_at": ""} == {
        "id": "",
        "kind": "private",
        "name": "Tea",
        "slug": None,
        "topic": "party",
        "metadata": {"seats": 3},
        "history": "since_joined",
        "posting": "everyone",
        "slow_mode_seconds": 0,
        "retention_days": None,
        "mode": {"receipts": "members", "typing": True},
        "head": 1,
        "epoch": 1,
        "last_event_at": "",
        "last_message_at": None,
        "member_count": 1,
        "created_at": "",
        "archived_at": None,
        "last_message": None,
        "peer": None,
        "me": {
            "state": "joined",
            "role": "owner",
            "can": [
                "send",
                "react",
                "pin",
                "mention_room",
                "delete_any",
                "add_members",
                "remove_members",
                "invite",
                "ban",
                "mute",
                "bypass_slow_mode",
                "set_roles",
                "update",
                "archive",
                "leave",
            ],
            "read_seq": 1,
            "unread": 0,
            "unread_capped": False,
            "unread_mentions": 0,
            "unread_threads": 0,
            "notify": "all",
            "snoozed_until": None,
            "pinned": False,
            "hidden": False,
            "muted_until": None,
        },
    }
    assert alice.get(f"{URL}/{room['id']}").json() == room


def test_a_public_room_shares_its_history(alice: Person) -> None:
    room = alice.post(URL, {"kind": "public", "name": "Tea", "slug": "Straße-1"}).json()

    assert room["history"] == "shared"
    assert room["slug"] == "strasse-1"


@pytest.mark.parametrize("history", ["shared", "since_joined"])
def test_the_client_may_choose_the_history(alice: Person, history: str) -> None:
    room = alice.post(URL, {"kind": "private", "name": "Tea", "history": history}).json()

    assert room["history"] == history


def test_the_first_event_names_all_first_members(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])

    (event,) = events_of(room)
    assert (event["type"], event["seq"], event["actor_id"]) == ("room.created", 1, str(alice.user.id))
    assert event["data"]["members"] == [
        {"user_id": str(alice.user.id), "role": "owner"},
        {"user_id": str(bob.user.id), "role": "member"},
    ]
    kept = set(ROOM_KEYS) - {"me", "head", "last_event_at", "last_message_at", "member_count", "last_message", "peer"}
    assert {key: event["data"][key] for key in kept} == {key: room[key] for key in kept}
    assert MembershipPeriod.objects.filter(room=room["id"], joined_seq=1, left_seq=None).count() == 2


def test_every_first_member_gets_room_added(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])

    for person in (alice, bob):
        (event,) = inbox_of(person)
        assert (event["type"], event["room_id"], event["seq"]) == ("room.added", None, 1)
        assert (event["data"]["id"], event["data"]["seq"]) == (room["id"], 1)
        assert set(event["data"]) == ROOM_KEYS - {
            "me",
            "head",
            "last_event_at",
            "last_message_at",
            "member_count",
            "last_message",
        } | {"seq"}
    assert inbox_of(charlie) == []


def test_duplicates_and_the_creator_among_the_members_are_ignored(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob, alice, bob])

    assert room["member_count"] == 2
    assert room["me"]["role"] == "owner"


def test_unknown_members_are_rejected_by_id(alice: Person, bob: Person) -> None:
    nobody = uuid4()

    response = alice.post(URL, {"kind": "private", "name": "Tea", "members": [bob.user.id, nobody]})

    assert response.status_code == 400
    assert codes(response) == {"members": "unknown_user"}
    assert str(nobody) in response.json()["errors"][0]["detail"]
    assert not Room.objects.exists()
    assert not Event.objects.exists()


def test_a_deleted_user_is_unknown(alice: Person, bob: Person) -> None:
    bob.delete("/v1/me", {"password": "correct horse battery"})

    response = alice.post(URL, {"kind": "private", "name": "Tea", "members": [bob.user.id]})

    assert codes(response) == {"members": "unknown_user"}


def test_a_retry_returns_the_room_as_it_is_now(alice: Person, bob: Person) -> None:
    body = {"kind": "private", "name": "Tea", "members": [bob.user.id], "client_id": "one"}
    room = alice.post(URL, body).json()
    alice.patch(f"{URL}/{room['id']}", {"topic": "party"})

    response = alice.post(URL, body)

    assert response.status_code == 200
    assert response.json() == alice.get(f"{URL}/{room['id']}").json()
    assert response.json()["topic"] == "party"
    assert types_of(room) == ["room.created", "room.updated"]


@pytest.mark.parametrize("other", [{"name": "Coffee"}, {"metadata": {"a": True}}, {"members": []}, {"kind": "public"}])
def test_a_client_id_with_other_content_is_rejected(alice: Person, bob: Person, other: dict[str, object]) -> None:
    body = {"kind": "private", "name": "Tea", "members": [bob.user.id], "metadata": {"a": 1}, "client_id": "one"}
    alice.post(URL, body)

    response = alice.post(URL, body | other)

    assert (response.status_code, response.json()["code"]) == (409, "room.client_id_reused")
    assert Room.objects.count() == 1


def test_client_ids_of_two_users_do_not_clash(alice: Person, bob: Person) -> None:
    body = {"kind": "private", "name": "Tea", "client_id": "one"}

    assert alice.post(URL, body).status_code == 201
    assert bob.post(URL, body).status_code == 201


@pytest.mark.parametrize("spelling", ["\uff4c\uff4f\uff55\uff4e\uff47\uff45", "\U0001d425ounge", "LOUNGE"])
def test_compatible_spellings_are_one_slug(alice: Person, spelling: str) -> None:
    alice.post(URL, {"kind": "public", "name": "Tea", "slug": "lounge"})

    response = alice.post(URL, {"kind": "public", "name": "Tea", "slug": spelling})

    assert (response.status_code, response.json()["code"]) == (409, "room.slug_taken")


def test_null_means_absent(alice: Person) -> None:
    optional = ("slug", "topic", "metadata", "members", "history", "client_id")

    room = alice.post(URL, {"kind": "private", "name": "Tea"} | dict.fromkeys(optional)).json()

    assert (room["topic"], room["metadata"], room["history"], room["member_count"]) == ("", {}, "since_joined", 1)


def test_a_topic_may_have_several_lines(alice: Person) -> None:
    assert alice.post(URL, {"kind": "private", "name": "Tea", "topic": "a\r\nb"}).json()["topic"] == "a\nb"


def test_a_retry_in_another_normal_form_is_the_same_room(alice: Person) -> None:
    first = alice.post(URL, {"kind": "private", "name": "Cafe\u0301", "client_id": "once"})

    again = alice.post(URL, {"kind": "private", "name": "Caf\u00e9", "client_id": "once"})

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


def test_a_taken_slug_is_rejected(alice: Person, bob: Person) -> None:
    alice.post(URL, {"kind": "public", "name": "Tea", "slug": "tea"})

    response = bob.post(URL, {"kind": "public", "name": "Other", "slug": "TEA"})

    assert (response.status_code, response.json()["code"]) == (409, "room.slug_taken")
    assert inbox_of(bob) == []


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"kind": "direct"}, {"kind": "invalid_choice"}),
        ({"kind": 1}, {"kind": "type"}),
        ({"name": ""}, {"name": "blank"}),
        ({"name": "  "}, {"name": "blank"}),
        ({"name": "a\nb"}, {"name": "control"}),
        ({"name": "a" * 101}, {"name": "max_length"}),
        ({"name": None}, {"name": "null"}),
        ({"name": "\u3164"}, {"name": "invisible"}),
        ({"name": "\u202etfihS"}, {"name": "invisible"}),
        ({"name": "a" + "\u0301" * 9}, {"name": "marks"}),
        ({"topic": "a\u200bb"}, {"topic": "invisible"}),
        ({"topic": "a\rb"}, {"topic": "control"}),
        ({"kind": "public", "slug": "\u3164"}, {"slug": "invalid"}),
        ({"kind": "public", "slug": "a\uffa0b"}, {"slug": "invalid"}),
        ({"metadata": {"a": {"__proto__": 1}}}, {"metadata": "forbidden_key"}),
        ({"name": 5}, {"name": "type"}),
        ({"slug": "tea"}, {"slug": "public_only"}),
        ({"kind": "public", "slug": ""}, {"slug": "blank"}),
        ({"kind": "public", "slug": "a b"}, {"slug": "invalid"}),
        ({"kind": "public", "slug": "a‿b"}, {"slug": "invalid"}),
        ({"kind": "public", "slug": "a" * 65}, {"slug": "invalid"}),
        ({"kind": "public", "slug": "ß" * 33}, {"slug": "invalid"}),
        ({"topic": "a" * 501}, {"topic": "max_length"}),
        ({"metadata": {"a": "x" * 4096}}, {"metadata": "max_bytes"}),
        ({"metadata": []}, {"metadata": "type"}),
        ({"members": ["bob"]}, {"members.0": "invalid"}),
        ({"members": "bob"}, {"members": "type"}),
        ({"members": [str(uuid4()) for _ in range(101)]}, {"members": "max_length"}),
        ({"history": "all"}, {"history": "invalid_choice"}),
        ({"client_id": "a b"}, {"client_id": "invalid"}),
        ({"client_id": "a\n"}, {"client_id": "invalid"}),
        ({"client_id": "a" * 65}, {"client_id": "invalid"}),
        ({"colour": "red"}, {"colour": "unknown"}),
    ],
)
def test_an_invalid_field_is_rejected_by_name(
    alice: Person, change: dict[str, object], refused: dict[str, str]
) -> None:
    response = alice.post(URL, {"kind": "private", "name": "Tea"} | change)

    assert response.status_code == 400
    assert codes(response) == refused
    assert not Room.objects.exists()


def test_a_user_in_too_many_rooms_is_invited(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.members.limits.MAX_PLACED", 2)
    make_room(alice, members=[bob])
    make_room(alice, members=[bob])

    response = alice.post(URL, {"kind": "private", "name": "Tea", "members": [bob.user.id]})

    assert (response.status_code, response.json()["member_count"]) == (201, 1)
    assert [event["type"] for event in inbox_of(bob)] == ["room.added", "room.added", "room.invited"]
    assert types_of(response.json()) == ["room.created", "invite.created"]
    assert [member["user_id"] for member in events_of(response.json())[0]["data"]["members"]] == [str(alice.user.id)]
    assert bob.post(URL, {"kind": "private", "name": "Mine"}).status_code == 201


def test_an_anonymous_user_cannot_create_a_room(stranger: Person) -> None:
    response = stranger.post(URL, {"kind": "public", "name": "Tea"})

    assert response.status_code == 401
    assert not Room.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_parallel_retries_make_one_room(alice: Person, bob: Person) -> None:
    body = {"kind": "private", "name": "Tea", "members": [bob.user.id], "client_id": "one"}

    def create(_: int) -> tuple[int, str]:
        response = Person(alice.token, alice.session).post(URL, body)
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(closing_connections(create), range(16)))

    assert len({room_id for _, room_id in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 15 + [201]
    assert len(inbox_of(bob)) == 1
