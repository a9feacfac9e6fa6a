"""Secrets in files: NAME_FILE instead of NAME, and passwords apart from their URLs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings import env
from tests.docs.pages import section
from tests.servers import OURS, ROOT

KEY = "0123456789" * 5
SECRETS = (
    *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "DATABASE_PASSWORD", "REDIS_URL", "REDIS_PASSWORD"),
    *("EMAIL_URL", "METRICS_TOKEN", "JWT_SECRET", "JWT_PUBLIC_KEY"),
)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{KEY}\n")
    return file


def test_a_secret_is_read_from_its_file_without_the_line_end(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))

    assert env.secret_key(file.parent / "generated") == KEY


def test_passwords_complete_their_urls(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("p/w@#%\n")
    monkeypatch.setenv("DATABASE_URL", "postgres://parley@db:5432/parley")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(file))
    monkeypatch.setenv("REDIS_URL", "redis://parley@valkey:6379/0")
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(file))

    assert (env.database("")["USER"], env.database("")["PASSWORD"]) == ("parley", "p/w@#%")
    assert env.redis_url() == "redis://parley:p%2Fw%40%23%25@valkey:6379/0"


@pytest.mark.parametrize("url", ["redis://valkey/1", "redis://@valkey/1", "redis://:@valkey/1"])
def test_a_redis_password_needs_no_user(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.setenv("REDIS_PASSWORD", "pw")

    assert env.redis_url() == "redis://:pw@valkey/1"


def test_earlier_keys_are_read_from_a_file_that_may_be_empty(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("SECRET_KEY_FALLBACKS_FILE", str(file))
    assert env.secret_key_fallbacks() == [KEY]

    file.write_text("\n")

    assert env.secret_key_fallbacks() == []


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"SECRET_KEY_FILE": "{file}", "SECRET_KEY": KEY}, "SECRET_KEY and SECRET_KEY_FILE are both set"),
        ({"SECRET_KEY_FILE": "{file}.missing"}, "SECRET_KEY_FILE: .* cannot be read .No such file"),
        ({"SECRET_KEY_FILE": "/"}, "SECRET_KEY_FILE: / cannot be read .Is a directory"),
        ({"SECRET_KEY_FILE": "/dev/null"}, "SECRET_KEY_FILE: /dev/null is empty"),
        ({"DATABASE_URL": "postgres://a:b@db/c", "DATABASE_PASSWORD": "d"}, "DATABASE_URL has a password"),
        (
            {"DATABASE_URL": "sqlite:///{file}", "DATABASE_PASSWORD": "d"},
            "DATABASE_PASSWORD is for Postgre",
        ),
        ({"REDIS_URL": "redis://a:b@valkey", "REDIS_PASSWORD": "c"}, "REDIS_PASSWORD needs a REDIS_URL"),
        ({"REDIS_PASSWORD": "c"}, "REDIS_PASSWORD needs a REDIS_URL"),
    ],
)
def test_a_contradiction_is_rejected_by_name(
    monkeypatch: pytest.MonkeyPatch, file: Path, environment: dict[str, str], complaint: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("{file}", str(file)))

    with pytest.raises(ImproperlyConfigured, match=complaint):
        (env.secret_key(file), env.database(f"sqlite:///{file}.sqlite3"), env.redis_url())


def test_a_binary_file_is_rejected_without_its_bytes(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    monkeypatch.setenv("REDIS_URL_FILE", str(file))

    with pytest.raises(ImproperlyConfigured, match=r"REDIS_URL_FILE: .* cannot be read .it is not text"):
        env.redis_url()


def test_a_process_starts_with_secrets_in_files(file: Path) -> None:
    given = {name: value for name, value in os.environ.items() if name not in OURS}
    given |= {"SECRET_KEY_FILE": str(file), "DATABASE_URL": f"sqlite:///{file.parent}/parley.sqlite3"}
    show = "from django.conf import settings; print(settings.SECRET_KEY, settings.SECRET_KEY_IS_GENERATED)"

    shown = subprocess.run(
        [sys.executable, "-c", f"import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'settings.base'; {show}"],
        cwd=ROOT, env=given, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert shown.stdout == f"{KEY} False\n"


def test_the_documents_list_the_secrets_that_may_be_in_files() -> None:
    source = "".join((ROOT / "settings" / name).read_text() for name in ("base.py", "env.py", "email.py", "jwts.py"))

    read = set(re.findall(r"\bsecret\(\"(\w+)\"", source))

    assert read == set(SECRETS)
    assert read == set(re.findall(r"`([A-Z]\w+)`", section("docs/deploy.md", "Secrets in files")))
