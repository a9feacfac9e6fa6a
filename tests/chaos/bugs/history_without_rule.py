"""A page of history shows all there is to whoever is in the room."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from api.models import Member
    from api.models.messages import MessageQuerySet

    def visible_to(self: MessageQuerySet, member: Member) -> MessageQuerySet:
        return self.filter(room_id=member.room_id)

    MessageQuerySet.visible_to = visible_to  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
