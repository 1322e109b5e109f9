"""`skypicket simulate`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from skypicket.arguments import INGEST, OUTPUT, SCENARIOS, add_command, new_file, new_recording, number, whole
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from adapters.simulated.scenario import Scenario
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "simulate",
        run,
        "simulated sensors: into a running service, or into a recording",
        "Fly the flights of a scenario past its simulated radars and cameras, and send what these see, with "
        "the truth, to a service at the pace of real time (or R times as fast), or write it into a recording "
        "as fast as possible. Sent frames carry the present time, as of real sensors; with a rate other than 1 "
        "their times run away from the clock, so that the service must run with --time event. A recording "
        "starts when the scenario says, and is the same each time for the same seed.",
        "simulate airport-drones --to tcp://127.0.0.1:5801",
        "simulate border-drift --out border.mcap --seed 7",
    )
    parser.add_argument("scenario", metavar="SCENARIO", help=f"one of {SCENARIOS}; or the path of a scenario file")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--to", default=INGEST, metavar="ADDRESS", help=f"where a service takes frames in (default {INGEST})"
    )
    where.add_argument("--out", type=new_recording, metavar="FILE", help=OUTPUT)
    parser.add_argument(
        "--rate",
        type=number(0.0),
        default=1.0,
        metavar="R",
        help="seconds of event time sent in a second (default 1); 0: as fast as the service takes it",
    )
    parser.add_argument("--seed", type=whole(0), metavar="N", help="instead of the scenario's")
    parser.add_argument(
        "--start",
        metavar="UTC",
        help="time of the first look: now, scenario, or as 2026-05-01T06:00:00Z (default now; with --out scenario)",
    )
    parser.add_argument(
        "--duration", type=number(0.0, above=True), metavar="S", help="end after S seconds of event time"
    )
    parser.add_argument(
        "--log-times",
        type=new_file(),
        metavar="FILE",
        help="write the time at which each frame was sent, as JSON lines",
    )


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from adapters.simulated.scenario import load_scenario

    scenario = load_scenario(arguments.scenario)
    if arguments.duration is not None:
        scenario = replace(scenario, duration_s=min(scenario.duration_s, arguments.duration))
    return _write(arguments, scenario) if arguments.out else _send(arguments, scenario)


def _start(text: str, scenario: Scenario) -> int:
    import time

    from adapters.site.utc import ALLOWED_UTC, parse_utc
    from fusion.errors import ConfigError

    if text in ("now", "scenario"):
        return time.time_ns() if text == "now" else scenario.start_ns
    try:
        return parse_utc(text)
    except ValueError:
        raise ConfigError("--start", text, f"now, scenario, or {ALLOWED_UTC}") from None


def _write(arguments: argparse.Namespace, scenario: Scenario) -> int:
    from skypicket.console import progress, summary_stream
    from skypicket.simulation import write

    start_ns = _start(arguments.start or "scenario", scenario)
    with progress() as show:
        sent = write(arguments.out, scenario, arguments.seed, start_ns, show)
    print(f"{sent}: {arguments.out}", file=summary_stream(arguments.out))
    return DONE if sent.messages else NOTHING


def _send(arguments: argparse.Namespace, scenario: Scenario) -> int:
    from adapters.line.publish import Pusher
    from skypicket.console import progress
    from skypicket.simulation import SendTimes, send

    pusher = Pusher(arguments.to)
    times = SendTimes(arguments.log_times) if arguments.log_times else None
    try:
        with progress() as show:
            start_ns = _start(arguments.start or "now", scenario)
            sent = send(pusher, scenario, arguments.seed, start_ns, arguments.rate, times, show)
    finally:
        pusher.close()
        if times is not None:
            times.close()
    print(f"{sent} sent to {arguments.to}", file=sys.stderr)
    return DONE if sent.messages else NOTHING
