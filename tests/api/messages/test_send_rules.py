"""The statements that judge sends and reactions, against the rules of the services: the same problem in each state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from accounts import ended
from accounts.models import Session, User
from accounts.services import require_live
from api.models import Block, Invite, Member, MembershipPeriod, Message, Room
from api.models.choices import History, Kind, Posting, Role, State
from api.serializers.message_shape import DEFAULTS
from api.services.members.access import check_may_post, find_member, find_participant, find_sender
from api.services.messages import Send, SendResult, find_message, send_messages
from api.services.messages.send import send_one
from api.services.reactions.write import React, react_one
from eventlog.models import StreamHead
from eventlog.transaction import record_events
from wire.problems import Problem

NOW = timezone.now()
HEAD = 10
DATA = orjson.dumps({"sender": {}, **DEFAULTS}).decode()
SEQS = (2, 4, 6, 9)  # of the messages in each room


class Membership(NamedTuple):
    """A membership in every room, and the periods that led to it."""

    role: Role
    state: State
    periods: tuple[tuple[int, int | None], ...]
    is_muted: bool = False


MEMBERSHIPS: Mapping[str, Membership | None] = {
    "owner": Membership(Role.OWNER, State.JOINED, ((1, None),)),
    "admin": Membership(Role.ADMIN, State.JOINED, ((3, None),)),
    "member": Membership(Role.MEMBER, State.JOINED, ((5, None),)),
    "rejoined": Membership(Role.MEMBER, State.JOINED, ((3, 4), (7, None))),
    "muted": Membership(Role.MEMBER, State.JOINED, ((5, None),), is_muted=True),
    "left": Membership(Role.MEMBER, State.LEFT, ((1, 7),)),
    "removed": Membership(Role.ADMIN, State.REMOVED, ((3, 4), (5, 8))),
    "banned": Membership(Role.MEMBER, State.BANNED, ((1, 7),)),
    "invited": None,
    "outsider": None,
}
BY_BLOCK = ("blocks", "blocked")
PEERS = ("present", "deleted", *BY_BLOCK)
ROOMS = [
    *product((Kind.PUBLIC, Kind.PRIVATE), PEERS[:1], [Posting.EVERYONE]),
    *product([Kind.DIRECT], PEERS, [Posting.EVERYONE]),
    (Kind.PRIVATE, PEERS[0], Posting.ADMINS),
]
SESSIONS = ("live", "ended", "ended in memory", "expired", "of an inactive account")


def make_user(name: str, **fields: object) -> User:
    return User.objects.create(username=name, display_name=name, **fields)


def make_session(user: User, kind: str) -> Session:
    expires_at = NOW + timedelta(hours=-1 if kind == "expired" else 1)
    times = {"created_at": NOW, "last_used_at": NOW, "expires_at": expires_at}
    session = Session(user=user, token_hash=uuid4().bytes, **times)
    if kind != "ended":
        session.save()
    return session


def make_sessions(membership: str) -> Iterator[tuple[str, Session]]:
    user, inactive = make_user(f"{membership}-1"), make_user(f"{membership}-2", is_active=False)
    for kind in SESSIONS:
        yield kind, make_session(inactive if kind == "of an inactive account" else user, kind)


def make_room(kind: Kind, peer_is: str, posting: Posting, history: History, is_archived: bool) -> Room:
    names = {"direct_key": uuid4().hex} if kind == Kind.DIRECT else {"name": "Tea"}
    archived_at = NOW if is_archived else None
    room = Room.objects.create(
        kind=kind, history=history, posting=posting, created_at=NOW, archived_at=archived_at, **names
    )
    StreamHead.objects.create(stream=room.id, last_seq=HEAD)
    deletion = {"is_active": False, "deleted_at": NOW} if peer_is == "deleted" else {}
    peer = make_user(f"peer-{uuid4().hex[:12]}", **deletion)
    join(peer, room, MEMBERSHIPS["owner"])
    for seq in SEQS:
        Message.objects.create(
            room=room, seq=seq, version=seq, sender=peer, client_id=f"{seq}", digest="", created_at=NOW, data=DATA
        )
    return room


def join(user: User, room: Room, membership: Membership | None) -> None:
    if membership is None:
        if user.username.startswith("invited"):
            Invite.objects.create(room=room, user=user, invited_by=user, created_at=NOW, created_seq=1)
        return
    joined, left = membership.periods[-1]
    Member.objects.create(
        room=room, user=user, role=membership.role, state=membership.state,
        joined_at=NOW, joined_seq=joined, left_seq=left, read_seq=0,
        muted_until=NOW + timedelta(hours=1) if membership.is_muted else None,
    )  # fmt: skip
    MembershipPeriod.objects.bulk_create(
        MembershipPeriod(room=room, user=user, joined_seq=joined, left_seq=left) for joined, left in membership.periods
    )


def judge_by_services(session: Session, room: Room, targets: Sequence[UUID | None]) -> Iterator[str | None]:
    """For each reply, the code of the first problem that the rules of other writes raise, in the order of a send."""
    try:
        find_member(session.user_id, room.id)
        require_live(session)
        member = find_sender(session.user_id, room.id)
    except Problem as problem:
        yield from [problem.code] * len(targets)
        return
    visible = {None, *Message.objects.visible_to(member).values_list("pk", flat=True)}
    yield from (None if target in visible else "request.invalid" for target in targets)


def judge_reactions(session: Session, room: Room, targets: Sequence[UUID]) -> Iterator[str | None]:
    """For a reaction to each message, the code of the first problem, in the order of a reaction."""
    for target in targets:
        try:
            member = find_member(session.user_id, room.id)
            require_live(session)
            find_message(member, target)
            check_may_post(find_participant(session.user_id, room.id))
            yield None
        except Problem as problem:
            yield problem.code


def react_at_once(reacts: Sequence[React]) -> list[str | Problem]:
    """React to messages in one transaction."""
    with record_events(rooms={react.room_id for react in reacts}) as log:
        return React.write(log, reacts)


def react_each(reacts: Sequence[React]) -> list[str | Problem]:
    """React to each alone, as a lone reaction on PostgreSQL is made."""
    return [react_one(replace(react, on=False)) for react in reacts]


def send_each(sends: Sequence[Send]) -> list[SendResult | Problem]:
    """Send each alone, as a lone send on PostgreSQL is."""
    return [send_one(send) for send in sends]


@pytest.mark.django_db
def test_a_write_is_judged_as_the_services_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = {
        (*kind, history, is_archived): make_room(*kind, history, is_archived)
        for kind, history, is_archived in product(ROOMS, History, (False, True))
        if kind[1] not in BY_BLOCK or (history == History.SHARED and not is_archived)
    }
    elsewhere = next(iter(rooms.values())).messages.latest("seq").pk
    expected: dict[tuple[object, ...], str | None] = {}
    sends: list[Send] = []
    expected_reactions: list[str | None] = []
    reacts: list[React] = []
    for name, membership in MEMBERSHIPS.items():
        sessions = dict(make_sessions(name))
        monkeypatch.setattr(ended, "_ended", frozenset(ended.ended_in_memory()) | {sessions["ended in memory"].pk})
        for state, room in rooms.items():
            for user in {session.user for session in sessions.values()}:
                join(user, room, membership)
                if state[1] in BY_BLOCK:
                    pair = [user, room.messages.earliest("seq").sender]
                    user_blocks, blocked = pair if state[1] == "blocked" else pair[::-1]
                    Block.objects.create(user=user_blocks, blocked=blocked, created_at=NOW)
            targets = [None, uuid4(), elsewhere, *room.messages.values_list("pk", flat=True)]
            for kind, session in sessions.items():
                # A session that has ended is refused first, whatever the room: a part of the rooms proves it.
                if kind != "live" and (state[1] in BY_BLOCK or state[3] != History.SHARED):
                    continue
                states = [(name, *state, kind, place) for place in range(len(targets))]
                expected |= zip(states, judge_by_services(session, room, targets), strict=True)
                sends += [Send(session, room.id, uuid4().hex, "Hi", {}, target) for target in targets]
                reacted = [each for each in targets[1 if kind == "live" else -1 :: 2] if each is not None]
                expected_reactions += judge_reactions(session, room, reacted)
                reacts += [React(session, room.id, target, ":tea:", True) for target in reacted]

    for commit in [send_messages] if connection.vendor == "sqlite" else [send_messages, send_each]:
        results = commit([replace(send, client_id=uuid4().hex) for send in sends])

        codes = [result.code if isinstance(result, Problem) else None for result in results]
        judged = dict(zip(expected, codes, strict=True))
        assert {state: (judged[state], expected[state]) for state in judged if judged[state] != expected[state]} == {}
        assert set(codes) == {
            None,
            "not_found",
            "room.not_member",
            "room.archived",
            "room.peer_deleted",
            "user.blocked",
            "room.muted",
            "room.read_only",
            "auth.invalid_token",
            "auth.account_disabled",
            "request.invalid",
        }

    for react in [react_at_once] if connection.vendor == "sqlite" else [react_at_once, react_each]:
        judged_reactions = [getattr(result, "code", None) for result in react(reacts)]
        differences = zip(reacts, judged_reactions, expected_reactions, strict=True)
        assert [each for each in differences if each[1] != each[2]] == []
        assert set(judged_reactions) == set(codes) - {"room.muted", "request.invalid"}
