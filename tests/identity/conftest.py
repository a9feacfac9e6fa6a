"""Fixtures: a backend with a key, and the settings of JWTs with a shared secret."""

from __future__ import annotations

from typing import Any

import pytest

from tests.identity.backends import SECRET, Backend


@pytest.fixture
def backend(db: None) -> Backend:
    return Backend()


@pytest.fixture
def _jwt(settings: Any) -> None:
    settings.JWT_SECRET, settings.JWT_AUDIENCE = SECRET, "parley"
