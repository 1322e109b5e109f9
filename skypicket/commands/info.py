"""`skypicket info`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, recording
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from replay.recordings.record import Reader
    from skypicket.arguments import Subparsers

EVERY = 256  # records between two looks at the progress bar


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "info",
        run,
        "what a recording holds",
        "Say what a recording holds: messages, span, topics with their counts, rates and times, sensors, chunks and "
        "their compression, and what it says of itself. An .mcap with a sound index answers at once from that; --full, "
        "and every other recording, is read to its end, which also finds bytes, detections, senders with their epochs, "
        "gaps by `seq`, and damage with its offset.",
        "info run.mcap",
        "info run.mcap --full",
        "info run.jsonl --json",
    )
    parser.add_argument("file", type=recording, metavar="FILE", help=INPUT)
    parser.add_argument("--full", action="store_true", help="read every message, even where there is an index")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from replay.recordings.info import survey
    from replay.recordings.info_text import as_dict, as_text
    from skypicket.console import progress

    with progress() as show:

        def report(reader: Reader) -> None:
            if reader.records % EVERY == 0:
                show("reading", reader.offset, reader.size)

        info = survey(arguments.file, arguments.full, report)
    if arguments.json:
        import json

        print(json.dumps(as_dict(info)))
    else:
        print(as_text(info))
    return DONE if info.messages else NOTHING
