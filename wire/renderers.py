"""The renderer of response bodies, and the negotiation that selects it."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from wire import strict_json
from wire.problems import CONTENT_TYPE


class JsonRenderer(BaseRenderer):
    """Renders JSON with orjson; an orjson.Fragment in the data is copied unchanged."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else strict_json.dumps(data)


class JsonNegotiation(DefaultContentNegotiation):
    """Selects by the Accept header alone: DRF's ?format= would give 404 for an unknown parameter."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        accepts = self.get_accept_list(request)
        for renderer in renderers:
            # A client that accepts problems accepts JSON.
            if any(CONTENT_TYPE in each or media_type_matches(renderer.media_type, each) for each in accepts):
                return renderer, renderer.media_type
        raise NotAcceptable

    def get_accept_list(self, request: Request) -> list[str]:
        return [each.strip() for each in request.META.get("HTTP_ACCEPT", "*/*").split(",")]
