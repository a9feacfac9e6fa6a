"""A database that Parley 0.1.0 made is migrated, read back whole, and written to.

The dumps in release_0_1_0/ hold the same story: Alice owns a public room, a private one with the history rule
since_joined, a direct room with Bob, and an archived room. In them a message was edited, one was deleted, Bob left and
was added again, Carol was removed, and read markers were moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from api.serializers.message_shape import DEFAULTS
from tests.clients import PASSWORD
from tests.eventlog.release import load_database, read_rows
from tests.forked import run_manage
from tests.servers import ParleyServer

LOG = "SELECT stream, seq, type, data FROM api_event ORDER BY stream, seq"

Written = tuple[int, str, Any]  # the seq, type and data of an event


class Upgraded:
    """The server on the migrated database, and the log as 0.1.0 wrote it."""

    def __init__(self, server: ParleyServer, log: dict[str, list[Written]]) -> None:
        self.log = log
        self.alice, self.bob, self.carol = (_log_in(server, name) for name in ("alice", "bob", "carol"))


def _log_in(server: ParleyServer, username: str) -> httpx.Client:
    """Return a client of somebody who registered with 0.1.0."""
    body = {"username": username, "password": PASSWORD}
    login = httpx.post(f"{server.url}/v1/auth/login", json=body).raise_for_status().json()
    return httpx.Client(base_url=f"{server.url}/v1", headers={"Authorization": f"Bearer {login['token']}"})


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    server = ParleyServer()
    rows = read_rows(load_database(server), LOG)
    log: dict[str, list[Written]] = {}
    for stream, seq, event_type, data in rows:
        log.setdefault(str(UUID(str(stream))), []).append((seq, event_type, orjson.loads(data)))
    run_manage("prepare", env=server.environment).check_returncode()
    with server:
        upgraded = Upgraded(server, log)
        yield upgraded
        for client in (upgraded.alice, upgraded.bob, upgraded.carol):
            client.close()


@pytest.fixture
def alice(upgraded: Upgraded) -> httpx.Client:
    return upgraded.alice


@pytest.fixture
def bob(upgraded: Upgraded) -> httpx.Client:
    return upgraded.bob


def read(client: httpx.Client, path: str, **query: Any) -> Any:
    return client.get(path, params=query).raise_for_status().json()


ROOM_DEFAULTS = {
    "posting": "everyone",
    "slow_mode_seconds": 0,
    "retention_days": None,
    "mode": {"receipts": "members", "typing": True},
}


def rooms_of(client: httpx.Client) -> dict[str, Any]:
    """The client's rooms by name; a direct room has none and is called direct."""
    lists = [read(client, "/rooms"), read(client, "/rooms", archived="true")]
    return {room["name"] or "direct": room for page in lists for room in page["results"]}


def complete(event: Written) -> Written:
    """The event as it is read now: 0.1.0 stored messages, rooms and members with fewer fields."""
    seq, event_type, data = event
    if event_type.startswith("message."):
        more = {"sender": {**data["sender"], "kind": "person"}, **DEFAULTS}
    elif event_type.startswith("member."):
        more = {"user": {**data["user"], "kind": "person"}, "delivered_seq": None}
    elif event_type.startswith("room."):
        more = ROOM_DEFAULTS
    else:
        more = {}
    return seq, event_type, {**data, **more}


def written(events: list[Any]) -> list[Written]:
    return [(event["seq"], event["type"], event["data"]) for event in events]


@pytest.mark.parametrize("name", ["Garden", "Tea", "direct", "Old"])
def test_the_owner_reads_the_whole_log_of_a_room(upgraded: Upgraded, alice: httpx.Client, name: str) -> None:
    room = rooms_of(alice)[name]

    page = read(alice, f"/rooms/{room['id']}/events", before=room["head"] + 1)

    assert written(page["results"]) == [*map(complete, upgraded.log[room["id"]])]
    assert (page["head"], page["epoch"], page["more"]) == (len(upgraded.log[room["id"]]), 1, False)


@pytest.mark.parametrize("username", ["alice", "bob", "carol"])
def test_each_user_reads_the_whole_log_of_the_inbox(upgraded: Upgraded, username: str) -> None:
    client = getattr(upgraded, username)
    me = read(client, "/me")

    page = read(client, "/me/events")

    assert written(page["results"]) == [*map(complete, upgraded.log[me["id"]])]
    assert page["head"] == len(upgraded.log[me["id"]])


def test_messages_are_read_with_their_edit_and_their_deletion(alice: httpx.Client) -> None:
    garden = rooms_of(alice)["Garden"]

    messages = read(alice, f"/rooms/{garden['id']}/messages", before=10)["results"]

    assert [(message["seq"], message["version"], message["text"]) for message in messages] == [
        (4, 4, "Painting the roses red"),
        (5, 5, "Why?"),
        (6, 7, "Because"),
        (8, 9, None),
    ]
    assert messages[1]["reply_to"] == messages[0]["id"]
    assert messages[3]["deleted_at"] is not None


def test_a_member_who_left_and_was_added_again_does_not_see_the_time_between(bob: httpx.Client) -> None:
    tea = rooms_of(bob)["Tea"]

    events = read(bob, f"/rooms/{tea['id']}/events")["results"]
    messages = read(bob, f"/rooms/{tea['id']}/messages")["results"]

    assert [event["seq"] for event in events] == [1, 2, 3, 4, 6, 7]
    assert [message["text"] for message in messages] == ["A cup?", "Please", "Welcome back"]


def test_a_removed_member_reads_nothing(upgraded: Upgraded, alice: httpx.Client) -> None:
    garden = rooms_of(alice)["Garden"]

    response = upgraded.carol.get(f"/rooms/{garden['id']}/events")

    assert (response.status_code, response.json()["code"]) == (403, "room.not_member")


def test_markers_roles_and_the_archive_are_kept(alice: httpx.Client, bob: httpx.Client) -> None:
    mine, his = rooms_of(alice), rooms_of(bob)

    assert (mine["direct"]["me"]["read_seq"], mine["direct"]["me"]["unread"]) == (3, 1)
    assert (his["Tea"]["me"]["read_seq"], his["Tea"]["me"]["unread"]) == (6, 1)
    assert (mine["Garden"]["me"]["role"], his["Garden"]["me"]["role"]) == ("owner", "admin")
    assert mine["Old"]["archived_at"] is not None


def test_a_device_with_cursors_of_0_1_0_is_synced(upgraded: Upgraded, alice: httpx.Client) -> None:
    garden = rooms_of(alice)["Garden"]
    cursors = {"rooms": {garden["id"]: 10}, "inbox": 2, "epoch": 1}

    answer = alice.post("/sync", json=cursors).raise_for_status().json()

    [lacked] = [entry for entry in answer["rooms"] if entry["id"] == garden["id"]]
    assert written(lacked["events"]) == [*map(complete, upgraded.log[garden["id"]][10:12])]
    assert written(answer["inbox"]["events"]) == [*map(complete, upgraded.log[read(alice, "/me")["id"]][2:])]


def test_one_more_message_continues_the_log(alice: httpx.Client, bob: httpx.Client) -> None:
    before = rooms_of(alice)["direct"]
    body = {"client_id": uuid4().hex, "text": "After the upgrade"}

    sent = alice.post(f"/rooms/{before['id']}/messages", json=body).raise_for_status().json()

    page = read(bob, f"/rooms/{before['id']}/events", after=before["head"])
    assert sent["seq"] == before["head"] + 1
    assert [event["data"] for event in page["results"]] == [sent]
    assert rooms_of(bob)["direct"]["last_message_at"] == sent["created_at"]
