"""A lone reaction on PostgreSQL: five prepared statements, with the effects of a batch."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from api.models import Message, Reaction
from api.services.messages.group_commit import GroupCommitter
from api.services.reactions.write import React, react_one
from eventlog.models import Event, StreamHead
from eventlog.transaction import record_events
from tests.api.messages.test_send_one import is_idle, prepared, traced
from tests.api.stories import make_room, post_message, types_of
from tests.clients import Person
from tests.signals import collect_commits
from wire.problems import Problem

pytestmark = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has the path of the batch alone"),
    pytest.mark.django_db(transaction=True),
]

KEYS = [":a:", ":b:", ":a:", ":c:"]


def a_react(person: Person, message: Any, key: str = ":tea:", *, on: bool = True) -> React:
    return React(person.session, UUID(message["room_id"]), UUID(message["id"]), key, on)


def react_in_batch(react: React) -> str | Problem:
    with record_events(rooms=react.rooms) as log:
        [result] = React.write(log, [react])
    return result


def test_a_reaction_is_five_commands(alice: Person, bob: Person) -> None:
    message = post_message(alice, make_room(alice, members=[bob], history="shared"), "Tea?")
    react_one(a_react(alice, message))

    with traced() as commands:
        react_one(a_react(bob, message))
        react_one(a_react(bob, message, on=False))

    added, removed = (["BEGIN", "SELECT", "SELECT", change, "COMMIT"] for change in ("INSERT", "DELETE"))
    assert commands == added + removed


def test_a_committer_takes_this_way_for_a_reaction_alone(alice: Person) -> None:
    message = post_message(alice, make_room(alice, history="shared"), "Tea?")
    committer = GroupCommitter(1)
    futures = []
    with traced() as commands:
        for number in (1, 2):
            futures += [committer.enqueue(a_react(alice, message, f":{number}-{each}:")) for each in range(number)]
            committer.commit_next()

    assert len({future.result(0) for future in futures}) == 2
    assert commands[:5] == ["BEGIN", "SELECT", "SELECT", "INSERT", "COMMIT"]
    assert len(commands) > 10


def test_lone_reactions_have_the_effects_of_batches(alice: Person, bob: Person) -> None:
    """Two rooms get the same reactions, added, repeated and removed; ids aside, all that is stored is the same."""
    effects = []
    for commit in (react_one, react_in_batch):
        room = make_room(alice, members=[bob], history="since_joined")
        message = post_message(alice, room, "Tea?")
        with collect_commits() as commits:
            results = [
                str(commit(a_react(person, message, key, on=on)))
                for on in (True, False)
                for person in (alice, bob)
                for key in KEYS[: None if on else 3]
            ]
        stored = Message.objects.get(pk=message["id"])
        head = StreamHead.objects.get(stream=room["id"])
        rows = list(Reaction.objects.filter(message=stored).order_by("seq").values_list("user", "key", "seq"))
        events = [event.json().decode() for commit in commits for event in commit]
        assert events == [event.json().decode() for event in stored_events(room)]
        effect = str([results, stored.data, stored.version, rows, head.last_seq, events, Reaction.objects.count()])
        for place, own in enumerate((room["id"], message["id"], message["client_id"])):
            effect = effect.replace(own, f"id {place}")
        effects.append(re.sub(r'"(at|created_at)":"[^"]+"', "", effect))
        assert head.last_message_at == stored.created_at
        Reaction.objects.all().delete()

    assert effects[0] == effects[1]


def stored_events(room: Any) -> list[Any]:
    return list(Event.objects.filter(stream=room["id"], type="reaction.changed").order_by("seq"))


def test_a_refused_reaction_writes_nothing(alice: Person, charlie: Person) -> None:
    room = make_room(alice, history="shared")
    message = post_message(alice, room, "Tea?")

    refused = [
        react_one(a_react(charlie, message)),
        react_one(a_react(alice, message | {"id": room["id"]})),
        react_one(a_react(alice, message | {"room_id": message["id"]})),
    ]

    assert [getattr(each, "code", None) for each in refused] == ["not_found"] * 3
    assert types_of(room)[-1] == "message.created"
    assert is_idle()


def test_plans_made_in_an_empty_database_read_no_table_that_has_grown(alice: Person) -> None:
    """PostgreSQL keeps the plan of a prepared statement until it analyzes the tables."""
    message = post_message(alice, make_room(alice, history="shared"), "Tea?")
    with connection.cursor() as cursor:  # its statistics would cause other plans, made for the parameters of each run
        for table in connection.introspection.table_names():
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    for number in range(30):  # three to prepare, five with plans of their own, and then the plan that is kept
        react_one(a_react(alice, message, on=number % 2 == 0))

    plans = []
    for name in prepared():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT cardinality(parameter_types), generic_plans FROM pg_prepared_statements WHERE name = %s", [name]
            )
            parameters, generic = cursor.fetchone()
            cursor.execute(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * parameters)})")
            plans.append((generic > 0, "\n".join(line for [line] in cursor.fetchall())))

    assert [kept for kept, _ in plans] == [True] * 4, plans  # the lock, the judgement, and the two writes
    assert {table for _, plan in plans for table in re.findall(r"Seq Scan on (\w+)", plan)} <= {"api_epoch"}
    scans = {scan for _, plan in plans for scan in re.findall(r"Index (?:Only )?Scan using (\w+)", plan)}
    assert scans == {
        "api_streamhead_pkey",
        "member_once",
        "api_message_pkey",
        "api_room_pkey",
        "api_reaction_pkey",
        "accounts_session_pkey",
        "accounts_user_pkey",
        "blockers_of_user",
    }
