"""The pages that links in mail open."""

from typing import Any

import pytest
from django.test import Client

from settings.account_pages import PAGES
from tests.contracts.documents import openapi

URLS = ["/reset-password", "/verify-email", "/account.js"]


@pytest.mark.parametrize("url", URLS)
def test_they_work(url: str, settings: Any) -> None:
    settings.EMAIL_HOST = "127.0.0.1"

    response = Client().get(url)

    assert response.status_code == 200
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("url", URLS)
def test_a_server_without_mail_has_none(url: str) -> None:
    response = Client(raise_request_exception=False).get(url)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_uses_an_endpoint_of_the_contract(name: str) -> None:
    assert openapi().operation("POST", PAGES[name]["path"]) is not None
