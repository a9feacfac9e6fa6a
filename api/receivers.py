"""Receivers of the accounts' signals: the chat's part of deleting, deactivating and changing an account."""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import account_changing, account_deactivated, account_deleting
from api.services import erasure, me
from api.services.members import ownership


@receiver(account_deleting)
def erase_user(user: User, **_: Any) -> None:
    """End the user's memberships and begin to erase their name."""
    erasure.begin_erasure(user)


@receiver(account_deactivated)
def hand_over_rooms(user: User, **_: Any) -> None:
    """Begin to hand over the rooms that only this user owns."""
    ownership.begin_hand_over(user)


@receiver(account_changing)
def record_change(user_id: UUID, **_: Any) -> AbstractContextManager[None]:
    """Record what changes as an event in the user's inbox."""
    return me.recorded(user_id)
