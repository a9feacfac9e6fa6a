"""Settings of the servers behind the proxy: cheap password hashes, and a short deadline for requests."""

import os

from tests.realtime.live_settings import *  # noqa: F403

WS_REQUEST_SECONDS = float(os.environ.get("TEST_REQUEST_SECONDS", "30"))
