"""No pages: the benchmark uses the sockets only."""

from typing import Any

urlpatterns: list[Any] = []
