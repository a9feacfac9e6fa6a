"""The documents as a whole: nothing is cut off, every link resolves, every example has its test, none is forgotten."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import FENCE, PAGES, anchors, links, read
from tests.servers import ROOT

README_LINES = 150
# Each kind of fenced block, and the test that runs or judges it.
JUDGED = {
    ("README.md", "sh"): "tests/docs/test_tour.py::test_the_short_tour_works",
    ("README.md", "json"): "tests/docs/test_tour.py::test_the_short_tour_works",
    ("docs/tour.md", "sh"): "tests/docs/test_tour.py::test_the_long_tour_works",
    ("docs/tour.md", "json"): "tests/docs/test_tour.py::test_the_long_tour_works",
    ("docs/clients.md", "python package"): "tests/docs/test_snippets.py::test_the_python_package_sends_a_message",
    ("docs/conformance.md", "sh kit"): "tests/conformance/test_clients.py::test_the_command_of_the_page_runs",
    ("docs/conformance.md", "sh faults"): "tests/conformance/test_serve.py::app",
    ("docs/conformance.md", "json fault"): "tests/conformance/test_serve.py::test_the_switches_of_the_page_work",
    ("docs/clients.md", "sh python client"): "tests/docs/test_snippets.py::test_the_python_snippet_sends_a_message",
    ("docs/clients.md", "html javascript client"): "tests/docs/test_snippets.py::test_the_html_snippet_sends_a_message",
    ("docs/backend.md", "sh backend"): "tests/docs/test_backend.py::test_the_page_works_as_it_stands",
    ("docs/backend.md", "json backend"): "tests/docs/test_backend.py::test_the_page_works_as_it_stands",
    **{
        ("docs/frontend.md", language): "tests/web/test_page.py::test_the_stories_of_people_come_true"
        for language in ("html quick", "ts quick")
    },
    **{
        ("docs/frontend.md", f"ts {recipe}"): "tests/web/test_page.py::test_the_stories_of_people_come_true"
        for recipe in ("badge", "read", "scroll", "offline", "notify", "quote")
    },
    ("docs/socket.md", "json frame"): "tests/docs/test_reference.py::test_the_frames_of_the_page_match_the_contract",
    ("docs/streaming.md", "json frame"): "tests/docs/test_reference.py::test_the_frames_of_the_page_match_the_contract",
    ("docs/presence.md", "json frame"): "tests/docs/test_reference.py::test_the_frames_of_the_page_match_the_contract",
    ("docs/socket.md", "json sync"): "tests/docs/test_reference.py::test_the_sync_example_matches_the_contract",
    ("docs/socket.md", "json synced"): "tests/docs/test_reference.py::test_the_sync_example_matches_the_contract",
    ("docs/rooms.md", "sh rooms"): "tests/docs/test_rooms.py::test_every_answer_of_the_page_arrives",
    ("docs/rooms.md", "json rooms"): "tests/docs/test_rooms.py::test_every_answer_of_the_page_arrives",
    ("docs/reactions.md", "sh reactions"): "tests/docs/test_reactions.py::test_the_page_works_as_it_stands",
    ("docs/reactions.md", "json frame"): "tests/docs/test_reactions.py::test_the_event_matches_the_contract",
    ("docs/threads.md", "sh threads"): "tests/docs/test_threads.py::test_the_page_works_as_it_stands",
    ("docs/people.md", "sh people"): "tests/docs/test_people.py::test_every_answer_of_the_page_arrives",
    ("docs/people.md", "json people"): "tests/docs/test_people.py::test_every_answer_of_the_page_arrives",
    ("docs/http-transport.md", "sh poll"): (
        "tests/docs/test_http_transport.py::test_the_poll_answers_with_the_message"
    ),
    ("docs/http-transport.md", "javascript stream"): (
        "tests/docs/test_http_transport.py::test_the_stream_shows_messages_and_keeps_cursors"
    ),
    ("docs/metrics.md", "json access"): (
        "tests/settings/test_logs.py::test_the_record_of_the_documents_has_the_form_of_a_real_one"
    ),
    ("docs/metrics.md", "sh monitoring"): "tests/packaging/test_monitoring.py::test_the_commands_of_the_page_start_it",
    **{
        ("docs/operate.md", f"sh {part}"): "tests/docs/test_operate.py::test_every_command_of_the_page_works"
        for part in ("accounts", "erase", "keys", "rooms", "jobs", "move", "doctor")
    },
    ("docs/containers.md", "sh restart"): "tests/engine/__main__.py::steps",
    **{
        ("docs/deploy.md", f"sh {step}"): "tests/engine/__main__.py::steps"
        for step in ("start", "scale", "backup", "restore", "restore file", "upgrade")
    },
}
TEXT_FILES = (".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".mjs", "Makefile", "Dockerfile", "run")


def tracked() -> list[Path]:
    """Every file of the repository, new ones that git does not ignore included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for line in listed.splitlines() if (path := ROOT / line).exists()]


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= README_LINES


def test_every_document_is_in_the_index() -> None:
    indexed = {(ROOT / "docs" / target).resolve() for target in links("docs/README.md")}
    indexed |= {(ROOT / "docs/decisions" / target).resolve() for target in links("docs/decisions/README.md")}
    documents = {path for page in PAGES if page.startswith("docs/") for path in [(ROOT / page).resolve()]}

    assert documents - indexed == {ROOT / "docs/README.md"}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_resolves(page: str) -> None:
    """Files exist, and anchors are headings of the page that they are on."""
    for target in links(page):
        if re.match(r"[a-z]+://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.resolve().is_relative_to(ROOT), target
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_example_has_its_test() -> None:
    found = {(page, language) for page in PAGES for language, _ in FENCE.findall(read(page)) if language}

    assert found == set(JUDGED)
    for test in JUDGED.values():
        path, name = test.split("::")
        if path.endswith(".ts"):
            assert f'test("{name}"' in read(path), test
        else:
            assert re.search(rf"^(async )?def {name}\(", read(path), re.MULTILINE), test


def test_a_block_without_a_language_is_a_diagram() -> None:
    """Commands and JSON are marked as such, so that they are run and judged."""
    for page in PAGES:
        for language, body in FENCE.findall(read(page)):
            if not language:
                assert not re.search(r"^\s*(\$|make |curl |docker |python |\{\")", body, re.MULTILINE), page


@pytest.mark.parametrize("page", PAGES)
def test_every_verb_and_command_exists(page: str) -> None:
    [phony] = re.findall(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} | {"check", "migrate", "makemigrations"}
    text = read(page)

    assert set(re.findall(r"(?:^ {4}|`)make ([a-z][a-z-]*)", text, re.MULTILINE)) <= set(phony.split())
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= commands


def test_nothing_refers_to_a_document_that_is_not_here() -> None:
    here = {path.name for path in tracked()}
    missing = []
    for path in tracked():
        if path.name.endswith(TEXT_FILES) and path != Path(__file__):
            text = path.read_text()
            missing += [(path, name) for name in re.findall(r"[\w-]+\.md\b", text) if name not in here]
            missing += [(path, references) for references in re.findall(r"\b(?:design|style|card) section \d+", text)]

    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_inline_json_is_valid(page: str) -> None:
    """Objects written out in a sentence parse, unless they abbreviate: a name without quotes, dots or brackets."""
    for code in re.findall(r"`(\{\"[^`]*\})`", read(page)):
        if "..." not in code and "<" not in code and ":" in code:
            json.loads(code)
