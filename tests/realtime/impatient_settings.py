"""Settings of a server whose event streams soon end."""

from tests.realtime.live_settings import *  # noqa: F403

ASGI_APPLICATION = "tests.realtime.impatient.application"
