"""`skypicket trace`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, new_file, number, recording
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers

BACK_S, LONGEST_BACK_S = 300.0, 3600.0  # as in replay.tracing.trace, which takes too long to import for --help


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "trace",
        run,
        "where a track came from",
        "Track a recording again and go back over one of its tracks: its path smoothed by all detections, back through "
        "the first of them to the region from which it came, the zones that it passed, and which sensors saw it when.",
        "trace detections.mcap --config site.toml --track 6108307237481815",
        "trace detections.mcap --track 6108307237481815 --kml track.kml --plot track.png --json",
    )
    parser.add_argument("recording", type=recording, metavar="RECORDING", help=f"the frames, {INPUT}")
    parser.add_argument(
        "--config", metavar="SITE", help="the site.toml of their sensors (default: the one beside RECORDING)"
    )
    parser.add_argument("--track", type=int, required=True, metavar="T", help="its id, as in `tracks` and `alert`")
    parser.add_argument(
        "--back", type=number(1.0, LONGEST_BACK_S), default=BACK_S, metavar="S",
        help=f"how far to go back before the first detection, seconds (default {BACK_S:g})",
    )  # fmt: skip
    parser.add_argument("--kml", type=new_file(".kml"), metavar="FILE.kml", help="write it for Google Earth")
    parser.add_argument("--plot", type=new_file(".png"), metavar="FILE.png", help="draw map, height and speed")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="of the plot (default light)")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from adapters.site.configuration import load_site
    from replay.tracing.trace import trace
    from skypicket.commands.explain import beside
    from skypicket.console import track_again

    site = load_site(arguments.config or beside(arguments.recording))
    found = track_again(lambda show: trace(arguments.recording, site, arguments.track, arguments.back, show))
    if found is None:
        return NOTHING
    written = []
    if arguments.kml is not None:
        from replay.tracing.kml import write_kml

        write_kml(arguments.kml, found)
        written.append(f"For Google Earth: {arguments.kml}")
    if arguments.plot is not None:
        from replay.pictures.plot import write_png
        from replay.pictures.plot_trace import draw_trace

        write_png(arguments.plot, draw_trace(found, arguments.theme))
        written.append(f"The plot: {arguments.plot}")
    if arguments.json:
        import json

        from replay.tracing.data import as_dict

        print(json.dumps(as_dict(found), allow_nan=False))
    else:
        from replay.tracing.told import as_text

        print("\n".join([as_text(found), *written]), end="\n" if written else "")
    return DONE
