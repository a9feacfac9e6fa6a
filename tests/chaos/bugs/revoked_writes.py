"""Whether the session is still alive is not asked when something is written."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from accounts.models import Session
    from api.services import messages
    from realtime.sessions import Sessions
    from wire.problems import Problem

    def believe(session_ids: Collection[UUID]) -> dict[UUID, Session | Problem]:
        users = {session.pk: session for session in Session.objects.select_related("user").filter(pk__in=session_ids)}
        return {pk: users.get(pk) or _known[pk] for pk in session_ids}

    _known: dict[UUID, Session] = {}
    judge = messages._judge

    def judged(room_id: UUID, sends: list[messages.Send]) -> object:
        _known.update({send.session.pk: send.session for send in sends})
        return judge(room_id, sends)

    async def verify(self: Sessions, ids: Iterable[str | UUID]) -> None:
        return

    messages.check_live = believe  # type: ignore[attr-defined]
    messages._judge = judged  # type: ignore[assignment]
    Sessions.verify = verify  # type: ignore[method-assign]


if __name__ == "__main__":
    main(plant)
