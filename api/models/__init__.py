"""The rows of the chat: rooms, members, messages and jobs."""

from api.models.jobs import Job, JobKind
from api.models.members import Member, MembershipPeriod
from api.models.messages import Message
from api.models.rooms import Room, RoomNamePart
from api.models.streamed import StreamedMessage

__all__ = [
    "Job",
    "JobKind",
    "Member",
    "MembershipPeriod",
    "Message",
    "Room",
    "RoomNamePart",
    "StreamedMessage",
]
