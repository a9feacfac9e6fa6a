"""The rows of the chat: rooms, members, messages and jobs."""

from api.models.drafts import Draft
from api.models.jobs import Job, JobKind
from api.models.members import Member, MembershipPeriod
from api.models.mentions import Mention
from api.models.messages import Message
from api.models.rooms import Room, RoomNamePart
from api.models.threads import Thread, ThreadFollow

__all__ = [
    "Draft",
    "Job",
    "JobKind",
    "Member",
    "MembershipPeriod",
    "Mention",
    "Message",
    "Room",
    "RoomNamePart",
    "Thread",
    "ThreadFollow",
]
