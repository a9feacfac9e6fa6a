"""Settings from the environment: the values of each variable, and errors that name the variable."""

import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings import env

HIDDEN = "hunter2"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    database = ("DATABASE_URL", "DATABASE_POOL_SIZE", "DATABASE_PREPARE")
    for name in (*database, "REDIS_URL", "REDIS_PREFIX", "SECRET_KEY", "THING"):
        monkeypatch.delenv(name, raising=False)


def test_an_empty_environment_gives_sqlite_and_the_in_memory_layer(tmp_path: Path) -> None:
    database = env.database(f"sqlite:///{tmp_path}/var/parley.sqlite3")

    assert database["NAME"] == f"{tmp_path}/var/parley.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["init_command"] == "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"
    assert env.channel_layer()["BACKEND"] == "channels.layers.InMemoryChannelLayer"


def test_only_the_owner_can_read_a_new_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/var/parley.sqlite3"
    file = Path(env.database(url)["NAME"])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE thing (id)")

        made = [file, *file.parent.glob("*-wal"), *file.parent.glob("*-shm")]

        assert [stat.S_IMODE(each.stat().st_mode) for each in made] == [0o600] * 3
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_existing_database_is_closed_to_others_but_not_to_its_group(tmp_path: Path) -> None:
    file = tmp_path / "parley.sqlite3"
    for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        path.touch()
        path.chmod(0o644)

    env.database(f"sqlite:///{file}")

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}


def test_a_postgres_url_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://al%40ice:p%2Fw@db.internal:6432/chat?sslmode=require")

    database = env.database("")

    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"]) == (
        "al@ice",
        "p/w",
        "db.internal",
        "6432",
    )
    assert database["NAME"] == "chat"
    assert database["OPTIONS"]["sslmode"] == "require"
    assert "lock_timeout=2000" in database["OPTIONS"]["options"]


@pytest.mark.parametrize(("given", "threshold", "without_cursors"), [("", 3, False), ("0", None, True)])
def test_statements_are_prepared_unless_a_pool_of_transactions_forgets_them(
    monkeypatch: pytest.MonkeyPatch, given: str, threshold: int | None, without_cursors: bool
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://alice@db/chat")
    monkeypatch.setenv("DATABASE_PREPARE", given)

    database = env.database("")

    assert database["OPTIONS"]["server_side_binding"] is True
    assert database["OPTIONS"]["prepare_threshold"] == threshold
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is without_cursors


def test_the_documents_name_each_setting_that_a_pool_of_transactions_does_not_pass_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://alice@db/chat")
    documents = (Path(env.__file__).parent.parent / "docs/deploy.md").read_text()

    names = re.findall(r"-c (\w+)=", env.database("")["OPTIONS"]["options"])

    assert [name for name in names if f"{name} = " not in documents] == []


@pytest.mark.parametrize(
    "url", ["postgres:///chat?host=/run/pg&port=6432", "postgresql://@/chat?host=%2Frun%2Fpg&port=6432"]
)
def test_a_postgres_socket_is_read(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    database = env.database("")

    assert (database["HOST"], database["PORT"], database["NAME"]) == ("/run/pg", "6432", "chat")


@pytest.mark.parametrize(
    "url",
    [
        "chat.sqlite3",
        "mysql://alice:hunter2@db/chat",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/chat.sqlite3",
        "sqlite:///chat.sqlite3?synchronous=off",
        "sqlite:///chat.sqlite3?journal=wal",
        "postgres://alice:hunter2@db",
        "postgres://alice:hunter2@db:port/chat",
        "postgres://alice:hunter2@db:99999/chat",
        "postgres://alice:hunter2@[::1/chat",
        "postgres://alice:hunter2@db/chat/more",
        "postgres://alice:hunter2@db/chat?hots=/run/pg",
        "postgres://alice:hunter2@db/chat?host",
    ],
)
def test_a_malformed_database_url_is_rejected_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as raised:
        env.database("")

    assert HIDDEN not in traceback_of(raised.value)


@pytest.mark.parametrize("url", ["redis://:hunter2@cache:6379/1", "rediss://cache", "unix:///run/valkey.sock"])
def test_a_redis_url_is_read(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)

    layer = env.channel_layer()

    assert layer["BACKEND"] == "realtime.layer.HintLayer"
    assert layer["CONFIG"]["hosts"][0] == {
        "address": url, "socket_timeout": 2, "socket_connect_timeout": 2, "protocol": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "url",
    ["cache:6379", "http://:hunter2@cache", "redis://", "redis://:hunter2@cache:port", "redis://cache/db", "unix://"],
)
def test_a_malformed_redis_url_is_rejected_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)

    with pytest.raises(ImproperlyConfigured, match="REDIS_URL") as raised:
        env.channel_layer()

    assert HIDDEN not in traceback_of(raised.value)


def test_a_secret_key_is_generated_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "var" / "secret_key"

    first, second = env.secret_key(file), env.secret_key(file)

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_given_secret_key_is_not_written_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 50)

    assert env.secret_key(tmp_path / "secret_key") == "x" * 50
    assert not (tmp_path / "secret_key").exists()


