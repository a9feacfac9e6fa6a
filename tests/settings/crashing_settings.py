"""Settings of a server with a view that fails."""

from tests.realtime.live_settings import *  # noqa: F403

ROOT_URLCONF = "tests.settings.crashing_urls"
