"""The state of a user by the devices of one process."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from realtime.presence.devices import GRACE_SECONDS, Devices
from realtime.presence.states import Activity, State

ACTIVE, AWAY, BACKGROUND = Activity
ALICE, PHONE, LAPTOP = UUID(int=1), UUID(int=2), UUID(int=3)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Home:
    """Alice's devices, and a clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.devices = Devices(lambda: self.seconds, self.now)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def enter(self, key: str, session: UUID = PHONE, activity: Activity = ACTIVE) -> None:
        self.devices.enter(key, session, ALICE, activity)

    def state_after(self, seconds: float) -> State:
        self.seconds += seconds
        self.devices.expire()
        return self.devices.state_of(ALICE)


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.mark.parametrize(
    ("activities", "state"),
    [
        ([], State.OFFLINE),
        ([BACKGROUND], State.OFFLINE),
        ([BACKGROUND, AWAY], State.AWAY),
        ([AWAY, ACTIVE, BACKGROUND], State.ONLINE),
    ],
)
def test_the_most_present_device_decides(home: Home, activities: list[Activity], state: State) -> None:
    for number, activity in enumerate(activities):
        home.enter(f"socket {number}", activity=activity)

    assert home.devices.state_of(ALICE) is state


def test_a_device_counts_for_ten_seconds_after_it_left(home: Home) -> None:
    home.enter("socket")
    home.devices.leave("socket", ALICE)

    assert home.state_after(GRACE_SECONDS - 0.1) is State.ONLINE
    assert home.state_after(0.2) is State.OFFLINE
    assert list(home.devices.take_changed()) == [(ALICE, State.OFFLINE, BEGIN)]  # it was last seen when it left


def test_a_device_that_returns_replaces_the_one_that_left(home: Home) -> None:
    home.enter("socket")
    home.devices.leave("socket", ALICE)
    home.enter("next socket")
    home.devices.set_activity("next socket", ALICE, AWAY)

    assert home.state_after(0) is State.AWAY
    assert home.state_after(2 * GRACE_SECONDS) is State.AWAY


def test_the_other_devices_of_a_user_stay(home: Home) -> None:
    home.enter("socket")
    home.enter("other", LAPTOP, AWAY)
    home.devices.leave("socket", ALICE)
    home.enter("third", LAPTOP, BACKGROUND)

    assert home.state_after(0) is State.ONLINE
    assert home.state_after(2 * GRACE_SECONDS) is State.AWAY


def test_the_end_of_a_session_counts_at_once(home: Home) -> None:
    home.enter("socket")
    home.devices.leave("socket", ALICE, at_once=True)

    assert home.state_after(0) is State.OFFLINE


def test_a_choice_of_the_session_sets_its_devices_alone(home: Home) -> None:
    home.enter("socket")
    home.enter("other", LAPTOP)
    home.devices.set_activities(PHONE, ALICE, AWAY)
    assert home.state_after(0) is State.ONLINE

    home.devices.set_activities(LAPTOP, ALICE, BACKGROUND)

    assert home.state_after(0) is State.AWAY


def test_nothing_is_kept_of_devices_that_left(home: Home) -> None:
    for number in range(100):
        home.enter(f"socket {number}")
        home.devices.leave(f"socket {number}", ALICE)
    home.enter("background", activity=BACKGROUND)
    home.devices.leave("background", ALICE)
    list(home.devices.take_changed())

    home.state_after(2 * GRACE_SECONDS)

    assert not home.devices
    assert vars(home.devices)["_of_user"] == {}
    assert not vars(home.devices)["_leaving"]
