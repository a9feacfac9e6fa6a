"""The paths of REST that need the hub, under /v1/: requests that wait for events, and presence."""

from django.urls import URLPattern, URLResolver, path

from realtime.views import PresenceView, StreamView, SyncView, WatchPresenceView

urlpatterns: list[URLPattern | URLResolver] = [
    path("sync", SyncView.as_view()),
    path("stream", StreamView.as_view()),
    path("presence", PresenceView.as_view()),
    path("presence/watch", WatchPresenceView.as_view()),
]
