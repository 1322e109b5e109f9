"""`skypicket plot`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, new_file, recording
from skypicket.exits import DONE, NOTHING, USAGE

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "plot",
        run,
        "a picture of tracks, with truth, detections and zones",
        "Draw a recording as a PNG: the map with tracks, zones and, where they are named, truth, detections and "
        "sensors; heights over time; and the score over time where there is truth.",
        "plot tracks.mcap --out tracks.png",
        "plot tracks.mcap --truth truth.jsonl --detections detections.jsonl --config site.toml --c 20 --out all.png",
    )
    parser.add_argument("tracks", type=recording, metavar="TRACKS", help=f"the tracks, {INPUT}")
    parser.add_argument("--out", type=new_file(".png"), required=True, metavar="FILE.png", help="the picture")
    parser.add_argument("--truth", type=recording, metavar="FILE", help="the recording that holds the truth")
    parser.add_argument(
        "--detections", type=recording, metavar="FILE", help="the recording that holds the frames; needs --config"
    )
    parser.add_argument("--config", metavar="FILE", help="the site: sensors and zones to draw")
    parser.add_argument("--c", type=float, default=100.0, metavar="METRES", help="cut-off of the score (default 100)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="for which pages (default light)")
    parser.add_argument("--title", default="", help="stands over the picture")


def run(arguments: argparse.Namespace) -> int:
    from adapters.site.configuration import load_site
    from replay.pictures.plot import plot_run
    from replay.scoring.results import NothingToScoreError, ScoreOptions
    from replay.scoring.run import load, load_frames
    from replay.scoring.score import score_run

    if arguments.detections is not None and arguments.config is None:
        print("skypicket: --detections needs --config: what the sensors measure, and where they stand", file=sys.stderr)
        return USAGE
    site = None if arguments.config is None else load_site(arguments.config)
    loaded = load(arguments.tracks, arguments.truth)
    if not loaded.pictures:
        print(f"skypicket: {arguments.tracks}: no tracks to draw", file=sys.stderr)
        return NOTHING
    score = None
    if arguments.truth is not None:
        try:
            score = score_run(loaded, ScoreOptions(arguments.c))
        except NothingToScoreError as error:
            print(f"skypicket: {error}; drawn without a score", file=sys.stderr)
    frames = [] if site is None or arguments.detections is None else load_frames(arguments.detections, site)
    plot_run(
        arguments.out, loaded.truth, loaded.pictures, frames, site, loaded.all_zones, score, arguments.title,
        arguments.theme,
    )  # fmt: skip
    print(f"The picture: {arguments.out}")
    return DONE
