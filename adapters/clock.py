"""The time of day, as something that can be handed over: the system's, or one that a test moves by hand."""

from __future__ import annotations

import time
from typing import Protocol

from fusion.types import SECOND_NS


class Clock(Protocol):
    """What the outside knows about now. The core never asks."""

    def time_ns(self) -> int:
        """UTC, nanoseconds since 1970-01-01. May step when the system's clock is set."""
        ...

    def monotonic_ns(self) -> int:
        """For durations: from an arbitrary start, never backward."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed; at once for 0 or less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        if seconds > 0.0:
            time.sleep(seconds)


class ManualClock:
    """Stands still until it is moved: whoever sleeps on it moves it."""

    def __init__(self, time_ns: int = 0) -> None:
        self._start_ns = self._time_ns = time_ns

    def time_ns(self) -> int:
        return self._time_ns

    def monotonic_ns(self) -> int:
        return self._time_ns - self._start_ns

    def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0.0))

    def advance(self, seconds: float) -> None:
        """Move it forward; backward is refused, as `monotonic_ns` would break."""
        if not seconds >= 0.0:
            raise ValueError(f"seconds is {seconds}; allowed is 0 or more")
        self._time_ns += round(seconds * SECOND_NS)
