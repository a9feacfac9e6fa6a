"""All checks over one history."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.chaos.checker import bounds, people, receipts, rules, states, writes
from tests.chaos.checker.world import Anomaly, World
from tests.chaos.history import Record

CHECKS: tuple[Callable[[World], Iterator[Anomaly]], ...] = (
    writes.check_log,
    writes.check_sends,
    writes.check_changes,
    writes.check_bases,
    writes.check_reactions,
    writes.check_tombstones,
    writes.check_order,
    writes.check_answers,
    rules.check_rules,
    receipts.check_receipts,
    receipts.check_agreement,
    receipts.check_canaries,
    states.check_pages,
    states.check_views,
    states.check_markers,
    states.check_folds,
    people.check_blocked_bytes,
    people.check_stubs,
    people.check_threads,
    people.check_streams,
    people.check_presence,
    bounds.check_revocations,
    bounds.check_probes,
    bounds.check_frozen_redis,
    bounds.check_kills,
    bounds.check_closes,
    bounds.check_odd,
    bounds.check_evidence,
)
# The promises that the headline counts. Each count must be 0, as must that of every other promise.
HEADLINES = {"lost": ("lost", "durable"), "doubled": ("twice", "once"), "out of order": ("order",), "leaked": ("leak",)}


# Speed, and the effects of faults: on a machine with other load these depend more on the machine than on the server.
OF_THE_MACHINE = frozenset({"repair", "frozen", "kill", "evidence"})


@dataclass(frozen=True)
class Verdict:
    """The broken promises, and the number of deliveries examined."""

    anomalies: tuple[Anomaly, ...]
    deliveries: int

    @property
    def ok(self) -> bool:
        """True when every promise was kept."""
        return not self.anomalies

    @property
    def is_kept(self) -> bool:
        """True when every promise was kept that does not depend on time."""
        return all(anomaly.promise in OF_THE_MACHINE for anomaly in self.anomalies)

    def headline(self) -> str:
        """The summary in one line."""
        counts = Counter(anomaly.promise for anomaly in self.anomalies)
        counted = [f"{sum(counts[name] for name in names)} {label}" for label, names in HEADLINES.items()]
        known = {name for names in HEADLINES.values() for name in names}
        counted += [f"{count} {name}" for name, count in counts.items() if name not in known]
        return f"{self.deliveries} deliveries: {', '.join(counted)}"


def check(records: Iterable[Record]) -> Verdict:
    """Judge a history. Pure: nothing is read but the records."""
    world = World(records)
    anomalies = tuple(anomaly for each in CHECKS for anomaly in each(world))
    return Verdict(anomalies, sum(record["seq"] is not None for record in world.by_kind["event"]))
