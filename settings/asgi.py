"""The ASGI application: HTTP goes to Django, websockets to the consumers of realtime."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
django.setup(set_prefix=False)

# Imported here: they need the settings, and the models need the app registry that the line above fills.
from api.shares import keys_of, make_shares, user_of  # noqa: E402
from realtime.process import with_hub  # noqa: E402
from realtime.routing import websocket_application  # noqa: E402
from wire.handler import THREADS, Handler  # noqa: E402
from wire.sentry import start_reporting  # noqa: E402
from wire.tracing import start_exporting  # noqa: E402

start_reporting()
start_exporting()

http = Handler(isolated={"/livez"}, shares=make_shares(THREADS), keys_of=keys_of, user_of=user_of)
application = with_hub(ProtocolTypeRouter({"http": http, "websocket": websocket_application}))
