"""Outages in the log: one line a second with the cause, and no traceback."""

from __future__ import annotations

import errno
import logging
import sys

import pytest
import redis
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError

from wire.outages import OutageFilter, failed_within, is_outage
from wire.problems import to_problem

PoolTimeout = type("PoolTimeout", (Exception,), {})
ReadOnly = type("ReadOnly", (Exception,), {"sqlstate": "25006"})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("wire.outages.time.monotonic", lambda: now[0])
    monkeypatch.setattr("wire.outages._last_at", {})
    return now


@pytest.fixture
def outages(clock: list[float]) -> OutageFilter:
    return OutageFilter()


def record(name: str, error: BaseException | None, text: str = "It failed: %r", level: int = 40) -> logging.LogRecord:
    arguments = () if error is None else (error,)
    return logging.LogRecord(name, level, "", 0, text, arguments, None)


def with_traceback(name: str, error: BaseException) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        return logging.LogRecord(name, 40, "", 0, "It failed", (), sys.exc_info())


def line(outages: OutageFilter, each: logging.LogRecord) -> str | None:
    return logging.Formatter("{message}", style="{").format(each) if outages.filter(each) else None


def test_an_outage_gets_one_line_a_second_from_all_loggers(outages: OutageFilter, clock: list[float]) -> None:
    error = OperationalError("connection refused\n\tIs the server running?")

    lines = [line(outages, record(name, error)) for name in ("wire.problems", "realtime.sweep", "realtime.hub")]
    clock[0] += 1
    lines.append(line(outages, with_traceback("realtime.hub", error)))

    logged = "The database fails: connection refused Is the server running?"
    assert lines == [logged, None, None, f"{logged} (2 more since the last line)"]


def test_the_last_outage_of_a_part_is_known_also_when_its_line_is_left_out(
    outages: OutageFilter, clock: list[float]
) -> None:
    line(outages, record("wire.problems", by_postgres("53100")))
    clock[0] += 0.5
    assert line(outages, record("wire.problems", by_postgres("53100"))) is None

    clock[0] += 59.9
    assert (failed_within("disk", 60), failed_within("database", 60)) == (True, False)
    clock[0] += 0.2
    assert not failed_within("disk", 60)


FULL = "database or disk is full"


def by_postgres(sqlstate: str) -> OperationalError:
    """Return Django's error of one of psycopg's with this code."""
    cause = type("OfPostgres", (Exception,), {"sqlstate": sqlstate})()
    error = OperationalError("no space")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("name", "error", "logged"),
    [
        (
            "wire.problems",
            OperationalError("database or disk is full"),
            "The disk cannot be written: database or disk is full",
        ),
        ("wire.problems", InterfaceError("closed"), "The database fails: closed"),
        ("realtime.sweep", TimeoutError(), "The database fails: TimeoutError"),
        ("realtime.broker", ConnectionRefusedError(111, "refused"), "Redis fails: [Errno 111] refused"),
        ("channels_redis.pubsub", redis.TimeoutError("Timeout reading"), "Redis fails: Timeout reading"),
        ("any", OSError(errno.ENOSPC, "No space left"), "The disk cannot be written: [Errno 28] No space left"),
        ("any", OSError(errno.EMFILE, "Too many"), "No file descriptor is left: [Errno 24] Too many"),
    ],
)
def test_the_line_has_the_outage_and_its_cause(outages: OutageFilter, name: str, error: Exception, logged: str) -> None:
    assert line(outages, with_traceback(name, error)) == logged


def test_the_line_of_a_pool_timeout_has_the_cause_of_the_pool(outages: OutageFilter, clock: list[float]) -> None:
    line(outages, record("psycopg.pool", None, "error connecting in 'pool-1': connection refused"))
    clock[0] += 1
    error = OperationalError("couldn't get a connection after 1.50 sec")
    error.__cause__ = PoolTimeout()

    assert "connection refused" in str(line(outages, record("wire.problems", error)))


def test_missing_descriptors_are_the_cause_in_the_line(outages: OutageFilter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire.descriptors.exhausted", lambda: True)

    logged = line(outages, record("wire.problems", OperationalError("unable to open database file")))

    assert logged is not None
    assert "no file descriptors are left (limit " in logged


def test_an_unexpected_error_keeps_its_traceback(outages: OutageFilter) -> None:
    for _ in range(2):
        logged = line(outages, with_traceback("wire.problems", ValueError("a bug")))

        assert logged is not None
        assert "Traceback" in logged


def test_a_503_of_django_is_not_logged_again_and_a_500_is(outages: OutageFilter) -> None:
    refused, failed = (record("django.request", None, "Service Unavailable: /v1/me") for _ in range(2))
    refused.status_code, failed.status_code = 503, 500

    assert (outages.filter(refused), outages.filter(failed)) == (False, True)


def test_a_database_that_is_read_only_is_an_outage() -> None:
    read_only = InternalError("cannot execute UPDATE in a read-only transaction")
    read_only.__cause__ = ReadOnly()

    assert is_outage(read_only)
    assert (to_problem(read_only).status, to_problem(read_only).code) == (503, "unavailable")
    assert not is_outage(InternalError("something else"))
    assert not is_outage(IntegrityError("a double"))
