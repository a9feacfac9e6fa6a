"""What a sound compose.yaml is: a list of rules, each a function that yields what it finds wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
from django.core.management import get_commands

Compose = dict[str, Any]
Rule = Callable[[Compose], Iterator[str]]
SCHEMA = json.loads(Path(__file__).with_name("compose.schema.json").read_text())
SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD")


def problems(compose: Compose) -> list[str]:
    """Everything that is wrong with it; empty when it is sound."""
    found = list(fits_the_schema(compose))
    return found or [problem for rule in RULES for problem in rule(compose)]


def fits_the_schema(compose: Compose) -> Iterator[str]:
    for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(compose):
        yield f"{error.json_path}: {error.message}"


def waits_for_what_exists(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for other, wait in service.get("depends_on", {}).items():
            target = compose["services"].get(other)
            if target is None:
                yield f"{name} waits for {other}, which is not there"
            elif wait["condition"] == "service_healthy" and "test" not in target.get("healthcheck", {}):
                yield f"{name} waits for the health of {other}, which has no healthcheck"
            elif wait["condition"] == "service_completed_successfully" and target.get("restart") != "no":
                yield f"{name} waits for the end of {other}, which would be started again"


def runs_unprivileged(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if service.get("user", "0").split(":")[0] == "0":
            yield f"{name} runs as root"
        if not service.get("read_only"):
            yield f"{name} can write to its own image"
        if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name} keeps privileges"


def says_that_it_is_healthy(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if service.get("restart") != "no" and "test" not in service.get("healthcheck", {}):
            yield f"{name} has no healthcheck"


def publishes_one_port(compose: Compose) -> Iterator[str]:
    publishers = [name for name, service in compose["services"].items() if service.get("ports")]
    if publishers != ["proxy"]:
        yield f"ports are published by {publishers}, not by the proxy alone"


def replicas_can_be_many(compose: Compose) -> Iterator[str]:
    web = compose["services"]["web"]
    if "deploy" not in web or {"container_name", "ports"} & web.keys():
        yield "web cannot run more than once"


def names_what_is_declared(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        used = {
            "networks": service.get("networks", []),
            "volumes": [volume.split(":")[0] for volume in service.get("volumes", [])],
            "configs": [config["source"] for config in service.get("configs", [])],
        }
        for kind, names in used.items():
            yield from (f"{name} names the {kind} {each}" for each in names if each not in compose.get(kind, {}))


def hides_the_databases(compose: Compose) -> Iterator[str]:
    for name in ("db", "valkey"):
        networks = compose["services"][name].get("networks", ["default"])
        if not all(compose["networks"].get(network, {}).get("internal") for network in networks):
            yield f"{name} can be reached from outside"


def holds_no_secret(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for secret in SECRETS:
            value = str(service.get("environment", {}).get(secret, f"${{{secret}:?}}"))
            if not value.startswith(f"${{{secret}:?"):
                yield f"{name} has a {secret} that is written down or may be missing"


def runs_commands_that_exist(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        match service.get("command", []):
            case ["python", "manage.py", command, *_] if command not in get_commands():
                yield f"{name} runs `{command}`, which is no command of manage.py"


def pins_its_images(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        tag = service["image"].rpartition(":")[2]
        if "build" not in service and (tag in {"latest", service["image"]}):
            yield f"{name} takes whatever image is newest"


def keeps_what_it_acknowledged(compose: Compose) -> Iterator[str]:
    if not {"fsync=on", "synchronous_commit=on"} <= set(compose["services"]["db"]["command"]):
        yield "PostgreSQL may lose acknowledged messages"
    if not any(volume.endswith(":/var/lib/postgresql/data") for volume in compose["services"]["db"]["volumes"]):
        yield "PostgreSQL's data ends with its container"


def leads_to_the_servers(compose: Compose) -> Iterator[str]:
    caddyfile = compose["configs"]["caddyfile"]["content"]
    (port,) = compose["services"]["web"]["expose"]
    if "name web" not in caddyfile or f"port {port}" not in caddyfile:
        yield "the proxy does not lead to web"
    if caddyfile.count("{") != caddyfile.count("}"):
        yield "the proxy's configuration has an open brace"


RULES: list[Rule] = [
    waits_for_what_exists,
    runs_unprivileged,
    says_that_it_is_healthy,
    publishes_one_port,
    replicas_can_be_many,
    names_what_is_declared,
    hides_the_databases,
    holds_no_secret,
    runs_commands_that_exist,
    pins_its_images,
    keeps_what_it_acknowledged,
    leads_to_the_servers,
]
