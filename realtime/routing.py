"""Which consumer answers which websocket path."""

from channels.routing import URLRouter

websocket_application = URLRouter([])
