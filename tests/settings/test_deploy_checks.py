"""`manage.py check --deploy` in a process of its own: its finding for each misconfiguration."""

import os
import re
import subprocess

from tests.forked import run_manage

PRODUCTION = {
    "SECRET_KEY": "an-example-of-fifty-characters-0123456789-abcdefghijklm",
    "DATABASE_URL": "postgres://parley@db/parley",
    "REDIS_URL": "redis://redis:6379/0",
    "ALLOWED_HOSTS": "chat.example.com",
    "HTTPS": "1",
    "WORKERS": "2",
}


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **PRODUCTION, **changes}
    return run_manage("check", "--deploy", "--fail-level", "WARNING", env=env)


def test_a_production_environment_passes() -> None:
    checked = check()

    assert checked.returncode == 0, checked.stderr


def test_every_misconfiguration_is_reported() -> None:
    """All at once, since each run of the command costs seconds."""
    wrong = {
        "DEBUG": ("1", "security.W018"),
        "HTTPS": ("0", "security.W004"),
        "SECRET_KEY": ("", "parley.E001"),
        "ALLOWED_HOSTS": ("*", "parley.E002"),
        "CORS_ALLOW_ALL_ORIGINS": ("1", "parley.W003"),
        "REDIS_URL": ("", "parley.W004"),
        "JWT_SECRET": ("x" * 32, "parley.W007"),
        "RATE_LIMITS": ("0", "parley.E006"),
        "DATABASE_URL": ("", "parley.W005"),
    }

    checked = check(**{name: value for name, (value, _) in wrong.items()})

    assert checked.returncode != 0
    assert {finding for _, finding in wrong.values()} == set(re.findall(r"\?: \(([\w.]+)\)", checked.stderr))


def test_a_database_that_parley_does_not_know_is_reported() -> None:
    checked = check(DATABASE_URL="mysql://db/parley")

    assert checked.returncode != 0
    assert "DATABASE_URL must be" in checked.stderr
