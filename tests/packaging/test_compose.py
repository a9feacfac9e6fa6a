"""compose.yaml, judged without an engine: its shape, its soundness, and what its servers' settings make of it."""

import copy
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.compose_rules import problems

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
Services = dict[str, dict[str, Any]]

# Each bug, planted, must be found: a checker that never complains proves nothing.
BUGS: dict[str, Callable[[Services], Any]] = {
    "Additional properties": lambda s: s["web"].update(comand=[]),
    "does not match": lambda s: s["db"]["healthcheck"].update(interval="5 s"),
    "which is not there": lambda s: s["web"]["depends_on"].update(redis={"condition": "service_started"}),
    "which has no healthcheck": lambda s: s["migrate"]["depends_on"].update(migrate={"condition": "service_healthy"}),
    "which would be started again": lambda s: s["migrate"].update(restart="unless-stopped"),
    "runs as root": lambda s: s["valkey"].update(user="0:0"),
    "can write to its own image": lambda s: s["proxy"].pop("read_only"),
    "keeps privileges": lambda s: s["db"].pop("cap_drop"),
    "has no healthcheck": lambda s: s["web"].pop("healthcheck"),
    "not by the proxy alone": lambda s: s["db"].update(ports=["5432:5432"]),
    "cannot run more than once": lambda s: s["web"].update(container_name="web"),
    "names the networks": lambda s: s["proxy"].update(networks=["edge"]),
    "names the volumes": lambda s: s["db"].update(volumes=["data:/var/lib/postgresql/data"]),
    "names the configs": lambda s: s["proxy"]["configs"][0].update(source="nginx"),
    "can be reached from outside": lambda s: s["db"].update(networks=["front"]),
    "that is written down": lambda s: s["db"]["environment"].update(POSTGRES_PASSWORD="parley"),
    "no command of manage.py": lambda s: s["migrate"].update(command=["python", "manage.py", "migrat"]),
    "whatever image is newest": lambda s: s["valkey"].update(image="valkey/valkey"),
    "may lose acknowledged messages": lambda s: s["db"]["command"].remove("fsync=on"),
    "ends with its container": lambda s: s["db"].update(volumes=["db:/data"]),
    "does not lead to web": lambda s: s["web"].update(expose=["9000"]),
}


def test_it_is_sound() -> None:
    assert problems(COMPOSE) == []


@pytest.mark.parametrize("complaint", BUGS)
def test_a_planted_bug_is_found(complaint: str) -> None:
    planted = copy.deepcopy(COMPOSE)

    BUGS[complaint](planted["services"])

    assert any(complaint in problem for problem in problems(planted))


def test_the_servers_settings_accept_its_environment() -> None:
    """`check --deploy` with exactly the environment that a web container gets."""
    given = {"SECRET_KEY": "s3cret-" * 10, "POSTGRES_PASSWORD": "hidden", "PATH": os.environ["PATH"]}
    environment = {name: interpolate(value, given) for name, value in COMPOSE["services"]["web"]["environment"].items()}

    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"], cwd=ROOT, env={"PATH": given["PATH"], **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr
    assert "parley." not in checked.stderr


def interpolate(value: str, given: dict[str, str]) -> str:
    """Compose's own substitution: ${NAME:-default} and ${NAME:?message}."""

    def substitute(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        assert name in given or operator == ":-", f"{name}: {rest}"
        return given.get(name, rest)

    return re.sub(r"\$\{(\w+)(:-|:\?)([^}]*)\}", substitute, value)
