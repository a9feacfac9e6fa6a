"""docs/backend.md: its commands run in one shell, as a backend's operator would type them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import blocks, objects, read
from tests.docs.test_tour import mask
from tests.realtime.deployment import Deployment
from tests.servers import ROOT

PAGE = "docs/backend.md"
PATIENCE = 120
FIELD = "field() { python -c \"import json, sys; print(json.load(sys.stdin)['$1'])\"; }\n"  # as in the tour


def test_the_page_works_as_it_stands(deployment: Deployment) -> None:
    [server] = deployment.servers
    script = FIELD + "".join(blocks(read(PAGE), "sh backend"))
    environment = {
        **server.environment,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PARLEY": server.url,
    }

    typed = subprocess.run(
        ["bash", "-ec", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )

    assert typed.returncode == 0, typed.stdout + typed.stderr
    made_name = re.compile("u-[a-z2-9]{12}")
    user, me, sent, bot, extended = (made_name.sub("<name>", mask(line)) for line in _lines(typed.stdout))
    [shown] = [made_name.sub("<name>", mask(block)) for block in blocks(read(PAGE), "json backend")]
    assert list(objects(user)) == list(objects(shown))
    assert '"display_name":"Ada Lovelace"' in me
    assert '"text":"Where is my order?"' in sent
    assert '"username":"weather"' in bot
    assert '"display_name":"Grace Hopper"' in extended


def _lines(printed: str) -> list[str]:
    """The answers, one a line; curl prints none at the end of one."""
    return printed.replace("}{", "}\n{").splitlines()


def test_every_claim_and_answer_of_the_page_has_a_test() -> None:
    files = ("test_exchange", "test_jwt_attacks", "test_jwks")
    tests = "".join((ROOT / f"tests/identity/{file}.py").read_text() for file in files)

    for name in re.findall(r"^\| `(\w+)` \|", read(PAGE), re.MULTILINE):
        assert re.search(rf"\b{name}\b", tests), name
    for code in re.findall(r"^\| 4\d\d `([\w.]+)`", read(PAGE), re.MULTILINE):
        assert code in tests, code
