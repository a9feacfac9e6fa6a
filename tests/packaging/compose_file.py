"""compose.yaml for the tests: parsed, and interpolated as Compose does it."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.servers import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SECRETS = {name: f"{name}-" * 5 for name in COMPOSE["secrets"]} | {"email_url": ""}  # no mail


def interpolate(text: str, given: dict[str, str]) -> str:
    """Substitute variables as Compose does: ${NAME:-default}, ${NAME:?message}, and $$ for one dollar."""

    def substitute(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, operator, rest = match.groups()
        assert name in given or operator == ":-", f"{name}: {rest}"
        return given.get(name) or rest if operator == ":-" else given[name]

    return re.sub(r"\$\$|\$\{(\w+)(:-|:\?)([^}]*)\}", substitute, text)


def write_secrets(folder: Path) -> Path:
    """Write the files that Compose mounts below /run/secrets, and return their folder."""
    secrets = folder / "secrets"
    secrets.mkdir()
    for name, value in SECRETS.items():
        (secrets / name).write_text(f"{value}\n")
    return secrets


def environment(service: str, *, secrets: Path | None = None, **given: str) -> dict[str, str]:
    """Return the environment of a container of the service, with the files of its secrets in the folder `secrets`."""
    declared = COMPOSE["services"][service].get("environment", {})
    return {name: _place(interpolate(str(value), given), secrets) for name, value in declared.items()}


def command(service: str, key: str = "command", *, secrets: Path | None = None) -> list[str]:
    """Return the command of a container of the service, with the files of its secrets in the folder `secrets`."""
    return [_place(interpolate(part, {}), secrets) for part in COMPOSE["services"][service][key]]


def _place(text: str, secrets: Path | None) -> str:
    return text.replace("/run/secrets/", f"{secrets}/") if secrets else text
