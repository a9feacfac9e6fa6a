"""manage.py export and import: the same Parley in another database, or nothing"""

from __future__ import annotations

import base64
import json
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.apps import apps
from django.core.management import CommandError
from django.utils import timezone

from accounts import administration, services
from accounts.models import AuditRecord, EmailAddress, HeldUsername, User, digest_username
from api.services.transfer import EXPORTED, LEFT_OUT
from api.services.transfer.tables import columns, encode
from eventlog.models import Epoch, Event, StreamHead
from tests.contracts.world import Caller
from tests.docs.devices import Device
from tests.forked import run_manage
from tests.operating.commands import run
from tests.realtime.deployment import HAS_REDIS, new_database
from tests.servers import ParleyServer
from tests.services import wait_until
from tests.sockets import PASSWORD, TLS

SECONDS = 60.0


@dataclass
class Source:
    """A server with rooms, messages and deleted users, its export, and what Alice saw on it."""

    server: ParleyServer
    export: Path
    alice: str
    bob: str
    gone: str
    gone_name: str
    room: str
    seen: dict[str, Any]


def database(kind: str) -> str:
    """The URL of a new database: a file of SQLite, or a database of PostgreSQL."""
    return new_database() if kind == "postgres" else ""


def manage(server: ParleyServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_manage(*arguments, env=server.environment)


def see(url: str, token: str) -> dict[str, Any]:
    """Everything that a user sees by REST, without what belongs to the move: the epoch and the session."""
    with httpx.Client(base_url=f"{url}/v1/", verify=TLS, trust_env=False, timeout=20) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        rooms = {room["id"]: room for room in http.get("rooms", params={"limit": 100}).json()["results"]}
        seen: dict[str, Any] = {"me": http.get("me").json(), "inbox": http.get("me/events").json(), "rooms": rooms}
        for name in ("messages", "events", "members", "invites", "bans", "mutes"):
            seen[name] = {room: http.get(f"rooms/{room}/{name}", params={"limit": 100}).json() for room in rooms}
        links = {room: http.get(f"rooms/{room}/links").json() for room in rooms}
        seen["links"] = {room: page["results"] for room, page in links.items() if "results" in page}
        seen["invites"] = http.get("me/invites").json()["results"]
        seen["directory"] = http.get("rooms/directory", params={"q": "tea"}).json()["results"]
        seen["users"] = http.get("users", params={"q": "ali"}).json()["results"]
    shown: dict[str, Any] = without_epoch(seen)
    return shown


def without_epoch(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_epoch(each) for name, each in value.items() if name != "epoch"}
    return [without_epoch(each) for each in value] if isinstance(value, list) else value


def log_in(server: ParleyServer, username: str) -> str:
    body = {"username": username, "password": PASSWORD}
    with httpx.Client(base_url=server.url, verify=TLS, trust_env=False, timeout=20) as http:
        response = http.post("/v1/auth/login", json=body)
    assert response.status_code == 200, response.text
    return str(response.json()["token"])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """Made once; no test changes it after its export."""
    with ParleyServer(database(KINDS[0])) as server:
        alice, bob, gone = (Caller(server, name) for name in ("alice", "bob", "gone"))
        try:
            yield fill(server, alice, bob, gone, tmp_path_factory.mktemp("export") / "parley.ndjson")
        finally:
            for caller in (alice, bob, gone):
                caller.close()


KINDS = ("postgres", "sqlite") if HAS_REDIS else ("sqlite", "sqlite")


def fill(server: ParleyServer, alice: Caller, bob: Caller, gone: Caller, export: Path) -> Source:
    tea = {"kind": "public", "name": "Tea", "slug": f"tea-{uuid4().hex[:6]}", "members": [bob.id, gone.id]}
    room = alice.make("/v1/rooms", tea)["id"]
    path = f"/v1/rooms/{room}"
    sent = []
    for n, who in enumerate((alice, bob, gone, alice, bob)):
        body: dict[str, Any] = {"client_id": uuid4().hex, "text": f"grüße {n}\u2028\U0001f375", "metadata": {"n": n}}
        sent.append(who.make(f"{path}/messages", body))
    alice.make(f"{path}/messages/{sent[0]['id']}", {"text": "edited"}, "PATCH")
    bob.make(f"{path}/messages/{sent[1]['id']}", method="DELETE")
    bob.make(f"{path}/read", {"seq": 3})
    alice.make(f"/v1/rooms/direct/{bob.id}", {}, "PUT")
    hats = alice.make("/v1/rooms", {"kind": "private", "name": "Hats", "members": [bob.id]})["id"]
    alice.make(f"/v1/rooms/{hats}/mutes/{bob.id}", {"reason": "Shouts"}, "PUT")
    alice.make(f"/v1/rooms/{hats}/bans/{gone.id}", {"until": "2090-01-01T00:00:00Z"}, "PUT")
    alice.make(f"/v1/rooms/{hats}/links", {"max_uses": 3})
    den = bob.make("/v1/rooms", {"kind": "private", "name": "Den"})["id"]
    bob.make(f"/v1/rooms/{den}/invites/{alice.id}", method="PUT")
    gone_name = gone.make("/v1/me", method="GET")["username"]
    gone.make("/v1/me", {"password": PASSWORD}, "DELETE")
    is_erased = lambda: alice.make(f"{path}/events", method="GET")["results"][-1]["type"] == "user.erased"  # noqa: E731
    wait_until(is_erased, seconds=SECONDS, what="not erased")
    names = {who: who.make("/v1/me", method="GET") for who in (alice, bob)}
    exported = manage(server, "export", str(export), "--reason", "a test")
    assert exported.returncode == 0, exported.stderr
    seen = see(server.url, alice.token)
    return Source(server, export, names[alice]["username"], names[bob]["username"], gone.id, gone_name, room, seen)


@pytest.fixture
def target() -> Iterator[ParleyServer]:
    """A server that does not run yet, on a migrated empty database of the other kind."""
    server = ParleyServer(database(KINDS[1]))
    assert manage(server, "prepare").returncode == 0
    yield server
    server.stop()


def test_every_table_is_exported_or_left_out_on_purpose() -> None:
    labels = ("accounts", "eventlog", "api")
    ours = {model.__name__ for label in labels for model in apps.get_app_config(label).get_models()}

    assert {model.__name__ for model in EXPORTED.values()} | LEFT_OUT == ours


@pytest.mark.django_db(transaction=True)
def test_a_parley_moves_with_everything_that_its_users_see(source: Source, target: ParleyServer) -> None:
    """The move goes to the other kind of database, and from there to the database of the tests."""
    imported = manage(target, "import", str(source.export))
    assert imported.returncode == 0, imported.stderr
    target.start()
    token = log_in(target, source.alice)
    again = target.folder / "again.ndjson"

    assert see(target.url, token) == source.seen
    assert manage(target, "export", str(again)).returncode == 0
    run("import", str(again))

    before, after, here = rows_of(source.export), rows_of(again), rows_here()
    assert before.keys() == after.keys() == here.keys()
    for table in before.keys() - {"audit"}:
        assert sorted(map(repr, before[table])) == sorted(map(repr, after[table])) == sorted(map(repr, here[table]))
    assert [row["action"] for row in after["audit"]] == ["data.exported", "data.imported", "data.exported"]
    assert header_of(source.export)["epoch"] < header_of(again)["epoch"] < Epoch.current()
    with httpx.Client(base_url=target.url, verify=TLS, trust_env=False, timeout=20) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        sent = http.post(f"/v1/rooms/{source.room}/messages", json={"client_id": "after", "text": "after"}).json()
        assert sent["seq"] == source.seen["rooms"][source.room]["head"] + 1
        assert http.get(f"/v1/users/{source.gone}").json()["display_name"] == "Deleted account"


def header_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as lines:
        header: dict[str, Any] = json.loads(next(lines))
    return header


def rows_here() -> dict[str, list[Any]]:
    """The rows of the tests' database, without the lobby and without empty tables, in the form of an export."""
    found = {}
    for table, model in EXPORTED.items():
        names = list(columns(model))
        rows = [dict(zip(names, map(encode, row), strict=True)) for row in model._default_manager.values_list(*names)]
        if rows:
            found[table] = rows
    return found


def rows_of(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for line in map(json.loads, path.read_bytes().splitlines()):
        if "table" in line:
            found.setdefault(line["table"], []).append(line["row"])
    return found


def test_a_device_resumes_on_the_new_server(source: Source, target: ParleyServer, tmp_path: Path) -> None:
    """The example client, with its store of the old server: the epoch resets its cursor, and it ends as a new one."""
    old = log_in(source.server, source.bob)
    store = tmp_path / "store"
    device = Device("python", store, f"{source.server.ws_url}/v1/ws", old, source.room)
    device.start()
    try:
        wait_until(lambda: len(device.state()["messages"]) == 5, seconds=SECONDS, what="not loaded")
        before = device.state()
    finally:
        device.kill()
    assert manage(target, "import", str(source.export)).returncode == 0
    target.start()
    token = log_in(target, source.bob)
    move_store(store, source.server.ws_url, target.ws_url)

    moved = Device("python", store, f"{target.ws_url}/v1/ws", token, source.room)
    moved.start()
    try:
        wait_until(lambda: moved.state()["epoch"] != before["epoch"], seconds=SECONDS, what="no reset")
        with httpx.Client(base_url=f"{target.url}/v1/", verify=TLS, trust_env=False, timeout=20) as http:
            http.headers["Authorization"] = f"Bearer {token}"
            http.post(f"rooms/{source.room}/messages", json={"client_id": "new", "text": "on the new server"})
            wait_until(lambda: "on the new server" in moved.shown(), seconds=SECONDS, what="not live")
            history = http.get(f"rooms/{source.room}/messages", params={"limit": 100}).json()
        expected = {message["id"]: message for message in history["results"]}
        wait_until(lambda: moved.state()["messages"] == expected, seconds=SECONDS, what="another state")
    finally:
        moved.kill()


def move_store(store: Path, old: str, new: str) -> None:
    """The domain of a server moves with it; here its port is part of the keys of the client's store."""
    with closing(sqlite3.connect(store)) as connection, connection:
        for table in ("rooms", "messages", "unsent", "tokens"):
            connection.execute(f"UPDATE {table} SET user = replace(user, ?, ?)", (old, new))


def test_an_export_is_private_and_never_replaces_a_file(source: Source) -> None:
    assert stat.S_IMODE(source.export.stat().st_mode) == 0o600

    again = manage(source.server, "export", str(source.export))

    assert (again.returncode, "exists already" in again.stderr) == (1, True)
    assert not list(source.export.parent.glob("*.partial"))
    text = source.export.read_text()
    assert "prl_" not in text
    assert "token_hash" not in text


def change(export: Path, path: Path, line: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Path:
    """Copy an export with other lines, and count its rows anew."""
    kept = [changed for each in map(json.loads, export.read_bytes().splitlines()) if (changed := line(each))]
    counts: dict[str, int] = {}
    for each in kept:
        if "table" in each:
            counts[each["table"]] = counts.get(each["table"], 0) + 1
    if "end" in kept[-1]:
        kept[-1]["end"] = counts
    path.write_text("".join(json.dumps(each) + "\n" for each in kept))
    return path


def without(name: str, number: int) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """Leave out the row of this number of a table."""
    seen = iter(range(10_000))
    return lambda line: None if line.get("table") == name and next(seen) == number else line


def replaced(name: str, **columns: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change columns of all rows of a table."""
    return lambda line: {**line, "row": line["row"] | columns} if line.get("table") == name else line


DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an event less": (without("events", 1), "has a hole"),
    "the last event less": (without("events", -1), "do not reach"),
    "the last line less": (lambda line: None if "end" in line else line, "cut off"),
    "a user less": (without("users", 0), "not in the file"),
    "a room less": (without("rooms", 1), "not in the file"),
    "another format": (lambda line: line | {"parley": 2} if "parley" in line else line, "not the header"),
    "no header": (lambda line: None if "parley" in line else line, "not the header"),
    "a column too many": (replaced("users", shoe_size=43), "does not know"),
    "a wrong type": (replaced("users", created_at="yesterday"), "wrong type"),
    "a broken rule": (replaced("rooms", slug="same"), "breaks a rule"),
    "an unknown table": (lambda line: line | {"table": "shoes"} if line.get("table") == "heads" else line, "unknown"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_refused_and_nothing_is_written(source: Source, tmp_path: Path, name: str) -> None:
    edit, reason = DAMAGES[name]
    if name == "the last event less":
        edit = without("events", len(rows_of(source.export)["events"]) - 1)

    with pytest.raises(CommandError, match=f"Nothing was imported.*{reason}"):
        run("import", str(change(source.export, tmp_path / "changed", edit)))

    assert not User.objects.exists()
    assert not AuditRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_cut_off_is_refused(source: Source, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(source.export.read_bytes()[:-200])

    with pytest.raises(CommandError, match="cut off"):
        run("import", str(cut))
    with pytest.raises(CommandError, match="cannot be read"):
        run("import", str(tmp_path / "nothing"))

    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_is_refused_where_something_is_taken(source: Source, tmp_path: Path) -> None:
    run("import", str(source.export))
    before = (User.objects.count(), Event.objects.count(), AuditRecord.objects.count())

    with pytest.raises(CommandError, match=f"Taken here already: the user {source.alice}"):
        run("import", str(source.export))
    with pytest.raises(CommandError, match=f"the user {source.alice}.*the room tea-"):
        run("import", str(change(source.export, tmp_path / "renamed", with_other_ids)))

    assert (User.objects.count(), Event.objects.count(), AuditRecord.objects.count()) == before


@pytest.mark.django_db(transaction=True)
def test_a_name_of_a_deleted_user_is_taken_in_both_directions(source: Source, tmp_path: Path) -> None:
    gone = services.register(username=source.gone_name, password=PASSWORD).session.user

    with pytest.raises(CommandError, match=f"the username {source.gone_name}"):
        run("import", str(source.export))

    administration.erase(user=gone, actor="command")
    with pytest.raises(CommandError, match="the user deleted-"):
        run("import", str(source.export))


@pytest.mark.django_db(transaction=True)
def test_a_verified_email_address_has_one_user_on_both_sides(source: Source, tmp_path: Path) -> None:
    here = services.register(username="somebody", password=PASSWORD).session.user
    theirs, now = rows_of(source.export)["users"][0]["id"], timezone.now()
    mine = EmailAddress.objects.create(user=here, address="Tea@example.com", key="tea@example.com", verified_at=now)
    row = {"user_id": theirs, "address": "tea@example.com", "key": mine.key, "verified_at": now.isoformat()}
    export = with_row(source.export, tmp_path / "changed", "emails", row)

    with pytest.raises(CommandError, match=f"the e-mail address of the user {here.pk}"):
        run("import", str(export))
    assert list(User.objects.all()) == [here]

    EmailAddress.objects.update(verified_at=None)
    run("import", str(export))  # an address that nobody here has verified is not taken
    assert {email.user_id for email in EmailAddress.objects.all()} == {here.pk, UUID(theirs)}


@pytest.mark.django_db(transaction=True)
def test_a_held_username_is_taken_in_both_directions(source: Source, tmp_path: Path) -> None:
    here = services.register(username=source.alice, password=PASSWORD).session
    theirs = rows_of(source.export)["users"][0]["id"]
    digest = base64.b64encode(digest_username(source.alice)).decode()
    row = {"digest": digest, "user_id": theirs, "until": (timezone.now() + timedelta(days=1)).isoformat()}
    renamed = change(source.export, tmp_path / "renamed", replaced_where("users", "username", source.alice, "alicia"))

    with pytest.raises(CommandError, match=f"the username {source.alice}"):  # held there, in use here
        run("import", str(with_row(renamed, tmp_path / "held", "held_usernames", row)))
    services.update_profile(session=here, changes={"username": "somebody"})
    with pytest.raises(CommandError, match="a former username of somebody here"):  # held here, in use there
        run("import", str(source.export))
    with pytest.raises(CommandError, match="a former username of somebody here"):  # held on both sides
        run("import", str(with_row(renamed, tmp_path / "held", "held_usernames", row)))
    assert list(User.objects.all()) == [here.user]

    HeldUsername.objects.update(until=timezone.now() - timedelta(seconds=1))
    run("import", str(source.export))
    assert User.objects.filter(username=source.alice).exists()


def with_row(export: Path, path: Path, table: str, row: dict[str, Any]) -> Path:
    """Copy an export with one row more, of a table that stands between the users and the rooms."""
    lines = export.read_bytes().splitlines()
    place = next(number for number, line in enumerate(lines) if json.loads(line).get("table") == "rooms")
    lines.insert(place, json.dumps({"table": table, "row": row}).encode())
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return change(path, path, lambda line: line)


@pytest.mark.django_db(transaction=True)
def test_the_empty_head_of_nobody_is_neither_exported_nor_imported(source: Source, tmp_path: Path) -> None:
    """Earlier releases made one for every id that an invitation or a membership was withdrawn from."""
    nobody, again = uuid4(), tmp_path / "again"
    row = {"stream": str(nobody), "last_seq": 0, "last_at": None, "last_message_at": None}
    with_head = change(source.export, tmp_path / "orphan", lambda line: line)
    lines = with_head.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if json.loads(line).get("table") == "heads")
    lines.insert(place, json.dumps({"table": "heads", "row": row}))
    with_head.write_text("".join(f"{line}\n" for line in lines))

    run("import", str(change(with_head, with_head, lambda line: line)))
    assert not StreamHead.objects.filter(stream=nobody).exists()
    StreamHead.objects.create(stream=nobody)
    run("export", str(again))

    assert str(nobody) not in again.read_text()
    assert len(rows_of(again)["heads"]) == len(rows_of(source.export)["heads"])


def replaced_where(name: str, column: str, value: str, other: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change a column of the rows of a table that have this value in it."""
    change_row = replaced(name, **{column: other})
    return lambda line: change_row(line) if line.get("row", {}).get(column) == value else line


def with_other_ids(line: dict[str, Any]) -> dict[str, Any]:
    """The same names under other ids: the first digits of all ids change."""
    text = json.dumps(line)
    for before in ('"', ":", "|"):
        text = text.replace(f"{before}01", f"{before}02")
    changed: dict[str, Any] = json.loads(text)
    return changed
