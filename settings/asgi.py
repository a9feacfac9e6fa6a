"""One ASGI application for both faces: HTTP goes to Django, websockets to the chat."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
http_application = get_asgi_application()

# Imported late: the chat's models need the app registry that the line above fills.
from realtime.process import with_hub  # noqa: E402
from realtime.routing import websocket_application  # noqa: E402

application = with_hub(ProtocolTypeRouter({"http": http_application, "websocket": websocket_application}))
