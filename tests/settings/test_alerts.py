"""The alert rules, their unit tests and the scrape configuration, judged by the real promtool."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.servers import ROOT
from tests.services import ServiceMissing
from wire.exposition import render

FOLDER = ROOT / "deploy/prometheus"
MISSING = (
    "The tests need a real promtool and found none on PATH. Install it: `apt-get install prometheus` on Debian and "
    "Ubuntu, or sh tests/settings/install_promtool.sh, which does so as root; elsewhere see "
    "https://prometheus.io/download/."
)


def promtool(*arguments: str, given: bytes = b"") -> str:
    """Run it and return what it printed; a failure fails the test with that."""
    binary = shutil.which("promtool")
    if binary is None:
        raise ServiceMissing(MISSING)
    done = subprocess.run([binary, *arguments], cwd=FOLDER, input=given, capture_output=True, check=False)
    printed = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, printed
    return printed


def test_the_configuration_and_the_rules_are_valid() -> None:
    assert "SUCCESS" in promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")


def test_the_alerts_are_raised_when_they_should_be() -> None:
    promtool("test", "rules", "parley.tests.yml")


@pytest.mark.filterwarnings("default")
def test_the_metrics_follow_the_conventions_of_prometheus() -> None:
    promtool("check", "metrics", given=render("")[0])
