"""The bound of a user's blocks. tests/realtime/test_blocking.py has what a block does."""

import pytest

from api.models import BlockList
from api.services.blocks import MAX_BLOCKS
from tests.api.stories import refusal
from tests.clients import Person


@pytest.mark.django_db(transaction=True)
def test_a_user_blocks_at_most_a_thousand(alice: Person, bob: Person, charlie: Person) -> None:
    assert alice.put(f"/v1/me/blocks/{bob.user.id}").status_code == 200
    BlockList.objects.filter(pk=alice.user.id).update(size=MAX_BLOCKS)

    assert refusal(alice.put(f"/v1/me/blocks/{charlie.user.id}")) == (409, "block.limit")
    assert alice.put(f"/v1/me/blocks/{bob.user.id}").status_code == 200
    assert alice.delete(f"/v1/me/blocks/{bob.user.id}").status_code == 204
    assert alice.put(f"/v1/me/blocks/{charlie.user.id}").status_code == 200
