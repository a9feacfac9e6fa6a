"""Settings of a server that lets a silent connection stay: a test may take its time."""

from tests.realtime.live_settings import *  # noqa: F403

WS_REQUEST_SECONDS = 600
