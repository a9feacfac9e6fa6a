"""Finds a message that a member may see."""

from uuid import UUID

from api.models import Member, Message
from wire.problems import Problem


def find_message(member: Member, message_id: UUID) -> Message:
    """Return the message, with its sender. Raises Problem not_found for one that the member may not see."""
    message = Message.objects.visible_to(member).select_related("sender").filter(pk=message_id).first()
    if message is None:
        raise Problem("not_found", "There is no such message.")
    return message
