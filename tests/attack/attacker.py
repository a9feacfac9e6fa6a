"""The process of an attacker: `python -m tests.attack.attacker NUMBER URL SECONDS`, with the World on stdin."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import orjson

from tests.attack.attacks import ATTACKS, Attacker

PREPARE_SECONDS = 60.0


def main() -> None:
    """Print a line when ready, attack, and print the counts of the answers as JSON."""
    number, url, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    attack = ATTACKS[number]
    os.nice(2)  # an attacker has a machine of its own, but must reach the server
    who = Attacker(url, orjson.loads(sys.stdin.buffer.read()), attack.user, f"203.0.113.{number + 1}")
    if attack.prepare:
        asyncio.run(limited(attack.prepare(who), PREPARE_SECONDS))
    print(flush=True)
    who.until = time.monotonic() + seconds
    asyncio.run(limited(attack.run(who), seconds))
    sys.stdout.buffer.write(orjson.dumps(dict(who.counts)))


async def limited(work: object, seconds: float) -> None:
    """Run an attack for the time at most: an answer that does not come does not prolong it."""
    try:
        async with asyncio.timeout(seconds + 1):
            await work  # type: ignore[misc]
    except TimeoutError:
        pass


if __name__ == "__main__":
    main()
