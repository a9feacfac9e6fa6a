"""compose.yaml, checked without an engine: its schema, its rules, and the settings of its servers."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.compose_file import COMPOSE, environment, write_secrets
from tests.packaging.compose_rules import problems
from tests.servers import ROOT

Services = dict[str, dict[str, Any]]


def replace(service: dict[str, Any], name: str, old: str, new: str) -> None:
    """Change one place of a variable of the service's environment."""
    assert service["environment"][name].count(old) == 1
    service["environment"][name] = service["environment"][name].replace(old, new)


# The rules must find each planted bug: a checker that finds no fault proves nothing.
BUGS: dict[str, Callable[[Services], Any]] = {
    "Additional properties": lambda s: s["web"].update(comand=[]),
    "does not match": lambda s: s["db"]["healthcheck"].update(interval="5 s"),
    "which does not exist": lambda s: s["web"]["depends_on"].update(redis={"condition": "service_started"}),
    "which has no healthcheck": lambda s: s["migrate"]["depends_on"].update(migrate={"condition": "service_healthy"}),
    "which would be restarted": lambda s: s["migrate"].update(restart="unless-stopped"),
    "runs as root": lambda s: s["valkey"].update(user="0:0"),
    "can write to its own image": lambda s: s["proxy"].pop("read_only"),
    "keeps privileges": lambda s: s["db"].pop("cap_drop"),
    "has no healthcheck": lambda s: s["web"].pop("healthcheck"),
    "while its image is being set up": lambda s: s["db"]["healthcheck"].update(test=["CMD", "pg_isready"]),
    "not by the proxy alone": lambda s: s["db"].update(ports=["5432:5432"]),
    "cannot run more than once": lambda s: s["web"].update(container_name="web"),
    "uses the undeclared networks": lambda s: s["migrate"].update(networks=["edge"]),
    "uses the undeclared volumes": lambda s: s["db"].update(volumes=["data:/var/lib/postgresql/data"]),
    "uses the undeclared secrets": lambda s: s["db"].update(secrets=["root_password"]),
    "uses the undeclared configs": lambda s: s["proxy"].update(
        configs=[{"source": "nginx", "target": "/etc/nginx.conf"}]
    ),
    "has the inline config": lambda s: s["proxy"].update(configs=[{"source": "nginx", "target": "/etc/nginx.conf"}]),
    "is built by each": lambda s: s["web"].update(build="."),
    "in memory without a size": lambda s: s["web"].update(tmpfs=["/tmp"]),
    "which the engine ignores": lambda s: s["proxy"].update(tmpfs=["/data:size=1m,mode=1777"]),
    "no limit of memory": lambda s: s["db"]["deploy"]["resources"]["limits"].pop("memory"),
    "no limit of pids": lambda s: s["web"]["deploy"]["resources"]["limits"].pop("pids"),
    "no limit of nofile": lambda s: s["valkey"].pop("ulimits"),
    "more rights than they need": lambda s: s["db"]["environment"].update(POSTGRES_USER="parley"),
    "reaches Valkey without": lambda s: s["web"]["environment"].update(REDIS_URL="redis://valkey:6379/0"),
    "Valkey grants more rights": lambda s: replace(s["valkey"], "VALKEY_CONFIG", "+ping", "+@all"),
    "has the secret VALKEY_PASSWORD in its": lambda s: s["valkey"]["environment"].update(VALKEY_PASSWORD="a"),
    "which are not those that it gets": lambda s: s["web"]["secrets"].remove("secret_key_fallbacks"),
    "postgres_password is known to": lambda s: s["web"]["secrets"].append("postgres_password"),
    "before it is whole": lambda s: replace(s["backup"], "BACKUP", "pg_restore --file=/dev/null", "ls"),
    "in the volume of the database": lambda s: s["backup"].update(volumes=["db:/var/lib/postgresql/data"]),
    "does not see the backups": lambda s: s["restore"].update(volumes=["db:/var/lib/postgresql/data"]),
    "nobody notices that there": lambda s: s["backup"]["healthcheck"].update(test=["CMD", "true"]),
    "a start restores": lambda s: s["restore"].pop("profiles"),
    "more rights than reading needs": lambda s: s["backup"]["environment"].update(PGUSER="postgres"),
    "a password in DATABASE_URL": lambda s: s["web"]["environment"].update(DATABASE_URL="postgres://web:a@db/parley"),
    "do not trust the proxy": lambda s: s["web"]["environment"].pop("TRUSTED_PROXIES"),
    "has an open brace": lambda s: replace(s["proxy"], "CADDYFILE", ":8080 {", ":8080 {{"),
    "fewer connections": lambda s: s["db"]["command"].remove("max_connections=400"),
    "whether the servers are ready": lambda s: replace(s["proxy"], "CADDYFILE", "health_uri /readyz", ""),
    "an empty 200": lambda s: replace(s["proxy"], "CADDYFILE", "flush_interval -1", ""),
    "logs headers": lambda s: replace(s["proxy"], "CADDYFILE", "request>headers delete", ""),
    "logs queries": lambda s: replace(s["proxy"], "CADDYFILE", "request>uri regexp", "request>uri2 regexp"),
    "without the security": lambda s: replace(s["proxy"], "CADDYFILE", "X-Content-Type-Options nosniff", ""),
    "errors in another form": lambda s: replace(s["proxy"], "CADDYFILE", "application/problem+json", "text/plain"),
    "overwrites the headers": lambda s: replace(s["proxy"], "CADDYFILE", "trusted_proxies {", "# {"),
    "that does not read": lambda s: replace(s["proxy"], "CADDYFILE", "write 65m", ""),
    "its last requests": lambda s: replace(s["proxy"], "CADDYFILE", "grace_period 10s", ""),
    "drop a server": lambda s: replace(s["proxy"], "CADDYFILE", "flush_interval -1", "fail_duration 5s"),
    "may have been served": lambda s: replace(
        s["proxy"], "CADDYFILE", "flush_interval -1", "lb_retry_match method POST"
    ),
    "do not know of a TLS proxy": lambda s: s["web"]["environment"].pop("HTTPS"),
    "can be reached from outside": lambda s: s["db"].update(networks=["front"]),
    "POSTGRES_PASSWORD in its environment": lambda s: s["db"]["environment"].update(POSTGRES_PASSWORD="parley"),
    "no command of manage.py": lambda s: s["migrate"].update(command=["python", "manage.py", "migrat"]),
    "uses the newest image": lambda s: s["valkey"].update(image="valkey/valkey"),
    "may lose acknowledged messages": lambda s: s["db"]["command"].remove("fsync=on"),
    "ends with its container": lambda s: s["db"].update(volumes=["db:/data"]),
    "does not lead to web": lambda s: s["web"].update(expose=["9000"]),
}


def test_compose_yaml_is_sound() -> None:
    assert problems(COMPOSE) == []


@pytest.mark.parametrize("complaint", BUGS)
def test_a_planted_bug_in_compose_yaml_is_found(complaint: str) -> None:
    planted = copy.deepcopy(COMPOSE)

    BUGS[complaint](planted["services"])

    assert any(complaint in problem for problem in problems(planted))


def test_a_secret_from_the_environment_is_found() -> None:
    """Compose copies such a secret into the container, which is read-only."""
    planted = copy.deepcopy(COMPOSE)

    planted["secrets"]["secret_key"] = {"environment": "SECRET_KEY"}

    assert any("secret_key is not in the folder" in problem for problem in problems(planted))


def test_the_settings_accept_the_environment_of_compose_yaml(tmp_path: Path) -> None:
    """Run `check --deploy` with the environment of a web container."""
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"], cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment("web", secrets=write_secrets(tmp_path))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr
    assert "parley." not in checked.stderr
