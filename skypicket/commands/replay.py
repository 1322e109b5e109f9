"""`skypicket replay`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from skypicket.arguments import INGEST, INPUT, add_command, event_time, number, recording, seconds, whole
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from replay.playing.playback import Playback
    from skypicket.arguments import Subparsers

CLOCK_HZ: Final = 40.0  # as in ros2 bag play
MOST_HZ: Final = 1000.0
MOST_AHEAD: Final = 1000  # messages read ahead, as in ros2 bag play


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "replay",
        run,
        "play the frames of a recording into a service",
        "Send the frames and the truth of a recording to a running service, at the pace of their event time "
        "or R times as fast. Times stay as they were recorded, so the service must run with --time event. "
        "At a terminal: space pauses, the right arrow sends the next message (while playing: jumps 10 s on), the left "
        "one jumps 10 s back, up and down change the rate, q ends.",
        "replay run.mcap --to tcp://127.0.0.1:5801",
        "replay run.mcap --to tcp://127.0.0.1:5801 -r 0 --topics frame.north truth",
        "replay run.mcap --start-paused --requests tcp://127.0.0.1:5805",
        "replay run.mcap --publish tcp://127.0.0.1:5802 --loop",
    )
    parser.add_argument("file", type=recording, metavar="FILE", help=INPUT)
    _add_ways(parser)
    _add_choice(parser)
    _add_pace(parser)


def _add_ways(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        metavar="ADDRESS",
        help=f"where a service takes frames in (default {INGEST}; with --publish: nowhere)",
    )
    parser.add_argument(
        "--publish",
        metavar="ADDRESS",
        help="publish everything of the recording here, tracks and alerts too, as a service does",
    )
    parser.add_argument("--requests", metavar="ADDRESS", help="take requests here: pause, resume, seek, rate, step, …")
    parser.add_argument(
        "--wait-for-subscribers", action="store_true", help="begin when somebody is there, however long that takes"
    )
    parser.add_argument(
        "--clock",
        nargs="?",
        type=number(0.0, MOST_HZ, above=True),
        const=CLOCK_HZ,
        metavar="HZ",
        help=f"publish the event time on the topic clock, HZ times a second (default {CLOCK_HZ:g}); needs --publish",
    )
    parser.add_argument("--disable-keyboard-controls", action="store_true", help="leave the terminal's keys alone")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--topics", nargs="+", default=[], metavar="TOPIC", help="only these: frame, frame.north, truth"
    )
    parser.add_argument("-e", "--regex", metavar="REGEX", help="topics in which this is found too")
    parser.add_argument("-x", "--exclude-regex", metavar="REGEX", help="but not those in which this is found")
    parser.add_argument(
        "--remap", nargs="+", default=[], metavar="OLD:=NEW", help="frames of another sensor: frame.north:=frame.south"
    )
    parser.add_argument("--start-offset", type=seconds, default=0.0, metavar="S", help="leave out the first S seconds")
    parser.add_argument(
        "--duration", "--playback-duration", type=seconds, metavar="S", help="end after S seconds of event time"
    )
    parser.add_argument(
        "--playback-until-sec", type=event_time, metavar="T", help="end at this event time, seconds since 1970 UTC"
    )


def _add_pace(parser: argparse.ArgumentParser) -> None:
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument(
        "-r",
        "--rate",
        type=number(0.0),
        default=1.0,
        metavar="RATE",
        help="seconds of event time sent in a second (default 1); 0: as fast as the service takes it",
    )
    speed.add_argument(
        "--as-fast-as-possible", action="store_const", const=0.0, dest="rate", help="the same as --rate 0"
    )
    parser.add_argument("-l", "--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    parser.add_argument("-d", "--delay", type=seconds, default=0.0, metavar="S", help="wait S seconds before each pass")
    parser.add_argument(
        "-p", "--start-paused", action="store_true", help="begin paused: needs a terminal or --requests"
    )
    parser.add_argument(
        "--read-ahead-queue-size",
        type=whole(1),
        default=MOST_AHEAD,
        metavar="N",
        help=f"messages read ahead of their sending (default {MOST_AHEAD})",
    )
    parser.add_argument(
        "--file-order",
        action="store_true",
        help="send detections as they stand in the file, late ones late; else by event time, as far as is read ahead",
    )


def run(arguments: argparse.Namespace) -> int:
    from skypicket.playing.replaying import replay

    if arguments.to is None and arguments.publish is None:
        arguments.to = INGEST
    sent = replay(arguments, playback(arguments))
    return DONE if sent else NOTHING


def playback(arguments: argparse.Namespace) -> Playback:
    """What the arguments choose. Raises ConfigError."""
    import math

    from replay.playing.playback import TAKEN_IN, Playback
    from replay.playing.renewal import renamed
    from replay.recordings.selection import TopicSelection

    return Playback(
        rate=arguments.rate,
        loop=arguments.loop,
        start_offset_s=arguments.start_offset,
        duration_s=math.inf if arguments.duration is None else arguments.duration,
        until_ns=arguments.playback_until_sec,
        topics=TopicSelection(arguments.topics, arguments.regex, arguments.exclude_regex),
        kinds=None if arguments.publish is not None else TAKEN_IN,
        names=renamed(arguments.remap),
        delay_s=arguments.delay,
        start_paused=arguments.start_paused,
        read_ahead=arguments.read_ahead_queue_size,
        file_order=arguments.file_order,
    )
