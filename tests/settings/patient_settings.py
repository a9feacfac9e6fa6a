"""Settings of a server that does not close silent connections during a test."""

from tests.realtime.live_settings import *  # noqa: F403

WS_REQUEST_SECONDS = 600
