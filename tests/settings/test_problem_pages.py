"""The pages to which the `type` of problems refers."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from tests.clients import Person
from wire.problems import REGISTRY

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("code", sorted(REGISTRY))
def test_every_code_has_a_page_as_html_and_json(client: Client, code: str) -> None:
    page = client.get(f"/problems/{code}", headers={"Accept": BROWSER})
    facts = client.get(f"/problems/{code}").json()

    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert code in page.content.decode()
    assert facts["advice"] in unescape(page.content.decode())
    assert facts.keys() == {"code", "title", "status", "retryable", "advice"}
    assert (facts["code"], facts["status"], facts["retryable"]) == (
        code,
        REGISTRY[code].status,
        REGISTRY[code].retryable,
    )


def test_the_type_of_a_problem_is_the_path_of_its_page(stranger: Person, client: Client) -> None:
    problem = stranger.get("/v1/me").json()

    assert client.get(problem["type"]).json()["code"] == problem["code"]


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json", "*/*", "application/*"])
def test_a_client_that_accepts_json_gets_the_page_as_json(client: Client, accept: str) -> None:
    response = client.get("/problems/not_found", headers={"Accept": accept})

    assert response["Content-Type"] == "application/json"
    assert "Accept" in response["Vary"]


def test_the_policy_of_a_problem_page_allows_nothing(client: Client) -> None:
    page = client.get("/problems/not_found", headers={"Accept": "text/html"})

    assert "default-src 'none'" in page["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/problems/nothing", "/problems/<script>", "/problems/", "/problems/not_found/"])
def test_an_unknown_code_has_no_page(client: Client, path: str) -> None:
    assert (client.get(path).status_code, client.get(path).json()["code"]) == (404, "not_found")


def test_a_problem_page_rejects_other_media_types_and_methods(client: Client) -> None:
    refused = client.get("/problems/not_found", headers={"Accept": "image/png"})

    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert client.post("/problems/not_found").status_code == 405
