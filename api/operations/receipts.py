"""Delivery markers, and the receipts of a message."""

from api.operations import NON_MEMBER
from api.serializers.receipts import AckBody, AckedSerializer, ReceiptsSerializer
from wire.operations import Cost, Operation

ACK = Operation(
    "ack",
    "Acknowledge the events that have reached this device",
    tag="receipts",
    cost=Cost.READ,
    body=AckBody,
    reply=AckedSerializer,
    description="A marker only moves forward, and not beyond the head. Once a second is enough, for all rooms at once.",
)
GET_RECEIPTS = Operation(
    "get_receipts",
    "Get the members whom a message has reached, and those who have read it",
    tag="receipts",
    cost=Cost.READ,
    ids=("room_id", "message_id"),
    reply=ReceiptsSerializer,
    problems=NON_MEMBER,
    description="In a room of the mode counts there are only the numbers.",
)
