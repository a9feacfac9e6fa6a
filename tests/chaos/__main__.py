"""`python -m tests.chaos`: one run from a seed, or with --planted the proof that planted bugs are caught."""

import argparse
import asyncio
import shutil
import sys
from pathlib import Path

from tests.chaos.checker import check
from tests.chaos.history import read
from tests.chaos.nemesis import FAULTS
from tests.chaos.planted import ELSEWHERE, PLANTED, hunt
from tests.chaos.report import report
from tests.chaos.run import Plan, run


def main() -> int:
    """The exit code: 0 when every promise was kept, or every planted bug caught."""
    arguments = _parse()
    if arguments.check:
        return judge(Plan(folder=arguments.check.parent), arguments.check, times=not arguments.untimed)
    if arguments.planted is not None:
        return hunt(arguments.planted or [*ELSEWHERE, *PLANTED], arguments.seed)
    plan = Plan(arguments.seconds, arguments.seed, arguments.stack, faults=arguments.faults)
    print(
        f"seed {plan.seed}, {plan.seconds:g} s on {plan.stack}; the history is in {plan.folder} until all is well",
        flush=True,
    )
    return judge(plan, times=not arguments.untimed)


def judge(plan: Plan, recorded: Path | None = None, *, times: bool = True) -> int:
    """Run the workload with faults, or read a stored history, and print the verdict."""
    records = read(recorded) if recorded else asyncio.run(run(plan))
    verdict = check(records)
    ok = verdict.ok if times else verdict.is_kept
    print(report(records, verdict, None if ok else plan.folder), flush=True)
    if ok and recorded is None:
        shutil.rmtree(plan.folder, ignore_errors=True)
    return 0 if ok else 1


def _faults(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(FAULTS):
        raise argparse.ArgumentTypeError(f"there is no fault {', '.join(sorted(unknown))}")
    return names


def _parse() -> argparse.Namespace:
    bugs = ", ".join([*ELSEWHERE, *PLANTED])
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240.0, help="of load and faults; default %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stack", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--faults", type=_faults, help=f"only these, with commas between: {', '.join(FAULTS)}")
    parser.add_argument("--untimed", action="store_true", help="report the bounds in time, judge all others")
    parser.add_argument("--planted", nargs="*", metavar="BUG", help=f"catch these bugs, or all: {bugs}")
    parser.add_argument("--check", type=Path, metavar="HISTORY", help="judge a history.jsonl that was kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
