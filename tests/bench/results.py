"""The measurements as one table, a page of growth, and JSON."""

import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from tests.servers import ROOT


@dataclass
class Row:
    """One workload on one server: medians of its runs. CPU is that of the server's own processes, per operation."""

    workload: str
    server: str
    operation: str
    cpu_us: float
    per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    backing_us: float | None = None  # of the database and Redis
    note: str = ""
    family: str = ""  # rows of one family and server differ in size only
    size: int = 0
    is_baseline: bool = False
    runs_us: list[float] = field(default_factory=list)

    def ratio(self, baseline: "Row | None") -> float | None:
        """The baseline's cost divided by this one's."""
        if baseline is None or baseline is self or self.cpu_us <= 0:
            return None
        return baseline.cpu_us / self.cpu_us


def median(values: Iterable[float]) -> float:
    """The median; 0 of nothing."""
    listed = list(values)
    return statistics.median(listed) if listed else 0.0


def write(rows: Sequence[Row], folder: Path, began: datetime) -> str:
    """Keep the JSON and the markdown of a whole benchmark; the markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    baselines = {row.workload: row for row in rows if row.is_baseline}
    ratios = [row.ratio(baselines.get(row.workload)) for row in rows]
    measured = [{**asdict(row), "ratio": ratio} for row, ratio in zip(rows, ratios, strict=True)]
    document = {"began": began.isoformat(), "machine": machine(), "rows": measured}
    name = f"{began:%Y%m%d-%H%M%S}"
    (folder / f"{name}.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    text = f"{_heading(began)}\n\n{_table(rows, ratios)}\n\n{_growth(rows)}\n"
    (folder / f"{name}.md").write_text(text)
    return text


def machine() -> dict[str, object]:
    """Describes the machine of the run."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip(),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def _heading(began: datetime) -> str:
    size = machine()
    return (
        f"# Benchmark of {began:%Y-%m-%d}, {size['cores']} cores, {size['memory_gib']} GiB, Python {size['python']}\n\n"
        "Medians of the runs; client, database and Redis share the machine with the server. CPU is user and system "
        "time of the server's own processes per operation; `db+redis` is theirs. A delivery is what one more socket "
        "costs: (CPU with N sockets - CPU with 1) / (N - 1). The ratio compares the CPU of the "
        "workload's baseline (marked *) with it. Parley: authenticated, permission-checked, durable (PostgreSQL, fsync "
        "on), ordered, exactly once; the tutorial and Socket.IO keep nothing."
    )


def _table(rows: Sequence[Row], ratios: Sequence[float | None]) -> str:
    lines = [
        "| workload | server | operation | per second | CPU us | db+redis us | p50 ms | p99 ms | ratio | |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row, ratio in zip(rows, ratios, strict=True):
        figures = [_number(row.per_second), _number(row.cpu_us), _number(row.backing_us)]
        figures += [_number(row.p50_ms), _number(row.p99_ms), "*" if row.is_baseline else _number(ratio)]
        lines.append(f"| {' | '.join([row.workload, row.server, row.operation, *figures, row.note])} |")
    return "\n".join(lines)


def _growth(rows: Sequence[Row]) -> str:
    """CPU per operation against size, a line for each family and server."""
    families: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        if row.family:
            families.setdefault((row.family, row.server), {})[row.size] = row
    lines = ["## Growth", "", "CPU us per operation, by size.", "", "| what grows | server | |", "|---|---|---|"]
    for (family, server), sizes in families.items():
        if len(sizes) > 1:
            points = ", ".join(f"{size:,}: {_number(row.cpu_us)}" for size, row in sorted(sizes.items()))
            lines.append(f"| {family} | {server} | {points} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)
