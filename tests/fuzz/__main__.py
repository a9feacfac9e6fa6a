"""`python -m tests.fuzz --cases 200000 --seed 7`: `make fuzz`."""

import argparse
import secrets
import time

from tests.fuzz.run import fuzz_by_schema, fuzz_frames, fuzz_requests, fuzzed_server

ROUND = 5_000  # cases of one seed
EXAMPLES = 5  # of each operation by Schemathesis, in each round


def main() -> None:
    """Run rounds until the number of cases is reached; each prints its seed, which repeats it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    options = parser.parse_args()
    done, began = 0, time.monotonic()
    with fuzzed_server() as (world, _):
        while done < options.cases:
            seed = options.seed + done // ROUND
            made = fuzz_by_schema(world, EXAMPLES, seed)
            rest = min(ROUND, options.cases - done) - made
            fuzz_requests(world, max(0, rest // 2), seed)
            fuzz_frames(world, max(0, rest - rest // 2), seed)
            done += max(made, made + rest)
            print(f"seed {seed}: {done:,} cases in {time.monotonic() - began:,.0f} s", flush=True)


if __name__ == "__main__":
    main()
