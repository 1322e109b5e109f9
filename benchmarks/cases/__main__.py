"""`python -m benchmarks.cases [CASE …] [--smoke | --full] [--seeds N]`"""

from __future__ import annotations

import argparse

from benchmarks.cases.catalogue import MAKERS
from benchmarks.cases.table import show


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CASE", help=f"which: {', '.join(MAKERS)}; all where left out")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--smoke", action="store_true", help="to see that they work")
    size.add_argument("--full", action="store_true", help="as the issue words them: an hour of radars, 100 seeds")
    parser.add_argument("--seeds", type=int, help="so many of each")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MAKERS]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; allowed are {', '.join(MAKERS)}")
    show("smoke" if arguments.smoke else "full" if arguments.full else "short", arguments.names, arguments.seeds)


if __name__ == "__main__":
    main()
