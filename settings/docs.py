"""Serves the two contracts, and /docs, a page that shows openapi.yaml in Swagger UI without any CDN."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

ROOT = Path(__file__).resolve().parent.parent
SWAGGER_UI = files("drf_spectacular_sidecar") / "static/drf_spectacular_sidecar/swagger-ui-dist"
ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon-32x32.png": "image/png"}
PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<p style="margin: 1em; font-family: sans-serif">
  <a href="/openapi.yaml">openapi.yaml</a>: REST, and the types of all frames.
  <a href="/docs/socket">The socket</a>: its actions, events and close codes
  (<a href="/asyncapi.yaml">asyncapi.yaml</a>).
</p>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</html>
"""
SCRIPT = b"""SwaggerUIBundle({url: "/openapi.yaml", dom_id: "#docs", deepLinking: true, docExpansion: "none"});
"""
# Swagger UI uses inline styles and icons from data: URLs, and nothing from other hosts.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


@require_safe
def contract(request: HttpRequest, name: str) -> HttpResponse:
    """Serve openapi.yaml or asyncapi.yaml, as committed."""
    return HttpResponse(_contract(name), content_type="application/yaml", headers={"Cache-Control": "max-age=300"})


@cache
def _contract(name: str) -> bytes:
    return (ROOT / name).read_bytes()


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Serve the page."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "max-age=300"}
    return HttpResponse(PAGE, content_type="text/html; charset=utf-8", headers=headers)


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """Serve a file of the page."""
    if name == "page.js":
        return HttpResponse(SCRIPT, content_type="text/javascript")
    if name not in ASSETS:
        raise Http404
    return HttpResponse(_asset(name), content_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})


@cache
def _asset(name: str) -> bytes:
    return (SWAGGER_UI / name).read_bytes()
