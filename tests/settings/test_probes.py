"""What a load balancer asks."""

from __future__ import annotations

import pytest
from django.test import AsyncRequestFactory

from settings.health import readyz
from tests.clients import Person


@pytest.mark.parametrize("probe", ["/livez", "/readyz"])
def test_it_answers_whoever_asks(stranger: Person, probe: str) -> None:
    response = stranger.get(probe)

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_server_that_ends_is_not_ready() -> None:
    request = AsyncRequestFactory().get("/readyz")
    request.scope = {**request.scope, "extensions": {"parley": {"draining": True}}}

    response = readyz(request)

    assert response.status_code == 503
    assert response.content == b'{"status": "unavailable", "reason": "draining"}'
