"""No pages: the benchmark speaks to the sockets."""

from typing import Any

urlpatterns: list[Any] = []
