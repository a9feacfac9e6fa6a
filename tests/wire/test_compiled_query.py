"""Compiled queries: the SQL is built once, and each run has its own values."""

from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import CharField, Exists, OuterRef, QuerySet, UUIDField
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from accounts.models import Session, User
from tests.accounts.test_races import at_once
from tests.clients import join_parley
from wire.compiled_query import CompiledQuery, list_param, param

pytestmark = pytest.mark.django_db


def sessions_of(user: Any, device: Any) -> QuerySet[Any, Any]:
    """A query with a join, a subquery, a limit and two values."""
    of_user = Session.objects.filter(user=OuterRef("user"), name=device)
    query = Session.objects.select_related("user").filter(user_id=user)
    return query.annotate(known=Exists(of_user)).order_by("id")[:10]


def test_every_run_has_its_own_values(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    alice, bob = join_parley("alice").user, join_parley("bob").user
    by_id = CompiledQuery(lambda: User.objects.filter(pk=param("id", UUIDField())))

    with django_assert_num_queries(3):
        found = [by_id(id=each) for each in (alice.id, bob.id, uuid7())]

    assert found == [[alice], [bob], []]
    assert found[0][0].created_at == alice.created_at


def test_every_run_sends_the_statement_of_the_plain_query() -> None:
    alice, bob = join_parley("alice").user, join_parley("bob").user
    compiled = CompiledQuery(lambda: sessions_of(param("user", UUIDField()), param("device", CharField())))
    runs = [(alice.id, ""), (bob.id, ""), (alice.id, "phone")]

    with CaptureQueriesContext(connection) as by_orm:
        plain = [list(sessions_of(user, device)) for user, device in runs]
    with CaptureQueriesContext(connection) as by_compiled:
        found = [compiled(user=user, device=device) for user, device in runs]

    assert found == plain
    assert [[each.known for each in rows] for rows in found] == [[True], [True], [False]]
    assert [each["sql"] for each in by_compiled] == [each["sql"] for each in by_orm]


def test_a_second_run_builds_no_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = join_parley("alice").user
    compiled = CompiledQuery(lambda: sessions_of(param("user", UUIDField()), param("device", CharField())))
    [first] = compiled(user=alice.id, device="")

    monkeypatch.delattr(SQLCompiler, "as_sql")

    assert compiled(user=alice.id, device="") == [first]


def test_the_queryset_is_built_once() -> None:
    alice = join_parley("alice").user
    built = []

    def build() -> QuerySet[User, UUID]:
        built.append(1)
        return User.objects.filter(username=param("name", CharField())).values_list("pk", flat=True)

    ids = CompiledQuery(build)

    assert [ids(name="alice"), ids(name="alice"), ids(name="bob")] == [[alice.id], [alice.id], []]
    assert len(built) == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_runs_at_once_build_the_queryset_once() -> None:
    """functools.cached_property would not do: whether it locks depends on the version of Python."""
    met, built = Barrier(2), []

    def build() -> QuerySet[User, UUID]:
        built.append(1)
        with suppress(BrokenBarrierError):
            met.wait(0.2)  # for a second thread that builds
        return User.objects.filter(username=param("name", CharField())).values_list("pk", flat=True)

    ids = CompiledQuery(build)

    assert at_once(lambda: ids(name="alice"), lambda: ids(name="bob")) == [[], []]
    assert len(built) == 1


def test_related_objects_are_read_in_the_same_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    bob = join_parley("bob")
    compiled = CompiledQuery(lambda: sessions_of(param("user", UUIDField()), param("device", CharField())))

    with django_assert_num_queries(1):
        [session] = compiled(user=bob.user.id, device="")
        owner = session.user

    assert owner == bob.user


@pytest.mark.parametrize("names", [[], ["alice"], ["bob", "alice", "nobody"], ["alice"] * 1_200])
def test_a_list_may_have_any_length(names: list[str]) -> None:
    people = {"alice": join_parley("alice").user, "bob": join_parley("bob").user}
    named = CompiledQuery(lambda: User.objects.filter(username__any_of=list_param("names", CharField())))
    by_id = CompiledQuery(lambda: User.objects.filter(pk__any_of=list_param("ids", UUIDField())))
    expected = {people[name] for name in names if name in people}

    assert set(named(names=names)) == expected
    assert set(by_id(ids=[user.id for user in expected])) == expected


def test_a_run_without_a_value_raises_an_error() -> None:
    with pytest.raises(KeyError):
        CompiledQuery(lambda: User.objects.filter(pk=param("id", UUIDField())))()
