"""`manage.py check --deploy` in a process of its own: its finding for each misconfiguration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = {
    "SECRET_KEY": "an-example-of-fifty-characters-0123456789-abcdefghijklm",
    "DATABASE_URL": "postgres://parley@db/parley",
    "REDIS_URL": "redis://redis:6379/0",
    "ALLOWED_HOSTS": "chat.example.com",
    "HTTPS": "1",
    "WORKERS": "2",
}


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **PRODUCTION, **changes},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_production_environment_passes() -> None:
    checked = check()

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"DEBUG": "1"}, "security.W018"),
        ({"HTTPS": "0"}, "security.W004"),
        ({"SECRET_KEY": ""}, "parley.E001"),
        ({"ALLOWED_HOSTS": "*"}, "parley.E002"),
        ({"CORS_ALLOW_ALL_ORIGINS": "1"}, "parley.W003"),
        ({"REDIS_URL": ""}, "parley.W004"),
        ({"JWT_SECRET": "x" * 32}, "parley.W007"),
        ({"RATE_LIMITS": "0"}, "parley.E006"),
        ({"DATABASE_URL": ""}, "parley.W005"),
        ({"DATABASE_URL": "mysql://db/parley"}, "DATABASE_URL must be"),
    ],
)
def test_a_misconfiguration_is_reported(changes: dict[str, str], finding: str) -> None:
    checked = check(**changes)

    assert checked.returncode != 0
    assert finding in checked.stderr
