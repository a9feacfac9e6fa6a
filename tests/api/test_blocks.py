"""The bound of a user's blocks, and their cost to a page. tests/realtime/test_blocking.py has what a block does."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import BlockList
from api.services.blocks import MAX_BLOCKS
from tests.api.stories import make_room, post_message, refusal
from tests.clients import Person


@pytest.mark.django_db(transaction=True)
def test_a_user_blocks_at_most_a_thousand(alice: Person, bob: Person, charlie: Person) -> None:
    assert alice.put(f"/v1/me/blocks/{bob.user.id}").status_code == 200
    BlockList.objects.filter(pk=alice.user.id).update(size=MAX_BLOCKS)

    assert refusal(alice.put(f"/v1/me/blocks/{charlie.user.id}")) == (409, "block.limit")
    assert alice.put(f"/v1/me/blocks/{bob.user.id}").status_code == 200
    assert alice.delete(f"/v1/me/blocks/{bob.user.id}").status_code == 204
    assert alice.put(f"/v1/me/blocks/{charlie.user.id}").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_page_takes_no_query_for_blocks(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, members=[bob, charlie])
    path = f"/v1/rooms/{room['id']}/messages"
    for person in (bob, charlie):
        post_message(person, room, "Tea?")

    def read() -> tuple[int, list[bool]]:
        with CaptureQueriesContext(connection) as captured:
            page = alice.get(path).json()
        return len(captured), [message["blocked"] for message in page["results"]]

    queries, stubs = read()
    assert stubs == [False, False]
    alice.put(f"/v1/me/blocks/{charlie.user.id}")
    assert read() == (queries, [False, True])
    alice.put(f"/v1/me/blocks/{bob.user.id}")
    assert read() == (queries, [True, True])
    alice.delete(f"/v1/me/blocks/{charlie.user.id}")
    assert read() == (queries, [True, False])
