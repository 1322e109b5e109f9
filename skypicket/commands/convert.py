"""`skypicket convert`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, OUTPUT, add_command, new_recording, recording
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "convert",
        run,
        "a recording as .mcap or as .jsonl",
        "Write the messages of one recording into another, in the same order: from .mcap to .jsonl, back, or into the "
        "same container anew (an .mcap of another writer, or one that was cut off, becomes whole and indexed). "
        "JSON lines have no room for times of arrival, for the second topic of an alert step that changes its level, "
        "and for the metadata: what is lost is said. What cannot be read is passed over and said too.",
        "convert run.mcap run.jsonl",
        "convert run.jsonl run.mcap",
        "convert run.mcap -",
    )
    parser.add_argument("input", type=recording, metavar="IN", help=INPUT)
    parser.add_argument("output", type=new_recording, metavar="OUT", help=OUTPUT)


def run(arguments: argparse.Namespace) -> int:
    from skypicket.copying import copy, tell_copied

    copied = copy(arguments.input, arguments.output)
    tell_copied(arguments.input, arguments.output, copied)
    return DONE if copied.records else NOTHING
