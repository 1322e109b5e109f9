"""`skypicket player`."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from skypicket.arguments import add_command, number, whole
from skypicket.exits import DONE

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers

VALUES = {"seek": "offset_s", "rate": "rate", "burst": "messages"}  # request -> the key that VALUE is


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "player",
        run,
        "pause, step, seek and pace a running replay",
        "Send one request to a `skypicket replay` that was started with --requests ADDRESS, and print its answer as "
        "JSON: where it is, and in what state. seek takes seconds after the start, rate the seconds of event time in "
        "a second, burst how many messages to send at once.",
        "player tcp://127.0.0.1:5805 pause",
        "player tcp://127.0.0.1:5805 seek 95.5",
    )
    parser.add_argument("address", metavar="ADDRESS", help="what the replay was given as --requests")
    parser.add_argument(
        "request", choices=("position", "pause", "resume", "step", "burst", "rate", "seek"), metavar="REQUEST"
    )
    parser.add_argument("value", nargs="?", metavar="VALUE", help="of seek, rate and burst")
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace) -> int:
    import json

    from adapters.line.asking import request

    key = VALUES.get(arguments.request)
    if (key is None) != (arguments.value is None):
        arguments.refuse(f"{arguments.request} takes {'no value' if key is None else 'one value'}")
    asked: dict[str, Any] = {"request": arguments.request}
    if key is not None:
        read = whole(1) if key == "messages" else number(0.0, math.inf)
        try:
            asked[key] = read(arguments.value)
        except argparse.ArgumentTypeError as error:
            arguments.refuse(f"{arguments.request} {error}")
    print(json.dumps(request(arguments.address, asked)))
    return DONE
