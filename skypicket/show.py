"""An alert step as a person wants to read it: when, how grave, where, how soon, and why."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

Part = tuple[str, str]  # text, style in the words of rich
Message = Mapping[str, Any]

LEVEL_STYLES: Final = {
    "predicted": "bold black on yellow",
    "imminent": "bold white on dark_orange3",
    "infringing": "bold white on red3",
}
CLEARED: Final = "CLEARED"
TEST: Final = "TEST"
TEST_STYLE: Final = "bold black on cyan"
CLEARED_STYLE: Final = "bold black on green"
INDENT: Final = 10  # columns: the reason stands under the level


def headline(alert: Message, *, news: bool = True) -> list[Part]:
    """One line, as parts with their styles; joined, they are plain text. Without `news` it stays quiet.

    12:03:45   IMMINENT    runway  entry in 18 s (12 to 25 s), 93 %
    """
    cleared = alert["state"] == "cleared"
    if alert["test"]:
        return _test_line(alert)
    style = CLEARED_STYLE if cleared else LEVEL_STYLES[alert["level"]] if news else "dim"
    parts = [
        (f"{clock(alert['time_ns'])}  ", "dim"),
        (f" {CLEARED if cleared else alert['level'].upper():<10} ", style),
        (f"  {alert['zone']}", "bold" if news else "dim"),
        (f"  {urgency(alert)}", "bold" if news and not cleared else "dim"),
    ]
    if alert["acknowledged"]:
        parts.append((f"  acknowledged by {alert['acknowledged']['who']}", "cyan"))
    return parts


def _test_line(alert: Message) -> list[Part]:
    """A test of the line, which nobody can take for an alert."""
    return [
        (f"{clock(alert['time_ns'])}  ", "dim"),
        (f" {TEST:<10} ", TEST_STYLE),
        (f"  {alert['zone']}", "dim"),
        (f"  {alert['state']}", "dim"),
    ]


def urgency(alert: Message) -> str:
    """How soon, and how likely."""
    if alert["state"] == "cleared":
        return f"was {alert['level']}"
    if alert["level"] == "infringing":
        return "inside" if alert["track_status"] == "confirmed" else f"inside, {alert['track_status']}"
    entry, probability = alert["time_to_entry_s"], f"{alert['probability']:.0%}".replace("%", " %")
    if entry is None:
        return probability
    low, middle, high = (f"{entry[name]:.0f}" for name in ("p10", "p50", "p90"))
    return f"entry in {middle} s ({low} to {high} s), {probability}"


def clock(time_ns: int) -> str:
    """The time of day, UTC, to the second."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%H:%M:%S")


class Printer:
    """Prints alert steps at once: in colour to a terminal, else plain.

    What is new gets its reason beneath: an alert raised or cleared, another level, an acknowledgement. Other
    updates are one line.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._told: dict[str, tuple[object, ...]] = {}
        self._write = _coloured(self._stream) if self._stream.isatty() else self._plain

    def __call__(self, alert: Message) -> None:
        telling = (alert["state"] == "cleared", alert["level"], bool(alert["acknowledged"]))
        news = self._told.get(alert["alert"]) != telling
        self._told[alert["alert"]] = telling
        if telling[0]:
            del self._told[alert["alert"]]
        self._write(headline(alert, news=news), alert["reason"] if news else "")

    def _plain(self, parts: list[Part], reason: str) -> None:
        line = "".join(text for text, _ in parts)
        print(line + (f"\n{' ' * INDENT}{reason}" if reason else ""), file=self._stream, flush=True)


def _coloured(stream: TextIO) -> Callable[[list[Part], str], None]:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(file=stream, highlight=False)

    def write(parts: list[Part], reason: str) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)
        if reason:
            console.print(Padding(Text(reason), (0, 0, 0, INDENT)))

    return write


def json_printer(stream: TextIO | None = None) -> Callable[[Message], None]:
    """A function that prints the message as one JSON line, at once."""
    from adapters.wire import encode

    stream = stream or sys.stdout
    return lambda alert: print(encode(dict(alert), json=True).decode().rstrip("\n"), file=stream, flush=True)
