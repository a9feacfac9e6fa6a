"""`python -m tests.contracts.seen FOLDER` fails when the runs that wrote into it have not seen a documented part."""

import json
import sys
from pathlib import Path

from tests import recording


def main() -> int:
    for path in Path(sys.argv[1]).glob("*.json"):
        for kind, names in json.loads(path.read_text()).items():
            recording.seen[kind].update(names)
    missing = recording.never_seen()
    for kind, names in missing.items():
        print(f"documented, but never seen: {kind} {', '.join(names)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
