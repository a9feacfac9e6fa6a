"""The checker: pure functions from a history to its violations."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tests.model.membership import sees
from tests.sim.history import History, Lineage, Past, Row
from tests.sim.log import first_seqs

REPLAY_EVENTS = 14
STALE_BLOCK_SECONDS = 8.0  # a process with faults around it may not know the end of a block for so long
HIDDEN = "hidden"  # the text of a stub
UNKNOWN = "unknown"  # the text of a message that was deleted after the user had left: they have it from before, or not


class Held(NamedTuple):
    """A message as a device holds it. Stale: it has missed a change, and would be loaded again."""

    version: int
    text: str | None
    parts: int
    is_stale: bool = False


def check(history: History) -> list[str]:
    """Return the violations, one line each; none when all promises were kept."""
    wrong = [f"error: {error}" for error in history.errors]
    if gaps := list(check_gapless(history)):
        return wrong + gaps  # all else presupposes it
    wrong += check_rings(history)
    for lineage in history.lineages:
        wrong += Reading(history, lineage).check()
    return wrong


def check_gapless(history: History) -> Iterator[str]:
    """The seqs of each stream are 1, 2, 3 ..."""
    for past in history.pasts:
        for stream, rows in past.rows.items():
            if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
                yield f"gap: epoch {past.epoch} of {stream} has {[row.seq for row in rows]}"


def check_rings(history: History) -> Iterator[str]:
    """Rings hold events of the log, and no text of a message once its deletion is there."""
    pasts = {past.epoch: past for past in history.pasts}
    for ring in history.rings:
        rows = pasts[ring.epoch].rows[ring.stream]
        for seq, json in ring.entries:
            row = rows[seq - 1] if seq <= len(rows) else None
            if row is None or row.seq != seq or json not in (row.json, row.tombstone):
                if ring.epoch == history.pasts[-1].epoch:
                    yield f"ring: {ring.process} remembers {seq} of {ring.stream} as {json!r}"
            elif row.deleted_by is not None and row.deleted_by <= ring.tail and json != row.tombstone:
                yield f"tombstone: {ring.process} still holds the text of {seq} of {ring.stream}"


class Rights:
    """The visibility of one stream for one user in one epoch."""

    def __init__(self, past: Past, lineage: Lineage, is_shared: bool, is_inbox: bool) -> None:
        self.rows = past.rows[lineage.stream]
        self.is_shared, self.is_inbox = is_shared, is_inbox
        self.began_at = past.began_at
        self.periods = [] if is_inbox else past.periods(lineage.stream, lineage.user)

    def row(self, seq: int) -> Row | None:
        """The event of that seq."""
        return self.rows[seq - 1] if 0 < seq <= len(self.rows) else None

    def sees(self, seq: int, at: float) -> bool:
        """True when the history rule shows it, as far as was committed at that time."""
        return self.is_inbox or sees(self.periods, seq, shared=self.is_shared, at=at)

    def next(self, cursor: int, at: float) -> int | None:
        """The first event after the cursor that is to be received."""
        for seq in range(cursor + 1, len(self.rows) + 1):
            if self.rows[seq - 1].at > at:
                return None
            if self.sees(seq, at):
                return seq
        return None

    def is_in(self, at: float, head: int) -> bool:
        """True when the user is a member at that head, as far as was committed at that time."""
        return any(each.began_at <= at and (each.last is None or each.last > head) for each in self.periods)


class Reading:
    """One lineage, read from its first record to its last."""

    def __init__(self, history: History, lineage: Lineage) -> None:
        self.history, self.lineage = history, lineage
        stream = lineage.stream
        is_shared, is_inbox = stream in history.shared, stream in history.inboxes
        self.rights = {past.epoch: Rights(past, lineage, is_shared, is_inbox) for past in history.pasts}
        self.epochs = [past.began_at for past in history.pasts]
        self.epoch = 0
        self.cursor: int | None = None
        self.requested: list[dict[str, Any]] = []
        self.listens = False
        self.replay: dict[str, Any] | None = None  # the reply whose room.limited or room.synced has not come yet
        self.sync_is_due = False  # whether room.synced must still come
        self.may_be_rewritten = False
        self.fold: dict[str, Held] | None = None
        self.blocked: dict[str, tuple[float, int]] = {}  # the block events that the device has: their times and seqs
        self.wrong: list[str] = []

    def check(self) -> list[str]:
        """Read all records and return the violations."""
        for record in self.lineage.records:
            self.at = record.at
            getattr(self, f"on_{record.kind}")(record.data)
        self._at_the_end()
        return self.wrong

    def report(self, what: str, why: str) -> None:
        """Add a violation."""
        self.wrong.append(f"{what}: {self.lineage.name} at {self.at:.3f}: {why}")

    @property
    def rewritten(self) -> bool:
        """True when the log has been restored since the epoch that the device knows."""
        return self.epoch < self.history.pasts[bisect_right(self.epochs, self.at) - 1].epoch

    def on_block(self, change: dict[str, Any]) -> None:
        """The device has received in its inbox that its user blocks somebody, or no longer."""
        self.blocked.pop(change["user"], None)
        if change["on"]:
            self.blocked[change["user"]] = self.at, change["seq"]

    # Requests and replies

    def on_requested(self, requested: dict[str, Any]) -> None:
        self.requested.append(requested)

    def on_refused(self, code: str) -> None:
        self.requested.pop(0)

    def on_unsubscribed(self, _: None) -> None:
        self.listens, self.sync_is_due, self.replay = False, False, None

    def on_cut(self, _: None) -> None:
        self.on_unsubscribed(_)
        self.requested.clear()

    def on_reply(self, reply: dict[str, Any]) -> None:
        requested = self.requested.pop(0)
        if self.listens and reply["replay"] == "complete" and reply["epoch"] == self.epoch:
            self._on_going_on(reply)
        else:
            self._on_beginning(requested, reply)
        self.listens = True
        self.sync_is_due = True

    def _on_going_on(self, reply: dict[str, Any]) -> None:
        """The reply moves no cursor, and the device has received everything before its `after`."""
        if not self.rewritten:
            self._may_be_at(reply["after"], "reply")

    def _on_beginning(self, requested: dict[str, Any], reply: dict[str, Any]) -> None:
        after, replay = requested["after"], reply["replay"]
        is_known = requested["epoch"] in (None, reply["epoch"]) and (after is None or after <= reply["head"])
        if (replay == "reset") == is_known:
            self.report("reset", f"{requested} was answered {reply}")
        if replay == "complete" and after is not None and reply["after"] != after:
            self.report("cursor", f"{requested} was answered {reply}")
        self.epoch = reply["epoch"]
        self.replay = reply | {"requested": after}
        if replay == "limited":
            self.cursor, self.fold = after, None  # until room.limited names the missing range
        else:
            self.cursor = reply["after"]
            self.fold = {} if self.cursor == 0 else self.fold if replay == "complete" else None

    def on_limited(self, data: dict[str, Any]) -> None:
        """Comes only right after a reply with `limited`, and names exactly the missing range."""
        reply, self.replay = self.replay, None
        if reply is None or reply["replay"] != "limited" or self.cursor is None:
            self.report("limited", f"{data} where nothing was limited")
            return
        if not self.rewritten:
            rights, head = self.rights[self.epoch], reply["head"]
            missed = [seq for seq in range(self.cursor + 1, head + 1) if rights.sees(seq, self.at)]
            if len(missed) <= REPLAY_EVENTS or (missed[0], missed[-1]) != (data["from"], data["to"]):
                self.report("limited", f"{data}, but {len(missed)} are missing: {missed[:1]} to {missed[-1:]}")
        self.cursor = reply["head"]

    def on_reset(self, data: dict[str, Any]) -> None:
        """P16: comes only when the past was rewritten."""
        if not self.listens or data["epoch"] <= self.epoch:
            self.report("reset", f"{data} in epoch {self.epoch}")
        if data["head"] == 0 and data["epoch"] in self.rights and not self.rights[data["epoch"]].is_inbox:
            self.listens = self.sync_is_due = False  # they are out, and it has ended
        self.epoch, self.cursor, self.fold, self.replay = data["epoch"], data["head"], None, None

    def on_synced(self, data: dict[str, Any]) -> None:
        """The end of every replay, once; all up to the head is there."""
        if not self.listens or not self.sync_is_due:
            self.report("synced", "nothing was to be synced")
            return
        self.sync_is_due = False
        if self.replay is not None and self.replay["replay"] == "limited":
            self.report("limited", f"room.limited never came for {self.replay}")
        self.replay = None
        if not self.rewritten:
            self._may_be_at(data["head"], "synced")

    def _may_be_at(self, head: int, what: str) -> None:
        """Check that no visible event is between the cursor and this head."""
        if self.cursor is not None:
            missing = self.rights[self.epoch].next(self.cursor, self.at)
            if missing is not None and missing <= head:
                self.report(what, f"has the head {head}, but {missing} was not received")

    # Received events

    def on_event(self, event: dict[str, Any]) -> None:
        """The event is as in the log, and is the next one that the user may see."""
        seq = event["seq"]
        if not self.listens or self.cursor is None:
            self.report("uninvited", f"{seq} came to a device that does not listen")
            return
        if self.replay is not None and self.replay["replay"] == "limited":
            self.report("limited", f"room.limited for {self.replay} did not come before {seq}")
        rights = self.rights[self.epoch]
        if not self._is_of(rights, event):
            self._on_event_of_another_epoch(event)
            return
        if not rights.sees(seq, self.at):
            self.report("leak", f"{seq} is not theirs to see")
        expected = rights.next(self.cursor, self.at)
        if seq <= self.cursor:
            self.report("doubled", f"{seq} came after {self.cursor}")
        elif seq != expected:
            self.report("lost", f"{seq} came after {self.cursor}, where {expected} was next")
        self.cursor = seq
        self._check_stub(event)
        self._fold(event)

    def _is_of(self, rights: Rights, event: dict[str, Any]) -> bool:
        row = rights.row(event["seq"])
        if row is None or row.at > self.at:
            return False
        return event in (row.stubs() if event["data"].get("blocked") else row.looks())

    def _check_stub(self, event: dict[str, Any]) -> None:
        """A device that has received a block gets only stubs of that user until it ends; without one there are none."""
        if not event["type"].startswith("message."):
            return
        sender = event["data"]["sender"]["id"]
        if event["data"].get("blocked"):
            if not self._was_blocked(sender):
                self.report("hidden", f"{event['seq']} is a stub, and its sender is not blocked")
        elif sender in self.blocked and self._is_still_blocked(sender, *self.blocked[sender]):
            self.report("unhidden", f"{event['seq']} came whole, and the device knew that its sender is blocked")

    def _is_still_blocked(self, sender: str, known_at: float, seq: int) -> bool:
        """True when neither a restore nor an event of the log has ended the block since.

        A line that stalls may bring a block after the restore that has undone it.
        """
        past = self.history.pasts[bisect_right(self.epochs, self.at) - 1]
        rows = [row for row in past.rows[self.lineage.user][seq - 1 :] if row.at <= self.at]
        changes = [row for row in rows if row.looks()[0]["data"].get("user_id") == sender]
        return past.began_at <= known_at and [(row.kind, row.seq) for row in changes] == [("block.added", seq)]

    def _was_blocked(self, sender: str) -> bool:
        """True when the user has blocked the sender at some time of the last seconds, in some epoch."""
        if self.lineage.user not in self.history.inboxes:
            return False
        since = self.at - STALE_BLOCK_SECONDS
        for past, later in zip(self.history.pasts, [*self.history.pasts[1:], None], strict=True):
            begun: float | None = None
            for row in past.rows[self.lineage.user]:
                if row.kind.startswith("block.") and row.looks()[0]["data"]["user_id"] == sender:
                    if begun is not None and begun <= self.at and row.at >= since:
                        return True
                    begun = row.at if row.kind == "block.added" else None
            ended_at = later.began_at if later else self.at
            if begun is not None and begun <= self.at and ended_at >= since:
                return True
        return False

    def _on_event_of_another_epoch(self, event: dict[str, Any]) -> None:
        """Accept events of the new past: until the sweep finds a restore, a process may send them in the old epoch."""
        later = [rights for epoch, rights in self.rights.items() if epoch > self.epoch and rights.began_at <= self.at]
        if not any(self._is_of(rights, event) for rights in later):
            self.report("phantom", f"{event} is not in the log")
        elif not any(self._is_of(rights, event) and rights.sees(event["seq"], self.at) for rights in later):
            self.report("leak", f"{event['seq']} of a later epoch is not theirs to see")
        self.cursor, self.fold = event["seq"], None

    def on_ephemeral(self, data: dict[str, Any]) -> None:
        """A user who left before the event was emitted does not receive it."""
        if not self.listens:
            self.report("uninvited", "something ephemeral came to a device that does not listen")
        elif data["epoch"] == self.epoch and not self.rights[self.epoch].is_in(self.at, data["min"]):
            self.report("leak", f"an ephemeral event was emitted at {data['min']}, after the user had left")

    def _fold(self, event: dict[str, Any]) -> None:
        if self.fold is None:
            return
        seq, data = event["seq"], event["data"]
        if event["type"].startswith("message."):
            text = HIDDEN if data.get("blocked") else data["text"]
            self.fold[data["id"]] = Held(seq, text, data["parts"])
        elif "base_version" in data:
            self._merge(self.fold, data)
        elif event["type"] == "messages.purged":
            begun = first_seqs(self.rights[self.epoch].rows)
            for each, held in self.fold.items():
                if begun[each] < data["before_seq"]:
                    self.fold[each] = Held(seq, None, held.parts)

    def _merge(self, fold: dict[str, Held], part: dict[str, Any]) -> None:
        """Merge a part of a message into the held copy, if that has the version on which it fits."""
        held = fold.get(part["id"])
        if held is None or held.version >= part["version"]:
            return
        if held.is_stale or held.version != part["base_version"]:
            fold[part["id"]] = held._replace(is_stale=True)
        else:
            fold[part["id"]] = held._replace(version=part["version"], parts=part["parts"])

    # After the schedule

    def _at_the_end(self) -> None:
        """Check that nothing is lost, every replay has ended, every restore was noticed, and the fold is right."""
        self.at = self.history.ended_at
        if not self.lineage.listens or not self.listens:
            return
        if self.requested:
            self.report("reply", "no answer came")
        if self.sync_is_due:
            self.report("synced", "room.synced did not come")
        last = self.history.pasts[-1].epoch
        if self.epoch != last:
            if self.rights[last].is_in(self.at, 0) and self.rights[last].periods[-1].last is None:
                self.report("reset", f"the device still believes in epoch {self.epoch}")
            return
        assert self.cursor is not None
        missing = self.rights[last].next(self.cursor, self.at)
        if missing is not None:
            self.report("lost", f"{missing} never came; the last was {self.cursor}")
        elif self.fold is not None:
            self._check_fold(self.rights[last])

    def _check_fold(self, rights: Rights) -> None:
        """The fold of the received events equals the log: the version, the text and the parts of each message."""
        assert self.fold is not None
        now = self._expected(rights)
        for message in sorted({*self.fold, *now}):
            held, wanted = self.fold.get(message), now.get(message)
            if held is not None and wanted is not None:
                if held.is_stale and wanted.is_stale:
                    continue
                if wanted.text == UNKNOWN:  # its parts are those of its deletion, or not
                    held = held._replace(text=UNKNOWN, parts=wanted.parts)
                elif held.text == HIDDEN:
                    wanted = wanted._replace(text=HIDDEN)
            if held != wanted:
                self.report("diverged", f"{message} is {held} and not {wanted}")

    def _expected(self, rights: Rights) -> dict[str, Held]:
        """Each message as of the last event about it that the user may see, by the order of the log alone."""
        now: dict[str, Held] = {}
        last: dict[str, int] = {}  # the version of each message, whether the user may see it or not
        for row in rights.rows:
            seen = rights.sees(row.seq, self.at)
            if row.message and seen:
                data = orjson.loads(row.rendered)["data"]
                text = data["text"]
                if row.deleted_by is not None and not rights.sees(row.deleted_by, self.at):
                    text = UNKNOWN
                now[row.message] = Held(row.seq, text, data["parts"])
            elif row.about and seen and (held := now.get(row.about)) is not None:
                if held.is_stale or held.version != last[row.about]:
                    now[row.about] = held._replace(is_stale=True)
                else:
                    parts = orjson.loads(row.json)["data"]["parts"]
                    now[row.about] = held._replace(version=row.seq, parts=parts)
            for message in (row.purged & now.keys()) if seen else ():
                now[message] = Held(row.seq, None, now[message].parts)
            last |= dict.fromkeys([*([row.about] if row.about else []), *row.purged], row.seq)
        return now
