"""`skypicket explain`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from skypicket.arguments import INPUT, add_command, new_file, recording
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "explain",
        run,
        "why there was an alert, or none",
        "Track a recording again and tell, step by step, what was known of one track and one zone: probability against "
        "the threshold, time to entry, votes, the state of the alert, what was published; and in a sentence, why.",
        "explain detections.mcap --config site.toml --track 6108307237481815 --zone runway",
        "explain detections.mcap --config site.toml --track 6108307237481815 --zone runway --plot why.png",
    )
    parser.add_argument("recording", type=recording, metavar="RECORDING", help=f"the frames, {INPUT}")
    parser.add_argument(
        "--config", metavar="SITE", help="the site.toml of their sensors (default: the one beside RECORDING)"
    )
    parser.add_argument("--track", type=int, required=True, metavar="T", help="its id, as in `tracks` and `alert`")
    parser.add_argument("--zone", required=True, metavar="Z", help="the zone's id")
    parser.add_argument("--plot", type=new_file(".png"), metavar="FILE.png", help="draw probability against time")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="of the plot (default light)")
    parser.add_argument("--json", action="store_true", help="print every evaluation as one JSON object")


def beside(recording: str) -> Path:
    """The `site.toml` in the folder of a recording; that of the working directory for standard input."""
    return (Path() if recording == "-" else Path(recording).parent) / "site.toml"


def run(arguments: argparse.Namespace) -> int:
    from adapters.site.configuration import load_site
    from replay.explain import explain
    from replay.explain_text import as_dict, as_text
    from skypicket.console import track_again

    site = load_site(arguments.config or beside(arguments.recording))
    found = track_again(lambda show: explain(arguments.recording, site, arguments.track, arguments.zone, show))
    if found is None:
        return NOTHING
    if arguments.plot is not None:
        from replay.pictures.plot import write_png
        from replay.pictures.plot_explain import draw_explanation

        write_png(arguments.plot, draw_explanation(found, arguments.theme))
    if arguments.json:
        import json

        print(json.dumps(as_dict(found)))
    else:
        print(as_text(found), end="")
        if arguments.plot is not None:
            print(f"\nThe plot: {arguments.plot}")
    return DONE
