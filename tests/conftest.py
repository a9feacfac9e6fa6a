"""The users of the tests: Alice owns the room, Bob is a member, Charlie is not, and a stranger has no session."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from api.services.messages.group_commit import group_committer
from eventlog import locking
from settings.test import TEST_STACK
from tests.clients import Person, join_parley
from tests.forked import MEASURED
from tests.realtime.deployment import create_database, migrated_database
from tests.servers import migrated_file

pytest_plugins = ["tests.contracts.plugin"]

# With kept bytecode the servers that the tests start need a third of the time to start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Tests that touch no database, start SQLite servers of their own, or ask the database for nothing that the rest does
# not ask for, run once: on the first stack.
if TEST_STACK == "postgres":
    collect_ignore = [
        "bench",
        "conformance",
        "contracts",
        "docs",
        "engine",
        "fuzz",
        "fold/test_actions.py",
        "fold/test_registry.py",
        "operating/test_doctor_server.py",
        "fold/test_state.py",
        "limits/test_calls.py",
        "limits/test_handshakes.py",
        "limits/test_overload.py",
        "limits/test_table.py",
        "model",
        "packaging",
        "proxy",
        "realtime/server",
        "realtime/test_expiry.py",
        "realtime/test_liveness.py",
        "realtime/test_mail.py",
        "realtime/test_feed.py",
        "realtime/test_hub.py",
        "realtime/test_read_frame.py",
        "realtime/test_send_queue.py",
        "realtime/test_batching.py",
        "realtime/test_block_lists.py",
        "realtime/test_typing.py",
        "settings",
        "sim",
        "wire",
    ]
else:  # memory, the statements of PostgreSQL, and what needs Redis, run once too: on the second stack
    # SQLite sees each operation of these folders in tests/fold, tests/contracts and tests/model; keys and tokens of
    # other issuers ask the database for little.
    once = ("drafts", "me", "members", "mentions", "pins", "receipts", "threads", "reactions/test_react.py")
    collect_ignore = [] if MEASURED else ["identity", "realtime/actions", *(f"api/{folder}" for folder in once)]
    collect_ignore += [
        "api/messages/test_send_rules.py",
        "lifecycle/test_upgrade.py",
        "operating/test_key_rotation.py",
        "operating/test_transfer.py",
        "operating/test_worker.py",
        "realtime/test_memory.py",
    ]


def pytest_collection_finish() -> None:
    """Collect garbage more rarely: modules and tests live to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database is a copy of the one with which the servers of the tests begin; both are temporary."""
    name = connection.creation._get_test_db_name()  # type: ignore[attr-defined]
    if TEST_STACK == "postgres":
        create_database(name, migrated_database())
    else:
        shutil.copy(migrated_file(), name)
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Without the lobby. The threads that commit sends end first: they use the database."""
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)
    yield
    group_committer.close()


@pytest.fixture(scope="session", autouse=True)
def patient_retries() -> None:
    """Retries for as long as the waits of settings/test.py: a race must not fail because the machine is busy."""
    locking.GIVE_UP_SECONDS = 60.0


@pytest.fixture
def stranger(db: None) -> Person:
    return Person()


@pytest.fixture
def alice(db: None) -> Person:
    return join_parley("alice", display_name="Alice Liddell")


@pytest.fixture
def bob(db: None) -> Person:
    return join_parley("bob", display_name="Bob")


@pytest.fixture
def charlie(db: None) -> Person:
    return join_parley("charlie", display_name="Charlie")
