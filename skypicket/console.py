"""What goes to the terminal beside a command's output: progress, notes, the wait for compilation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO, TypeVar

from fusion.errors import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusion.config import SiteConfig
    from replay.recordings.record import Problems

Progress = Callable[[str, int, int | None], None]
COMPILING = "compiling the tracker's kernels once for this machine, about 30 s on two cores …"


def say(text: str) -> None:
    """A note for people, on standard error: standard output is for what was asked for."""
    print(f"skypicket: {text}", file=sys.stderr, flush=True)


def left_out(site: SiteConfig) -> list[str]:
    """The zones that a site has to do without, as lines with a heading: each with its place and reason."""
    if not site.left_out:
        return []
    hidden = len(site.left_out) - MOST_SHOWN
    lines = [f"  {error.mistakes[0]}" for error in site.left_out[:MOST_SHOWN]]
    more = [f"  and {hidden} more"] if hidden > 0 else []
    one = len(site.left_out) == 1
    return [f"{zones_of(len(site.left_out))} cannot be used and {'is' if one else 'are'} left out:", *lines, *more]


def zones_of(count: int) -> str:
    """So many zones, in words."""
    return "1 zone" if count == 1 else f"{count:,} zones"


def tell_left_out(site: SiteConfig) -> None:
    """Say which zones are missing, before anybody relies on them."""
    if site.left_out:
        say("\n".join(left_out(site)))


def summary_stream(out: str) -> TextIO:
    """Where the summary of a command that writes a recording to `out` goes: never into the recording."""
    return sys.stderr if out == "-" else sys.stdout


def quiet(stage: str, done: int, total: int | None) -> None:
    """No progress bar."""


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar for each stage while standard error is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:>10}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield show


def prepare_kernels() -> None:
    """Load every compiled kernel; the first time on a machine they are compiled, and that is said once."""
    from fusion import kernels

    if not kernels.compiled():
        from skypicket.compiling import compile_everywhere

        say(COMPILING)
        with progress() as show:
            compile_everywhere(show)
    kernels.load()


def compile_kernels() -> None:
    """Compile them where no earlier run did, for other processes: this one does not use them."""
    from fusion import kernels

    if not kernels.compiled():
        prepare_kernels()


class Passing(Protocol):
    """What was found in a recording, with what of it was passed over."""

    @property
    def passed(self) -> Sequence[str]: ...


Found = TypeVar("Found", bound=Passing)


def track_again(find: Callable[[Progress], Found]) -> Found | None:
    """What is found by tracking a recording again; says what was passed over. None, said, where it gives no track."""
    from replay.frames_in import NoTrackError

    prepare_kernels()
    try:
        with progress() as show:
            found = find(show)
    except NoTrackError as error:
        say(str(error))
        return None
    for text in found.passed:
        say(f"passed over: {text}")
    return found


def counted(rejected: Mapping[str, tuple[int, str]]) -> list[str]:
    """Rejections as lines: how often, and the first of each kind with its reason."""
    return [f"  {count:,} x {first}" for count, first in rejected.values()]


def tell_passed_over(file: str, problems: Problems, truncated: bool) -> None:
    """Say what of a recording could not be read and where, and that the rest was used."""
    if truncated:
        say(f"{file} is cut off: what is readable of it was used")
    for problem in problems:
        say(f"{file}: passed over: {problem}")
