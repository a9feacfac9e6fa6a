"""`python -m tests.bench.page` writes the tables of docs/performance.md from the results of `make bench-full`.

It reads the newest results in .var/bench, or the files that it is given: a row of a later file replaces that of an
earlier one. A table without any result stays as it is, and a cell without one is empty.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.bench.lone import CONNECT, RETURN
from tests.bench.sends import LONE
from tests.bench.servers import VAR
from tests.servers import ROOT

PAGE = ROOT / "docs" / "performance.md"

Result = Mapping[str, Any]
Results = Mapping[tuple[str, str, str], Result]  # by workload, server and operation
Cell = Callable[[Result], str]


def number(value: float | None) -> str:
    """Three figures at least, with commas."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cpu(row: Result) -> str:
    """The server's CPU for each operation."""
    return f"{number(row['cpu_us'])} us"


def cpus(row: Result) -> str:
    """The CPU of the server and of its database, and the median time."""
    return f"{number(row['cpu_us'])} / {number(row['backing_us'])} us, {row['p50_ms']:.1f} ms"


def times(row: Result) -> str:
    """The median and the 99th percentile."""
    return f"{row['p50_ms']:.1f} / {row['p99_ms']:.1f} ms"


SERVERS = ("tutorial, async", "Socket.IO", "Centrifugo", "Parley, daphne", "Parley, uvicorn")
DELIVERY: list[tuple[str, str, str, Cell]] = [
    ("the send itself, one at a time", "the send itself, 1 in flight", "event", cpu),
    ("the send itself, 16 at a time", "the send itself, 16 in flight", "event", cpu),
    ("its delivery to each of 100 sockets", "fan-out to 100 sockets, 1 in flight", "delivery", cpu),
    ("its delivery to each of 1,000 sockets", "fan-out to 1,000 sockets, 1 in flight", "delivery", cpu),
    ("each of 1,000, with 16 messages at a time", "fan-out to 1,000 sockets, 16 in flight", "delivery", cpu),
    ("from send to delivery to 100 sockets, p50 / p99", "latency at low load, 100 sockets", "event", times),
]
ALONE: list[tuple[str, str, str, Cell]] = [
    ("a send, acknowledged", LONE, "acknowledged send", cpus),
    ("connect, authenticate and subscribe to ten rooms", "one device after the other", CONNECT, cpus),
    ("connect, and receive 200 missed messages of ten rooms", "one device after the other", RETURN, cpus),
]
DAPHNE, POSTGRES = "Parley, daphne", "Parley, daphne, PostgreSQL"
SEND, ARRIVE, REQUEST = "acknowledged send", CONNECT, "request"
ONE_ROOM, MANY_ROOMS = "durable sends, 64 senders, one room", "durable sends, 64 senders, 50 rooms"
OPERATIONS = [
    ("durable sends, 64 senders, one room, PostgreSQL", ONE_ROOM, POSTGRES, SEND),
    ("the same with one transaction for each", ONE_ROOM, f"{POSTGRES}, one transaction each", SEND),
    ("the same on uvicorn", ONE_ROOM, "Parley, uvicorn, PostgreSQL", SEND),
    ("the same with two workers", ONE_ROOM, f"{POSTGRES}, 2 workers", SEND),
    ("durable sends, 64 senders, 50 rooms, PostgreSQL", MANY_ROOMS, POSTGRES, SEND),
    ("the same with two workers", MANY_ROOMS, f"{POSTGRES}, 2 workers", SEND),
    ("durable sends, 64 senders, one room, SQLite", ONE_ROOM, "Parley, daphne, SQLite", SEND),
    ("durable sends, 64 senders, 50 rooms, SQLite", MANY_ROOMS, "Parley, daphne, SQLite", SEND),
    ("connect, authenticate and subscribe to 10 rooms", "1,000 sockets come, 10 rooms each", DAPHNE, ARRIVE),
    ("1,000 sockets cut at once, back by `subscribe`", "1,000 sockets cut at once come back", DAPHNE,
     "caught up by subscribe"),
    ("1,000 sockets cut at once, back by `sync`", "1,000 sockets cut at once come back", DAPHNE, "caught up by sync"),
    ("history page of 50, of 10,000 messages", "history page of 50, 10,000 messages", DAPHNE, REQUEST),
    ("history page of 50, of 1,000,000 messages", "history page of 50, 1,000,000 messages", DAPHNE, REQUEST),
    ("send by REST, to a room of 10,000 messages", "send by REST, 10,000 messages", DAPHNE, REQUEST),
    ("my 100 rooms with unread counts, in 5 queries", "list of 100 rooms with unread", DAPHNE, REQUEST),
]  # fmt: skip


