"""SIGINT and SIGTERM as a question that loops can ask; SIGCONT as news."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """While it is entered, `stop()` says whether SIGINT or SIGTERM came; a second SIGINT interrupts at once.

    Only in the main thread: signals come nowhere else.
    """

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def __enter__(self) -> Stop:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def on_continue(tell: Callable[[], None]) -> Iterator[None]:
    """While it is entered, `tell` is called when the process was stopped and goes on, before who listened already."""
    before = signal.getsignal(signal.SIGCONT)

    def handler(number: int, frame: FrameType | None) -> None:
        tell()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGCONT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, before)
