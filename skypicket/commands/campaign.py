"""`skypicket campaign`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from skypicket.arguments import add_command, whole
from skypicket.exits import DONE, INTERRUPTED, STOPPED

if TYPE_CHECKING:
    from replay.campaigns.campaign import Choices
    from replay.campaigns.grid import Grid
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "campaign",
        run,
        "a grid of scenarios, seeds and configurations: simulated, tracked, scored, compared",
        "Run every scenario of a plan with every seed under every configuration, on all cores or on a Ray cluster, and "
        "write one table of all scores (results.parquet), a page (summary.html) and what failed. The same command goes "
        "on where it was stopped (docs/campaigns.md explains the plan and the results).",
        "campaign night.toml --dry-run",
        "campaign night.toml --out results --workers 2",
        "campaign night.toml --cluster 10.0.0.5:6379",
    )
    parser.add_argument("plan", metavar="PLAN", help="the plan: a .toml file")
    parser.add_argument(
        "--out", metavar="DIR", help="the folder of the results (default: the plan's path without .toml)"
    )
    parser.add_argument("--dry-run", action="store_true", help="check the plan and show its grid, run nothing")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=whole(1), metavar="N", help="runs at once on this machine (default: its cores)"
    )
    where.add_argument("--cluster", metavar="ADDRESS", help="a Ray cluster that is there already: host:port, or auto")
    parser.add_argument("--keep", action="store_true", help="keep detections and tracks of every run, as .mcap")
    parser.add_argument("--again", action="store_true", help="run everything, what is done too")
    parser.add_argument("--retry-failed", action="store_true", help="run what has failed once more")


def run(arguments: argparse.Namespace) -> int:
    from replay.campaigns.campaign import Choices, count
    from replay.campaigns.grid import Grid
    from replay.campaigns.plan import load_plan
    from replay.campaigns.report import grid_text

    plan = load_plan(arguments.plan)
    folder = Path(arguments.out) if arguments.out else Path(arguments.plan).with_suffix("")
    grid = Grid.of(plan)
    print(grid_text(grid, *count(grid, folder)), flush=True)
    if arguments.dry_run:
        return DONE
    choices = Choices(
        arguments.workers, arguments.cluster, arguments.keep, arguments.again, arguments.retry_failed
    )  # fmt: skip
    return _carry_out(grid, folder, choices)


def _carry_out(grid: Grid, folder: Path, choices: Choices) -> int:
    from replay.campaigns.campaign import carry_out
    from replay.campaigns.page import write_page
    from replay.campaigns.report import summary_text
    from skypicket.console import compile_kernels
    from skypicket.tally import tally_bar

    compile_kernels()
    try:
        with tally_bar() as show:
            summary = carry_out(grid, folder, choices, show)
    except KeyboardInterrupt:
        print("skypicket: stopped; what has ended is kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    write_page(folder, grid, summary)
    print(f"\n{summary_text(summary)}\n\nIn {folder}: results.parquet, summary.html")
    return STOPPED if summary.failed else DONE
