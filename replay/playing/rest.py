"""The player's waits between messages, in which whoever controls it has a turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapters.clock import Clock
from fusion.types import SECOND_NS

NAP_S: Final = 0.1  # a longer wait is cut into these, so that a stop is noticed
FINE_S: Final = 0.002  # the last part of a wait is slept, not polled: polls count whole milliseconds
BUSY_NS: Final = SECOND_NS // 50  # without a wait for so long, keys and requests get their turn, and urgency ends


def lenient(waits: bool) -> None:
    """Urgency for those who have none."""


class Rest:
    """urge: told False when there was no wait for `BUSY_NS`, and True at the next one: see `urgency.urgent`."""

    def __init__(self, clock: Clock, urge: Callable[[bool], None] = lenient) -> None:
        self._clock, self._urge = clock, urge
        self._looked_ns = self._waited_ns = clock.monotonic_ns()
        self._waits = True

    def __call__(self, seconds: float, idle: Callable[[float], None]) -> float:
        """Wait, at most until a stop has to be noticed. Returns the seconds that it was to wait."""
        begun_ns = self._clock.monotonic_ns()
        if seconds > 0.0:
            self.waits(True)
        elif begun_ns - self._waited_ns >= BUSY_NS:
            self.waits(False)
        if seconds > FINE_S:
            seconds = min(seconds - FINE_S, NAP_S)
            idle(seconds)
        elif seconds > 0.0:
            self._clock.sleep(seconds)
            self._waited_ns = self._clock.monotonic_ns()
            return seconds
        elif begun_ns - self._looked_ns < BUSY_NS:
            return 0.0
        else:
            idle(0.0)
        self._looked_ns = self._clock.monotonic_ns()
        if seconds > 0.0:
            self._waited_ns = self._looked_ns
        return seconds

    def waits(self, waits: bool) -> None:
        """Whether there are waits from now on."""
        if waits != self._waits:
            self._waits = waits
            self._urge(waits)
