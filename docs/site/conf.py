"""Settings of the site that `make docs` builds from the Markdown pages of the repository.

The pages stay plain Markdown that forges show too: the site's menu is made of the lists in docs/README.md.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

project = "Parley"
extensions = ["myst_parser"]
include_patterns = ["*.md", "docs/**.md", "clients/*/README.md"]
root_doc = "docs/README"
html_theme = "furo"
html_title = "Parley"
html_extra_path = ["extra"]
html_show_sphinx = html_show_copyright = False
html_copy_source, html_sourcelink_suffix = True, ""  # llms.txt names the sources
myst_heading_anchors = 4
ABOUT = "A headless JSON chat API with token auth: REST for rooms and history, one websocket for everything live."
GROUP = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
PAGE = re.compile(r"\[[^]]*\]\(((?:\.\./)?[\w/.-]+)\.md\)")


def add_menu(app: Sphinx, page: str, source: list[str]) -> None:
    """Append the menu to a list of documents: a group for each bold line, an entry for each link under it."""
    if page not in (root_doc, "docs/decisions/README"):
        return
    parts = GROUP.split(source[0]) if page == root_doc else ["", "Decisions", source[0]]
    for caption, text in zip(parts[1::2], parts[2::2], strict=True):
        source[0] += "\n".join(["\n\n```{toctree}", f":caption: {caption}", ":hidden:", "", *PAGE.findall(text), "```"])


def write_llms(app: Sphinx, error: Exception | None) -> None:
    """Write llms.txt (llmstxt.org): the list of documents, with links to their sources."""
    if error is None:
        pages = (Path(app.srcdir) / f"{root_doc}.md").read_text().partition("\nThe contracts themselves")[0]
        text = GROUP.sub(r"## \1", PAGE.sub(lambda link: f"[{link[1]}](_sources/docs/{link[1]}.md)", pages))
        text = text.replace("docs/../", "").replace("# Documents\n", f"# Parley\n\n> {ABOUT}\n").replace("* [", "- [")
        (Path(app.outdir) / "llms.txt").write_text(text)


def setup(app: Sphinx) -> None:
    """Connect both to the build."""
    app.connect("source-read", add_menu)
    app.connect("build-finished", write_llms)
