"""`python -m benchmarks [--smoke] [NAME …]`: run the benchmarks and print what docs/measured.md quotes."""

from __future__ import annotations

import argparse
import importlib
import time

NAMES = ("engines", "inner", "throughput", "recordings", "startup", "numerics", "cases")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)}; all where left out")
    parser.add_argument("--smoke", action="store_true", help="a short run of each, to see that they work")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; allowed are {', '.join(NAMES)}")
    for name in arguments.names or NAMES:
        print(f"== {name}", flush=True)
        begun = time.perf_counter()
        importlib.import_module(f"benchmarks.{name}").run(smoke=arguments.smoke)
        print(f"   ({time.perf_counter() - begun:.1f} s)\n", flush=True)


if __name__ == "__main__":
    main()
