"""The clients in examples/, run as programs: each message is sent once and shown once, despite all faults."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from realtime.close_codes import CloseCode
from tests.docs.devices import EXAMPLES, PATIENCE, Device, Room, node
from tests.fold.stories.retention import AGE_AND_PURGE
from tests.realtime.deployment import Deployment
from tests.services import wait_until


@pytest.fixture(params=["python", "js"])
def language(request: pytest.FixtureRequest) -> str:
    if request.param == "js":
        node()
    return str(request.param)


@pytest.fixture
def alice(room: Room) -> str:
    return room.join("alice")


@pytest.fixture
def bob(room: Room, alice: str) -> str:
    return room.join("bob")


@pytest.fixture
def open_device(language: str, room: Room, deployment: Deployment, tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Start devices, which share one store unless another is named, and end them."""
    devices: list[Device] = []

    def open_one(token: str, store: str = "store", **env: str) -> Device:
        url = f"{deployment.servers[0].ws_url}/v1/ws"
        device = Device(language, tmp_path / store, url, token, room.id, **env)
        devices.append(device)
        device.start()
        return device

    yield open_one
    for device in devices:
        device.kill()


@pytest.fixture
def device(open_device: Callable[..., Device], alice: str) -> Device:
    return open_device(alice)


def test_a_client_survives_crashes_and_restarts(deployment: Deployment, room: Room, device: Device, bob: str) -> None:
    """Texts written before, during and after an outage are sent once and in order; missed messages are shown once."""
    [server] = deployment.servers
    room.send("from bob", bob)
    device.type("from alice")
    device.wait_until_shown("from bob", "from alice")

    server.kill()
    device.type("while it was down")
    server.start()
    device.wait_until_shown("while it was down")
    burst = [f"into the crash {n}" for n in range(10)]
    for text in burst:
        device.type(text)
    server.kill()
    server.start()
    wait_until(lambda: set(burst) <= set(room.texts(bob)), seconds=PATIENCE, what="not all sent")
    device.wait_until_shown(*burst)
    server.restart()
    device.type("after the restart")
    device.wait_until_shown("after the restart")
    before = device.shown()
    device.kill()
    room.send("while the device was off", bob)
    device.start()
    device.wait_until_shown("while the device was off")

    history = room.history(bob)
    texts = [message["text"] for message in history]
    assert len(texts) == len(set(texts)) == 15
    assert [text for text in texts if text in burst] == burst
    assert sorted(before) == sorted(texts[:-1])
    assert device.shown() == texts  # the store first, then what was missed
    wait_until(lambda: not device.unsent(), seconds=PATIENCE, what="not all acknowledged")
    assert device.state()["messages"] == {message["id"]: message for message in history}


def test_after_an_epoch_change_a_client_loads_the_room_again(
    deployment: Deployment, room: Room, device: Device, bob: str
) -> None:
    room.send("before", bob)
    device.wait_until_shown("before")
    before = device.state()["epoch"]

    deployment.manage("raise_epoch")
    wait_until(lambda: device.state()["epoch"] != before, seconds=PATIENCE, what="no reset")
    room.send("after", bob)
    device.wait_until_shown("after")

    messages = {message["id"]: message for message in room.history(bob)}
    # The page that it loads again may arrive after the live message.
    wait_until(lambda: device.state()["messages"] == messages, seconds=PATIENCE, what="the room was not loaded again")
    state = device.state()
    assert state["cursor"] == max(message["version"] for message in state["messages"].values())


def test_a_client_empties_purged_messages(
    deployment: Deployment, room: Room, device: Device, alice: str, bob: str
) -> None:
    room.send("old", bob)
    room.send("older than the room keeps", alice)
    device.wait_until_shown("old", "older than the room keeps")
    room.http.patch(f"/v1/rooms/{room.id}", json={"retention_days": 7}, headers={"Authorization": f"Bearer {alice}"})
    program = AGE_AND_PURGE.format(room=room.id, seq=room.history(bob)[-1]["seq"])

    deployment.manage("shell", "--no-imports", "-c", program)
    room.send("new", bob)

    device.wait_until_shown("new")
    messages = {message["id"]: message for message in room.history(bob)}
    assert [message["text"] for message in messages.values()] == [None, None, "new"]
    wait_until(lambda: device.state()["messages"] == messages, seconds=PATIENCE, what="not emptied")


def test_a_client_does_not_reconnect_when_its_session_has_ended(
    room: Room, device: Device, alice: str, bob: str
) -> None:
    room.send("still here", bob)
    device.wait_until_shown("still here")

    room.post("auth/logout", alice)

    assert "Closed for good: session_revoked" in device.wait()


