"""The static site of the documents."""

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import PAGES
from tests.servers import ROOT


def test_every_page_is_on_the_site_and_every_link_works(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", "html", "-c", "docs/site"]

    built = subprocess.run([*command, ".", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)

    assert (built.returncode, built.stderr) == (0, "")
    assert {page for page in PAGES if not (tmp_path / page).with_suffix(".html").exists()} == set()
    first = re.findall(r"url=([^\"]+)", (tmp_path / "index.html").read_text())
    assert [(tmp_path / page).exists() for page in first] == [True]
    listed = re.findall(r"\]\((_sources/[^)]+)\)", (tmp_path / "llms.txt").read_text())
    assert len(listed) > 20
    assert {page for page in listed if not (tmp_path / page).exists()} == set()
