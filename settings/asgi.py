"""One ASGI application for both faces: HTTP goes to Django, websockets to the chat."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
django.setup(set_prefix=False)

# Imported late: they need the settings and, for the chat's models, the app registry that the line above fills.
from realtime.process import with_hub  # noqa: E402
from realtime.routing import websocket_application  # noqa: E402
from wire.handler import Handler  # noqa: E402

application = with_hub(ProtocolTypeRouter({"http": Handler(apart={"/livez"}), "websocket": websocket_application}))
