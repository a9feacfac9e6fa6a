"""The site of the documents, and llms.txt: every page is there, and every link leads somewhere."""

from __future__ import annotations

import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import LINK, PAGES, read
from tests.servers import ROOT

SITE = ROOT / ".var/docs/site"


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a link, a picture or a script names, and each id."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name == "id" and value:
                self.anchors.add(value)


def test_llms_txt_lists_every_page() -> None:
    listed = LINK.findall(read("llms.txt"))
    pages = {page for page in PAGES if page.startswith("docs/") and "/decisions/0" not in page} - {"docs/README.md"}

    assert all((ROOT / target).is_file() for target in listed)
    assert pages <= set(listed)


@pytest.mark.skipif(not os.environ.get("TEST_CLIENTS"), reason="the generator is installed by `make test-clients`")
def test_every_link_of_the_site_leads_somewhere() -> None:
    subprocess.run(["make", "docs"], cwd=ROOT, check=True, timeout=300)
    pages = {file: Page(file) for file in SITE.rglob("*.html")}
    broken = []
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not target.is_file() or (target in pages and unquote(parts.fragment) not in pages[target].anchors):
                broken.append(f"{file.relative_to(SITE)}: {link}")

    assert len(pages) > len(PAGES) // 2
    assert not broken
