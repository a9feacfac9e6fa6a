"""A page of history shows a member the whole room, without its history rule."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from api.models import Member
    from api.models.messages import MessageQuerySet

    def visible_to(self: MessageQuerySet, member: Member) -> MessageQuerySet:
        return self.filter(room_id=member.room_id)

    replace(MessageQuerySet, "visible_to", visible_to)


if __name__ == "__main__":
    main(plant)
