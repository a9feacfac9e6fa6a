"""A read marker is set to whatever a device says, and devices are not all as far."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from uuid import UUID

    from accounts.models import Session
    from api.events import recording
    from api.models import Member
    from api.services import reads

    def mark_read(*, session: Session, room_id: UUID, seq: int) -> reads.Marker:
        with recording(inboxes=[session.user_id], session=session) as log:
            member, head = reads._find(session, room_id, seq)
            Member.objects.filter(pk=member.pk).update(read_seq=max(1, seq - 3))
            member.read_seq = max(1, seq - 3)
            reads._tell(log, member, head)
        return reads._marker(member)

    reads.mark_read = mark_read


if __name__ == "__main__":
    main(plant)
