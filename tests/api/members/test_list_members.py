"""GET /v1/rooms/{id}/members"""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, UserKind
from tests.api.stories import make_room, refusal
from tests.clients import Person, codes, join_parley


def test_it_works(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{charlie.user.id}")
    charlie.post(f"/v1/rooms/{room['id']}/leave")

    page = bob.get(f"/v1/rooms/{room['id']}/members").json()

    assert set(page) == {"results", "next", "previous"}
    assert page["results"] == [
        {
            "room_id": room["id"],
            "user": bob.get(f"/v1/users/{person.user.id}").json(),
            "role": role,
            "state": "joined",
            "joined_at": room["created_at"],
            "read_seq": 1,
            "delivered_seq": 0,
        }
        for person, role in ((alice, "owner"), (bob, "member"))
    ]


def test_a_bot_is_marked(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(kind=UserKind.BOT)
    room = make_room(alice, members=[bob])

    members = alice.get(f"/v1/rooms/{room['id']}/members").json()["results"]

    assert [member["user"]["kind"] for member in members] == ["person", "bot"]


def test_the_list_pages(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    url = f"/v1/rooms/{room['id']}/members"

    first = alice.get(url, limit=2).json()
    second = alice.get(url, limit=2, cursor=first["next"]).json()

    names = [[member["user"]["username"] for member in page["results"]] for page in (first, second)]
    assert names == [["alice", "bob"], ["charlie"]]
    assert second["next"] is None


@pytest.mark.parametrize("count", [2, 12])
def test_the_queries_do_not_grow_with_the_members(
    alice: Person, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    room = make_room(alice, members=[join_parley(f"guest-{number}") for number in range(count)])

    with django_assert_num_queries(3):  # the session, my membership, the members with their users
        page = alice.get(f"/v1/rooms/{room['id']}/members").json()

    assert len(page["results"]) == count + 1


def test_an_outsider_cannot(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    assert refusal(charlie.get(f"/v1/rooms/{private['id']}/members")) == (404, "not_found")
    assert refusal(charlie.get(f"/v1/rooms/{public['id']}/members")) == (403, "room.not_member")


def test_an_invalid_parameter_is_rejected_by_name(alice: Person) -> None:
    room = make_room(alice)

    assert codes(alice.get(f"/v1/rooms/{room['id']}/members", role="owner")) == {"role": "unknown"}
