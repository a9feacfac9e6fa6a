"""The URL map: the API under /v1, its contracts and pages, probes, metrics, and the paths of sockets."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from settings import account_pages
from settings.docs import asset, contract, docs
from settings.health import livez, readyz
from settings.metrics import metrics
from settings.problem_pages import problem_page
from settings.socket_page import socket_page
from wire.views import upgrade_required

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include("api.urls")),  # the most frequent first: each is tried in turn
    path("v1/", include("realtime.urls")),
    path("v1/", include("accounts.urls")),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("openapi.yaml", contract, {"name": "openapi.yaml"}),
    path("asyncapi.yaml", contract, {"name": "asyncapi.yaml"}),
    path("docs", docs),
    path("docs/socket", socket_page),
    path("docs/<str:name>", asset),
    path("problems/<str:code>", problem_page),
    path("reset-password", account_pages.page, {"name": "reset-password"}),
    path("verify-email", account_pages.page, {"name": "verify-email"}),
    path("account.js", account_pages.script),
    path("v1/ws", upgrade_required),
    path("ws/chat/<str:slug>/", upgrade_required),
]

if settings.ADMIN:
    from django.contrib import admin

    from staff.views import asset as admin_asset

    urlpatterns += [
        path(f"{settings.ADMIN_PATH}static/<path:name>", admin_asset),
        path(settings.ADMIN_PATH, admin.site.urls),
    ]

# Errors outside DRF are problems too, never HTML.
handler400 = "wire.views.bad_request"
handler404 = "wire.views.page_not_found"
handler500 = "wire.views.server_error"
