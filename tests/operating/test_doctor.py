"""manage.py doctor: each thing that it examines, really broken, has its line and its code"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from api.models import Job, JobKind
from realtime.doctor import Finding, Level, examine
from realtime.doctor.database import examine_database
from realtime.doctor.machine import examine_versions
from realtime.doctor.redis import examine_redis
from settings.test import TEST_STACK
from tests import services
from tests.forked import run_manage
from tests.servers import ROOT

ON_POSTGRES = pytest.mark.skipif(TEST_STACK != "postgres", reason="This is about PostgreSQL.")
ON_SQLITE = pytest.mark.skipif(TEST_STACK != "sqlite", reason="This is about SQLite, or about no database.")
SOUND = {
    "SECRET_KEY": "an-example-of-fifty-characters-0123456789-abcdefghijklm",
    "ALLOWED_HOSTS": "chat.example.com",
    "HTTPS": "1",
    "TRUSTED_PROXIES": "10.0.0.7",
}


def errors(findings: Iterator[Finding]) -> dict[str, Level]:
    """The findings that are not notes, with their levels."""
    return {finding.code: finding.level for finding in findings if finding.level != Level.NOTE}


def doctor(tmp_path: Path, *prefix: str, limit: int = 0, **env: str) -> tuple[int, list[str]]:
    """Run the command in a process, on a SQLite database of its own; returns its exit code and the codes."""
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}",
        **SOUND,
        **env,
    }
    if prefix or limit:
        done = subprocess.run(
            [*prefix, sys.executable, "manage.py", "doctor"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) if limit else None,
        )
    else:
        done = run_manage("doctor", env=environment)
    assert "Traceback" not in done.stderr, done.stderr
    *lines, last = done.stdout.splitlines()
    assert last.endswith(" warnings.")
    return done.returncode, [line.split()[1].rstrip(":") for line in lines if not line.startswith("NOTE")]


@ON_SQLITE
def test_a_sound_installation_has_no_findings(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", **SOUND}
    run_manage("prepare", env=environment).check_returncode()

    assert doctor(tmp_path) == (0, ["server.unreachable"])  # a warning: none was started


@ON_SQLITE
def test_a_misconfigured_process_is_an_error(tmp_path: Path) -> None:
    code, found = doctor(
        tmp_path, limit=256, HOST="0.0.0.0", ALLOWED_HOSTS="", DEBUG="1", SECRET_KEY="", TRUSTED_PROXIES=""
    )

    assert code == 1
    assert {"settings.parley.E001", "settings.parley.E002", "settings.security.W018"} <= set(found)
    assert {"descriptors.few", "migrations.missing", "proxy.untrusted"} <= set(found)


@ON_SQLITE
def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=6m tmpfs "{tmp_path}" && exec "$0" "$@"'
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]

    code, found = doctor(tmp_path, "unshare", *as_root, "--mount", "sh", "-c", mount)

    assert code == 1
    assert "disk.full" in found


@ON_SQLITE
def test_a_database_that_is_away_is_one_finding(tmp_path: Path) -> None:
    code, found = doctor(tmp_path, DATABASE_URL=f"postgres://nobody@127.0.0.1:{services.free_port()}/nothing")

    assert code == 1
    assert [each for each in found if not each.startswith(("settings", "server"))] == ["database.unreachable"]


@ON_SQLITE
def test_settings_of_sqlite_that_lose_messages(tmp_path: Path) -> None:
    """In a process of its own: the journal changes only while nothing else has the file open."""
    script = """
import django; django.setup()
from django.db import connection
from realtime.doctor.database import examine_database
for broken in (None, "synchronous = NORMAL", "journal_mode = DELETE"):
    if broken:
        connection.cursor().execute(f"PRAGMA {broken}")
    print(*sorted(finding.code for finding in examine_database() if finding.level.name == "ERROR"))
"""
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", **SOUND}
    environment["DJANGO_SETTINGS_MODULE"] = "settings.base"

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    sound, slack, rolled_back = (set(line.split()) for line in done.stdout.splitlines())
    assert slack - sound == {"database.synchronous"}
    assert rolled_back - slack == {"database.journal_mode"}


@ON_POSTGRES
@pytest.mark.django_db
def test_settings_of_postgres_that_lose_messages() -> None:
    """The tests' own PostgreSQL runs without fsync."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        fsync = cursor.fetchone()[0]
        assert ("database.fsync" in errors(examine_database())) == (fsync == "off")
        assert "database.synchronous_commit" not in errors(examine_database())
        cursor.execute("SET LOCAL synchronous_commit = off")

    assert errors(examine_database())["database.synchronous_commit"] == Level.ERROR


@ON_POSTGRES
@pytest.mark.django_db
def test_a_read_only_database_and_a_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE least")
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO least")
        before = errors(examine_database())
        cursor.execute("SET LOCAL transaction_read_only = on")
        cursor.execute("SET LOCAL ROLE least")
        after = errors(examine_database())

    assert (before.get("database.superuser"), "database.read_only" in before) == (Level.WARNING, False)
    assert ("database.superuser" in after, after.get("database.read_only")) == (False, Level.ERROR)


