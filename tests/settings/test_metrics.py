"""The metrics of live servers: who may read them, what a message changes, several workers, and Redis away."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import urllib.error
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from realtime.metrics import LoopLag
from tests import services
from tests.clients import Person
from tests.servers import ParleyServer
from tests.services import children_of, free_port, wait_until
from tests.settings.conftest import Join
from tests.settings.scrapes import metrics_of, scrape, total
from wire import metrics, snapshots
from wire.metrics import Histogram

FAST = {"DJANGO_SETTINGS_MODULE": "tests.realtime.live_settings"}
SECONDS = 30.0


async def until(ready: Callable[[], bool], what: str) -> None:
    """Wait on a thread, so that sockets are read meanwhile."""
    await asyncio.to_thread(wait_until, ready, seconds=SECONDS, what=what)


def status_of(url: str, token: str = "") -> int:
    try:
        scrape(url, token)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def test_elsewhere_than_at_a_desk_there_are_none_without_a_setting(stranger: Person, settings: Settings) -> None:
    settings.LOOPBACK_ONLY = False

    assert stranger.get("/metrics").status_code == 404


def test_a_foreign_page_reads_none_by_dns_rebinding(settings: Settings) -> None:
    settings.LOOPBACK_ONLY, settings.ALLOWED_HOSTS = True, ["localhost"]

    assert Client().get("/metrics", headers={"Host": "localhost"}).status_code == 200
    assert Client().get("/metrics", headers={"Host": "evil.example"}).status_code == 400


def test_with_a_token_nobody_else_reads_them_on_either_port() -> None:
    port = free_port()
    env = {"ALLOWED_HOSTS": "127.0.0.1", "METRICS_TOKEN": "a-secret", "METRICS_PORT": str(port)}
    with ParleyServer(env=env) as parley:
        for url in (f"{parley.url}/metrics", f"http://127.0.0.1:{port}/metrics"):
            assert [status_of(url), status_of(url, "a-secre"), status_of(url, "a-secret")] == [401, 401, 200]
        assert status_of(f"http://127.0.0.1:{port}/", "a-secret") == 404
        assert "a-secret" not in parley.logs


def test_a_port_that_is_taken_ends_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ParleyServer(env={"METRICS_PORT": str(taken.getsockname()[1])})

        with pytest.raises(services.ServiceMissing, match="METRICS_PORT"):
            server.start()


async def test_a_message_moves_the_metrics_on_its_way(join: Join) -> None:
    with ParleyServer(env=FAST) as parley:
        alice = await join(parley, "alice")
        room = await alice.make_room()
        sockets = [await alice.listen(room), await alice.listen(room)]
        before = metrics_of(parley)

        await alice.post_message(room, "hello")
        for each in sockets:
            await each.until_message("hello")
        reply = await sockets[0].call("get_messages", room_id="no id")

        def moved(name: str, **labels: str) -> float:
            return total(metrics_of(parley), name, **labels) - total(before, name, **labels)

        assert reply.status == 400
        assert total(before, "parley_sockets") == total(before, "parley_subscriptions") == 2
        assert (moved("parley_events_total", kind="durable"), moved("parley_deliveries_total")) == (1, 2)
        assert moved("parley_delivery_seconds_count") == moved("parley_commit_sends_count") == 1
        assert moved("parley_frames_sent_total") == 3
        assert moved("parley_frames_received_total") == moved("parley_refusals_total", code="request.invalid") == 1
        assert moved("parley_requests_total", face="rest", operation="send_message", status="201") == 1
        assert moved("parley_requests_total", face="socket", operation="get_messages", status="400") == 1
        assert moved("parley_request_seconds_count", face="rest", cost="send") == 1
        assert total(before, "parley_replays_total", plan="complete") == 2
        assert total(before, "parley_replay_events_bucket", le="0") == 2


async def test_the_port_shows_all_workers_and_a_new_one_takes_the_place_of_a_killed_one(join: Join) -> None:
    port = free_port()
    with ParleyServer(env=FAST | {"METRICS_PORT": str(port)}, workers=2) as parley:
        alice = await join(parley, "alice")
        sockets = [await alice.connect() for _ in range(12)]

        def sockets_by_worker() -> list[float]:
            samples = scrape(f"http://127.0.0.1:{port}/metrics")
            return [total(samples, "parley_sockets", worker=worker) for worker in "01"]

        await until(lambda: sum(sockets_by_worker()) == len(sockets), "the sockets of both workers")
        os.kill(children_of(parley.pid)[0], signal.SIGKILL)
        await until(lambda: 0 in sockets_by_worker(), "the new worker")
        remaining = sum(not each.connection.close_code for each in sockets)

        await until(lambda: sum(sockets_by_worker()) == remaining, "the sockets of the other worker")
        assert status_of(f"{parley.url}/metrics") == 404  # the port is open to its network alone


async def test_without_redis_the_repairs_and_failures_are_counted(join: Join) -> None:
    redis = services.start_redis()
    with ParleyServer(redis_url=redis.url, env=FAST) as here:
        shared = FAST | {"DATABASE_URL": here.environment["DATABASE_URL"]}
        with ParleyServer(redis_url=redis.url, env=shared) as there:
            alice = await join(here, "alice")
            room = await alice.make_room()
            listener = await alice.listen(room, server=there)
            await alice.post_message(room, "by Redis")
            await listener.until_message("by Redis")
            await until(lambda: total(metrics_of(there), "parley_hints_received_total") >= 1, "no hint")
            redis.kill()
            await alice.post_message(room, "by the sweep")
            await listener.until_message("by the sweep")

            assert total(metrics_of(there), "parley_repaired_events_total") >= 1
            assert total(metrics_of(there), "parley_sweeps_total") >= 1
            await until(lambda: total(metrics_of(here), "parley_broker_failures_total") >= 1, "no failure")
            assert total(metrics_of(here), "parley_outages_total", part="redis") >= 1
            assert total(metrics_of(here), "parley_hints_sent_total") >= 1


def test_a_snapshot_is_read_whole_or_not_at_all() -> None:
    descriptor = snapshots.create(2)
    writer, reader = snapshots.Snapshots(descriptor), snapshots.Snapshots(descriptor)
    os.close(descriptor)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            writer.write(1)

    thread = threading.Thread(target=write)
    assert reader.read(1) is None
    writer.write(1)
    thread.start()
    try:
        read = [reader.read(1) for _ in range(200)]
    finally:
        stop.set()
        thread.join()

    assert reader.read(0) is None
    assert all(set(each[0]) == set(metrics.METRICS) for each in read if each is not None)
    assert sum(each is not None for each in read) > 100


def test_the_buckets_of_a_histogram_include_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "METRICS", {})
    histogram = Histogram("test_sizes", "Sizes", buckets=(1, 10))

    for value in (-1, 1, 2, 10, 11):
        histogram.observe(value)

    assert list(histogram.samples()) == [((), [2, 2, 1, 24])]


def test_a_stuck_loop_has_a_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("realtime.metrics.time.monotonic", lambda: now[0])
    lag = LoopLag()
    unprobed = lag.longest()
    lag.probed(0.2)

    now[0] += 0.1
    on_time = lag.longest()
    now[0] += 5
    stuck = lag.longest()
    for _ in range(5):
        lag.probed(0.0)
        now[0] += 10

    assert (unprobed, on_time, round(stuck, 3)) == (0.0, 0.2, 5.0)
    lag.probed(0.0)
    assert lag.longest() == 0.0