def test_the_next_user_does_not_send_the_texts_of_the_last_user(
    deployment: Deployment, room: Room, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    [server] = deployment.servers
    device = open_device(alice)
    device.type("alice, online")
    device.wait_until_shown("alice, online")
    server.kill()
    device.type("alice, offline")
    device.wait_until_kept("alice, offline")
    device.kill()
    server.start()

    bobs = open_device(bob)
    bobs.type("bob")
    bobs.wait_until_shown("bob")

    assert room.texts(bob) == ["alice, online", "bob"]
    # The event of a message may arrive before the reply that takes it from the store.
    wait_until(lambda: device.unsent() == ["alice, offline"], seconds=PATIENCE, what="bob's text was not acknowledged")
    device.start()
    device.wait_until_shown("alice, offline")
    assert [each["sender"]["username"][:3] for each in room.history(bob)] == ["ali", "bob", "ali"]


def test_a_text_written_before_the_first_connection_is_sent_by_its_own_user(
    deployment: Deployment, room: Room, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    [server] = deployment.servers
    server.kill()
    device = open_device(alice)
    device.type("written offline")
    device.wait_until_kept("written offline")
    device.kill()
    server.start()

    open_device(bob).wait_until_shown()
    device.start()
    device.wait_until_shown("written offline")

    [message] = room.history(bob)
    assert message["sender"]["username"].startswith("alice")
    wait_until(lambda: not device.unsent(), seconds=PATIENCE, what="not acknowledged")


def test_two_processes_on_one_store_lose_nothing(
    deployment: Deployment, room: Room, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    """The first keeps receiving and saving while the second writes without a connection and is closed."""
    [server] = deployment.servers
    first, second = open_device(alice), open_device(alice)
    room.send("hello", bob)
    first.wait_until_shown("hello")
    second.wait_until_shown("hello")
    server.kill()
    second.type("from the second")
    second.wait_until_kept("from the second")
    second.kill()
    first.type("from the first")
    server.start()
    room.send("and more", bob)

    first.wait_until_shown("and more", "from the first", "from the second")

    assert sorted(room.texts(bob)) == ["and more", "from the first", "from the second", "hello"]


def test_stored_messages_are_shown_without_a_server(
    deployment: Deployment, room: Room, device: Device, bob: str
) -> None:
    [server] = deployment.servers
    room.send("one", bob)
    room.send("two", bob)
    device.wait_until_shown("one", "two")
    wait_until(lambda: len(device.state()["messages"]) == 2, seconds=PATIENCE, what="not stored")
    device.kill()
    server.kill()

    device.start()
    device.wait_until_shown("one", "two")

    server.start()
    assert device.shown() == ["one", "two"]


def test_a_full_store_loses_no_message(room: Room, language: str, open_device: Callable[..., Device], bob: str) -> None:
    """A client stores less, goes on receiving and sending, and reports it."""
    device = open_device(room.join("alice"), STORE_BYTES="2000")
    if language == "python":  # the same bound, by the system
        device.kill()
        device.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (49_152, 49_152)))
    for n in range(3):
        room.send(f"{n} " + "x" * 7_900, bob)
    device.type("y" * 7_900)

    wait_until(lambda: len(device.shown()) == 4, seconds=PATIENCE, what="not all shown")

    assert sorted(text[0] for text in room.texts(bob)) == ["0", "1", "2", "y"]


def test_closing_the_javascript_client_ends_it(
    deployment: Deployment, room: Room, language: str, device: Device, bob: str
) -> None:
    """Without its timers, its socket and its attempts to come back, nothing keeps Node alive."""
    if language == "python":
        pytest.skip("The Python client is a task: to cancel it is to close it.")
    room.send("hello", bob)
    device.wait_until_shown("hello")

    device.type("/close")

    assert device.wait() == ""
    assert device.process.returncode == 0


def test_the_javascript_client_comes_back_at_once_when_the_network_does(
    deployment: Deployment, room: Room, language: str, open_device: Callable[..., Device], alice: str, bob: str
) -> None:
    """With a pause that never ends, only the browser's event can bring it back."""
    if language == "python":
        pytest.skip("No such event outside a browser.")
    [server] = deployment.servers
    device = open_device(alice, JITTER="never")
    room.send("hello", bob)
    device.wait_until_shown("hello")
    server.kill()
    device.type("written offline")
    device.wait_until_kept("written offline")
    server.start()

    device.type("/online")

    device.wait_until_shown("written offline")


def test_both_clients_list_the_final_close_codes() -> None:
    """1008 belongs to the one-room socket."""
    final = sorted(close for close in CloseCode if not close.reconnect and close is not CloseCode.ROOM_REFUSED)

    for name in ("client.py", "client.mjs"):
        [line] = [line for line in (EXAMPLES / name).read_text().splitlines() if "STOP = " in line]
        assert ", ".join(map(str, final)) in line
