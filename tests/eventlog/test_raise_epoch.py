"""`manage.py raise_epoch`: after a restore every cursor of the lost past is answered with a reset."""

from __future__ import annotations

import time

import pytest
from django.core.management import call_command

from eventlog.models import Epoch
from tests.api.stories import make_room
from tests.clients import Person


def test_it_works(alice: Person, capsys: pytest.CaptureFixture[str]) -> None:
    room = make_room(alice)
    cursors = {"rooms": {room["id"]: room["head"]}, "epoch": room["epoch"]}
    assert alice.post("/v1/sync", cursors).json()["rooms"] == []

    call_command("raise_epoch")

    answer = alice.post("/v1/sync", cursors).json()
    assert answer["epoch"] > room["epoch"]
    assert answer["rooms"][0]["reset"]
    assert answer["rooms"][0]["room"]["id"] == room["id"]
    assert f"The epoch is {answer['epoch']}." in capsys.readouterr().out


def test_raising_the_epoch_twice_gives_two_epochs(db: None) -> None:
    call_command("raise_epoch")
    first = Epoch.current()

    call_command("raise_epoch")

    assert Epoch.current() > first


def test_a_new_epoch_is_above_those_of_a_lost_past(db: None) -> None:
    """A backup from before an earlier raise would be given a number that clients have seen."""
    began = int(time.time()) // 60

    call_command("raise_epoch")

    assert Epoch.current() >= began
