"""The devices of this process and the activity of each: sockets, event streams and long polls. No I/O."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from realtime.presence.states import STATE_OF, Activity, State, highest

GRACE_SECONDS = 10.0  # a device that comes back so soon was never gone


@dataclass(slots=True, eq=False)
class Device:
    """A device, or one that has left within the last GRACE_SECONDS and still counts."""

    session_id: UUID
    user_id: UUID
    activity: Activity
    left_at: datetime | None = None


class Devices:
    """The devices by user. `changed` collects the users whose state may be another, with the time of the change."""

    def __init__(self, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        """`clock` is the loop's, in seconds."""
        self._clock, self._now = clock, now
        self._of_user: dict[UUID, dict[object, Device]] = {}
        self._leaving: deque[tuple[float, Device]] = deque()  # with the end of the grace, the first first
        self.changed: dict[UUID, datetime] = {}

    def __bool__(self) -> bool:
        return bool(self._of_user)

    def enter(self, key: object, session_id: UUID, user_id: UUID, activity: Activity = Activity.ACTIVE) -> None:
        """Add a device, or move a known one to another session. It replaces those of its session that have left."""
        devices = self._of_user.setdefault(user_id, {})
        for other, device in tuple(devices.items()):
            if device.session_id == session_id and device.left_at is not None:
                del devices[other]
        known = devices.get(key)
        devices[key] = Device(session_id, user_id, activity if known is None else known.activity)
        self.changed[user_id] = self._now()

    def set_activity(self, key: object, user_id: UUID, activity: Activity) -> None:
        """Set the activity of one device; nothing happens when it has left."""
        device = self._of_user.get(user_id, {}).get(key)
        if device is not None and device.left_at is None:
            device.activity = activity
            self.changed[user_id] = self._now()

    def set_activities(self, session_id: UUID, user_id: UUID, activity: Activity) -> None:
        """Set the activity of all devices of a session."""
        for device in self._of_user.get(user_id, {}).values():
            if device.session_id == session_id:
                device.activity = activity
                self.changed[user_id] = self._now()

    def leave(self, key: object, user_id: UUID, *, at_once: bool = False) -> None:
        """Remove a device after the grace, or at once when its session has ended."""
        devices = self._of_user.get(user_id, {})
        device = devices.get(key)
        if device is None or device.left_at is not None:
            return
        device.left_at = self._now()
        devices[device] = devices.pop(key)  # the socket itself is not kept
        if at_once or STATE_OF[device.activity] is State.OFFLINE:
            self._remove(device)
        else:
            self._leaving.append((self._clock() + GRACE_SECONDS, device))

    def expire(self) -> None:
        """Remove the devices whose grace is over."""
        now = self._clock()
        while self._leaving and self._leaving[0][0] <= now:
            _, device = self._leaving.popleft()
            if device in self._of_user.get(device.user_id, {}):
                self._remove(device)

    def _remove(self, device: Device) -> None:
        devices = self._of_user[device.user_id]
        del devices[device]
        if not devices:
            del self._of_user[device.user_id]
        if device.left_at is not None:
            self.changed[device.user_id] = device.left_at

    def state_of(self, user_id: UUID) -> State:
        """Return the state of a user by the devices here."""
        return highest(STATE_OF[device.activity] for device in self._of_user.get(user_id, {}).values())

    def take_changed(self) -> Iterator[tuple[UUID, State, datetime]]:
        """Take the users whose state may have changed, with their states and the times."""
        changed, self.changed = self.changed, {}
        for user_id, at in changed.items():
            yield user_id, self.state_of(user_id), at.replace(microsecond=at.microsecond // 1000 * 1000)
