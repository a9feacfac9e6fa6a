"""deploy/compose.monitoring.yaml, merged with compose.yaml and checked by the same rules, and the files it mounts."""

from __future__ import annotations

import copy
import os
import re
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tests.docs.pages import blocks, read, section
from tests.packaging.compose_file import COMPOSE, interpolate
from tests.packaging.compose_rules import problems
from tests.servers import ROOT

MONITORING: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.monitoring.yaml").read_text())
SERVICES = MONITORING["services"]


def merged() -> dict[str, Any]:
    """Merge the two files as Compose does; no service is in both."""
    both = copy.deepcopy(COMPOSE)
    for kind, entries in copy.deepcopy(MONITORING).items():
        if isinstance(entries, dict) and not kind.startswith("x-"):
            assert both.get(kind, {}).keys().isdisjoint(entries), kind
            both.setdefault(kind, {}).update(entries)
    return both


def mounted(service: str) -> dict[str, str]:
    """The files of a service: each place in the container, with the path in the repository."""
    return {each["target"]: MONITORING["configs"][each["source"]]["file"] for each in SERVICES[service]["configs"]}


def test_the_services_keep_the_rules_of_compose_yaml() -> None:
    both = merged()
    for name in SERVICES:
        both["services"][name].pop("ports")  # the next test

    assert problems(both) == []


def test_the_ports_are_published_on_the_loopback_alone() -> None:
    published = {name: [interpolate(port, {}) for port in service["ports"]] for name, service in SERVICES.items()}

    assert published == {"prometheus": ["127.0.0.1:9090:9090"], "grafana": ["127.0.0.1:3000:3000"]}
    for service in SERVICES.values():  # the engine publishes no port of an internal network
        assert any(not (merged()["networks"][name] or {}).get("internal") for name in service["networks"])


def test_prometheus_reaches_the_servers_and_grafana_does_not() -> None:
    networks = {name: set(merged()["services"][name]["networks"]) for name in ("web", "prometheus", "grafana")}

    assert networks["web"] & networks["prometheus"] == {"back"}
    assert networks["web"].isdisjoint(networks["grafana"])
    assert networks["prometheus"] & networks["grafana"]


def test_the_mounted_files_exist() -> None:
    for name in SERVICES:
        for path in mounted(name).values():
            assert (ROOT / path).is_file(), path


def test_prometheus_finds_its_configuration_and_its_rules() -> None:
    [configuration] = [part.partition("=")[2] for part in SERVICES["prometheus"]["command"] if "config.file" in part]
    loaded = yaml.safe_load((ROOT / mounted("prometheus")[configuration]).read_text())

    for rules in loaded["rule_files"]:
        assert str(PurePosixPath(configuration).parent / rules) in mounted("prometheus")


def test_prometheus_scrapes_the_port_of_the_servers() -> None:
    loaded = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    [[found]] = [job["dns_sd_configs"] for job in loaded["scrape_configs"]]

    assert found["names"] == ["web"]
    assert found["port"] == COMPOSE["services"]["web"]["environment"]["METRICS_PORT"]


def test_grafana_finds_its_prometheus_and_its_board() -> None:
    files = mounted("grafana")
    place = "/etc/grafana/provisioning"
    [source] = yaml.safe_load((ROOT / files[f"{place}/datasources/parley.yaml"]).read_text())["datasources"]
    [provider] = yaml.safe_load((ROOT / files[f"{place}/dashboards/parley.yaml"]).read_text())["providers"]

    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert files[f"{provider['options']['path']}/parley.json"] == "deploy/grafana/parley.json"


def test_the_commands_of_the_page_start_it(tmp_path: Path) -> None:
    """A script in place of the engine writes down its arguments."""
    docker = tmp_path / "bin/docker"
    for folder in ("bin", "secrets", "deploy"):
        (tmp_path / folder).mkdir(mode=0o700)
    docker.write_text('#!/bin/sh\necho "$@" >called\n')
    docker.chmod(0o755)
    [script] = blocks(read("docs/metrics.md"), "sh monitoring")

    path = f"{docker.parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "-euc", f"umask 077\n{script}"], cwd=tmp_path, env={"PATH": path}, check=True)

    assert (tmp_path / ".env").read_text() == "COMPOSE_FILE=compose.yaml:deploy/compose.monitoring.yaml\n"
    assert (tmp_path / "called").read_text().split() == ["compose", "up", "--detach", "--wait", *SERVICES]
    secret = tmp_path / MONITORING["secrets"]["grafana_password"]["file"]
    assert (len(secret.read_text()), secret.stat().st_mode & 0o777) == (41, 0o644)
    assert (tmp_path / "deploy").stat().st_mode & 0o055 == 0o055


def test_every_variable_is_documented() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "deploy/compose.monitoring.yaml").read_text()))

    assert used == {"NOFILE", "PROMETHEUS_PORT", "PROMETHEUS_KEEP", "GRAFANA_PORT"}
    assert all(f"`{name}`" in section("docs/metrics.md", "Prometheus and Grafana") for name in used - {"NOFILE"})
