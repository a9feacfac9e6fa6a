"""manage.py export and import: external ids move, and keys do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from accounts.models import ExternalIdentity, KeyScope, ServerKey, User
from api.services.transfer import EXPORTED
from api.services.transfer.tables import FORMAT, columns, encode
from tests.identity.backends import Backend
from tests.operating.commands import run


@pytest.fixture
def export(backend: Backend, tmp_path: Path) -> Path:
    """An export with the user 42, an erased one, and a bot. The command needs a transaction of its own."""
    Backend(KeyScope.BOT, username="weather")
    backend.put("/v1/admin/users/42", {"username": "ada"})
    backend.put("/v1/admin/users/43")
    backend.delete("/v1/admin/users/43")
    lines: list[Any] = [{"parley": FORMAT, "epoch": 1, "exported_at": "2026-11-26T04:30:00.000Z"}]
    counts: dict[str, int] = {}
    for table, model in EXPORTED.items():
        rows = list(model._default_manager.all())
        lines += [
            {"table": table, "row": {name: encode(getattr(row, name)) for name in columns(model)}} for row in rows
        ]
        counts |= {table: len(rows)} if rows else {}
    lines.append({"end": counts})
    file = tmp_path / "parley.ndjson"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def empty() -> None:
    """Make the database that of another Parley."""
    ServerKey.objects.all().delete()
    for model in reversed(EXPORTED.values()):
        model._default_manager.all().delete()


def test_external_ids_move(export: Path) -> None:
    ada = User.objects.get(username="ada").pk
    empty()

    run("import", str(export))

    assert ExternalIdentity.objects.get(external_id="42").user_id == ada
    assert ExternalIdentity.objects.filter(external_id=None, former_id__isnull=False).count() == 1
    assert User.objects.get(username="weather").kind == "bot"
    assert not ServerKey.objects.exists()


@pytest.mark.parametrize("here", ["42", "43"])
def test_an_external_id_that_is_taken_is_refused(export: Path, here: str) -> None:
    empty()
    Backend(name="new").put(f"/v1/admin/users/{here}", {"username": "somebody"})

    with pytest.raises(CommandError, match="the external id of the user"):
        run("import", str(export))


def test_an_export_of_before_has_no_external_ids(export: Path) -> None:
    lines = [json.loads(line) for line in export.read_text().splitlines()]
    older = [line for line in lines if line.get("table") != "external_ids"]
    for line in older:
        line.get("row", {}).pop("kind", None)
        line.get("end", {}).pop("external_ids", None)
    export.write_text("".join(f"{json.dumps(line)}\n" for line in older))
    empty()

    run("import", str(export))

    assert User.objects.get(username="ada").kind == "person"
    assert not ExternalIdentity.objects.exists()
