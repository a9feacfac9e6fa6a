"""Links: rooms/{id}/links, links/{code} and links/{code}/join"""

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from api.models import Link
from api.services.rooms import join_by_link
from tests.api.stories import make_room, refusal, types_of
from tests.clients import Person, codes, join_parley
from tests.operating.commands import run
from tests.threads import closing_connections
from wire.problems import Problem

NO_LINK = (404, "not_found")


@pytest.fixture
def room(alice: Person, bob: Person) -> Any:
    return make_room(alice, members=[bob], topic="Leaves")


def make_link(actor: Person, room: Any, **body: Any) -> Any:
    response = actor.post(f"/v1/rooms/{room['id']}/links", body)
    assert response.status_code == 201, response.json()
    return response.json()


def join(person: Person, link: Any) -> Any:
    return person.post(f"/v1/links/{link['code']}/join")


def test_it_works(alice: Person, charlie: Person, room: Any) -> None:
    link = make_link(alice, room)

    assert {name: link[name] for name in ("room_id", "expires_at", "max_uses", "uses")} == {
        "room_id": room["id"],
        "expires_at": None,
        "max_uses": None,
        "uses": 0,
    }
    assert (len(link["code"]), link["created_by"]["id"]) == (22, str(alice.user.id))
    assert bytes(Link.objects.get().code_hash) == hashlib.sha256(link["code"].encode()).digest()
    assert charlie.get(f"/v1/links/{link['code']}").json() == {
        "room_id": room["id"],
        "name": "Tea",
        "topic": "Leaves",
        "kind": "private",
        "member_count": 2,
    }
    joined = join(charlie, link)
    assert (joined.status_code, joined.json()["me"]["state"], joined.json()["id"]) == (200, "joined", room["id"])
    assert types_of(room) == ["room.created", "member.joined"]


def test_the_list_has_no_code(alice: Person, charlie: Person, room: Any) -> None:
    links = [make_link(alice, room, max_uses=5), make_link(alice, room)]
    join(charlie, links[0])
    shown = [{name: link[name] for name in link if name != "code"} for link in links]
    shown[0]["uses"] = 1

    assert alice.get(f"/v1/rooms/{room['id']}/links").json()["results"] == shown
    assert alice.get(f"/v1/rooms/{room['id']}/links/{links[0]['id']}").json() == shown[0]


def test_a_member_uses_nothing(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    link = make_link(alice, room, max_uses=1)

    assert [join(person, link).status_code for person in (bob, charlie, charlie)] == [200, 200, 200]
    assert refusal(join(join_parley("dora"), link)) == NO_LINK
    assert Link.objects.get().uses == 1


@pytest.mark.parametrize("way", ["unknown", "used up", "expired", "deleted"])
def test_a_link_that_is_over_is_unknown(alice: Person, bob: Person, charlie: Person, room: Any, way: str) -> None:
    link = make_link(alice, room, max_uses=1, max_age_seconds=60)
    if way == "unknown":
        link["code"] = "A" * 22
    elif way == "used up":
        join(charlie, link)
    elif way == "expired":
        Link.objects.update(expires_at=timezone.now())
    else:
        url = f"/v1/rooms/{room['id']}/links/{link['id']}"
        assert [alice.delete(url).status_code for _ in range(2)] == [204, 204]
    dora = join_parley("dora")

    assert refusal(dora.get(f"/v1/links/{link['code']}")) == NO_LINK
    assert refusal(join(dora, link)) == NO_LINK


@pytest.mark.django_db(transaction=True)
def test_of_two_parallel_last_uses_one_wins(alice: Person, charlie: Person) -> None:
    dora, link = join_parley("dora"), make_link(alice, make_room(alice), max_uses=1)

    @closing_connections
    def use(person: Person) -> str:
        try:
            return str(join_by_link(session=person.session, code=link["code"])["me"]["state"])
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(2) as threads:
        results = sorted(threads.map(use, [charlie, dora]))

    assert results == ["joined", "not_found"]
    assert Link.objects.get().uses == 1


def test_only_those_who_may_invite_have_links(alice: Person, bob: Person, charlie: Person, room: Any) -> None:
    url, link = f"/v1/rooms/{room['id']}/links", make_link(alice, room)

    for path in (url, f"{url}/{link['id']}"):
        assert refusal(bob.get(path)) == (403, "room.role_required")
        assert refusal(charlie.get(path)) == NO_LINK
    assert refusal(bob.post(url)) == refusal(bob.delete(f"{url}/{link['id']}")) == (403, "room.role_required")
    assert refusal(alice.post(f"/v1/rooms/{uuid4()}/links")) == NO_LINK
    direct = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    assert refusal(alice.post(f"/v1/rooms/{direct['id']}/links")) == (403, "room.direct")


def test_a_room_has_a_bound_of_usable_links(alice: Person, room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.rooms.links.MAX_OF_ROOM", 1)
    make_link(alice, room, max_age_seconds=60)

    assert refusal(alice.post(f"/v1/rooms/{room['id']}/links")) == (409, "link.limit")
    Link.objects.update(expires_at=timezone.now())
    make_link(alice, room)


@pytest.mark.parametrize("body", [{"max_uses": 0}, {"max_age_seconds": 0}, {"max_age_seconds": 31_536_001}])
def test_numbers_have_bounds(alice: Person, room: Any, body: Any) -> None:
    response = alice.post(f"/v1/rooms/{room['id']}/links", body)

    assert codes(response).keys() == body.keys()


def test_an_archived_room_is_not_joined(alice: Person, charlie: Person, room: Any) -> None:
    link = make_link(alice, room)
    alice.delete(f"/v1/rooms/{room['id']}")

    assert refusal(join(charlie, link)) == (409, "room.archived")
    assert alice.get(f"/v1/rooms/{room['id']}/links/{link['id']}").json()["uses"] == 0
    assert len(alice.get(f"/v1/rooms/{room['id']}/links").json()["results"]) == 1


def test_the_purge_deletes_expired_links(alice: Person, room: Any) -> None:
    make_link(alice, room)
    expired = make_link(alice, room, max_age_seconds=60)
    Link.objects.filter(pk=expired["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert run("purge") == "0 expired sessions deleted.\n1 expired links deleted.\n"

    assert Link.objects.count() == 1


def test_no_log_contains_the_code(alice: Person, room: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    link = make_link(alice, room)

    alice.get(f"/v1/links/{link['code']}")
    alice.post(f"/v1/links/{link['code']}/join")
    alice.get(f"/v1/links/{link['code']}/nowhere")

    assert link["code"] not in caplog.text
