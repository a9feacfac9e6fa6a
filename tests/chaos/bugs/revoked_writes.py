"""A write does not check that its session is still alive."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from api.serializers.messages import Author
    from api.services.messages import send
    from realtime.sessions import Sessions

    read_contexts = send._read_contexts

    def believing(sends: Sequence[send.Send]) -> list[send.SendContext]:
        return [
            standing._replace(is_active=True, author=Author.of(send.session.user))
            for send, standing in zip(sends, read_contexts(sends), strict=True)
        ]

    async def verify(self: Sessions, ids: Iterable[str | UUID]) -> None:
        return

    replace(send, "_read_contexts", believing)
    replace(Sessions, "verify", verify)


if __name__ == "__main__":
    main(plant)
