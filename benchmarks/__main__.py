"""`python -m benchmarks [--smoke] [NAME …]`: run the benchmarks and print what docs/measured.md quotes.

`python -m benchmarks throughput` takes more options: `--aircraft N`, `--detections N`, `--full`.
"""

from __future__ import annotations

import argparse
import importlib
import time

NAMES = (
    "engines",
    "inner",
    "throughput",
    "recordings",
    "recording",
    "startup",
    "numerics",
    "cases",
    "alert_cost",
    "alerts",
    "scoring",
    "trace",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)}; all where left out")
    parser.add_argument("--smoke", action="store_true", help="a short run of each, to see that they work")
    arguments, own = parser.parse_known_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; allowed are {', '.join(NAMES)}")
    if own and arguments.names != ["throughput"]:
        parser.error(f"{own[0]} is for `throughput` alone")
    for name in arguments.names or NAMES:
        print(f"== {name}", flush=True)
        begun = time.perf_counter()
        module = importlib.import_module(f"benchmarks.{name}")
        module.run(smoke=arguments.smoke, **_options(module, own))
        print(f"   ({time.perf_counter() - begun:.1f} s)\n", flush=True)


def _options(module: object, given: list[str]) -> dict[str, object]:
    if not given:
        return {}
    parser = argparse.ArgumentParser(prog="python -m benchmarks throughput")
    module.add_arguments(parser)  # type: ignore[attr-defined]
    return vars(parser.parse_args(given))


if __name__ == "__main__":
    main()
