"""The options by which commands choose among a recording's messages: times, topics, sensors, zones."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import moment

if TYPE_CHECKING:
    from replay.recordings.filtering import Choice
    from replay.recordings.moments import Moment, Window


def add_times(parser: argparse.ArgumentParser) -> None:
    """`--from` and `--to`."""
    when = "UTC as 2026-05-01T06:00:00Z, or seconds from the time of the recording's first message"
    parser.add_argument("--from", dest="begin", type=moment, metavar="TIME", help=f"from this event time on: {when}")
    parser.add_argument(
        "--to", dest="end", type=moment, metavar="TIME", help="up to this event time, which is left out"
    )


def add_topics(parser: argparse.ArgumentParser) -> None:
    """`--topics`, `-e` and `-x`, as `ros2 bag play` has them."""
    parser.add_argument(
        "--topics",
        nargs="+",
        default=[],
        metavar="TOPIC",
        help="these: a topic (frame.north) or the beginning of some (frame, alert.north)",
    )
    parser.add_argument(
        "-e",
        "--regex",
        metavar="REGEX",
        help="topics in which this Python regular expression is found, beside --topics",
    )
    parser.add_argument("-x", "--exclude-regex", metavar="REGEX", help="not the topics in which this is found")


def add_parts(parser: argparse.ArgumentParser) -> None:
    """`--sensors` and `--zones`."""
    parser.add_argument("--sensors", nargs="+", default=[], metavar="ID", help="of the frames, these sensors' alone")
    parser.add_argument("--zones", nargs="+", default=[], metavar="ID", help="of the alerts, these zones' alone")


def window_of(arguments: argparse.Namespace) -> Window:
    """The window that was asked for. Raises ConfigError where it is empty for certain."""
    from fusion.errors import ConfigError
    from replay.recordings.moments import Window

    begin, end = arguments.begin, arguments.end
    if begin is not None and end is not None and begin.relative == end.relative and begin.ns >= end.ns:
        raise ConfigError("--to", _written(end), f"a time after --from, {_written(begin)}")
    return Window(begin, end)


def choice_of(arguments: argparse.Namespace) -> Choice:
    """What was asked for, by every option that the command has. Raises ConfigError."""
    from replay.recordings.filtering import Choice
    from replay.recordings.selection import TopicSelection

    topics = TopicSelection(arguments.topics, arguments.regex, arguments.exclude_regex)
    return Choice(topics, window_of(arguments), getattr(arguments, "sensors", ()), getattr(arguments, "zones", ()))


def _written(moment: Moment) -> str:
    from adapters.site.utc import format_utc

    return f"{moment.ns / 1e9:g} s" if moment.relative else format_utc(moment.ns)
