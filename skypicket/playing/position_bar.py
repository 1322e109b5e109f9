"""One line at the foot of a terminal: where a player is, drawn over itself."""

from __future__ import annotations

import os
import select
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fusion.types import SECOND_NS

if TYPE_CHECKING:
    from replay.playing.state import State

MARKS: Final = {"playing": "▶", "paused": "⏸", "waiting": "…", "ended": "■"}
CLEAR: Final = "\r\x1b[K"
NARROW: Final = 60  # columns: below, the bar itself is left out


class PositionBar:
    """Draws on standard error where that is a terminal, else nothing."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._shown = False
        self.visible = self._console.is_terminal and not self._console.is_dumb_terminal

    def draw(self, state: State) -> None:
        """Show the state, unless the terminal takes nothing: it must not hold up the messages."""
        if self.visible and select.select([], [sys.stderr.fileno()], [], 0.0)[1]:
            self._write(CLEAR + self._line(state))
            self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._write(CLEAR)
            self._shown = False

    def _line(self, state: State) -> str:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        width = self._console.width - 1  # the last column stays free: a full line would wrap
        length_ns = max((state.end_ns or 0) - (state.start_ns or 0), 1)
        done_ns = min(max((state.time_ns or 0) - (state.start_ns or 0), 0), length_ns)
        parts = [Text(f"{MARKS[state.state]} {state.state:7s}"), Text(utc(state.time_ns))]
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        if width >= NARROW and state.end_ns is not None:
            grid.add_column(ratio=1)
            parts.append(ProgressBar(total=length_ns, completed=done_ns))  # type: ignore[arg-type]
            grid.expand = True
        told = f"{span(done_ns)} / {span(length_ns)}" if state.end_ns is not None else span(done_ns)
        grid.add_column(no_wrap=True)
        parts.append(Text(f"{told}  {rate_words(state.rate)}"))
        grid.add_row(*parts)
        with self._console.capture() as captured:
            self._console.print(grid, width=width, end="", no_wrap=True, overflow="crop")
        return captured.get().rstrip("\n").partition("\n")[0]

    def _write(self, text: str) -> None:
        os.write(sys.stderr.fileno(), text.encode(sys.stderr.encoding or "utf-8", "replace"))


def utc(time_ns: int | None) -> str:
    """A time of day with its date, to a tenth of a second."""
    if time_ns is None:
        return "-"
    moment = datetime.fromtimestamp(time_ns // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ns % SECOND_NS // 10**8}Z"


def span(length_ns: int) -> str:
    """A length of time as hours, minutes and seconds."""
    minutes, seconds = divmod(length_ns // SECOND_NS, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


def rate_words(rate: float) -> str:
    """A rate for people."""
    return f"×{rate:.3g}" if 0.0 < rate < float("inf") else "as fast as possible"
