"""Settings of a server that is made to fail."""

from tests.realtime.live_settings import *  # noqa: F403

ASGI_APPLICATION = "tests.contracts.faulty.application"
