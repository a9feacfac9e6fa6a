"""The history of a run: one list of records, kept in a file as well.

A record is a dict with `kind` and `t`, the wall clock in seconds: server and clients share one machine and one clock.
A field with a question mark may be absent or null.

    run      seed stack seconds entry           `entry` starts the servers, perhaps with a planted bug
    user     user name                          device   device user slow tied?: it never changes its server
    call     op device user session server via what room? client_id? text? message? seq? target?
    done     op status (None: unknown) code? id? seq? version? read_seq?
    discarded op                                the acknowledgement, or the silence, was followed by another attempt
    open     conn device user session server    close    conn code goodbye
    start    device stream after                the cursor from which a device follows a stream
    event    device conn stream seq type key via (live | sync); seq None: ephemeral
    body     key event                          each content once; `key` is its digest
    caught_up device conn                       every subscription of a new connection received room.synced
    limited  device stream from to              reset    device stream head
    canary   user token where                   the first time that a user received this token of a message's text
    page     user room oldest newest head messages[[id, seq, version, text]]
    fault    name phase (begin | end) server? evidence?
    probe    what ok ms                         lag      ms: the delay of this process itself
    odd      name server began code received    log      server secrets tracebacks: of the server's log
    finish   device cursors
    end_log  events                             the last reads by SQL, and end_room, end_member, end_head, end_message
                                                with rows
    end_view user server room head me messages  the last reads by REST
"""

import hashlib
import time
from pathlib import Path
from typing import Any

import orjson

Record = dict[str, Any]


class History:
    """Collects records, in memory and in a file."""

    def __init__(self, folder: Path) -> None:
        self.records: list[Record] = []
        self.path = folder / "history.jsonl"
        self._file = self.path.open("wb")
        self._bodies: set[str] = set()

    def add(self, kind: str, **fields: Any) -> Record:
        """Note something now."""
        record = {"kind": kind, "t": time.time(), **fields}
        self.records.append(record)
        self._file.write(orjson.dumps(record) + b"\n")
        return record

    def body(self, key: str, event: dict[str, Any]) -> None:
        """Record the content of an event once, when the first device receives it."""
        if key not in self._bodies:
            self._bodies.add(key)
            self.add("body", key=key, event=event)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def read(path: Path) -> list[Record]:
    """The records of an earlier run."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def digest(event: dict[str, Any]) -> str:
    """Two receipts of an event are the same if this is."""
    return hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
