"""The style sheets, scripts and pictures of Django's admin, served by Parley itself: no collection, no other server."""

from importlib.resources import files
from mimetypes import guess_type
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

STATIC = Path(str(files("django.contrib.admin"))) / "static"


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """Serve a file below Django's folder. Raises Http404 for any other path."""
    file = (STATIC / name).resolve()
    if not file.is_relative_to(STATIC.resolve()) or not file.is_file():
        raise Http404
    content_type = guess_type(file.name)[0] or "application/octet-stream"
    return HttpResponse(file.read_bytes(), content_type=content_type, headers={"Cache-Control": "max-age=86400"})
