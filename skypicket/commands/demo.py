"""`skypicket demo`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import add_command, number
from skypicket.exits import DONE

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "demo",
        run,
        "simulator, service, alerts: the whole job on one machine",
        "Start a simulated airport with drones round it, the service and a recorder, each a process of its "
        "own, and print the alerts as they come. It asks nothing and ends by itself within 90 s, with a "
        "summary, a score against truth, a page, a picture and a recording.",
        "demo",
        "demo --out /tmp/demo",
    )
    parser.add_argument(
        "--out", default="demo-output", metavar="FOLDER", help="for recording, page and picture (demo-output)"
    )
    parser.add_argument(
        "--rate",
        type=number(0.1, 1000.0),
        metavar="R",
        help="seconds of the scenario in a second (default 6, or more where time is short)",
    )


def run(arguments: argparse.Namespace) -> int:
    import signal
    from pathlib import Path

    from fusion.errors import ConfigError
    from skypicket.show import Printer

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no child outlives this process
    out = Path(arguments.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--out", arguments.out, f"a folder that can be made ({error.strerror})") from None
    from skypicket.demonstration import demo

    outcome = demo.run(out, lambda text: print(f"{text}\n", flush=True), Printer(), arguments.rate)
    from skypicket.demonstration.demo_report import report

    print(f"\n{report(outcome, out / f'{demo.SCENARIO}.png')}", flush=True)
    return DONE
