"""One ASGI application for both faces: HTTP goes to Django, websockets to the chat."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
django.setup(set_prefix=False)

# Imported late: they need the settings and, for the chat's models, the app registry that the line above fills.
from api.shares import keys_of, make_shares  # noqa: E402
from realtime.process import with_hub  # noqa: E402
from realtime.routing import websocket_application  # noqa: E402
from wire.handler import THREADS, Handler  # noqa: E402

http = Handler(apart={"/livez"}, shares=make_shares(THREADS), keys_of=keys_of)
application = with_hub(ProtocolTypeRouter({"http": http, "websocket": websocket_application}))
