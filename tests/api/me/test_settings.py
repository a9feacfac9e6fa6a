"""The settings in GET and PATCH /v1/me"""

from typing import Any

import pytest

from tests.api.stories import inbox_of, make_room, post_message
from tests.clients import Person, codes
from tests.signals import collect_commits

URL = "/v1/me"
DEFAULTS = {"share_read": True, "share_presence": True, "added_by": "anyone"}


def test_it_works(alice: Person) -> None:
    before = alice.get(URL).json()

    response = alice.patch(URL, {"settings": {"share_read": False}})

    me = response.json()
    assert before["settings"] == DEFAULTS
    assert (response.status_code, me["settings"]) == (200, {**DEFAULTS, "share_read": False})
    assert alice.get(URL).json() == me


def test_my_other_devices_get_me_without_counts(alice: Person) -> None:
    me = alice.patch(URL, {"settings": {"added_by": "nobody"}, "display_name": "Al"}).json()

    [event] = inbox_of(alice)
    assert (event["type"], event["actor_id"], event["room_id"]) == ("me.updated", me["id"], None)
    assert event["data"] == {name: value for name, value in me.items() if not name.startswith("unread_")}


@pytest.mark.parametrize("changes", [{}, {"settings": {}}, {"settings": DEFAULTS}, {"settings": None}])
def test_a_change_of_nothing_writes_no_event(alice: Person, changes: Any) -> None:
    assert alice.patch(URL, changes).status_code == 200

    assert inbox_of(alice) == []


def test_a_setting_is_strict(alice: Person) -> None:
    refused: list[Any] = [{"share_read": "yes"}, {"share_read": 1}, {"added_by": "friends"}, {"share": True}, []]
    for wrong in (*refused, "nobody"):
        response = alice.patch(URL, {"settings": wrong, "display_name": "Al"})

        assert response.status_code == 400, wrong
    assert alice.get(URL).json()["display_name"] != "Al"
    assert inbox_of(alice) == []


@pytest.mark.django_db(transaction=True)
def test_who_does_not_share_it_has_no_markers_for_others(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "hello")
    bob.patch(URL, {"settings": {"share_read": False}})

    with collect_commits() as commits:
        bob.post(f"/v1/rooms/{room['id']}/read", {"seq": message["seq"]})

    assert [(event.type, event.seq is None) for [event] in commits] == [("read.updated", False)]
    for person, expected in ((alice, None), (bob, message["seq"])):
        members = person.get(f"/v1/rooms/{room['id']}/members").json()["results"]
        assert [member["read_seq"] for member in members if member["user"]["id"] == str(bob.user.id)] == [expected]
    receipts = alice.get(f"/v1/rooms/{room['id']}/messages/{message['id']}/receipts").json()
    assert (receipts["read"], receipts["delivered_count"]) == ([], 0)


def test_a_removal_does_not_show_the_marker_either(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    bob.patch(URL, {"settings": {"share_read": False}})

    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})
    alice.delete(f"/v1/rooms/{room['id']}/members/{bob.user.id}")

    events = alice.get(f"/v1/rooms/{room['id']}/events").json()["results"]
    assert [event["data"]["read_seq"] for event in events if event["type"].startswith("member.")] == [None, None]


def test_an_invalid_profile_changes_no_setting(alice: Person) -> None:
    response = alice.patch(URL, {"settings": {"share_read": False}, "username": "x"})

    assert response.status_code == 400
    assert codes(response)
    assert alice.get(URL).json()["settings"] == DEFAULTS
