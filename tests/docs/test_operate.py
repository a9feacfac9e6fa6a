"""docs/operate.md: every command runs as it stands, and the page names every code, action and command"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.docs.pages import FENCE, read, section, table
from tests.realtime.deployment import Deployment
from tests.servers import ROOT

PAGE = "docs/operate.md"
PATIENCE = 240
# They belong to a developer, or are a step of another page.
ELSEWHERE = {"contracts", "serve", "raise_epoch", "create_staff"}


def test_every_command_of_the_page_works(deployment: Deployment, tmp_path: Path) -> None:
    """In the order of the page, but the erasure last; only the paths and the address are changed."""
    [server] = deployment.servers
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        for name in ("alice", "bob"):
            body = {"username": name, "password": "correct-horse-battery"}
            assert http.post("/v1/auth/register", json=body).status_code == 201
    parts: dict[str, str] = dict(FENCE.findall(read(PAGE)))
    script = "".join([*(body for language, body in parts.items() if language != "sh erase"), parts["sh erase"]])
    for path in ("/var/backups", "/var/lib/parley"):
        script = script.replace(path, str(tmp_path))
    script = script.replace("https://chat.example.com", server.url)
    environment = {**server.environment, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}

    typed = subprocess.run(
        ["bash", "-ec", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )

    assert typed.returncode == 0, typed.stdout + typed.stderr
    lines = typed.stdout.splitlines()
    assert lines[:3] == ["bob is deactivated.", "bob can log in again.", "0 sessions of bob ended."]
    assert "bob owns the room." in lines
    assert "All jobs are done." in lines
    assert [line for line in lines if line.endswith(" rows imported.")]
    assert [line for line in lines if line.startswith("0 errors, ")]
    assert lines[-1].endswith(" is erased.")


def test_every_code_of_the_doctor_is_listed() -> None:
    listed = re.findall(r"`([a-z_]+\.[a-z_*]+)`", " ".join(row[0] for row in doctor_table()))
    source = "".join(path.read_text() for path in (ROOT / "realtime/doctor").glob("*.py"))
    codes = set(re.findall(r"\"((?:\w+)\.(?:\w+))\",?\s*\n?\s*Level\.(?:ERROR|WARNING)", source))
    codes |= set(re.findall(r"Finding\(\"(\w+\.\w+)\", (?:level|Level\.(?:ERROR|WARNING))", source))
    codes |= {f"database.{name}" for name in ("fsync", "full_page_writes", "synchronous_commit")}

    assert set(listed) == codes | {"settings.*"}


def doctor_table() -> list[list[str]]:
    return [[f"`{row[0]}`", row[1]] if "`" not in row[0] else row for row in table(section(PAGE, "The doctor"))]


def test_every_action_of_the_audit_is_listed() -> None:
    listed = set(re.findall(r"`((?:user|room|data|key)\.[a-z_]+)`", section(PAGE, "The audit")))
    source = "".join(
        path.read_text()
        for package in ("accounts", "eventlog", "api", "realtime", "staff")
        for path in (ROOT / package).rglob("*.py")
    )

    assert listed == set(re.findall(r"audit\.record[(,]\s*\"([a-z_.]+)\"", source))


def test_every_command_is_described() -> None:
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"} - ELSEWHERE

    assert commands == set(re.findall(r"(?:manage\.py |`)([a-z_]+)\b", read(PAGE))) & commands
