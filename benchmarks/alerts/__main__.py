"""`python -m benchmarks.alerts [--count N] [--seed S] [--workers W]`: skypicket beside its baselines.

`--again FILE`: instead, the alerts of the encounters in a file of records (`skypicket encounters --out`), decided
again with other thresholds, in seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from functools import partial

from benchmarks.alerts.run import compare, scores, table
from fusion.config import AlertsConfig
from replay.encounters.again import Thresholds, again
from replay.encounters.campaign import spread
from replay.encounters.layout import lay_out
from replay.encounters.results import OURS, Judged, figures, judged, markdown, results, rows
from replay.encounters.store import load
from replay.encounters.tracking import Record

TOLD_EVERY = 100
RECORDS: dict[str, dict[int, Record]] = {}  # of this process, by file


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", metavar="FILE", help="records.npz")
    parser.add_argument("--probability", type=float, help="that raises; for --again")
    parser.add_argument("--imminent", type=float, help="seconds; for --again")
    parser.add_argument("--clear-part", type=float, default=AlertsConfig().clear_part, help="for --again")
    parser.add_argument("--hold", type=float, default=AlertsConfig().hold_s, help="seconds; for --again")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    if arguments.again:
        alerts = AlertsConfig(clear_part=arguments.clear_part, hold_s=arguments.hold)
        chosen = Thresholds(arguments.probability, arguments.imminent, alerts)
        seed, records = load(arguments.again)
        found = list(spread(partial(decide, arguments.again, chosen), seed, range(len(records)), arguments.workers))
        summary = results(seed, found)
        print("\n".join(markdown(rows({OURS: figures(summary.score, summary.one)}))))
    else:
        seed = arguments.seed
        found = []
        for each in spread(compare, seed, range(arguments.count), arguments.workers):
            found.append(each)
            if len(found) % TOLD_EVERY == 0:
                print(f"   {len(found)} of {arguments.count}, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        print("\n".join(table(scores(found))))
    print(f"\n{len(found)} encounters of seed {seed}, {time.perf_counter() - begun:.0f} s")


def decide(file: str, chosen: Thresholds, seed: int, place: int) -> Judged:
    """One record of a file, its alerts decided again. The file is read once in each process."""
    if file not in RECORDS:
        RECORDS[file] = dict(enumerate(load(file)[1]))
    record = RECORDS[file][place]
    return judged(lay_out(seed, record.number), replace(record, steps=again(seed, record, chosen)))


if __name__ == "__main__":
    main()
