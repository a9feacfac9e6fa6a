"""Prepared queries: the SQL is made once, the values are each run's own."""

from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any
from uuid import UUID

import pytest
from django.db.models import CharField, Exists, OuterRef, QuerySet, UUIDField
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from accounts.models import Session, User
from tests.accounts.test_races import at_once
from tests.clients import join_parley
from wire.compiled_query import CompiledQuery, list_param, param

pytestmark = pytest.mark.django_db


def test_every_run_has_its_own_values(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    alice, bob = join_parley("alice").user, join_parley("bob").user
    by_id = CompiledQuery(lambda: User.objects.filter(pk=param("id", UUIDField())))

    with django_assert_num_queries(3):
        found = [by_id(id=each) for each in (alice.id, bob.id, uuid7())]

    assert found == [[alice], [bob], []]
    assert found[0][0].created_at == alice.created_at


def test_it_is_built_once() -> None:
    alice = join_parley("alice").user
    built = []

    def build() -> QuerySet[User, UUID]:
        built.append(1)
        return User.objects.filter(username=param("name", CharField())).values_list("pk", flat=True)

    ids = CompiledQuery(build)

    assert [ids(name="alice"), ids(name="alice"), ids(name="bob")] == [[alice.id], [alice.id], []]
    assert len(built) == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_come_first_build_it_once() -> None:
    """What functools.cached_property says of threads differs between the versions of Python."""
    met, built = Barrier(2), []

    def build() -> QuerySet[User, UUID]:
        built.append(1)
        with suppress(BrokenBarrierError):
            met.wait(0.2)  # for another who builds
        return User.objects.filter(username=param("name", CharField())).values_list("pk", flat=True)

    ids = CompiledQuery(build)

    assert at_once(lambda: ids(name="alice"), lambda: ids(name="bob")) == [[], []]
    assert len(built) == 1


def test_params_stand_in_subqueries_and_relations_too() -> None:
    alice, bob = join_parley("alice"), join_parley("bob")
    of_user = Session.objects.filter(user=OuterRef("user"), name=param("device", CharField()))
    query = Session.objects.select_related("user").filter(user_id=param("user", UUIDField()))
    sessions: CompiledQuery[Any] = CompiledQuery(lambda: query.annotate(known=Exists(of_user))[:10])

    [session] = sessions(user=bob.user.id, device="")

    assert (session.user, session.known) == (bob.user, True)
    assert [each.known for each in sessions(user=alice.user.id, device="other")] == [False]


@pytest.mark.parametrize("names", [[], ["alice"], ["bob", "alice", "nobody"], ["alice"] * 1_200])
def test_a_list_may_have_any_length(names: list[str]) -> None:
    people = {"alice": join_parley("alice").user, "bob": join_parley("bob").user}
    named = CompiledQuery(lambda: User.objects.filter(username__in=list_param("names", CharField())))
    by_id = CompiledQuery(lambda: User.objects.filter(pk__in=list_param("ids", UUIDField())))
    expected = {people[name] for name in names if name in people}

    assert set(named(names=names)) == expected
    assert set(by_id(ids=[user.id for user in expected])) == expected


def test_a_value_that_is_missing_is_told() -> None:
    with pytest.raises(KeyError):
        CompiledQuery(lambda: User.objects.filter(pk=param("id", UUIDField())))()
