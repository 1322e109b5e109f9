"""`python -m benchmarks.peers CASE [--method gnn|jpda] [--seeds N] [--full]`: run the peers, keep their tracks.

Run with the peers' Python, from the checkout. Prints one JSON line a run: seed, seconds, where the tracks lie.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace

from benchmarks.cases.catalogue import Length, cases
from benchmarks.peers.results import write
from benchmarks.peers.stone_soup import StoneSoup
from benchmarks.peers.tuning import TUNINGS


def main() -> None:
    names = sorted({name for name, _ in TUNINGS})
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("case", choices=names)
    parser.add_argument("--method", choices=("gnn", "jpda"), help="one of them; both where left out")
    parser.add_argument("--seeds", type=int, help="so many")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--smoke", action="store_true", help="as `python -m benchmarks.cases --smoke`")
    size.add_argument("--full", action="store_true", help="as `python -m benchmarks.cases --full`")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER", help="another tuning, to try")
    arguments = parser.parse_args()
    changes = {name: float(value) for name, value in (each.split("=") for each in arguments.set)}
    length: Length = "smoke" if arguments.smoke else "full" if arguments.full else "short"
    for case in cases(arguments.case, length, arguments.seeds):
        for method in [arguments.method] if arguments.method else ["gnn", "jpda"]:
            tuning = replace(TUNINGS[arguments.case, method], **changes)  # type: ignore[arg-type]
            peer = StoneSoup(case, method, tuning)
            begun = time.perf_counter()
            pictures = list(peer.pictures())
            took = time.perf_counter() - begun
            path = write(f"stonesoup-{method}", case, pictures, took, peer.parameters())
            told = {"case": case.name, "seed": case.seed, "method": method, "seconds": round(took, 2)}
            told |= {"detections": case.detections, "tracks": str(path)}
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
