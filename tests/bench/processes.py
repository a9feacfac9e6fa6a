"""The cost of a server: CPU and memory of its processes, as the system counts them in /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

from tests.services import children_of

TICKS = os.sysconf("SC_CLK_TCK")


def family_of(pid: int) -> list[int]:
    """The process and all of its descendants."""
    return [pid, *(descendant for child in children_of(pid) for descendant in family_of(child))]


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes and their descendants, those that have ended included."""
    return sum(_cpu_seconds(process) for pid in pids for process in family_of(pid))


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS  # utime, stime, and those of children that were waited for


def cpu_of_low_priority(pid: int) -> float:
    """User and system time of this process but for its threads of normal priority that still run."""
    normal = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        fields = stat.read_text().rsplit(")", 1)[1].split()
        if fields[16] == "0":  # the nice value
            normal += sum(map(int, fields[11:13]))
    return _cpu_seconds(pid) - normal / TICKS


def rss_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes and their descendants."""
    return sum(_rss_bytes(process) for pid in pids for process in family_of(pid))


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