def beside(results: Results, lines: Sequence[tuple[str, str, str, Cell]], aliases: Mapping[str, str]) -> list[str]:
    """A table with a column for each server that has a result; `aliases` are further names of servers."""

    def find(workload: str, server: str, operation: str) -> Result | None:
        return next((results[key] for name in (server, aliases.get(server, server))
                     if (key := (workload, name, operation)) in results), None)  # fmt: skip

    cells = [
        [(find(workload, server, operation), show) for server in SERVERS] for _, workload, operation, show in lines
    ]
    used = [place for place in range(len(SERVERS)) if any(row[place][0] for row in cells)]
    if not used:
        return []
    head = ["| " + " | ".join(["", *(SERVERS[place] for place in used)]) + " |", "|---" + "|--:" * len(used) + "|"]
    rows = [[show(found) if found else "" for found, show in (row[place] for place in used)] for row in cells]
    named = zip(lines, rows, strict=True)
    return [*head, *(f"| {' | '.join([label, *row])} |" for (label, *_), row in named if any(row))]


def operations(results: Results) -> list[str]:
    """A table with a line for each operation of Parley."""
    rows = [
        (label, results[key])
        for label, workload, server, operation in OPERATIONS
        if (key := (workload, server, operation)) in results
    ]
    if not rows:
        return []
    lines = ["| | per second | CPU of the server | of the database | p50 | p99 |", "|---|--:|--:|--:|--:|--:|"]
    for label, row in rows:
        p50, p99 = (f"{row[name]:.1f} ms" if row[name] else "" for name in ("p50_ms", "p99_ms"))
        figures = [number(row["per_second"]), cpu(row), f"{number(row['backing_us'])} us", p50, p99]
        lines.append(f"| {' | '.join([label, *figures])} |")
    return lines


def tables(results: Results) -> Iterator[tuple[str, list[str]]]:
    """The tables by the name of their place in the page."""
    yield "delivery", beside(results, DELIVERY, {})
    yield "alone", beside(results, ALONE, {server: f"{server}, PostgreSQL" for server in SERVERS})
    yield "operations", operations(results)


def replace(page: str, name: str, lines: Sequence[str]) -> str:
    """Put a table between its two marks. Raises ValueError when the page lacks them."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    start = page.index(begin) + len(begin)
    return page[:start] + "\n" + "".join(f"{line}\n" for line in lines) + "\n" + page[page.index(end, start) :]


def described(document: Mapping[str, Any]) -> str:
    """The line under a table: the day, the commit and the machine of its run."""
    machine = document["machine"]
    return (
        f"Measured {document['began'][:10]} at {machine['commit']}: {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, Python {machine['python']}."
    )


def main(files: Sequence[Path]) -> None:
    """Write the page."""
    documents = [orjson.loads(file.read_bytes()) for file in files]
    results = {(row["workload"], row["server"], row["operation"]): row for each in documents for row in each["rows"]}
    page = PAGE.read_text()
    for name, lines in tables(results):
        if lines:
            page = replace(page, name, [*lines, "", described(documents[-1])])
        print(f"{name}: {f'{len(lines) - 2} lines' if lines else 'no results, left as it is'}")
    PAGE.write_text(page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="JSON of benchmarks; by default the newest")
    given = parser.parse_args().files or sorted(VAR.glob("2*.json"))[-1:]
    if not given:
        sys.exit("There are no results: run `make bench-full` first.")
    main(given)
