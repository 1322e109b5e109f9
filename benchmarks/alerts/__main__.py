"""`python -m benchmarks.alerts [--count N] [--seed S] [--workers W]`: skypicket beside its baselines."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.alerts.run import compare, scores, table
from replay.encounters.campaign import spread

TOLD_EVERY = 100


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    begun, found = time.perf_counter(), []
    for each in spread(compare, arguments.seed, range(arguments.count), arguments.workers):
        found.append(each)
        if len(found) % TOLD_EVERY == 0:
            print(f"   {len(found)} of {arguments.count}, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    print("\n".join(table(scores(found))))
    print(f"\n{len(found)} encounters of seed {arguments.seed}, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
