"""`skypicket record`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from skypicket.arguments import OUTPUT, PUBLISHED, add_command, data_size, new_recording, number, time_span, whole
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.recordings.files import Writer
    from replay.recordings.recorder import Recorded
    from replay.recordings.rotation import Limits
    from replay.recordings.state import LatestState
    from skypicket.arguments import Subparsers

SMALLEST_PART: Final = 100_000  # bytes: below, the schemas and the opening state would be most of it
SHORTEST_PART_S: Final = 1.0


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "record",
        run,
        "write everything that a service publishes into a recording",
        "Record what a running service publishes, frames and truth included, until Ctrl-C or SIGTERM. The "
        "recording begins with the state that is there, and all but the last second of it survives a crash or a full "
        "disk. With --max-size or --max-duration it is written in parts, run_0001.mcap and so on, each complete in "
        "itself.",
        "record --from tcp://127.0.0.1:5802 --out run.mcap",
        "record --out run.mcap --config site.toml --max-size 500MB --max-files 20",
        "record --out run.mcap --max-duration 1h",
    )
    parser.add_argument("--from", dest="address", default=PUBLISHED, metavar="ADDRESS", help=f"default {PUBLISHED}")
    parser.add_argument("--out", type=new_recording, required=True, metavar="FILE", help=OUTPUT)
    parser.add_argument("--duration", type=number(0.0, above=True), metavar="S", help="end by itself after S seconds")
    parser.add_argument("--requests", metavar="ADDRESS", help="the service's request socket (default: the port above)")
    parser.add_argument(
        "--config", metavar="SITE", help="the service's configuration, to be kept with its zones in the recording"
    )
    parser.add_argument(
        "--max-size",
        type=data_size(SMALLEST_PART),
        metavar="SIZE",
        help="begin a new part before the file grows beyond this, as 500MB or 2GiB",
    )
    parser.add_argument(
        "--max-duration",
        type=time_span(SHORTEST_PART_S),
        metavar="TIME",
        help="begin a new part when the first message of one arrived so long ago, as 90s, 30min or 1h",
    )
    parser.add_argument("--max-files", type=whole(1), metavar="N", help="keep only the newest N parts")


def run(arguments: argparse.Namespace) -> int:
    from adapters.client import Listener
    from replay.recordings.recorder import Recorded, record
    from skypicket.console import say
    from skypicket.signals import Stop

    limits = _limits(arguments)
    described = _described(arguments)
    listener = Listener(arguments.address)
    recorded, heard = Recorded(), False

    def show(recorded: Recorded) -> None:
        nonlocal heard
        if recorded.bytes and not heard:
            heard = True
            say(f"recording {arguments.address} into {arguments.out}; Ctrl-C ends it")

    try:
        state = _state(arguments)
        opening = [message for _, message in state.messages()]
        with Stop() as stop, _writer(arguments, limits, state, described) as writer:
            record(
                listener, writer, opening=opening, duration_s=arguments.duration, stop=stop, progress=show,
                follow=state.follow, recorded=recorded,
            )  # fmt: skip
    finally:
        listener.close()
        _tell(recorded, arguments.out)
    return DONE if recorded.messages else NOTHING


def _tell(recorded: Recorded, out: str) -> None:
    from skypicket.console import counted, summary_stream

    stream = summary_stream(out)
    room = f", the last {recorded.lost:,} without room" if recorded.lost else ""
    print(f"{recorded.messages:,} messages{room}, {recorded.gaps:,} lost on the way: {out}", file=stream)
    if recorded.rejected:
        print("left out:", *counted(recorded.rejected), sep="\n", file=stream)


def _limits(arguments: argparse.Namespace) -> Limits:
    """Raises ConfigError for what does not go together."""
    from fusion.errors import ConfigError
    from fusion.types import SECOND_NS
    from replay.recordings.rotation import Limits

    span_s = arguments.max_duration
    limits = Limits(arguments.max_size, None if span_s is None else round(span_s * SECOND_NS), arguments.max_files)
    if arguments.max_files is not None and not limits.rotate:
        raise ConfigError("--max-files", arguments.max_files, "beside --max-size or --max-duration, which make parts")
    if limits.rotate and arguments.out == "-":
        raise ConfigError("--out", "-", "a file, where the recording is written in parts")
    return limits


def _described(arguments: argparse.Namespace) -> dict[str, str]:
    """What is known of the recording before the service is asked."""
    from skypicket import __version__

    if arguments.config is None:
        return {"skypicket": __version__}
    from adapters.site.configuration import load_site
    from skypicket.sites import metadata

    return metadata(arguments.config, load_site(arguments.config))


def _writer(arguments: argparse.Namespace, limits: Limits, state: LatestState, described: Mapping[str, str]) -> Writer:
    from replay.recordings.files import open_writer
    from replay.recordings.rotation import RotatingWriter

    def describe() -> dict[str, str]:
        return {**state.metadata(), **described}

    if limits.rotate:
        return RotatingWriter(arguments.out, limits, state.messages, describe)
    return open_writer(arguments.out, describe())


def _state(arguments: argparse.Namespace) -> LatestState:
    """The state at the start, from a snapshot; without one the recording begins with what comes."""
    from adapters.client import NoAnswer, RequestRefused, request, requests_address
    from replay.recordings.state import LatestState
    from skypicket.console import say

    state = LatestState()
    try:
        address = arguments.requests or requests_address(arguments.address)
        snapshot = request(address, {"request": "snapshot"}, timeout_s=2.0)
        if isinstance(snapshot, dict):
            state.begin(snapshot)
    except (NoAnswer, RequestRefused) as error:
        say(f"no snapshot to begin with: {error}")
    return state
