"""`skypicket score`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, new_file, number, recording
from skypicket.exits import DONE, NOTHING
from skypicket.scoring_options import add_scoring_options, chosen

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "score",
        run,
        "how good tracks are, against truth",
        "Compare the tracks of a recording with the truth of another, or of the same, at each air picture: "
        "GOSPA and trajectory GOSPA with their parts (p = 2, alpha = 2), OSPA(2), SIAP, signed errors of position, "
        "velocity, heading and climb, identity, completeness, honesty of the covariances; with --config and frames "
        "also detection ratios, residuals and false detections of each sensor, innovations, latency; and of alerts: "
        "warnings before entries, nuisances, flaps, and whether their probabilities and times came true "
        "(docs/scoring.md defines each).",
        "score tracks.mcap --truth truth.jsonl --c 20",
        "score tracks.mcap --truth truth.jsonl --html report.html",
        "score tracks.mcap --truth detections.jsonl --config site.toml",
    )
    parser.add_argument("tracks", type=recording, metavar="OUT", help=f"the tracks, {INPUT}")
    add_scoring_options(parser)
    parser.add_argument(
        "--switch", type=float, metavar="METRES", help="what a change of track costs (default half the cut-off)"
    )
    parser.add_argument(
        "--window", type=float, default=10.0, metavar="S", help="over which OSPA(2) compares tracks (default 10)"
    )
    parser.add_argument(
        "--config",
        metavar="SITE",
        help="site.toml of the frames in FILE or OUT: scores of sensors, latency; entries from the third detection",
    )
    parser.add_argument(
        "--frames",
        type=recording,
        metavar="FILE",
        help="the recording that holds the frames (default: that of the truth, else OUT); needs --config",
    )
    parser.add_argument(
        "--near",
        type=number(0.0),
        default=500.0,
        metavar="METRES",
        help="an alert whose object came this close to the zone is no nuisance (default 500)",
    )
    parser.add_argument(
        "--near-height", type=number(0.0), default=150.0, metavar="METRES", help="the same in height (default 150)"
    )
    parser.add_argument("--html", type=new_file(".html", ".htm"), metavar="FILE", help="write a page with pictures")
    parser.add_argument("--json", action="store_true", help="print the score, with each instant, as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from adapters.site.configuration import load_site
    from fusion.errors import ConfigError
    from replay.alerts.model import AlertOptions
    from replay.scoring.report import as_dict, as_text
    from replay.scoring.results import NothingToScoreError, ScoreOptions
    from replay.scoring.run import load, with_detections
    from replay.scoring.score import compared_run, score_compared

    alerts = AlertOptions(near_m=arguments.near, near_vertical_m=arguments.near_height)
    options = ScoreOptions(
        **chosen(arguments), alerts=alerts, switch_m=arguments.switch, window_s=arguments.window
    )  # fmt: skip
    if arguments.frames is not None and arguments.config is None:
        raise ConfigError("--frames", arguments.frames, "frames of the sensors in --config SITE: give that too")
    site = None if arguments.config is None else load_site(arguments.config)
    try:
        loaded = load(arguments.tracks, arguments.truth)
        if site is not None:
            places = (arguments.frames,) if arguments.frames is not None else (arguments.truth, arguments.tracks)
            loaded = with_detections(loaded, places[0], site, options.max_gap_s, places[-1])
        compared = compared_run(loaded, options)
        score = score_compared(loaded, compared)
    except NothingToScoreError as error:
        print(f"skypicket: {error}", file=sys.stderr)
        return NOTHING
    if arguments.html is not None:
        from replay.page.page import write_page

        write_page(arguments.html, loaded, score, compared=compared)
    if arguments.json:
        import json

        print(json.dumps(as_dict(score, over_time=True), allow_nan=False))
    else:
        print(as_text(score), end="")
        if arguments.html is not None:
            print(f"\nThe page: {arguments.html}")
    return DONE
