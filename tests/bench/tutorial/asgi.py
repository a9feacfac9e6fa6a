"""The tutorial's routing; both variants of its consumer, each under a path of its own."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.tutorial.settings")
django_asgi_app = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import re_path  # noqa: E402

from tests.bench.tutorial.consumers import AsyncChatConsumer, SyncChatConsumer  # noqa: E402

websocket_urlpatterns = [
    re_path(r"ws/sync/chat/(?P<room_name>\w+)/$", SyncChatConsumer.as_asgi()),
    re_path(r"ws/async/chat/(?P<room_name>\w+)/$", AsyncChatConsumer.as_asgi()),
]
application = ProtocolTypeRouter(
    {
        "http": django_asgi_app,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
