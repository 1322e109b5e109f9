"""`skypicket record`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import OUTPUT, PUBLISHED, add_command, new_recording, number
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from adapters.wire import Message
    from replay.recordings.recorder import Recorded
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "record",
        run,
        "write everything that a service publishes into a recording",
        "Record what a running service publishes, frames and truth included, until Ctrl-C or SIGTERM. The "
        "recording begins with the state that is there, and all but the last second of it survives a crash.",
        "record --from tcp://127.0.0.1:5802 --out run.mcap",
    )
    parser.add_argument("--from", dest="address", default=PUBLISHED, metavar="ADDRESS", help=f"default {PUBLISHED}")
    parser.add_argument("--out", type=new_recording, required=True, metavar="FILE", help=OUTPUT)
    parser.add_argument("--duration", type=number(0.0, above=True), metavar="S", help="end by itself after S seconds")
    parser.add_argument("--requests", metavar="ADDRESS", help="the service's request socket (default: the port above)")


def run(arguments: argparse.Namespace) -> int:
    from adapters.client import Listener
    from replay.recordings.files import open_writer
    from replay.recordings.recorder import record
    from skypicket.console import counted, say, summary_stream
    from skypicket.signals import Stop

    listener = Listener(arguments.address)
    heard = False

    def show(recorded: Recorded) -> None:
        nonlocal heard
        if recorded.bytes and not heard:
            heard = True
            say(f"recording {arguments.address} into {arguments.out}; Ctrl-C ends it")

    try:
        with Stop() as stop, open_writer(arguments.out) as writer:
            opening = _opening(arguments)
            recorded = record(
                listener, writer, opening=opening, duration_s=arguments.duration, stop=stop, progress=show
            )
    finally:
        listener.close()
    stream = summary_stream(arguments.out)
    print(f"{recorded.messages:,} messages, {recorded.gaps:,} lost on the way: {arguments.out}", file=stream)
    if recorded.rejected:
        print("left out:", *counted(recorded.rejected), sep="\n", file=stream)
    return DONE if recorded.messages else NOTHING


def _opening(arguments: argparse.Namespace) -> list[Message]:
    """The state at the start, from a snapshot; without one the recording begins with what comes."""
    from adapters.client import NoAnswer, RequestRefused, request, requests_address
    from replay.recordings.recorder import opening_of
    from skypicket.console import say

    try:
        address = arguments.requests or requests_address(arguments.address)
        return opening_of(request(address, {"request": "snapshot"}, timeout_s=2.0))
    except (NoAnswer, RequestRefused) as error:
        say(f"no snapshot to begin with: {error}")
        return []
