"""`skypicket alerts`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import PUBLISHED, add_command, number, whole
from skypicket.exits import DONE

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "alerts",
        run,
        "follow the alerts of a running service",
        "Print each alert step as it comes, those that are open now first. Steps lost on the way are fetched; "
        "gaps, restarts and silence of the service are reported on standard error. With --exec a command of "
        "yours is run for each step, one after another: it gets the message as a JSON line on its standard "
        "input, and SKYPICKET_NUMBER, _ALERT, _STEP, _ZONE, _TRACK, _LEVEL, _STATE, _PROBABILITY and _TIME_NS "
        "in its environment. The line's own test alerts are left out, unless --tests is given. No shell is involved.",
        "alerts --zone runway --level infringing",
        "alerts --json",
        "alerts --since 1812",
        "alerts --exec 'notify-send skypicket'",
    )
    parser.add_argument("--from", dest="address", default=PUBLISHED, metavar="ADDRESS", help=f"default {PUBLISHED}")
    parser.add_argument("--zone", metavar="Z", help="only alerts of this zone")
    parser.add_argument("--level", metavar="L", help="only this level: predicted, imminent or infringing")
    parser.add_argument(
        "--since", type=whole(0), metavar="N", help="begin after step number N, not with the alerts that are open"
    )
    parser.add_argument("--tests", action="store_true", help="the line's own test alerts too, marked as such")
    parser.add_argument("--json", action="store_true", help="one JSON line a step, as in the contract")
    parser.add_argument("--exec", dest="command", metavar="CMD", help="run this for each step")
    parser.add_argument(
        "--exec-timeout",
        type=number(0.0, 3600.0, above=True),
        default=30.0,
        metavar="S",
        help="end CMD after so long (default 30)",
    )
    parser.add_argument("--requests", metavar="ADDRESS", help="the service's request socket (default: the port above)")


def run(arguments: argparse.Namespace) -> int:
    from adapters.client import subscribe
    from skypicket.console import say
    from skypicket.hooks import Hook
    from skypicket.show import Printer, json_printer

    command = arguments.command
    hook = None if command is None else Hook(command, say, arguments.exec_timeout)
    show = json_printer() if arguments.json else Printer()
    alerts = subscribe(
        arguments.address,
        arguments.zone,
        arguments.level,
        requests=arguments.requests,
        report=lambda notice: say(str(notice)),
        on_silence="report",
        tests=arguments.tests,
        since=arguments.since,
    )
    with alerts:
        for alert in alerts:
            show(alert)
            if hook is not None:
                hook.run(alert)
    return DONE
