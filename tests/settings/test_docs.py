"""The contracts as clients fetch them, and the page that renders them."""

from __future__ import annotations

import re

import pytest
import yaml
from django.test import Client

from tests.contracts.documents import ROOT


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("name", ["openapi.yaml", "asyncapi.yaml"])
def test_a_contract_is_served_as_committed(client: Client, name: str) -> None:
    response = client.get(f"/{name}")

    assert (response.status_code, response["Content-Type"]) == (200, "application/yaml")
    assert response.content == (ROOT / name).read_bytes()
    assert yaml.safe_load(response.content)["info"]["title"] == "Parley"


def test_the_docs_page_loads_files_of_this_server_only(client: Client) -> None:
    page = client.get("/docs").content.decode()

    parts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(parts) == 7
    for part in parts:
        assert part.startswith("/"), part
        assert client.get(part).status_code == 200, part
    assert b"/openapi.yaml" in client.get("/docs/page.js").content


def test_the_policy_of_the_docs_page_allows_no_other_host(client: Client) -> None:
    response = client.get("/docs")

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "<script>" not in response.content.decode()  # the policy would block it
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_page_of_the_socket_has_every_action_event_close_code_and_type(client: Client) -> None:
    contract = yaml.safe_load((ROOT / "asyncapi.yaml").read_bytes())

    response = client.get("/docs/socket")

    page = response.content.decode()
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    actions = {name for name, each in contract["operations"].items() if "reply" in each}
    assert actions | {f"{row['type']}-{row['stream']}" for row in contract["x-event-types"]} <= set(anchors)
    assert {str(row["code"]) for row in contract["x-close-codes"]} <= set(re.findall(r"<td>(\d{4})", page))
    for code in set(re.findall(r'href="(/problems/[^"]+)"', page)):
        assert client.get(code).status_code == 200, code
    assert "<script" not in page
    assert "script" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/docs/", "/docs/swagger-ui.css.map", "/docs/..%2Fbase.py", "/docs/%2e%2e"])
def test_another_path_under_docs_gets_404(client: Client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_the_docs_page_rejects_other_methods(client: Client) -> None:
    assert client.post("/docs").json()["code"] == "method_not_allowed"
