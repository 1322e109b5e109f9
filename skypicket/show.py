"""An alert step as a person wants to read it: when, how grave, where, how soon, and why."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

Part = tuple[str, str]  # text, style in the words of rich
Message = Mapping[str, Any]

LEVEL_STYLES: Final = {
    "predicted": "bold black on yellow",
    "imminent": "bold white on dark_orange3",
    "infringing": "bold white on red",
}
CLEARED_STYLE: Final = "bold black on green"
INDENT: Final = " " * 10
STILL_MPS: Final = 0.5  # slower has no direction worth a word


def alert_lines(alert: Message) -> list[list[Part]]:
    """Two lines, as parts with their styles; joined, they are plain text.

    12:03:45  IMMINENT    runway  raised  entry in 18 s (12 to 25 s), 93 %
              track 71, 312 m high, 25 m/s toward 301°: <reason>
    """
    cleared = alert["state"] == "cleared"
    style = CLEARED_STYLE if cleared else LEVEL_STYLES[alert["level"]]
    word = "CLEARED" if cleared else alert["level"].upper()
    first = [
        (f"{clock(alert['time_ns'])}  ", "dim"),
        (f" {word:<10} ", style),
        (f"  {alert['zone']}", "bold"),
        ("" if cleared else f"  {alert['state']}", "dim"),
        (f"  {urgency(alert)}", "" if cleared else "bold"),
        ("  acknowledged" if alert["acknowledged"] else "", "cyan"),
        ("  test" if alert["test"] else "", "cyan"),
    ]
    second = [(f"{INDENT}{whereabouts(alert)}: ", "dim"), (alert["reason"], "")]
    return [first, second]


def urgency(alert: Message) -> str:
    """How soon, and how likely."""
    if alert["state"] == "cleared":
        return f"was {alert['level']}"
    if alert["level"] == "infringing":
        return f"inside ({alert['track_status']})" if alert["track_status"] != "confirmed" else "inside"
    entry, probability = alert["time_to_entry_s"], f"{alert['probability']:.0%}"
    if entry is None:
        return probability
    low, middle, high = (f"{entry[name]:.0f}" for name in ("p10", "p50", "p90"))
    return f"entry in {middle} s ({low} to {high} s), {probability}"


def whereabouts(alert: Message) -> str:
    """Which track, how high, how fast, and toward where."""
    velocity = alert["velocity"]
    east, north = velocity["east_mps"], velocity["north_mps"]
    speed = math.hypot(east, north)
    toward = f" toward {math.degrees(math.atan2(east, north)) % 360.0:.0f}°" if speed >= STILL_MPS else ""
    return f"track {alert['track']}, {alert['position']['alt_m']:.0f} m high, {speed:.0f} m/s{toward}"


def clock(time_ns: int) -> str:
    """The time of day, UTC, to the second."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%H:%M:%S")


def printer(stream: TextIO | None = None) -> Callable[[Message], None]:
    """A function that prints alerts at once: in colour to a terminal, else plain."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return lambda alert: print(plain(alert), file=stream, flush=True)
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False)

    def show(alert: Message) -> None:
        for parts in alert_lines(alert):
            console.print(Text.assemble(*parts), soft_wrap=True)

    return show


def plain(alert: Message) -> str:
    """Without colour."""
    return "\n".join("".join(text for text, _ in parts) for parts in alert_lines(alert))


def json_printer(stream: TextIO | None = None) -> Callable[[Message], None]:
    """A function that prints the message as one JSON line, at once."""
    from adapters.wire import encode

    stream = stream or sys.stdout
    return lambda alert: print(encode(dict(alert), json=True).decode().rstrip("\n"), file=stream, flush=True)
