"""How far a campaign is, for people: a bar at a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from replay.campaigns.campaign import Tally

TOLD_EVERY_S: Final = 10.0
Show = Callable[["Tally"], None]


@contextmanager
def tally_bar() -> Iterator[Show]:
    """Something to call with each new tally; on standard error."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting Ray", total=None)

        def show(tally: Tally) -> None:
            bar.update(task, total=tally.total, completed=tally.total - tally.left, description=tally_text(tally))

        yield show


def tally_text(tally: Tally, now_s: float | None = None) -> str:
    """Done, failed, left, runs a second, time to go. now_s: of the monotonic clock."""
    text = f"{tally.known + tally.done:,} done, {tally.failed:,} failed, {tally.left:,} left"
    if not tally.done:
        return text
    rate = tally.rate(time.monotonic() if now_s is None else now_s)
    return f"{text}, {rate:.2g} a second, {duration(tally.left / rate)} to go"


def duration(seconds: float) -> str:
    """So long, as people say it."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _lines() -> Show:
    last = time.monotonic()

    def show(tally: Tally) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TOLD_EVERY_S:
            last = now
            print(tally_text(tally), file=sys.stderr, flush=True)

    return show
