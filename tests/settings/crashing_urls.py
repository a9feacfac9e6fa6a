"""The real URL map, and a view that fails unexpectedly, with an error that quotes a token and a row."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from settings.urls import handler400, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]

TOKEN = "prl_" + "a1B2" * 10
ROW = "a text that a person wrote"


def crash(request: HttpRequest, code: str) -> HttpResponse:
    raise RuntimeError(f"Bearer {TOKEN} and ?token={TOKEN}\nDETAIL:  Failing row contains ({ROW},\n {ROW}).")


urlpatterns = [*urlpatterns, path("crash/<str:code>", crash)]
