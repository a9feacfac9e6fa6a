"""`python -m tests.sim`: thousands of schedules, each from its own seed, until one fails."""

import argparse
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.test")


def main() -> int:
    """0 when every schedule kept every promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--keep-going", action="store_true", help="report every schedule that fails")
    options = parser.parse_args()
    django.setup()
    from tests.sim.schedules import explain, run_schedules

    began, deliveries, failed = time.monotonic(), 0, 0
    for history, wrong in run_schedules(options.seed, options.schedules):
        deliveries += history.deliveries
        if wrong:
            failed += 1
            print(explain(history, wrong), flush=True)
            if not options.keep_going:
                break
    seconds = time.monotonic() - began
    print(f"{options.schedules} schedules, {deliveries:,} deliveries, {failed} failed, {seconds:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
