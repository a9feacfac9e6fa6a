"""Settings of the tests: those of production on one of two stacks, with fast password hashes.

PARLEY_TEST_STACK=sqlite means a database file and the in-memory channel layer; =postgres means PostgreSQL and Redis,
which tests/services.py starts unless TEST_DATABASE_URL and TEST_REDIS_URL are set.
"""

import os
import tempfile
from pathlib import Path

from settings import env
from tests import services

TEST_STACK = env.choice("PARLEY_TEST_STACK", "sqlite", ("sqlite", "postgres"))
_folder = Path(tempfile.mkdtemp(prefix="parley-test-"))
services.remove_at_exit(_folder)

if TEST_STACK == "postgres":
    os.environ["DATABASE_URL"] = services.postgres().url
    os.environ["REDIS_URL"] = services.redis().url
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{_folder / 'parley.sqlite3'}"
    os.environ.pop("REDIS_URL", None)
os.environ.setdefault("SECRET_KEY", "only-for-tests-" * 4)

from settings.base import *  # noqa: E402, F403
from settings.base import DATABASES  # noqa: E402

# Races must not fail because the machine is busy. The servers that tests start have the limits of production.
_PATIENT_MS = 60_000
if TEST_STACK == "postgres":
    DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = _PATIENT_MS / 1000
    DATABASES["default"]["OPTIONS"]["options"] += f" -c lock_timeout={_PATIENT_MS} -c statement_timeout={_PATIENT_MS}"
else:
    DATABASES["default"]["OPTIONS"]["timeout"] = _PATIENT_MS / 1000

# A file, not shared memory: threads and sockets of the tests each open it, as in a server.
if TEST_STACK == "sqlite":
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
ALLOWED_HOSTS = ["*"]
ACCESS_LOG = False  # of the few requests that reach the real handler within a test
# Argon2 is slow by design; one test checks that production uses it.
PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]
