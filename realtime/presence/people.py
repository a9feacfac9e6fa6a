"""The state of each user whom a device of this process watches, from the leases of all processes. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.presence.states import Lease, State, highest
from realtime.presence.watchers import Watcher
from wire.times import format_time


def render_state(user_id: UUID, state: State, last_seen_at: datetime | None) -> dict[str, Any]:
    """Render the state of a user: `last_seen_at` is null while the user is online."""
    seen = None if state is State.ONLINE or last_seen_at is None else format_time(last_seen_at)
    return {"user_id": user_id, "state": state, "last_seen_at": seen}


def combine(leases: Iterable[Lease]) -> tuple[State, datetime | None]:
    """Return the state of a user with these leases, and when the user was last online."""
    state, last_seen_at = State.OFFLINE, None
    for lease in leases:
        state = highest((state, lease.state))
        if lease.state is not State.ONLINE and (last_seen_at is None or lease.since > last_seen_at):
            last_seen_at = lease.since
    return state, last_seen_at


class Person:
    """A watched user: the newest lease of each process, and the watchers here."""

    __slots__ = ("holds", "last_seen_at", "leases", "state", "user_id", "watchers")

    def __init__(self, user_id: UUID) -> None:
        self.user_id = user_id
        self.leases: dict[UUID, Lease] = {}
        self.state = State.OFFLINE
        self.last_seen_at: datetime | None = None
        self.watchers: set[Watcher] = set()
        self.holds = 0  # of watchers that are being added

    def render(self) -> dict[str, Any]:
        """Render the state for a watcher who may see it."""
        return render_state(self.user_id, self.state, self.last_seen_at)

    def take(self, lease: Lease) -> bool:
        """Take a lease unless a newer one of its process is known; return whether the state is another."""
        known = self.leases.get(lease.process)
        if known is not None and known.version >= lease.version:
            return False
        return self.replace(lease)

    def replace(self, lease: Lease) -> bool:
        """Replace the lease of a process; return whether the state is another."""
        before = self.state
        self.leases[lease.process] = lease
        self.state, self.last_seen_at = combine(self.leases.values())
        return self.state is not before


class People(dict[UUID, Person]):
    """The watched users. Leases of all others are dropped, so its size is bounded by what the devices here watch."""

    def hold(self, user_ids: Iterable[UUID]) -> list[Person]:
        """Return the persons of these users, new ones too, and keep them until `release`."""
        people = []
        for user_id in user_ids:
            if (person := self.get(user_id)) is None:
                person = self[user_id] = Person(user_id)
            person.holds += 1
            people.append(person)
        return people

    def release(self, people: Iterable[Person]) -> None:
        """Drop those of these persons whom nobody watches."""
        for person in people:
            person.holds -= 1
            self.drop_unwatched(person)

    def drop_unwatched(self, person: Person) -> None:
        """Drop a person whom nobody watches."""
        if not person.watchers and not person.holds:
            self.pop(person.user_id, None)

    def take(self, lease: Lease) -> Person | None:
        """Take a lease, in any order and repeatedly; return the person if their state is another now."""
        person = self.get(lease.user_id)
        return person if person is not None and person.take(lease) else None

    def end_processes(self, dead: Mapping[UUID, datetime]) -> Iterator[Person]:
        """End the leases of dead processes, each at the last sign of life; yield the persons whose state is another."""
        for person in tuple(self.values()) if dead else ():
            before = person.state
            for process, seen_at in dead.items():
                lease = person.leases.get(process)
                if lease is not None and lease.state is not State.OFFLINE:
                    person.replace(lease._replace(state=State.OFFLINE, since=max(lease.since, seen_at)))
            if person.state is not before:
                yield person
