"""Settings of the servers behind the proxy: cheap passwords, and a deadline for a request that a test can wait for."""

import os

from tests.realtime.live_settings import *  # noqa: F403

WS_REQUEST_SECONDS = float(os.environ.get("TEST_REQUEST_SECONDS", "30"))
