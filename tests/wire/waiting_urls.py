"""A URL map with a view that waits until another request waits too."""

from threading import Barrier

from django.http import HttpRequest, HttpResponse
from django.urls import path

SECONDS = 10  # the limit for a request that waits alone
_barrier = Barrier(2, timeout=SECONDS)


def meet(request: HttpRequest) -> HttpResponse:
    _barrier.wait()
    return HttpResponse(request.read())


urlpatterns = [path("meet", meet)]
