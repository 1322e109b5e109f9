"""`skypicket compare`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, new_file, number, recording, whole
from skypicket.exits import DONE, NOTHING, USAGE
from skypicket.scoring_options import add_scoring_options, chosen

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "compare",
        run,
        "which of two runs on one recording is better, and how certain",
        "Score two recordings of tracks, made from one recording of detections, against its truth at the instants that "
        "both have, and tell for each figure which is better by how much, with a 95 % interval by paired bootstrap "
        "over blocks of time (docs/score-page.md defines it).",
        "compare before.mcap after.mcap --truth truth.jsonl",
        "compare a.mcap b.mcap --truth truth.jsonl --c 20 --html compared.html",
    )
    parser.add_argument("a", type=recording, metavar="A", help=f"the tracks of one run, {INPUT}")
    parser.add_argument("b", type=recording, metavar="B", help="those of the other")
    add_scoring_options(parser)
    parser.add_argument(
        "--block",
        type=number(0.0, above=True),
        metavar="S",
        help="length of a block of time (default: as the differences are correlated, 60 s or more)",
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of the resampling (default 0)")
    parser.add_argument("--html", type=new_file(".html", ".htm"), metavar="FILE", help="write a page with pictures")
    parser.add_argument("--json", action="store_true", help="print the comparison as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from replay.compare.compare import compare_runs
    from replay.compare.report import as_dict, as_text
    from replay.scoring.results import NothingToScoreError, ScoreOptions
    from replay.scoring.run import load

    if [arguments.a, arguments.b, arguments.truth].count("-") > 1:
        print("skypicket: - can be one of A, B and FILE: standard input is read once", file=sys.stderr)
        return USAGE
    options = ScoreOptions(**chosen(arguments))
    names = arguments.a, arguments.b
    try:
        a = load(arguments.a, arguments.truth)
        b = replace(load(arguments.b, None), truth=a.truth)
        found = compare_runs(a, b, options, names=names, block_s=arguments.block, seed=arguments.seed)
    except NothingToScoreError as error:
        print(f"skypicket: {error}", file=sys.stderr)
        return NOTHING
    if arguments.html is not None:
        from replay.compare.page import write_comparison

        write_comparison(arguments.html, found)
    if arguments.json:
        import json

        print(json.dumps(as_dict(found)))
    else:
        print(as_text(found), end="")
        if arguments.html is not None:
            print(f"\nThe page: {arguments.html}")
    return DONE