@ON_POSTGRES
@pytest.mark.django_db
def test_more_connections_than_postgres_has(settings: Any) -> None:
    assert "database.connections" not in errors(examine_database())
    settings.WORKERS = 64

    assert errors(examine_database())["database.connections"] == Level.ERROR


@ON_POSTGRES
@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "level"), [(5, Level.WARNING), (-60, Level.ERROR)])
def test_a_wrong_clock(monkeypatch: pytest.MonkeyPatch, seconds: float, level: Level) -> None:
    assert "clock.differs" not in errors(examine_database())
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + seconds)

    assert errors(examine_database())["clock.differs"] == level


@ON_POSTGRES
def test_a_database_of_another_encoding() -> None:
    url, name = urlsplit(os.environ["DATABASE_URL"]), f"ascii_{os.getpid()}"
    create = f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    with psycopg.connect(url.geturl(), autocommit=True) as admin:
        admin.execute(create.encode())
        environment = {"PATH": os.environ["PATH"], "DATABASE_URL": url._replace(path=f"/{name}").geturl(), **SOUND}
        done = run_manage("doctor", env=environment)
        admin.execute(f"DROP DATABASE {name}".encode())

    assert "database.encoding" in done.stdout, done.stderr


@pytest.mark.django_db
def test_a_version_of_the_database_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connection.features), "minimum_database_version", (99,))

    assert errors(examine_database()) == {"database.version": Level.ERROR}


@pytest.mark.django_db
def test_migrations_that_are_missing_or_of_a_newer_version() -> None:
    applied = MigrationRecorder.Migration.objects
    applied.create(app="api", name="0999_from_the_future")
    assert errors(examine_database())["migrations.newer"] == Level.WARNING
    applied.filter(app="api").latest("id").delete()
    applied.filter(app="api").latest("id").delete()

    found = errors(examine_database())

    assert (found["migrations.missing"], "migrations.newer" in found) == (Level.ERROR, False)


@pytest.mark.django_db
def test_jobs_that_nobody_runs_or_that_fail() -> None:
    late = timezone.now() - timedelta(minutes=2)
    job = Job.objects.create(kind=JobKind.PURGE, due_at=late, failures=1)

    found = errors(examine_database())
    job.due_at, job.failures = timezone.now(), 0
    job.save()

    assert (found["jobs.lag"], found["jobs.failing"]) == (Level.ERROR, Level.WARNING)
    assert not {"jobs.lag", "jobs.failing"} & errors(examine_database()).keys()


RIGHTS = ("+publish", "+subscribe", "+unsubscribe", "+ping", "+client|setinfo")
COUNTERS = ("~parley:limit:*", "+get", "+incrby", "+expire", "+del")


@ON_SQLITE
def test_redis_that_is_away_or_refuses_or_allows_too_much(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"CONFIG": {"prefix": "parley"}}}
    server = services.start_redis()
    user = ("on", ">secret", "resetchannels", "&parley*")

    def found(login: str = "") -> dict[str, Level]:
        settings.REDIS_URL = server.url.replace("//", f"//{login}@") if login else server.url
        return errors(examine_redis())

    with redis.Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", "parley", *user, *RIGHTS, *COUNTERS)
        admin.execute_command("ACL", "SETUSER", "listener", *user, *RIGHTS[1:], *COUNTERS)
        admin.execute_command("ACL", "SETUSER", "reader", *user, *RIGHTS, *COUNTERS[:2], *COUNTERS[3:])
        admin.execute_command("ACL", "SETUSER", "former", *user, *RIGHTS)
        assert found() == {"redis.rights": Level.WARNING}
        admin.execute_command("ACL", "SETUSER", "default", "off")
    assert found("parley:secret") == {}
    assert found() == {"redis.login": Level.ERROR}
    assert found("parley:guess") == {"redis.login": Level.ERROR}
    for login in ("listener:secret", "reader:secret", "former:secret"):
        assert found(login) == {"redis.acl": Level.ERROR}
    with redis.Redis.from_url(server.url.replace("//", "//parley:secret@")) as parley:
        assert parley.get("parley:limit:doctor") is None
    server.kill()
    assert found("parley:secret") == {"redis.unreachable": Level.ERROR}
    settings.REDIS_URL = ""
    assert errors(examine_redis()) == {}


@ON_SQLITE
def test_packages_of_another_version(tmp_path: Path) -> None:
    lock = tmp_path / "uv.lock"
    text = (ROOT / "uv.lock").read_text()
    lock.write_text(text)
    assert errors(examine_versions(lock)) == {}
    lock.write_text(text.replace('name = "orjson"\nversion = "', 'name = "orjson"\nversion = "0.'))

    assert errors(examine_versions(lock)) == {"versions.differ": Level.WARNING}


@pytest.mark.django_db
def test_an_examination_that_fails_is_a_finding(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("this is not TOML")
    settings.BASE_DIR = tmp_path

    found = {finding.code: finding.line() for finding in examine(None)}

    assert found["machine.failed"].startswith("ERROR machine.failed: ")
    assert "versions.database" in found
    assert all("\n" not in line for line in found.values())
