"""The page needs Node and Chromium, which `make test` does not."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("TEST_CLIENTS") else ["test_*.py"]
