"""`skypicket replay`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from skypicket.arguments import INGEST, INPUT, add_command, number, recording
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from replay.playing.player import Player
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "replay",
        run,
        "play the frames of a recording into a service",
        "Send the frames and the truth of a recording to a running service, at the pace of their event time "
        "or R times as fast. Times stay as they were recorded, so the service must run with --time event.",
        "replay run.mcap --to tcp://127.0.0.1:5801",
        "replay run.mcap --to tcp://127.0.0.1:5801 -r 0 --topics frame.north truth",
    )
    parser.add_argument("file", type=recording, metavar="FILE", help=INPUT)
    parser.add_argument(
        "--to", default=INGEST, metavar="ADDRESS", help=f"where a service takes frames in (default {INGEST})"
    )
    parser.add_argument(
        "-r",
        "--rate",
        type=number(0.0),
        default=1.0,
        metavar="RATE",
        help="seconds of event time sent in a second (default 1); 0: as fast as the service takes it",
    )
    parser.add_argument("--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    parser.add_argument(
        "--start-offset", type=number(0.0), default=0.0, metavar="S", help="leave out the first S seconds"
    )
    parser.add_argument("--duration", type=number(0.0), metavar="S", help="end after S seconds of event time")
    parser.add_argument(
        "--topics", nargs="+", default=[], metavar="TOPIC", help="only these: frame, frame.north, truth"
    )


def run(arguments: argparse.Namespace) -> int:
    import math

    from adapters.line.publish import Pusher
    from replay.playing.playback import Playback
    from replay.playing.player import play
    from replay.recordings.selection import TopicSelection
    from skypicket.console import progress

    playback = Playback(
        rate=arguments.rate,
        loop=arguments.loop,
        start_offset_s=arguments.start_offset,
        duration_s=math.inf if arguments.duration is None else arguments.duration,
        topics=TopicSelection(arguments.topics),
    )
    pusher = Pusher(arguments.to)
    try:
        with progress() as show:

            def report(player: Player) -> None:
                show("replaying", player.offset, player.source.size)

            played = play(arguments.file, pusher, playback, progress=report)
    finally:
        pusher.close()
    topics = ", ".join(f"{topic} {count:,}" for topic, count in sorted(played.topics.items()))
    print(f"{played.messages:,} messages sent to {arguments.to} ({topics or 'nothing'})", file=sys.stderr)
    if played.truncated:
        print("the recording is truncated: what was readable of it was sent", file=sys.stderr)
    for problem in played.problems:
        print(f"passed over: {problem}", file=sys.stderr)
    return DONE if played.messages else NOTHING
