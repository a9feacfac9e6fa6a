"""The report of a run: the headline, latencies beside their bounds, faults, and broken promises."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos.checker import Verdict, bounds
from tests.chaos.checker.world import World
from tests.chaos.history import Record

SHOWN = 8


def report(records: Sequence[Record], verdict: Verdict, kept: Path | None) -> str:
    """Everything, in lines. `kept` is the folder of a history that failed."""
    world = World(records)
    run = world.by_kind["run"][0]
    lines = [f"seed {run['seed']}, {run['seconds']:g} s on {run['stack']}: {verdict.headline()}"]
    lines += [*_outcomes(world), *_latencies(world), *_faults(world)]
    counts = dict(Counter(anomaly.promise for anomaly in verdict.anomalies))
    if kept is None and counts:
        lines.append(f"  too slow, which this run does not judge: {counts}")
    elif kept is not None:
        lines += [f"FAILED with seed {run['seed']}: {counts}", f"the history is kept in {kept}"]
        lines += [f"  - {anomaly}" for anomaly in _smallest(verdict)]
    return "\n".join(lines)


def _smallest(verdict: Verdict) -> list[object]:
    """Orders anomalies so that each promise's smallest evidence comes first."""
    by_promise: dict[str, list[object]] = defaultdict(list)
    for anomaly in sorted(verdict.anomalies, key=lambda anomaly: len(str(anomaly))):
        by_promise[anomaly.promise].append(anomaly)
    return [anomaly for found in by_promise.values() for anomaly in found[:2]][:SHOWN]


def _outcomes(world: World) -> Iterator[str]:
    counts = Counter(
        "unknown" if done["status"] is None else f"{done['status'] // 100}xx" for done in world.done.values()
    )
    discarded = len(world.by_kind["discarded"])
    closes = Counter(str(close["code"] and int(close["code"])) for close in world.by_kind["close"])
    canaries = len(world.by_kind["canary"])
    yield f"  calls {dict(sorted(counts.items()))}, {discarded} answers discarded, {canaries} canaries looked up"
    yield f"  closes by code {dict(closes)}; readers that do not read {_odd(world)}"


def _odd(world: World) -> list[str]:
    return [f"{record['name']}: {record['code']}" for record in world.by_kind["odd"]]


def _latencies(world: World) -> Iterator[str]:
    yield f"  acknowledged in calm: {_spread(bounds.calm_acknowledgements(world))}"
    for what, bound in (("hint_gap", bounds.GAP_MS), ("hint_last", bounds.LAST_MS)):
        found = [probe["ms"] for probe in world.by_kind["probe"] if probe["what"] == what]
        yield f"  {what} repaired: {_spread(found)}, bound {bound} ms in calm"
    for name, server, begin, end, _ in world.faults:
        if name == "redis_freeze":
            acks, late = bounds.acknowledgements(world, begin, end), bounds.frozen_deliveries(world, begin, end)
            yield f"  Redis frozen {end - begin:.1f} s: acknowledged {_spread(acks)}, delivered {_spread(late)}"
        elif name == "kill":
            back = [1000 * seconds for seconds in bounds.comebacks(world, server, begin).values()]
            yield f"  kill -9 of server {server}: caught up {_spread(back)}, bound 3000 ms"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "none"
    p50, p99 = bounds.percentile(list(values), 50), bounds.percentile(list(values), 99)
    return f"{len(values)} p50 {p50:.0f} p99 {p99:.0f} max {max(values):.0f} ms"


def _faults(world: World) -> Iterator[str]:
    for name, server, begin, end, evidence in world.faults:
        facts = ", ".join(f"{key} {value}" for key, value in evidence.items() if key != "bit")
        yield f"  fault {name} of {server}, {end - begin:.1f} s: {'bit' if evidence['bit'] else 'DID NOT BITE'} {facts}"
