"""When a message is due: event time laid on the clock, at a rate, with pauses; and by how much it was missed."""

from __future__ import annotations

import math
from typing import Final

from adapters.clock import Clock
from fusion.types import SECOND_NS

BIN_NS: Final = 10_000  # of the counted errors: a five-hundredth of the 5 ms that are allowed
BINS: Final = 100_000  # up to a second: what is later than that is a listener that did not take it


class Pace:
    """Maps event times to the monotonic clock. rate: seconds of event time in a second; 0 or infinity: no waiting.

    Due times follow from where the pace last began, never from the message before: errors do not add up.
    """

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._rate = rate
        self._event_ns: int | None = None  # the event time that stood at `_since_ns`
        self._since_ns = 0
        self._paused = False

    @property
    def paced(self) -> bool:
        """Whether messages wait for their time."""
        return 0.0 < self._rate < math.inf

    @property
    def rate(self) -> float:
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        """Go on from where it is at another rate."""
        self.hold()
        self._rate = rate

    @property
    def paused(self) -> bool:
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self.hold()
        self._paused = paused

    @property
    def begun(self) -> bool:
        return self._event_ns is not None

    def begin(self, event_ns: int) -> None:
        """`event_ns` is now."""
        self._event_ns, self._since_ns = event_ns, self._clock.monotonic_ns()

    def forget(self) -> None:
        """Begin anew at the next message."""
        self._event_ns = None

    def hold(self) -> None:
        """Begin anew where it is."""
        position_ns = self.position_ns()
        if position_ns is not None:
            self.begin(position_ns)

    def shift(self, lost_ns: int) -> None:
        """Everything is due so much later."""
        self._since_ns += lost_ns

    def position_ns(self) -> int | None:
        """The event time that is now; None before it has begun."""
        if self._event_ns is None or self._paused or not self.paced:
            return self._event_ns
        return self._event_ns + round((self._clock.monotonic_ns() - self._since_ns) * self._rate)

    def due_ns(self, event_ns: int) -> int:
        """The monotonic time at which a message of `event_ns` is due; the present one where nothing waits."""
        if self._event_ns is None or not self.paced:
            return self._clock.monotonic_ns()
        return self._since_ns + round((event_ns - self._event_ns) / self._rate)


class Errors:
    """How late paced messages left: counts in bins of `BIN_NS`, so that any number of them fits."""

    def __init__(self) -> None:
        self.count = 0
        self.most_ns = 0
        self._bins: dict[int, int] = {}

    def add(self, late_ns: int) -> None:
        """One message, so long after it was due."""
        self.count += 1
        self.most_ns = max(self.most_ns, late_ns)
        index = min(late_ns // BIN_NS, BINS)
        self._bins[index] = self._bins.get(index, 0) + 1

    def quantile_s(self, share: float) -> float:
        """The error, seconds, that `share` of the messages did not exceed; 0 where there were none."""
        wanted, seen = share * self.count, 0
        for index in sorted(self._bins):
            seen += self._bins[index]
            if seen >= wanted:
                return min((index + 1) * BIN_NS, self.most_ns) / SECOND_NS if index < BINS else self.most_ns / SECOND_NS
        return 0.0

    def __str__(self) -> str:
        parts = (self.quantile_s(0.5), self.quantile_s(0.99), self.most_ns / SECOND_NS)
        return "p50 {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms".format(*(1e3 * part for part in parts))
