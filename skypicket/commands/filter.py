"""`skypicket filter`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, OUTPUT, add_command, new_recording, recording
from skypicket.choosing import add_parts, add_times, add_topics, choice_of
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "filter",
        run,
        "a part of a recording, by time, topic, sensor or zone",
        "Write a part of a recording into another: the messages that every given option takes. --from is inside, "
        "--to is not, so that two parts that meet share no message. A topic is taken if --topics or --regex take it "
        "and --exclude-regex does not. Messages that concern no single sensor or zone pass --sensors and --zones. "
        "Where nothing is left, nothing is written, and the exit code is 4.",
        "filter run.mcap minute.mcap --from 60 --to 120",
        "filter run.mcap frames.jsonl --topics frame truth --exclude-regex camera",
        "filter run.mcap night.mcap --from 2026-05-01T22:00:00Z --sensors north east",
    )
    parser.add_argument("input", type=recording, metavar="IN", help=INPUT)
    parser.add_argument("output", type=new_recording, metavar="OUT", help=OUTPUT)
    add_times(parser)
    add_topics(parser)
    add_parts(parser)


def run(arguments: argparse.Namespace) -> int:
    from skypicket.copying import copy, tell_copied

    copied = copy(arguments.input, arguments.output, choice_of(arguments).takes)
    tell_copied(arguments.input, arguments.output, copied)
    return DONE if copied.records else NOTHING
