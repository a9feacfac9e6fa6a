"""The whole URL map: the API under /v1, and the two probes."""

from django.urls import URLPattern, URLResolver, include, path

from settings.health import livez, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", livez),
    path("readyz", readyz),
    path("v1/", include("accounts.urls")),
    path("v1/", include("api.urls")),
]
