"""POST /v1/rooms/{id}/typing and POST /v1/ping, which a client without a socket has instead of the actions"""

from uuid import uuid4

import pytest

from tests.realtime.actions.outsider_checks import NOWHERE, rest_result, socket_result
from tests.realtime.deployment import ONCE
from tests.sockets import Account


async def test_it_works(alice: Account, bob: Account) -> None:
    room = await alice.make_room(bob)
    listener = await alice.listen(room)

    answers = []
    for on in (True, False):
        response = await bob.post(f"/v1/rooms/{room['id']}/typing", {"on": on})
        answers.append((response.status_code, response.content))

    sets = [(await listener.next_event("typing"))["data"]["user_ids"] for _ in range(2)]
    assert answers == [(204, b""), (204, b"")]
    assert sets == [[bob.id], []]


async def test_it_is_the_twin_of_the_action(alice: Account, bob: Account, charlie: Account) -> None:
    archived = await alice.make_room(bob)
    await alice.delete(f"/v1/rooms/{archived['id']}")
    public = await alice.make_room(kind="public", slug=f"r-{uuid4().hex[:12]}")
    for account, room_id, body in (
        (bob, archived["id"], {"on": True}),
        (charlie, archived["id"], {"on": True}),
        (charlie, public["id"], {"on": True}),
        (charlie, NOWHERE, {"on": True}),
        (alice, public["id"], {"on": 1}),
        (alice, public["id"], {}),
        (alice, public["id"], {"on": True}),
    ):
        socket = await account.connect()

        by_socket = socket_result(await socket.call("typing", room_id=room_id, **body))
        by_rest = rest_result(await account.post(f"/v1/rooms/{room_id}/typing", body))

        assert by_rest == by_socket


@ONCE
@pytest.mark.parametrize(("body", "status"), [(None, 204), ({}, 204), ({"you": 1}, 400)])
async def test_ping(alice: Account, body: object, status: int) -> None:
    response = await alice.post("/v1/ping", body)

    assert response.status_code == status
