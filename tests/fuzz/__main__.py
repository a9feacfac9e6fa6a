"""`python -m tests.fuzz --cases 200000 --seed 7`: `make fuzz`."""

import argparse
import secrets
import time

from tests.fuzz.run import fuzz_by_schema, fuzz_frames, fuzz_requests, fuzzed_server, memory_mb

ROUND = 5_000  # cases of one seed
EXAMPLES = 5  # of each operation by Schemathesis, in each round
LATER_GROWTH_MB = 100  # after the first round, in which caches and threads fill up


def main() -> None:
    """Run rounds until the number of cases is reached; each prints its seed, which repeats it, and the memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    options = parser.parse_args()
    done, began, settled = 0, time.monotonic(), 0.0
    with fuzzed_server() as (world, server):
        while done < options.cases:
            seed = options.seed + done // ROUND
            made = fuzz_by_schema(world, EXAMPLES, seed)
            rest = max(0, min(ROUND, options.cases - done) - made)
            fuzz_requests(world, rest // 2, seed)
            fuzz_frames(world, rest - rest // 2, seed)
            done += made + rest
            memory = memory_mb(server.pid)
            settled = settled or memory
            seconds = time.monotonic() - began
            print(f"seed {seed}: {done:,} cases in {seconds:,.0f} s, the server has {memory:.0f} MB", flush=True)
        assert memory - settled < LATER_GROWTH_MB, f"{settled:.0f} MB after the first round, {memory:.0f} MB at the end"


if __name__ == "__main__":
    main()
