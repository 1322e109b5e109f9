"""`skypicket recover`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypicket.arguments import ENDINGS, add_command, new_recording
from skypicket.exits import DONE, NOTHING

if TYPE_CHECKING:
    from replay.recordings.recover import Recovery
    from skypicket.arguments import Subparsers

MOST_TOLD: Final = 20  # damaged places that are shown; of more, the number


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "recover",
        run,
        "make what is left of a cut, killed or damaged recording readable again",
        "Read a recording that was cut off, whose recorder was killed, or whose bytes were damaged, and write what is "
        "left of it into a new one that is complete and indexed. Says what was recovered, what was lost, at which "
        "byte, and why. Messages whose checksum fails are never written. IN is left as it is; a recording that is "
        "whole is not written again (exit code 4).",
        "recover run.mcap",
        "recover run.mcap --out whole.mcap",
        "recover run.mcap --in-place",
    )
    parser.add_argument("input", metavar="IN", help="the damaged recording; what it is follows from what is in it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--out",
        type=new_recording,
        metavar="OUT",
        help=f"{ENDINGS}; if left out, beside IN, with `.recovered` before its ending",
    )
    where.add_argument("--in-place", action="store_true", help="put the recovered recording in the place of IN")


def run(arguments: argparse.Namespace) -> int:
    from replay.recordings.recover import kind_of, recover
    from skypicket.console import progress, say, summary_stream

    ending = f".{kind_of(arguments.input)}"
    out = _target(arguments, ending)
    with progress() as show:
        recovery = recover(arguments.input, out, show)
    stream = summary_stream(out)
    if not recovery.out:
        hint = "" if arguments.input.lower().endswith(ending) else f"; only its name should end in {ending}"
        say(f"{arguments.input}: whole, {recovery.messages:,} messages; nothing to recover, nothing was written{hint}")
        return NOTHING
    print(*_told(recovery), sep="\n", file=stream)
    return DONE


def _target(arguments: argparse.Namespace, ending: str) -> str:
    """Where to write. Raises ConfigError for a file that would be overwritten unasked."""
    from fusion.errors import ConfigError

    given = Path(arguments.input)
    if arguments.in_place:
        return str(given)
    if arguments.out is not None:
        out = str(arguments.out)
        if out != "-" and given.exists() and Path(out).exists() and given.samefile(out):
            raise ConfigError("--out", out, "another file than IN; --in-place replaces IN")
        return out
    out = str(given.with_name(f"{given.stem}.recovered{ending}"))
    if Path(out).exists():
        raise ConfigError("OUT", out, "a name that is free; give another with --out")
    return out


def _told(recovery: Recovery) -> list[str]:
    from replay.text import utc

    span = ""
    if recovery.from_ns is not None and recovery.to_ns is not None:
        span = f", {utc(recovery.from_ns)} to {utc(recovery.to_ns)}"
    lines = [f"{recovery.messages:,} messages recovered{span}: {recovery.out}"]
    if recovery.unverified:
        lines.append(
            f"  {recovery.unverified:,} of them out of a chunk that was cut off, where no checksum covers them"
        )
    known, more = recovery.losses.messages
    if known or more:
        lines.append(f"{known:,}{' or more' if more else ''} messages lost")
    if recovery.expected is not None and recovery.expected != recovery.messages:
        lines.append(f"  the index of {recovery.path} counts {recovery.expected:,} messages")
    losses = recovery.losses
    lines.append(f"damaged in {losses.count:,} place{'' if losses.count == 1 else 's'}, {losses.bytes:,} bytes:")
    lines += [f"  {loss}" for loss in losses.first[:MOST_TOLD]]
    if losses.count > MOST_TOLD:
        lines.append(f"  and {losses.count - MOST_TOLD:,} more")
    if recovery.problems:
        lines += ["left out:", *(f"  {problem}" for problem in recovery.problems)]
    return lines
