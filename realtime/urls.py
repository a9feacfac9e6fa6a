"""The paths of REST whose requests wait for events, under /v1/."""

from django.urls import URLPattern, URLResolver, path

from realtime.views import StreamView, SyncView

urlpatterns: list[URLPattern | URLResolver] = [
    path("sync", SyncView.as_view()),
    path("stream", StreamView.as_view()),
]
