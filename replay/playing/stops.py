"""Noticing that the process was stopped for a while (Ctrl-Z, SIGSTOP, a sleeping machine), which nobody announces."""

from __future__ import annotations

from typing import Final

from adapters.clock import Clock
from fusion.types import SECOND_NS

STOPPED_NS: Final = SECOND_NS  # so long nothing went on here, and nobody was waited for


class Stops:
    """Tells stops from waits. `continued`, from a signal's handler, makes certain of the next one, however short."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_ns = clock.monotonic_ns()  # when things last went on ...
        self._resting_ns = 0  # ... and since then were to wait
        self._certain = False

    def rested(self, seconds: float) -> None:
        """So much of the time since then was waited on purpose."""
        self._resting_ns = round(seconds * SECOND_NS)

    def continued(self) -> None:
        """The process was stopped, and goes on."""
        self._certain = True

    def lost_ns(self, busy: bool = False) -> int:
        """The time that was lost to a stop since the last call; 0 where there was none.

        busy: somebody else was waited for, as long as it took; then only a stop that is certain counts.
        """
        now_ns = self._clock.monotonic_ns()
        lost_ns = now_ns - self._seen_ns - self._resting_ns
        stopped = self._certain or (lost_ns > STOPPED_NS and not busy)
        self._seen_ns, self._resting_ns, self._certain = now_ns, 0, False
        return max(lost_ns, 0) if stopped else 0
