"""The table of deadlines and sizes in docs/containers.md is right, and every inner limit is below the outer one."""

from __future__ import annotations

import re

import pytest

from accounts import passwords
from api.serializers.sync import WAIT_MS
from realtime.limits import COMMENT_SECONDS, STREAM_SECONDS
from realtime.server.limits import Limits
from settings import env
from tests.docs.pages import section, table
from tests.packaging.compose_file import COMPOSE, environment
from wire import outages, shares

UNITS = {"ms": 0.001, "s": 1, "m": 60, "KiB": 1024, "MiB": 1024**2}


def number(text: str) -> float:
    """Parse "10s", "64 KiB" and the like into seconds or bytes."""
    found = re.fullmatch(r"([\d.]+) ?(\w+)", text)
    assert found, text
    return float(found[1]) * UNITS[found[2]]


def in_force() -> dict[tuple[str, str], float]:
    """Return every limit by place and name, from compose.yaml and the code."""
    config = environment("proxy")["CADDYFILE"]
    limits = Limits()
    proxy = dict(re.findall(r"^ +([a-z_]+) ([\d.]+(?:ms|s|m|KiB|MiB))$", config, re.MULTILINE))
    names = ("request", "stall", "ping_interval", "http_idle", "exit", "body_bytes", "frame_bytes")
    server = {name: float(getattr(limits, name)) for name in names}
    server["TURN_SECONDS"] = passwords.TURN_SECONDS
    server["WAIT_SECONDS"] = shares.WAIT_SECONDS
    server["DATABASE_SECONDS"] = outages.DATABASE_SECONDS
    server |= {"WAIT_MS": WAIT_MS / 1000, "COMMENT_SECONDS": COMMENT_SECONDS, "STREAM_SECONDS": STREAM_SECONDS}
    server["DRAIN_SECONDS"] = float(environment("web")["DRAIN_SECONDS"])
    for name in ("STATEMENT_TIMEOUT_MS", "LOCK_TIMEOUT_MS", "IDLE_IN_TRANSACTION_TIMEOUT_MS"):
        server[name] = getattr(env, name) / 1000
    engine = {
        f"{name}.stop_grace_period": number(COMPOSE["services"][name]["stop_grace_period"]) for name in ("web", "proxy")
    }
    return (
        {("proxy", name): number(value) for name, value in proxy.items()}
        | {("server", name): value for name, value in server.items()}
        | {("engine", name): value for name, value in engine.items()}
    )


def test_the_table_has_every_limit_with_its_value() -> None:
    rows = table(section("docs/containers.md", "Deadlines and sizes"))

    documented = {(place, name): number(value) for place, name, value, _ in rows}

    assert documented == pytest.approx(in_force())


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        # A slow body: head, wait for a server and body fit into the proxy's deadline for the body.
        (
            [("proxy", "read_header"), ("proxy", "lb_try_duration"), ("proxy", "dial_timeout"), ("server", "request")],
            ("proxy", "read_body"),
        ),
        # A slow response.
        (
            [("server", "WAIT_SECONDS"), ("server", "TURN_SECONDS"), ("server", "STATEMENT_TIMEOUT_MS")],
            ("proxy", "response_header_timeout"),
        ),
        # A wait for events, with the queries before and after it; and the life of a stream.
        (
            [("server", "WAIT_MS"), ("server", "DATABASE_SECONDS"), ("server", "WAIT_SECONDS")],
            ("proxy", "response_header_timeout"),
        ),
        ([("server", "COMMENT_SECONDS")], ("server", "stall")),
        ([("server", "STREAM_SECONDS")], ("proxy", "write")),
        ([("server", "STATEMENT_TIMEOUT_MS")], ("server", "DATABASE_SECONDS")),
        ([("server", "LOCK_TIMEOUT_MS")], ("server", "STATEMENT_TIMEOUT_MS")),
        ([("server", "STATEMENT_TIMEOUT_MS")], ("server", "IDLE_IN_TRANSACTION_TIMEOUT_MS")),
        ([("proxy", "response_header_timeout")], ("proxy", "write")),
        ([("server", "stall")], ("proxy", "write")),
        ([("proxy", "keepalive")], ("server", "http_idle")),
        # Stopping.
        ([("proxy", "health_interval")], ("server", "DRAIN_SECONDS")),
        ([("server", "DRAIN_SECONDS"), ("server", "exit")], ("engine", "web.stop_grace_period")),
        ([("proxy", "grace_period")], ("engine", "proxy.stop_grace_period")),
        # Sizes.
        ([("server", "body_bytes")], ("proxy", "max_size")),
        ([("server", "frame_bytes")], ("server", "body_bytes")),
    ],
)
def test_an_inner_limit_is_below_the_outer_one(inner: list[tuple[str, str]], outer: tuple[str, str]) -> None:
    bounds = in_force()

    assert sum(bounds[name] for name in inner) < bounds[outer]
