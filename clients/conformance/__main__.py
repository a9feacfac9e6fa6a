"""`python -m clients.conformance <command of a client>`: run the cases and print a verdict for each."""

from __future__ import annotations

import argparse
import asyncio
import sys
from fnmatch import fnmatch

import clients.conformance.cases  # noqa: F401  declares them
from clients.conformance.run import AT_ONCE, CASES, PATIENCE_SECONDS, Case, Kit


async def judge(command: list[str], cases: list[Case], at_once: int, patience: float) -> int:
    """Run the cases, print each verdict as it comes, and return how many have failed."""
    counts = {"passed": 0, "failed": 0, "not for it": 0}
    async with Kit(at_once=at_once, patience=patience) as kit:
        async for result in kit.run(command, cases):
            counts[result.verdict] += 1
            mark = {"passed": "ok  ", "failed": "FAIL", "not for it": "-   "}[result.verdict]
            name = f"{result.case.group}: {result.case.name}"
            print(f"{mark} {name} ({result.seconds:.1f} s) {result.reason}", flush=True)
            if result.verdict == "failed":
                print(f"     demanded: {result.case.what}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), flush=True)
    return counts["failed"]


def main() -> int:
    """Parse the command line. The exit code is 0 when no case has failed."""
    parser = argparse.ArgumentParser(prog="python -m clients.conformance", description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", action="append", help="cases by name or group, `close-*` too")
    parser.add_argument("--list", action="store_true", help="print the cases and what each demands")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="cases that run at the same time")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, help="seconds for each step of a client")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that starts the client under test")
    options = parser.parse_args()
    patterns = options.only or ["*"]
    cases = [
        each
        for each in CASES.values()
        if any(fnmatch(each.name, pattern) or each.group == pattern for pattern in patterns)
    ]
    if options.list:
        for each in cases:
            print(f"{each.group}: {each.name}: {each.what}")
        return 0
    if not options.command or not cases:
        parser.error("name the command of a client, and cases that exist")
    return 1 if asyncio.run(judge(options.command, cases, options.at_once, options.patience)) else 0


if __name__ == "__main__":
    sys.exit(main())
