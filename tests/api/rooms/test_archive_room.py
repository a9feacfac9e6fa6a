"""DELETE /v1/rooms/{id}"""

from tests.api.stories import events_of, make_room, post_message, refusal, types_of
from tests.clients import Person


def test_it_works(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    message = post_message(alice, room, "last words")

    response = alice.delete(f"/v1/rooms/{room['id']}")

    archived = bob.get(f"/v1/rooms/{room['id']}").json()
    event = events_of(room)[-1]
    assert (response.status_code, response.content) == (204, b"")
    assert (event["type"], event["data"]["archived_at"]) == ("room.archived", archived["archived_at"])
    assert archived["archived_at"] is not None
    assert (archived["me"]["can"], archived["me"]["state"]) == (["leave"], "joined")
    assert alice.get(f"/v1/rooms/{room['id']}").json()["me"]["can"] == ["unarchive", "leave"]
    assert archived["last_message"] == message


def test_an_archived_room_can_be_read_and_not_written(alice: Person, bob: Person, charlie: Person) -> None:
    room = make_room(alice, kind="public", members=[bob])
    url = f"/v1/rooms/{room['id']}"
    alice.delete(url)

    assert alice.get(f"{url}/members").status_code == 200
    for response in (
        alice.delete(url),
        alice.put(f"{url}/members/{charlie.user.id}"),
        alice.delete(f"{url}/members/{bob.user.id}"),
        alice.post(f"{url}/join"),
        charlie.post(f"{url}/join"),
        alice.post(f"{url}/messages", {"client_id": "a", "text": "more"}),
    ):
        assert refusal(response) == (409, "room.archived")
    assert types_of(room) == ["room.created", "room.archived"]


def test_archiving_frees_the_slug(alice: Person, bob: Person) -> None:
    room = make_room(alice, kind="public", slug="tea", members=[bob])
    alice.delete(f"/v1/rooms/{room['id']}")

    response = bob.post("/v1/rooms", {"kind": "public", "name": "Tea", "slug": "tea"})

    assert (response.status_code, response.json()["slug"]) == (201, "tea")
    assert bob.get(f"/v1/rooms/{room['id']}").json()["slug"] is None
    assert events_of(room)[-1]["data"]["slug"] is None


def test_only_an_owner_is_allowed(alice: Person, bob: Person) -> None:
    room = make_room(alice, members=[bob])
    alice.put(f"/v1/rooms/{room['id']}/members/{bob.user.id}", {"role": "admin"})

    assert refusal(bob.delete(f"/v1/rooms/{room['id']}")) == (403, "room.role_required")


def test_a_direct_room_cannot_be_archived(alice: Person, bob: Person) -> None:
    room = alice.put(f"/v1/rooms/direct/{bob.user.id}").json()

    assert refusal(alice.delete(f"/v1/rooms/{room['id']}")) == (403, "room.direct")


def test_an_outsider_cannot(alice: Person, charlie: Person) -> None:
    private, public = make_room(alice), make_room(alice, kind="public")

    assert refusal(charlie.delete(f"/v1/rooms/{private['id']}")) == (404, "not_found")
    assert refusal(charlie.delete(f"/v1/rooms/{public['id']}")) == (403, "room.not_member")
    assert types_of(private) == types_of(public) == ["room.created"]
