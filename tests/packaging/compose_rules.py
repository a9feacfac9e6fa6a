"""The rules of a sound compose.yaml: each is a function that yields the faults that it finds."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
from django.core.management import get_commands

from settings.env import DEFAULT_POOL_SIZE

Compose = dict[str, Any]
Rule = Callable[[Compose], Iterator[str]]
SCHEMA = json.loads(Path(__file__).with_name("compose.schema.json").read_text())
# The services that may know a secret.
MAY_KNOW = {
    "secret_key": {"migrate", "web"},
    "secret_key_fallbacks": {"web"},
    "email_url": {"web"},
    "postgres_password": {"db", "roles", "restore"},
    "owner_password": {"roles", "restore", "migrate"},
    "database_password": {"roles", "restore", "web"},
    "backup_password": {"roles", "restore", "backup"},
    "valkey_password": {"valkey", "web"},
    "grafana_password": {"grafana"},  # of deploy/compose.monitoring.yaml
}


def problems(compose: Compose) -> list[str]:
    """Return all faults; an empty list when the file is sound."""
    found = list(fits_the_schema(compose))
    return found or [problem for rule in RULES for problem in rule(compose)]


def fits_the_schema(compose: Compose) -> Iterator[str]:
    for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(compose):
        yield f"{error.json_path}: {error.message}"


def waits_for_existing_services(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for other, wait in service.get("depends_on", {}).items():
            target = compose["services"].get(other)
            if target is None:
                yield f"{name} waits for {other}, which does not exist"
            elif wait["condition"] == "service_healthy" and "test" not in target.get("healthcheck", {}):
                yield f"{name} waits for the health of {other}, which has no healthcheck"
            elif wait["condition"] == "service_completed_successfully" and target.get("restart") != "no":
                yield f"{name} waits for the end of {other}, which would be restarted"


def runs_unprivileged(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if service.get("user", "0").split(":")[0] == "0":
            yield f"{name} runs as root"
        if not service.get("read_only"):
            yield f"{name} can write to its own image"
        if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name} keeps privileges"


def has_healthchecks(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if service.get("restart") != "no" and "test" not in service.get("healthcheck", {}):
            yield f"{name} has no healthcheck"
    if "--host=127.0.0.1" not in compose["services"]["db"]["healthcheck"]["test"]:
        yield "db is healthy while its image is being set up"


def publishes_one_port(compose: Compose) -> Iterator[str]:
    publishers = [name for name, service in compose["services"].items() if service.get("ports")]
    if publishers != ["proxy"]:
        yield f"ports are published by {publishers}, not by the proxy alone"


def replicas_can_be_many(compose: Compose) -> Iterator[str]:
    web = compose["services"]["web"]
    if "deploy" not in web or {"container_name", "ports"} & web.keys():
        yield "web cannot run more than once"


def uses_declared_resources(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        used = {
            "networks": service.get("networks", []),
            "volumes": [volume.split(":")[0] for volume in service.get("volumes", [])],
            "configs": [config["source"] for config in service.get("configs", [])],
            "secrets": service.get("secrets", []),
        }
        for kind, names in used.items():
            yield from (
                f"{name} uses the undeclared {kind} {each}" for each in names if each not in compose.get(kind, {})
            )


def hides_the_databases(compose: Compose) -> Iterator[str]:
    for name in ("db", "valkey"):
        networks = compose["services"][name].get("networks", ["default"])
        if not all(compose["networks"].get(network, {}).get("internal") for network in networks):
            yield f"{name} can be reached from outside"


def keeps_secrets_in_files(compose: Compose) -> Iterator[str]:
    """Find secrets that the engine would show: an environment is in every description of a container."""
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|_KEY", variable) and not variable.endswith("_FILE"):
                yield f"{name} has the secret {variable} in its environment"
            if re.search(r"://[^/@\s]*:[^/@\s]+@", str(value)):
                yield f"{name} has a password in {variable}"
        texts = [*service.get("environment", {}).values(), *service.get("command", []), *service.get("entrypoint", [])]
        texts += service.get("healthcheck", {}).get("test", [])
        used = {found for text in texts for found in re.findall(r"/run/secrets/(\w+)", str(text))}
        if used != set(service.get("secrets", [])):
            yield f"{name} uses the secrets {sorted(used)}, which are not those that it gets"


def shows_secrets_to_few(compose: Compose) -> Iterator[str]:
    for secret, source in compose["secrets"].items():
        if source.get("file") != f"secrets/{secret}":
            yield f"the secret {secret} is not in the folder that git ignores, which a read-only container needs, too"
        known = {name for name, service in compose["services"].items() if secret in service.get("secrets", [])}
        if known != MAY_KNOW.get(secret):
            yield f"{secret} is known to {sorted(known)}"


def runs_commands_that_exist(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        match service.get("command", []):
            case ["python", "manage.py", command, *_] if command not in get_commands():
                yield f"{name} runs `{command}`, which is no command of manage.py"


def pins_its_images(compose: Compose) -> Iterator[str]:
    built = {service["image"] for service in compose["services"].values() if "build" in service}
    for name, service in compose["services"].items():
        tag = service["image"].rpartition(":")[2]
        if service["image"] not in built and (tag in {"latest", service["image"]}):
            yield f"{name} uses the newest image, whichever that is"


def keeps_acknowledged_messages(compose: Compose) -> Iterator[str]:
    if not {"fsync=on", "synchronous_commit=on"} <= set(compose["services"]["db"]["command"]):
        yield "PostgreSQL may lose acknowledged messages"
    if not any(volume.endswith(":/var/lib/postgresql/data") for volume in compose["services"]["db"]["volumes"]):
        yield "PostgreSQL's data ends with its container"


def writes_no_config_into_a_read_only_container(compose: Compose) -> Iterator[str]:
    """Find inline configs in read-only containers: Compose copies them into the container, which the engine rejects."""
    for name, service in compose["services"].items():
        for config in service.get("configs", []) if service.get("read_only") else ():
            if "file" not in compose.get("configs", {}).get(config["source"], {}):
                yield f"{name} is read-only and has the inline config {config['source']}"


def builds_each_image_once(compose: Compose) -> Iterator[str]:
    builders: dict[str, list[str]] = {}
    for name, service in compose["services"].items():
        if "build" in service:
            builders.setdefault(service["image"], []).append(name)
    for image, names in builders.items():
        if len(names) > 1:
            yield f"{image} is built by each of {names}"


def limits_tmpfs(compose: Compose) -> Iterator[str]:
    """Find a tmpfs without a size, which may take half of the memory, or with a mode, which the engine ignores."""
    for name, service in compose["services"].items():
        for mount in service.get("tmpfs", []):
            path, _, options = mount.partition(":")
            if "size=" not in options:
                yield f"{name} has {path} in memory without a size"
            if "mode=" in options:
                yield f"{name} gives {path} a mode, which the engine ignores"


def limits_resources(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        yield from (f"{name} has no limit of {kind}" for kind in ("memory", "pids") if kind not in limits)
        if "nofile" not in service.get("ulimits", {}):
            yield f"{name} has no limit of nofile"


def connects_with_the_least_rights(compose: Compose) -> Iterator[str]:
    services = compose["services"]
    users = {
        name: re.split("[:/@]", services[name]["environment"]["DATABASE_URL"].partition("://")[2])[0]
        for name in ("migrate", "web")
    }
    superuser = services["db"]["environment"]["POSTGRES_USER"]
    if superuser in users.values() or users["migrate"] == users["web"]:
        yield f"the servers or the migration have more rights than they need: {users}"
    for name, service in services.items():
        environment = service.get("environment", {})
        if "REDIS_URL" in environment and not (
            re.match(r"redis://\w+@", environment["REDIS_URL"]) and "REDIS_PASSWORD_FILE" in environment
        ):
            yield f"{name} reaches Valkey without a password"
    valkey = services["valkey"]
    rules = valkey["environment"].get("VALKEY_CONFIG", "")
    if "user default reset\n" not in rules or re.search(r"\+@|allcommands|nopass|~\*|&\*|allchannels", rules):
        yield "Valkey grants more rights than the servers need"


def backs_up(compose: Compose) -> Iterator[str]:
    services = compose["services"]
    backup, restore = services["backup"], services["restore"]
    script = backup["environment"]["BACKUP"]
    steps = [script.find(step) for step in ("pg_dump ", "pg_restore --file=/dev/null", "sync ", "mv ", "head -n ")]
    if -1 in steps or steps != sorted(steps):
        yield "a backup gets its name before it is whole, or the oldest are kept for ever"
    (volume,) = [each.split(":")[0] for each in backup["volumes"]]
    if volume in [each.split(":")[0] for each in services["db"]["volumes"]]:
        yield "the backups are in the volume of the database"
    if [each.split(":")[0] for each in restore["volumes"]] != [volume]:
        yield "a restore does not see the backups"
    if backup.get("restart") == "no" or "dump" not in str(backup.get("healthcheck", {}).get("test")):
        yield "nobody notices that there is no backup"
    if restore.get("profiles") != ["restore"] or any(
        "restore" in each.get("depends_on", {}) for each in services.values()
    ):
        yield "a start restores a backup"
    granted = re.findall(r"GRANT ([A-Z, ]+) ON .*\bparley_backup\b", services["roles"]["environment"]["ROLES"])
    if backup["environment"].get("PGUSER") != "parley_backup" or set(granted) != {"CONNECT", "USAGE", "SELECT"}:
        yield "the backup has more rights than reading needs"


def leads_to_the_servers(compose: Compose) -> Iterator[str]:
    caddyfile = compose["services"]["proxy"]["environment"]["CADDYFILE"]
    (port,) = compose["services"]["web"]["expose"]
    (network,) = compose["networks"]["front"]["ipam"]["config"]
    prefix, _, size = network["ip_range"].rpartition(".")
    first, bits = map(int, size.split("/"))
    addresses = {f"{prefix}.{first + number}:{port}" for number in range(2 ** (32 - bits))}
    if set(re.findall(r"\S+:" + port, caddyfile)) != addresses:
        yield "the proxy does not lead to web"
    if caddyfile.count("{") - caddyfile.count(r"\{") != caddyfile.count("}") - caddyfile.count(r"\}"):
        yield "the proxy's configuration has an open brace"
    proxy = compose["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    trusted = compose["services"]["web"]["environment"].get("TRUSTED_PROXIES", "")
    if proxy not in trusted.split() or "${TRUSTED_PROXIES:-}" not in trusted:
        yield "the servers do not trust the proxy, or not those of the operator"
    allowed = re.search(r"max_connections=(\d+)", " ".join(compose["services"]["db"]["command"]))
    if allowed is None or int(allowed[1]) < len(addresses) * DEFAULT_POOL_SIZE:
        yield "PostgreSQL has fewer connections than so many servers need"


def configures_the_proxy(compose: Compose) -> Iterator[str]:
    caddyfile = compose["services"]["proxy"]["environment"]["CADDYFILE"]
    for needed, otherwise in {
        "health_uri /readyz": "does not check whether the servers are ready",
        "flush_interval -1": "answers an incomplete body with an empty 200",
        "request>headers delete": "logs headers, and tokens with them",
        "request>uri regexp": "logs queries, and tokens with them",
        "X-Content-Type-Options nosniff": "answers without the security headers",
        "application/problem+json": "has errors in another form than the servers",
        "trusted_proxies ": "overwrites the headers of a TLS proxy in front of it",
        "write ": "waits forever for a client that does not read",
        "grace_period ": "waits forever for its last requests",
    }.items():
        if needed not in caddyfile:
            yield f"the proxy {otherwise}"
    if re.search("fail_duration|unhealthy_|max_fails", caddyfile):
        yield "a client's requests can make the proxy drop a server"
    if "lb_retry_match" in caddyfile:
        yield "the proxy repeats requests that may have been served"
    if "HTTPS" not in compose["services"]["web"]["environment"]:
        yield "the servers do not know of a TLS proxy in front"


RULES: list[Rule] = [
    waits_for_existing_services,
    runs_unprivileged,
    has_healthchecks,
    publishes_one_port,
    replicas_can_be_many,
    uses_declared_resources,
    hides_the_databases,
    keeps_secrets_in_files,
    shows_secrets_to_few,
    runs_commands_that_exist,
    pins_its_images,
    keeps_acknowledged_messages,
    writes_no_config_into_a_read_only_container,
    builds_each_image_once,
    limits_tmpfs,
    limits_resources,
    connects_with_the_least_rights,
    backs_up,
    leads_to_the_servers,
    configures_the_proxy,
]
