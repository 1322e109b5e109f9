"""`skypicket cat`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, recording, whole
from skypicket.choosing import add_parts, add_times, add_topics, choice_of
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "cat",
        run,
        "the messages of a recording as JSON lines",
        "Print the messages of a recording on standard output, one JSON object a line and ready for jq: all of them, "
        "or those that every given option takes (as in `skypicket filter`). What cannot be read is passed over, and "
        "said on standard error at the end.",
        "cat run.mcap --topics alert",
        "cat run.mcap --topics tracks --from 60 --count 1 --pretty",
        "cat run.mcap -e '^frame' --tail 5",
        "cat run.mcap --topics alert > alerts.jsonl",
    )
    parser.add_argument("file", type=recording, metavar="FILE", help=INPUT)
    add_times(parser)
    add_topics(parser)
    add_parts(parser)
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--count", type=whole(1), metavar="N", help="the first N of them")
    ends.add_argument("--tail", type=whole(1), metavar="N", help="the last N of them")
    parser.add_argument("--pretty", action="store_true", help="for people: each message over several lines, indented")


def run(arguments: argparse.Namespace) -> int:
    import sys

    from replay.recordings.files import open_reader
    from replay.recordings.listing import lines
    from skypicket.console import say, tell_passed_over

    choice = choice_of(arguments)
    at_once = arguments.file == "-" or sys.stdout.isatty()  # somebody waits for each line
    out = sys.stdout.buffer
    shown = 0
    with open_reader(arguments.file) as reader:
        for line in lines(reader, choice.takes, arguments.count, arguments.tail, arguments.pretty):
            out.write(line)
            shown += 1
            if at_once:
                out.flush()
    out.flush()
    tell_passed_over(arguments.file, reader.problems, reader.truncated)
    if not shown:
        say(f"{arguments.file}: nothing to show")
    return DONE if shown else NOTHING
