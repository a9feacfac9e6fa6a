"""Receivers of the accounts' signals: the chat's part of deleting and of deactivating an account."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import account_deactivated, account_deleting
from api.services import erasure
from api.services.members import ownership


@receiver(account_deleting)
def erase_user(user: User, **_: Any) -> None:
    """End the user's memberships and begin to erase their name."""
    erasure.begin_erasure(user)


@receiver(account_deactivated)
def hand_over_rooms(user: User, **_: Any) -> None:
    """Begin to hand over the rooms that only this user owns."""
    ownership.begin_hand_over(user)
