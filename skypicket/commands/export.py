"""`skypicket export`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, new_file, recording, seconds, whole
from skypicket.choosing import add_times
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers

STATUSES = ("tentative", "confirmed", "coasting", "ended")
EXTRAS = ("zones", "alerts")
MAPS = (".geojson", ".kml")
STEP_BYTES = 2**20  # of the recording between two looks at the progress bar


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "export",
        run,
        "tracks for other programs: Parquet, CSV, GeoJSON, KML",
        "Write the tracks of a recording for other programs, by the ending of FILE: .parquet and .csv are tables with "
        "a row for each track of each picture and units in the columns' names; .geojson has a line for each track with "
        "the time of every point; .kml opens in Google Earth with its time slider, zones as volumes and alerts as "
        "placemarks. Of several pictures of one time the last counts. docs/files.md describes every column.",
        "export tracks.mcap --out tracks.parquet",
        "export tracks.mcap --out tracks.kml --every 5",
        "export tracks.mcap --out gate.geojson --with zones alerts --from 2026-05-01T06:00:00Z",
        "export tracks.mcap --out one.csv --track 4711 --status tentative confirmed coasting ended",
    )
    parser.add_argument("tracks", type=recording, metavar="TRACKS", help=f"the tracks, {INPUT}")
    parser.add_argument(
        "--out", type=new_file(".parquet", ".csv", *MAPS), required=True, metavar="FILE", help="the file to write"
    )
    parser.add_argument(
        "--status",
        nargs="+",
        choices=STATUSES,
        default=["confirmed", "coasting"],
        metavar="STATUS",
        help=f"points of these: {', '.join(STATUSES)} (default confirmed coasting)",
    )
    parser.add_argument("--track", nargs="+", type=whole(0), default=[], metavar="ID", help="these tracks alone")
    add_times(parser)
    parser.add_argument(
        "--every", type=seconds, default=0.0, metavar="S", help="a point each S seconds at most (default all)"
    )
    parser.add_argument(
        "--with",
        dest="extras",
        nargs="*",
        choices=EXTRAS,
        metavar="WHAT",
        help="beside the tracks on a map: zones, alerts; nothing after it: neither (default: both in KML, neither in "
        "GeoJSON)",
    )


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from fusion.errors import ConfigError
    from replay.export.run import export
    from replay.export.source import Wanted
    from skypicket.choosing import window_of
    from skypicket.console import progress, say, tell_passed_over

    window = window_of(arguments)
    ending = Path(arguments.out).suffix.lower()
    if arguments.extras and ending not in MAPS:
        raise ConfigError("--with", " ".join(arguments.extras), f"left out, for a table ({ending}) holds tracks alone")
    extras = arguments.extras if arguments.extras is not None else EXTRAS if ending == ".kml" else ()
    wanted = Wanted(frozenset(arguments.status), window.begin, window.end, frozenset(arguments.track), arguments.every)
    shown = 0
    with progress() as show:

        def report(stage: str, done: int, total: int | None) -> None:
            nonlocal shown
            if abs(done - shown) >= STEP_BYTES:
                shown = done
                show(stage, done, total)

        exported = export(arguments.tracks, arguments.out, wanted, extras, report)
    if exported.rows:
        what = ", ".join(f"{count:,} {kind}" for kind, count in exported.counts.items())
        print(f"{what} of {exported.pictures:,} pictures: {arguments.out}")
    else:
        say(f"{arguments.tracks}: no such track in {exported.pictures:,} pictures; nothing was written")
    tell_passed_over(arguments.tracks, exported.problems, exported.truncated)
    return DONE if exported.rows else NOTHING
