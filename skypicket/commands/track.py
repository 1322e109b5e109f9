"""`skypicket track`."""

from __future__ import annotations

import argparse
import gc
from typing import TYPE_CHECKING, TextIO

from fusion.errors import ConfigError, RecordingError
from skypicket.arguments import INPUT, OUTPUT, add_command, new_recording, number, recording
from skypicket.exits import DONE, NOTHING

COLLECT_AFTER = 100_000  # objects more than before: frames and pictures are thousands that stay, and hold no cycles

if TYPE_CHECKING:
    from replay.offline import TrackSummary
    from skypicket.arguments import Subparsers

CERTAIN_SIGMA = 5.0  # of dozens of biases none looks real by chance


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "track",
        run,
        "a recording in, tracks and alerts out, as fast as it can",
        "Track the frames of a recording and write the air pictures, alerts and zones into another, in order "
        "of event time and final. The same recording and configuration give the same bytes. Bad messages and "
        "rows do not stop it: each is counted, and the first of each kind is shown with its reason.",
        "track detections.jsonl --config site.toml --out tracks.mcap",
    )
    parser.add_argument("input", type=recording, metavar="IN", help=INPUT)
    parser.add_argument("--config", required=True, metavar="FILE", help="the site: its sensors and zones")
    parser.add_argument("--out", type=new_recording, required=True, metavar="OUT", help=OUTPUT)
    parser.add_argument(
        "--report-period",
        type=number(0.01, 3600.0),
        metavar="S",
        help="seconds between air pictures; the site's if left out (1.0)",
    )


def run(arguments: argparse.Namespace) -> int:
    gc.disable()  # what start-up makes stays
    from adapters.site.configuration import load_site
    from replay.offline import track
    from replay.recordings.files import check_output
    from skypicket.console import prepare_kernels, progress, summary_stream, tell_left_out
    from skypicket.sites import metadata

    site = load_site(arguments.config)
    try:
        check_output(arguments.out, reads=arguments.input)
    except RecordingError:
        raise ConfigError("--out", arguments.out, "another file than the recording that is read") from None
    tell_left_out(site)
    prepare_kernels()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
    with progress() as show:
        summary = track(
            arguments.input,
            site,
            arguments.out,
            arguments.report_period,
            show,
            metadata(arguments.config, site),
        )
    stream = summary_stream(arguments.out)
    if not summary.frames:
        tell_rejected(summary, stream)
        print(f"{arguments.input}: no frame of a registered sensor; nothing was written", file=stream)
        return NOTHING
    span_s = ((summary.to_ns or 0) - (summary.from_ns or 0)) / 1e9
    print(
        f"{summary.frames:,} frames with {summary.detections:,} detections over {span_s:,.1f} s "
        f"-> {summary.tracks:,} confirmed tracks in {summary.pictures:,} pictures, "
        f"{summary.alerts:,} alerts in {summary.steps:,} steps: {arguments.out}",
        file=stream,
    )
    if summary.shortened:
        print(
            f"{summary.shortened:,} pictures were too large for a message of 8 MiB: tentative tracks, covariance, and "
            "unlikely tracks were left out as far as needed; `left_out` in each says what",
            file=stream,
        )
    tell_biases(summary, stream)
    tell_rejected(summary, stream)
    return DONE


def tell_biases(summary: TrackSummary, stream: TextIO) -> None:
    """The sensors that are off for certain, and by how much."""
    for sensor, biases in summary.registration.items():
        told = [
            f"{name} {bias.value:+.3g} ± {bias.sigma:.1g}"
            for name, bias in biases.items()
            if abs(bias.value) > CERTAIN_SIGMA * bias.sigma
        ]
        if told:
            print(f"  sensor {sensor} is off: {', '.join(told)}", file=stream)


def tell_rejected(summary: TrackSummary, stream: TextIO) -> None:
    """What was passed over, the first of each kind with its reason."""
    from skypicket.console import counted

    if summary.truncated:
        print("the recording is truncated: what was readable of it was used", file=stream)
    lines = [f"  {problem}" for problem in summary.problems] + counted(summary.rejected)
    if lines:
        print("passed over:", *lines, sep="\n", file=stream)
