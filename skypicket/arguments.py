"""What the commands' parsers share. Nothing heavy is imported here: `--help` must answer at once."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.recordings.moments import Moment

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
    Run = Callable[[argparse.Namespace], int]

ENDINGS = "a path that ends in .mcap or .jsonl, or -"
RECORDING = "a recording: a path that ends in .mcap or .jsonl, or - for standard {} as JSON lines"
INPUT, OUTPUT = RECORDING.format("input"), RECORDING.format("output")
INGEST = "tcp://127.0.0.1:5801"  # where a service takes frames in, unless its configuration says otherwise
PUBLISHED = "tcp://127.0.0.1:5802"
SCENARIOS = "airliners, airport-drones, border-drift, thousand"
LONGEST_S = 9e9  # as long as the times of the contract reach: the year 2255


def add_command(
    subparsers: Subparsers, name: str, run: Run, summary: str, description: str, *examples: str
) -> argparse.ArgumentParser:
    """A subparser whose help is one line in the list, one paragraph of its own, and examples to copy."""
    shown = "\n".join(f"  skypicket {example}" for example in examples)
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"Example{'s' if len(examples) > 1 else ''}:\n{shown}",
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


class Formatter(argparse.HelpFormatter):
    """Descriptions are filled to the terminal's width; the examples below stay as they are written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("Example"):
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


def number(low: float, high: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """An argument's type: a number from `low` (with `above`: greater than it) to `high`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or (above and value == low):
            least = f"greater than {low:g}" if above else f"of {low:g} or more"
            most = "" if math.isinf(high) else f", up to {high:g}"
            raise argparse.ArgumentTypeError(f"{text!r}; allowed is a number {least}{most}")
        return value

    return read


def seconds(text: str) -> float:
    """An argument's type: a length of time, s, within the times of the contract."""
    return number(0.0, LONGEST_S)(text)


def recording(text: str) -> str:
    """An argument's type: a recording to read."""
    if text != "-" and Path(text).suffix.lower() not in (".mcap", ".jsonl"):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed is {ENDINGS}")
    return text


def new_recording(text: str) -> str:
    """An argument's type: a recording to write."""
    return recording(text) if text == "-" else new_file(".mcap", ".jsonl", allowed=ENDINGS)(text)


def new_file(*endings: str, allowed: str = "") -> Callable[[str], str]:
    """An argument's type: a file to write, in a folder that is there; with one of `endings`, if there are any."""

    def read(text: str) -> str:
        path = Path(text)
        if endings and path.suffix.lower() not in endings:
            words = allowed or f"a path that ends in {' or '.join(endings)}"
            raise argparse.ArgumentTypeError(f"{text!r}; allowed is {words}")
        try:
            refused = path.is_dir() or not path.parent.is_dir()
        except OSError as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error.strerror}; allowed is another name") from None
        if refused:
            raise argparse.ArgumentTypeError(f"{text!r}; allowed is a file in a folder that exists")
        return text

    return read


def whole(low: int) -> Callable[[str], int]:
    """An argument's type: a whole number from `low`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"{text!r}; allowed is a whole number of {low} or more")
        return value

    return read


def moment(text: str) -> Moment:
    """An argument's type: a time, UTC or in seconds from the start of the recording."""
    from replay.recordings.moments import parse_moment

    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed is {error}") from None


def event_time(text: str) -> int:
    """An argument's type: seconds since 1970-01-01 UTC, as nanoseconds, exact."""
    try:
        time_ns = int(Decimal(text) * 10**9)
    except (ArithmeticError, ValueError):  # no number; not a finite one
        time_ns = 0
    if not 0 < time_ns <= 9 * 10**18:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed is a number of seconds since 1970-01-01 UTC")
    return time_ns


SIZES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SPANS_S = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def data_size(low: int) -> Callable[[str], int]:
    """An argument's type: bytes, from `low`, as 500MB, 2GiB, or a bare number."""

    def read(text: str) -> int:
        units = {unit.lower(): factor for unit, factor in SIZES.items()}
        value = _measured(text, units)
        if not low <= value <= 2**60:
            raise argparse.ArgumentTypeError(f"{text!r}; allowed is a size of {low:,} bytes or more, as 500MB or 2GiB")
        return round(value)

    return read


def time_span(low_s: float) -> Callable[[str], float]:
    """An argument's type: seconds, from `low_s`, as 90s, 30min, 1h, 1d, or a bare number."""

    def read(text: str) -> float:
        value = _measured(text, SPANS_S)
        if not low_s <= value <= 1e9:
            raise argparse.ArgumentTypeError(f"{text!r}; allowed is a time of {low_s:g} s or more, as 90s, 30min or 1h")
        return value

    return read


def _measured(text: str, units: Mapping[str, float]) -> float:
    """A number with one of `units` behind it; NaN for anything else."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    factor = units.get(text[len(digits) :].strip().lower())
    try:
        return float(digits) * factor if factor is not None else math.nan
    except ValueError:
        return math.nan