def test_a_short_secret_key_is_rejected_without_its_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", HIDDEN)

    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY") as raised:
        env.secret_key(tmp_path / "secret_key")

    assert HIDDEN not in traceback_of(raised.value)


def test_a_secret_key_that_cannot_be_stored_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")

    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        env.secret_key(tmp_path / "var" / "secret_key")


def test_secret_key_fallbacks_are_a_list_of_long_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.secret_key_fallbacks() == []

    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{'a' * 50}, {'b' * 50}")
    assert env.secret_key_fallbacks() == ["a" * 50, "b" * 50]

    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{'a' * 50} {'b' * 49}")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS"):
        env.secret_key_fallbacks()


def test_a_damaged_secret_key_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("")

    with pytest.raises(ImproperlyConfigured, match="damaged"):
        env.secret_key(tmp_path / "secret_key")


@pytest.mark.parametrize("raw", ["0", "65536", "-1", "8e3", "8_000", "+80", "80.0", "eighty", "٨٠", "9" * 30])
def test_an_invalid_integer_is_rejected(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("THING", raw)

    with pytest.raises(ImproperlyConfigured, match="THING must be a whole number from 1 to 65535"):
        env.integer("THING", 8000, least=1, most=65535)


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (lambda: env.flag("THING", False), "maybe"),
        (lambda: env.choice("THING", "a", ("a", "b")), "c"),
        (lambda: env.origins("THING", []), "https://app.example.com/"),
        (lambda: env.origins("THING", []), "*"),
        (lambda: env.origins("THING", []), "app.example.com"),
        (lambda: env.origins("THING", []), "https://"),
        (lambda: env.origins("THING", []), "capacitor://localhost/index.html"),
        (lambda: env.header_names("THING", []), "a:b"),
    ],
)
def test_other_malformed_values_are_rejected_by_name(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], raw: str
) -> None:
    monkeypatch.setenv("THING", raw)

    with pytest.raises(ImproperlyConfigured, match="THING"):
        read()


def test_lists_are_separated_by_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " a.example.com, b.example.com  c.example.com,")

    assert env.words("THING", []) == ["a.example.com", "b.example.com", "c.example.com"]


def test_networks_are_separated_by_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "10.0.0.7, 172.16.0.0/12  fd00::/8,::ffff:192.0.2.0/120")

    assert [str(network) for network in env.networks("THING", [])] == [
        "10.0.0.7/32", "172.16.0.0/12", "fd00::/8", "192.0.2.0/24",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["proxy.internal", "10.0.0", "10.0.0.1/8", "10.0.0.0/33", "*", "0.0.0.0/0", "::/0"])
def test_a_malformed_network_is_rejected(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("THING", f"10.0.0.7 {word}")

    with pytest.raises(ImproperlyConfigured, match="THING"):
        env.networks("THING", [])


def test_origins_of_pages_and_of_apps_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "https://App.example.com:8443 capacitor://localhost ionic:// app:// tauri://localhost file:// null"
    monkeypatch.setenv("THING", f"{listed} https://b\u00fccher.example http://[::1]:3000")

    assert env.origins("THING", []) == [
        *listed.lower().split(),
        "https://xn--bcher-kva.example",
        "http://[::1]:3000",
    ]


def test_hosts_are_compared_without_port_and_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "Chat.Example.com chat.example.com.:443 [::1]:8000 .example.org *")

    assert env.hosts("THING", []) == ["chat.example.com", "chat.example.com", "[::1]", ".example.org", "*"]


def test_an_empty_variable_gives_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "  ")

    assert env.words("THING", ["localhost"]) == ["localhost"]
    assert env.integer("THING", 7, least=1, most=9) == 7
    assert env.flag("THING", True) is True
    assert env.networks("THING", []) == ()


def traceback_of(error: BaseException | None) -> str:
    """Return the text of an error and of all errors in its chain, as a traceback prints them."""
    return (
        ""
        if error is None
        else f"{error!r} {traceback_of(error.__cause__)}"
        + ("" if error.__suppress_context__ else traceback_of(error.__context__))
    )
