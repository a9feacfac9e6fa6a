"""The parser of request bodies: strict JSON and nothing else."""

from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from wire import strict_json
from wire.problems import Problem


class StrictJsonParser(BaseParser):
    """Reads a body of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes as strict JSON."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        encoding = stream.META.get("HTTP_CONTENT_ENCODING", "") if hasattr(stream, "META") else ""
        if encoding.strip().lower() not in ("", "identity"):
            raise Problem("unsupported_media_type", "Content-Encoding is not supported: send the body unencoded.")
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise Problem("request.too_large", f"A body may have at most {limit} bytes.")
        return strict_json.loads(body)
