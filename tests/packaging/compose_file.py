"""compose.yaml for the tests: parsed, and interpolated as Compose does it."""

import re
from typing import Any

import yaml

from tests.servers import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
REQUIRED = re.compile(r"\$\{(\w+):\?")
SECRETS = {name: f"{name}-".lower() * 5 for name in REQUIRED.findall((ROOT / "compose.yaml").read_text())}


def interpolate(text: str, given: dict[str, str]) -> str:
    """Substitute variables as Compose does: ${NAME:-default}, ${NAME:?message}, and $$ for one dollar."""

    def substitute(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, operator, rest = match.groups()
        assert name in given or operator == ":-", f"{name}: {rest}"
        return given.get(name) or rest if operator == ":-" else given[name]

    return re.sub(r"\$\$|\$\{(\w+)(:-|:\?)([^}]*)\}", substitute, text)


def environment(service: str, **given: str) -> dict[str, str]:
    """Return the environment of a container of the service; secrets that are not given are made up."""
    declared = COMPOSE["services"][service]["environment"]
    return {name: interpolate(str(value), {**SECRETS, **given}) for name, value in declared.items()}


def command(service: str, key: str = "command") -> list[str]:
    """Return the command of a container of the service."""
    return [interpolate(part, SECRETS) for part in COMPOSE["services"][service][key]]
