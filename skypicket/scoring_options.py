"""The arguments of how tracks are judged that `score` and `compare` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skypicket.arguments import number, recording

if TYPE_CHECKING:
    import argparse


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """Against what tracks are judged, by which cut-off, and when."""
    parser.add_argument(
        "--truth", type=recording, required=True, metavar="FILE", help="the recording that holds the truth"
    )
    parser.add_argument("--c", type=float, default=100.0, metavar="METRES", help="cut-off of GOSPA (default 100)")
    parser.add_argument("--dims", type=int, choices=(2, 3), default=2, help="in the plane, or with height (default 2)")
    parser.add_argument("--period", type=float, metavar="S", help="look each S seconds instead of at every picture")
    parser.add_argument(
        "--max-gap",
        type=float,
        default=10.0,
        metavar="S",
        help="truth is interpolated over gaps up to this (default 10)",
    )
    parser.add_argument(
        "--from", dest="from_s", type=number(0.0), default=0.0, metavar="S", help="leave out the first S seconds"
    )


def chosen(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was given of them, as fields of ScoreOptions."""
    return {
        "c_m": arguments.c,
        "dims": arguments.dims,
        "period_s": arguments.period,
        "max_gap_s": arguments.max_gap,
        "from_s": arguments.from_s,
    }
