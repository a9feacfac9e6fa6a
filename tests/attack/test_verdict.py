"""The verdicts of `make attack`: a bound that is exceeded fails, and so does an attack that measured nothing."""

from __future__ import annotations

import pytest

from tests.attack.__main__ import Measured, verdict
from tests.attack.attacks import ATTACKS
from tests.attack.people import PEOPLE, Felt
from tests.attack.seed import USERS

CALM = Felt([5.0] * 100)


def judge(name: str, burned: float, **counts: int) -> str:
    """The verdict of a minute of an attack."""
    [attack] = [attack for attack in ATTACKS if attack.name == name]
    return verdict(attack, Measured(60.0, burned, 0.0, CALM, counts), CALM)


@pytest.mark.parametrize(
    ("burned", "refused", "expected"),
    [
        (2.9, 10_000, "holds"),
        (3.1, 10_000, "burned 3.1 s of 3.0"),
        (11.7, 1_000_000, "burned 11.7 s of 11.6"),
        (0.0, 999, "refused 999 of 1000"),
    ],
)
def test_a_refused_handshake_costs_at_most_300_us_and_all_of_them_what_an_address_may(
    burned: float, refused: int, expected: str
) -> None:
    assert judge("a flood of refused handshakes", burned, refused=refused) == expected


@pytest.mark.parametrize(("served", "expected"), [(1_000, "holds"), (999, "served 999 of 1000")])
def test_a_storm_holds_only_when_every_device_is_served(served: int, expected: str) -> None:
    assert judge("a storm of 1,000 returning devices", 100.0, served=served) == expected


def test_every_attack_has_an_address_and_a_user_that_is_none_of_the_people() -> None:
    assert len(ATTACKS) < 255
    assert all(attack.user < USERS - PEOPLE for attack in ATTACKS)
