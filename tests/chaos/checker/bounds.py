"""Bounds in time: revoked sessions, lost hints, frozen Redis, killed servers; and the evidence of each fault."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from statistics import quantiles

from tests.chaos.checker.world import Anomaly, World
from tests.chaos.history import Record

REVOKED_SECONDS = 2.0
REVOKED_SECONDS_WITHOUT_REDIS = 5.0
REVOKED_SECONDS_OTHERWISE = 10.0  # without the database, or over a stalled connection
GAP_MS, LAST_MS = 100, 1_500
FROZEN_ACK_MS, FROZEN_DELIVERY_MS, FROZEN_CONNECT_MS = 250, 1_500, 2_000
CAUGHT_UP_SECONDS = 3.0
ODD_SECONDS = 30.0
AFTERMATH_SECONDS = 3.0  # the effects of a fault last a little longer than the fault
ENOUGH_FOR_P99 = 20
ORDINARY_ACK_MS = 50
EXCHANGES = 4  # of a comeback: connect, hello, sync, subscribe
BUSY_MACHINE = 1.5  # times the value that the same run measures in calm, if other load makes that more than the bound


def check_revocations(world: World) -> Iterator[Anomaly]:
    """A revoked session writes nothing more, and soon receives nothing."""
    revoked: dict[str, Record] = {}
    for call in world.by_kind["call"]:
        done = world.done.get(call["op"], {})
        if call["what"] == "revoke" and done.get("status") == 204:
            revoked.setdefault(call["target"], done)
    for call in world.by_kind["call"]:
        done, end = world.done.get(call["op"], {}), revoked.get(call["session"])
        if end is None or call["what"] == "revoke" or (done.get("status") or 999) >= 300:
            continue
        # A session that was looked up for a read is cached a little longer; writes are rejected at once.
        if call["t"] > end["t"] + (bound_of(world, end["t"], call["t"]) if call["what"] == "page" else 0.0):
            yield Anomaly("revoked", "a call by a revoked session was answered", (end, call, done))
    sessions = {record["conn"]: record["session"] for record in world.by_kind["open"]}
    for record in world.by_kind["event"]:
        end = revoked.get(sessions.get(record["conn"], "")) if record["via"] == "live" else None
        if end and record["t"] > end["t"] + bound_of(world, end["t"], record["t"]):
            late = round(record["t"] - end["t"], 2)
            yield Anomaly("revoked", f"{record['device']} received for {late} s more", (end, record))


def bound_of(world: World, since: float, until: float) -> float:
    """The seconds after which a revocation or a block must be in force everywhere, with the faults around it."""
    touched = {name for name, _, begin, end, _ in world.faults if begin < until + 1 and end > since - AFTERMATH_SECONDS}
    if not touched:
        return REVOKED_SECONDS + world.slack(since, until)
    if all(name.startswith("redis_") for name in touched):
        return REVOKED_SECONDS_WITHOUT_REDIS + world.slack(since, until)
    return REVOKED_SECONDS_OTHERWISE + world.slack(since, until)


def check_probes(world: World) -> Iterator[Anomaly]:
    """A lost hint is repaired, at once when a later one shows the hole."""
    calm = [probe for probe in world.by_kind["probe"] if _is_calm(world, probe["t"])]
    # Without Redis there are no hints between processes, so only the sweep finds a hole.
    gap = GAP_MS if world.by_kind["run"][:1] and world.by_kind["run"][0]["stack"] == "postgres" else LAST_MS
    for what, bound in (("hint_gap", gap), ("hint_last", LAST_MS)):
        probes = [probe for probe in calm if probe["what"] == what]
        for probe in probes:
            if not probe["ok"]:
                yield Anomaly("repair", "the event of a lost hint never came", (probe,))
        over = [probe for probe in probes if probe["ms"] > bound + 1000 * _slack(world, probe) + busy_ms(world)]
        # One in ten may meet a sweep, a collector or a neighbour on this machine.
        if len(over) > max(1, len(probes) // 10):
            yield Anomaly("repair", f"{len(over)} of {len(probes)} {what} took over {bound} ms", tuple(over[:3]))


def busy_ms(world: World) -> float:
    """The delay of one exchange by other load on the machine: the 90th percentile of acknowledgements in calm times."""
    return max(0.0, percentile(calm_acknowledgements(world), 90) - ORDINARY_ACK_MS)


def _slack(world: World, probe: Record) -> float:
    return world.slack(probe["t"] - probe["ms"] / 1000 - 0.1, probe["t"] + 0.1)


def _is_calm(world: World, at: float) -> bool:
    return not any(begin - 0.5 <= at <= end + AFTERMATH_SECONDS for _, _, begin, end, _ in world.faults)


def check_frozen_redis(world: World) -> Iterator[Anomaly]:
    """With Redis frozen, sends are acknowledged, sockets open and events arrive about a second late."""
    for name, _, begin, end, _ in world.faults:
        if name != "redis_freeze":
            continue
        slack = 1000 * world.slack(begin, end)
        acks = acknowledgements(world, begin, end)
        bound = max(FROZEN_ACK_MS, BUSY_MACHINE * percentile(calm_acknowledgements(world), 99)) + slack
        if len(acks) >= ENOUGH_FOR_P99 and percentile(acks, 99) > bound:
            yield Anomaly("frozen", f"acknowledgements took {round(percentile(acks, 99))} ms at p99", (len(acks),))
        late = frozen_deliveries(world, begin, end)
        if len(late) >= ENOUGH_FOR_P99 and percentile(late, 99) > FROZEN_DELIVERY_MS + slack:
            yield Anomaly("frozen", f"deliveries took {round(percentile(late, 99))} ms at p99", (len(late),))
        opened = [each for each in world.by_kind["probe"] if each["what"] == "connect" and begin <= each["t"] <= end]
        for probe in opened:
            if not probe["ok"] or probe["ms"] > FROZEN_CONNECT_MS + slack:
                yield Anomaly("frozen", "a new socket did not open in time", (probe,))


def acknowledgements(world: World, begin: float, end: float) -> list[float]:
    """Milliseconds from call to acknowledgement of every send in a window; of a burst the first is waited for alone."""
    return [ms for at, ms in _acknowledged(world) if begin + 0.2 < at < end - 0.3]


def calm_acknowledgements(world: World) -> list[float]:
    """The same without faults: the speed of this machine today."""
    return [ms for at, ms in _acknowledged(world) if _is_calm(world, at)]


def _acknowledged(world: World) -> Iterator[tuple[float, float]]:
    slow = _slow_readers(world)
    for call in world.by_kind["call"]:
        done = world.done.get(call["op"], {})
        if call["what"] != "send" or call.get("burst") or call["device"] in slow:
            continue
        if done.get("status") in (200, 201):
            yield call["t"], 1000 * (done["t"] - call["t"])


def frozen_deliveries(world: World, begin: float, end: float) -> list[float]:
    """Milliseconds from acknowledgement to each receipt on a socket that was open all the time."""
    acknowledged = {
        (call["room"], done["seq"]): done["t"]
        for call in world.by_kind["call"]
        if call["what"] == "send" and begin + 0.2 < call["t"] < end - 2.0
        and (done := world.done.get(call["op"], {})).get("status") == 201
    }  # fmt: skip
    caught_up = {record["conn"]: record["t"] for record in world.by_kind["caught_up"]}
    slow = _slow_readers(world)
    return [
        1000 * (record["t"] - acknowledged_at)
        for record in world.by_kind["event"]
        if (acknowledged_at := acknowledged.get((record["stream"], record["seq"] or 0))) is not None
        and caught_up.get(record["conn"], acknowledged_at) < acknowledged_at - 0.2
        and record["device"] not in slow
    ]


def _slow_readers(world: World) -> set[str]:
    """Devices whose events are late because they read slowly."""
    return {record["device"] for record in world.by_kind["device"] if record["slow"]}


def check_kills(world: World) -> Iterator[Anomaly]:
    """A device that lost its server has caught up within three seconds, from the other servers."""
    for name, server, begin, _, _ in world.faults:
        if name != "kill":
            continue
        for device, seconds in comebacks(world, server, begin).items():
            bound = CAUGHT_UP_SECONDS + world.slack(begin, begin + seconds) + EXCHANGES * busy_ms(world) / 1000
            if seconds > bound:
                yield Anomaly("kill", f"{device} was caught up {seconds:.1f} s after the crash of server {server}")


def comebacks(world: World, server: int, begin: float) -> dict[str, float]:
    """Seconds from a crash to the end of the replay, by device."""
    slow = {record["device"] for record in world.by_kind["device"] if record["slow"] or record.get("tied")}
    lost = {
        record["device"]
        for record in world.by_kind["close"]
        if record["server"] == server and begin <= record["t"] <= begin + 1.0 and record["code"] == 1006
    } - slow
    caught_up: dict[str, list[float]] = defaultdict(list)
    for record in world.by_kind["caught_up"]:
        caught_up[record["device"]].append(record["t"])
    found = {}
    for device in lost:
        place = bisect_left(caught_up[device], begin)
        if place < len(caught_up[device]):
            found[device] = caught_up[device][place] - begin
    return found


def check_closes(world: World) -> Iterator[Anomaly]:
    """A server that is stopped closes every socket with 1012, after a goodbye."""
    windows = [(begin, end) for name, _, begin, end, _ in world.faults if name == "rolling"]
    for close in world.by_kind["close"]:
        if any(begin <= close["t"] <= end for begin, end in windows) and close["code"] not in (1000, 4410, 4401):
            if close["code"] == 1006 and _received_no_hello(world, close):
                continue  # it connected when the server had stopped listening
            if close["code"] != 1012 or close["goodbye"] != 1012:
                yield Anomaly("restart", "a close in a rolling restart was not 1012 after a goodbye", (close,))


def _received_no_hello(world: World, close: Record) -> bool:
    opened = [record for record in world.by_kind["open"] if record["conn"] == close["conn"]]
    return not opened or close["t"] - opened[0]["t"] < 0.5


def check_odd(world: World) -> Iterator[Anomaly]:
    """A client that does not read is disconnected; during a fault of its own line it cannot see that."""
    for record in world.by_kind["odd"]:
        if record["code"] is None and not _blocked(world, record):
            yield Anomaly("stalled", f"a {record['name']} reader was still connected", (record,))


def _blocked(world: World, odd: Record) -> bool:
    until = odd["began"] + odd["seconds"]
    client_lines = [
        fault for fault in world.faults if fault[0].startswith("client_line_") and fault[1] == odd["server"]
    ]
    return any(begin < until and end > odd["began"] - AFTERMATH_SECONDS for _, _, begin, end, _ in client_lines)


def check_evidence(world: World) -> Iterator[Anomaly]:
    """A fault without an effect proves nothing: the run is invalid."""
    for name, server, _, _, evidence in world.faults:
        if not evidence["bit"]:
            yield Anomaly("evidence", f"{name} of {server} did not bite: the run proves nothing of it", (evidence,))


def percentile(values: list[float], percent: int) -> float:
    """The usual percentile; the greatest value when there are few."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else max(values, default=0.0)
