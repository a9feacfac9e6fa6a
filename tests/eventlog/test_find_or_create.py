"""Find or create: a request that finds what another request has just created does not wait for the other's locks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from api.models import Member, Room
from api.services.rooms import room_for_slug
from eventlog.transaction import record_events
from tests.api.stories import make_room
from tests.clients import Person
from tests.services import wait_until
from tests.threads import closing_connections

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has one lock, so nothing is made while it is held"
    ),
]

SOON = 60  # seconds, also on a slow machine; the request looks again every half second


def is_anybody_waiting() -> bool:
    """Return whether a statement waits for a lock of another transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def request_while_locked(request: Callable[[], Any], room: Any, owner: Person, appear: Callable[[], Any]) -> Any:
    """Answer a request that waits for a lock when the object that it wants to create appears, still locked."""
    with ThreadPoolExecutor(2) as threads, record_events(rooms=[UUID(room["id"])], inboxes=[owner.user.id]):
        answer = threads.submit(closing_connections(lambda _: request()), None)
        wait_until(lambda: answer.done() or is_anybody_waiting(), seconds=SOON, what="the request waits")
        threads.submit(closing_connections(lambda _: appear()), None).result(SOON)
        return answer.result(SOON)


def test_a_direct_room_is_found_without_the_lock(alice: Person, bob: Person) -> None:
    room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()
    found = Room.objects.filter(pk=room["id"])
    key = found.get().direct_key
    found.update(direct_key="another")

    response = request_while_locked(
        lambda: bob.put(f"/v1/rooms/direct/{alice.user.id}"), room, alice, lambda: found.update(direct_key=key)
    )

    assert (response.status_code, response.json()["id"]) == (200, room["id"])


def test_a_room_with_a_client_id_is_found_without_the_lock(alice: Person, bob: Person) -> None:
    body = {"kind": "private", "name": "Tea", "client_id": "one", "members": [str(bob.user.id)]}
    room = alice.post("/v1/rooms", body).json()
    found = Room.objects.filter(pk=room["id"])
    found.update(client_id=None)

    response = request_while_locked(
        lambda: alice.post("/v1/rooms", body), room, alice, lambda: found.update(client_id="one")
    )

    assert (response.status_code, response.json()["id"]) == (200, room["id"])


def test_a_room_with_a_slug_is_found_without_the_lock(alice: Person) -> None:
    room = make_room(alice, kind="public", slug="tea")
    found = Room.objects.filter(pk=room["id"])
    found.update(slug=None)

    entered = request_while_locked(
        lambda: room_for_slug(session=alice.session, slug="tea"), room, alice, lambda: found.update(slug="tea")
    )

    assert entered["id"] == room["id"]


@pytest.mark.parametrize("way", ["join", "add"])
def test_a_membership_is_found_without_the_lock(alice: Person, bob: Person, way: str) -> None:
    room = make_room(alice, kind="public")
    bob.post(f"/v1/rooms/{room['id']}/join")
    found = Member.objects.filter(room=room["id"], user=bob.user)
    found.update(state="left", left_seq=2)

    def request() -> Any:
        if way == "join":
            return bob.post(f"/v1/rooms/{room['id']}/join")
        return alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    response = request_while_locked(request, room, bob, lambda: found.update(state="joined", left_seq=None))

    assert response.status_code == 200
