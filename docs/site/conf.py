"""The site of the documents (`make docs`): the Markdown pages as they stand, in the order of docs/README.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
INDEX = "docs/README"
LIST = re.compile(r"^\*\*([^*\n]+)\*\*\n\n(.+?)\n\n(?=\*\*|The )", re.MULTILINE | re.DOTALL)

project = "Parley"
extensions = ["myst_parser"]
root_doc = INDEX
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/**.md", "clients/*/README.md", "examples/*/README.md"]
exclude_patterns = [".*", "**/node_modules", "tests"]
myst_heading_anchors = 6
myst_linkify_fuzzy_links = False
html_theme = "furo"
html_title = "Parley"
html_copy_source = False
html_show_sphinx = False
html_extra_path = [str(ROOT / "llms.txt"), str(ROOT / "docs/site/index.html")]
# Blocks carry the name of their test after the language; and pages beside docs/ are reached by links.
suppress_warnings = ["misc.highlighting_failure", "toc.not_included"]


def adapt(app: Sphinx, name: str, source: list[str]) -> None:
    """Make text of links to folders, which a site does not have; list the pages of the index in the side bar."""

    def unlink_folder(link: re.Match[str]) -> str:
        return link[1] if (ROOT / name).parent.joinpath(link[2]).is_dir() else link[0]

    source[0] = re.sub(r"\[([^\]]*)\]\(([^)#:\s]+)\)", unlink_folder, source[0])
    if name == INDEX:
        for caption, pages in LIST.findall(source[0]):
            targets = "\n".join(re.findall(r"^\* \[.*?\]\((.*?)\)", pages, re.MULTILINE))
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{targets}\n```\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", adapt)
    return {"parallel_read_safe": True}
