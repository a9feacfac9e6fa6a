"""All cases for all clients run in `make test-clients`; `make test` runs some for the clients in Python."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("TEST_CLIENTS") else ["test_clients.py", "test_serve.py"]
