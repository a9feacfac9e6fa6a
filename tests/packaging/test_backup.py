"""The scripts of compose.yaml's services `backup` and `restore`, on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.packaging.cluster import Cluster
from tests.services import wait_until


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for the tests of this file, with a table of the owner."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with psycopg.connect(cluster.url("parley_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number bigint GENERATED ALWAYS AS IDENTITY, word text)")
    yield cluster
    cluster.server.stop()


@pytest.fixture
def cluster(kept: Cluster) -> Cluster:
    """The cluster with one row, and without backups."""
    kept.sql("TRUNCATE kept RESTART IDENTITY")
    kept.sql("INSERT INTO kept (word) VALUES ('before')")
    for file in kept.backups.iterdir():
        file.unlink()
    return kept


def dumps(cluster: Cluster) -> list[str]:
    return sorted(file.name for file in cluster.backups.glob("*.dump"))


def words(cluster: Cluster) -> list[object]:
    return [word for (word,) in cluster.sql("SELECT word FROM kept ORDER BY number")]


def test_a_backup_is_restored_with_its_rows_rights_and_counters(cluster: Cluster) -> None:
    made = cluster.run("backup", "now")
    cluster.sql("INSERT INTO kept (word) VALUES ('after')")

    restored = cluster.run("restore")

    assert made.stdout.decode().split() == dumps(cluster)
    assert restored.returncode == 0, restored.stderr
    assert words(cluster) == ["before"]
    with psycopg.connect(cluster.url("parley")) as connection:  # the role of the servers
        connection.execute("INSERT INTO kept (word) VALUES ('again')")
    assert cluster.sql("SELECT number, word FROM kept ORDER BY number") == [(1, "before"), (2, "again")]
    assert cluster.run("backup", "now").returncode == 0  # the role of the backup reads again


def test_the_replaced_database_is_kept(cluster: Cluster) -> None:
    cluster.run("backup", "now").check_returncode()
    cluster.sql("INSERT INTO kept (word) VALUES ('after')")

    restored = cluster.run("restore").stdout.decode()

    name = restored.split()[-1].rstrip(".")
    assert cluster.sql("SELECT word FROM kept ORDER BY number", database=name) == [("before",), ("after",)]


def test_a_named_backup_and_one_from_elsewhere_are_restored(cluster: Cluster) -> None:
    cluster.run("backup", "now").check_returncode()
    [first] = [file.rename(file.with_name("parley-20200101T000000Z.dump")) for file in cluster.backups.glob("*.dump")]
    cluster.sql("INSERT INTO kept (word) VALUES ('later')")
    cluster.run("backup", "now").check_returncode()

    cluster.run("restore", first.name).check_returncode()
    assert words(cluster) == ["before"]

    cluster.run("restore", "-", stdin=(cluster.backups / dumps(cluster)[-1]).read_bytes()).check_returncode()
    assert words(cluster) == ["before", "later"]


def test_a_restore_waits_for_the_end_of_the_servers(cluster: Cluster) -> None:
    cluster.run("backup", "now").check_returncode()
    cluster.sql("INSERT INTO kept (word) VALUES ('after')")

    with psycopg.connect(cluster.url("parley")):
        refused = cluster.run("restore")

    assert (refused.returncode, b"docker compose stop web" in refused.stderr) == (1, True)
    assert words(cluster) == ["before", "after"]


@pytest.mark.parametrize("harm", ["missing", "damaged", "foreign"])
def test_a_backup_that_cannot_be_restored_changes_nothing(cluster: Cluster, harm: str) -> None:
    cluster.run("backup", "now").check_returncode()
    [file] = cluster.backups.glob("*.dump")
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-200] if harm == "damaged" else b"hello")

    refused = cluster.run("restore")

    assert refused.returncode != 0
    assert words(cluster) == ["before"]


def test_the_oldest_backups_are_deleted(cluster: Cluster) -> None:
    for day in range(1, 5):
        (cluster.backups / f"parley-2020010{day}T000000Z.dump").touch()

    made = cluster.run("backup", "now", BACKUP_KEEP="3")

    assert dumps(cluster) == [
        "parley-20200103T000000Z.dump",
        "parley-20200104T000000Z.dump",
        *made.stdout.decode().split(),
    ]


def test_no_backup_is_deleted_when_a_backup_fails(cluster: Cluster) -> None:
    (cluster.backups / "parley-20200101T000000Z.dump").touch()

    failed = [
        cluster.run("backup", "now", BACKUP_KEEP="1", PGDATABASE="missing"),
        cluster.run("backup", "now", BACKUP_KEEP="0"),
    ]

    assert [run.returncode != 0 for run in failed] == [True, True]
    assert dumps(cluster) == ["parley-20200101T000000Z.dump"]


def test_a_dump_that_ends_early_gets_no_name(cluster: Cluster, tmp_path: Path) -> None:
    """A pg_dump that writes half a file and reports success; pg_restore --list would accept such a file."""
    cluster.sql("INSERT INTO kept (word) SELECT repeat(md5(number::text), 50) FROM generate_series(1, 2000) AS number")
    pg_dump = tmp_path / "pg_dump"
    pg_dump.write_text(
        f'#!/bin/sh\n"{cluster.server.binaries}/pg_dump" "$@" || exit 1\nfor last; do :; done\n'
        'file="${last#--file=}"\ntruncate --size="$(($(stat --format=%s "$file") / 2))" "$file"\n'
    )
    pg_dump.chmod(0o755)
    path = f"{tmp_path}:{cluster.server.binaries}:{os.environ['PATH']}"

    failed = cluster.run("backup", "now", PATH=path)

    assert failed.returncode != 0
    assert dumps(cluster) == []


def test_the_service_makes_a_backup_when_the_newest_is_too_old(cluster: Cluster) -> None:
    old = cluster.backups / "parley-20200101T000000Z.dump"
    old.touch()
    os.utime(old, (1_577_836_800, 1_577_836_800))
    service = cluster.start("backup")

    try:
        wait_until(lambda: len(dumps(cluster)) == 2, seconds=60, what="no backup was made")
    finally:
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()


def test_the_service_makes_no_backup_while_the_newest_is_young(cluster: Cluster, tmp_path: Path) -> None:
    """`sleep` ends the service here: it is what the service does when it has looked."""
    (cluster.backups / "parley-20200101T000000Z.dump").touch()
    sleep = tmp_path / "sleep"
    sleep.write_text("#!/bin/sh\nkill $PPID\n")
    sleep.chmod(0o755)

    ended = cluster.run("backup", PATH=f"{tmp_path}:{cluster.server.binaries}:{os.environ['PATH']}")

    assert ended.returncode == -signal.SIGTERM
    assert dumps(cluster) == ["parley-20200101T000000Z.dump"]


def test_the_service_waits_after_a_failure(cluster: Cluster, tmp_path: Path) -> None:
    sleep = tmp_path / "sleep"
    sleep.write_text("#!/bin/sh\nkill $PPID\n")
    sleep.chmod(0o755)
    path = f"{tmp_path}:{cluster.server.binaries}:{os.environ['PATH']}"

    ended = cluster.run("backup", PATH=path, PGDATABASE="missing")

    assert ended.returncode == -signal.SIGTERM
    assert b"the next attempt is in five minutes" in ended.stderr
