"""The benchmark's harness counts every delivery of each kind of server, and reports wrong ones."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.bench import scrape
from tests.bench.centrifugo import Centrifugo, Recovering
from tests.bench.crowd import Crowd, Peer
from tests.bench.dialects import Dialect, Tutorial
from tests.bench.dialects import Parley as ParleyDialect
from tests.bench.fanout import FanOut, Shape, Target, parley_target
from tests.bench.servers import Backing, OtherServer, Parley, start_tutorial
from tests.bench.sockets import come_back, plan, queries, start_counted

SOCKETS, MESSAGES = 5, 5


@pytest.fixture(scope="module")
def backing() -> Iterator[Backing]:
    backing = Backing()
    yield backing
    backing.stop()


@pytest.fixture(scope="module")
def tutorial(backing: Backing) -> Iterator[OtherServer]:
    with start_tutorial(backing) as server:
        yield server


@pytest.fixture(scope="module")
def parley(backing: Backing) -> Iterator[Parley]:
    parley = Parley(backing, sqlite=True)
    yield parley
    parley.process.stop()


@pytest.fixture(params=["tutorial, sync", "tutorial, async", "Parley"])
def target(request: pytest.FixtureRequest, backing: Backing, tutorial: OtherServer, parley: Parley) -> Target:
    if request.param == "Parley":
        return parley_target(backing, request.param, parley)
    dialect = Tutorial(request.param.split()[1])
    return Target(request.param, tutorial.ws_url, dialect, [tutorial.pid], backing.pids)


async def test_every_message_reaches_every_socket(target: Target) -> None:
    fan_out = FanOut(target, Shape(SOCKETS))
    await fan_out.open()

    run = await fan_out.run(0, MESSAGES)
    await fan_out.close()

    assert (run.events, run.deliveries, run.lost) == (MESSAGES, MESSAGES * SOCKETS, 0)
    assert fan_out.crowd.errors == []


@pytest.mark.parametrize(
    ("received", "error"),
    [
        (["s0.1.", "s0.1."], "s0.1 after 1"),
        (["s0.2.", "s0.1."], "s0.2 after 0"),
        (["s0.1.other"], "received a text that was not sent: s0.1.other"),
    ],
)
async def test_a_wrong_delivery_is_reported(received: list[str], error: str) -> None:
    dialect: Dialect = ParleyDialect()
    crowd = Crowd("", dialect)
    peer, sender = Peer(crowd), Silent(crowd)
    for _ in range(2):
        crowd.send_message(sender, "s0", "room", SOCKETS)

    for text in received:
        padded = text.ljust(100, "x") if text.endswith(".") else text
        event = {"type": "message.created", "data": {"text": padded}}
        messages, _ = crowd.read(json.dumps({"action": "events", "data": [event]}).encode())
        crowd.receive(peer, messages)

    assert error in crowd.errors


async def test_a_frame_of_centrifugo_may_hold_several_messages_and_replies() -> None:
    dialect = Centrifugo()
    crowd = Crowd("", dialect)
    peer, sender = Peer(crowd, "ada", ["room"]), Silent(crowd)
    acknowledged: list[str] = []
    crowd.on_acknowledged = acknowledged.append
    crowd.send_message(sender, "s0", "room", 1)
    text = "s0.1.".ljust(100, "x")
    lines = [{"push": {"channel": "room", "pub": {"data": {"text": text}}}}, {"id": 1, "publish": {}}]

    messages, replies = crowd.read(b"\n".join(json.dumps(line).encode() for line in lines))
    crowd.receive(peer, messages)
    dialect.receive(peer, replies)

    assert (crowd.deliveries, crowd.pending, acknowledged, crowd.errors) == (1, {}, ["s0"], [])


async def test_a_recovery_that_lacks_publications_is_reported() -> None:
    dialect = Recovering({"room": (3, "epoch")}, missed=2)
    crowd = Crowd("", dialect)
    peer = Silent(crowd, "ada", ["room"])
    dialect.receive(peer, [{"id": 1, "connect": {}}])

    dialect.receive(peer, [{"id": 1, "subscribe": {"recovered": True, "publications": [{}]}}])

    assert crowd.errors == ["recovered 1 of 2 publications"]


async def test_clients_that_reconnect_at_once_share_queries(backing: Backing) -> None:
    """Forty devices that reconnect at once take at most twenty queries of the log."""
    parley = start_counted(backing, "daphne")
    try:
        seeded = parley.seed(41, plan(40))
        _, before = queries(parley)

        await come_back(parley, backing, "Parley", seeded, 40, by_sync=True)

        _, after = queries(parley)
        assert after - before <= 20
    finally:
        parley.process.stop()


async def test_scrapes_are_measured_while_sockets_are_open(backing: Backing) -> None:
    [row] = await scrape.measure(backing, "Parley", SOCKETS, idle_seconds=0.1)

    assert row.workload == f"100 scrapes, {SOCKETS} sockets"
    assert row.p50_ms is not None
    assert row.p50_ms > 0


class Silent(Peer):
    """A socket that sends nothing."""

    def send_text(self, frame: bytes) -> None:
        pass
