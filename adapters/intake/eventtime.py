"""Event time as the frames tell it: the newest, who may move it, and which run of a sender it belongs to."""

from __future__ import annotations

from collections import OrderedDict

from fusion.errors import MessageRejected
from fusion.types import SECOND_NS

AHEAD_NS = 60 * SECOND_NS  # further ahead of every other, a sensor does not move the watermark
STEP_NS = 10 * SECOND_NS  # a longer step between two looks may be a clock that jumps: no more of it counts
FUTURE_NS = 3600 * SECOND_NS  # an hour ahead of the clock: rejected
STALE_NS = 86_400 * SECOND_NS  # a day behind the clock: rejected
MAX_RUNS = 1024  # runs (source and epoch) remembered


def check_clock(time_ns: int, clock_ns: int) -> None:
    """Raises MessageRejected: `future` over an hour ahead of the clock, `stale` over a day behind it."""
    ahead_ns = time_ns - clock_ns
    if ahead_ns > FUTURE_NS:
        found = f"time_ns is {ahead_ns / SECOND_NS:.3f} s ahead of the clock"
        raise MessageRejected("future", f"{found}; allowed is {FUTURE_NS // SECOND_NS} s")
    if ahead_ns < -STALE_NS:
        found = f"time_ns is {-ahead_ns / SECOND_NS:.3f} s behind the clock"
        raise MessageRejected("stale", f"{found}; allowed is {STALE_NS // SECOND_NS} s")


class EventTime:
    """The newest accepted event time of one air picture, and the rules of the contract that hang on it."""

    def __init__(self, lateness_s: float) -> None:
        self.newest_ns: int | None = None
        self._lateness_ns = round(lateness_s * SECOND_NS)
        self._newest: dict[str, int] = {}
        self._speaker: str | None = None  # who sent the last frame
        self._alone_ns = 0  # for how much of its own time no other was heard
        self._previous_ns = 0  # the time of the last frame
        self._runs: OrderedDict[tuple[str, str], bool] = OrderedDict()  # -> whether a later run replaced it

    def starts_picture(self, source: str, epoch: str, time_ns: int, live: bool) -> bool:
        """Whether a frame of this run starts a new air picture. Changes nothing.

        Raises MessageRejected: `epoch` for a new run that lies behind while live, `retired` for a run that an
        earlier restart of the same source replaced.
        """
        retired = self._runs.get((source, epoch))
        if retired:
            raise MessageRejected("retired", f"epoch {epoch!r} of {source!r} was replaced by a later one")
        if retired is not None or self.newest_ns is None:
            return False
        behind_ns = self.newest_ns - time_ns
        if behind_ns <= self._lateness_ns:
            return False
        if live:
            allowed = self._lateness_ns / SECOND_NS
            found = f"new epoch {epoch!r} lies {behind_ns / SECOND_NS:.3f} s behind the newest frame"
            raise MessageRejected("epoch", f"{found}; allowed is {allowed:g} s")
        return True

    def restart(self, source: str) -> None:
        """Begin a new air picture, which `source` asked for: its former runs are over."""
        self.newest_ns = None
        self._newest.clear()
        self._speaker = None
        for run in self._runs:
            if run[0] == source:
                self._runs[run] = True

    def take(self, source: str, epoch: str, sensor: str, time_ns: int, clock_ns: int | None) -> bool:
        """Take in an accepted frame. Returns whether it moves the watermark."""
        self._remember(source, epoch)
        step_ns = min(max(time_ns - self._previous_ns, 0), STEP_NS)
        self._alone_ns = self._alone_ns + step_ns if sensor == self._speaker else 0
        self._speaker, self._previous_ns = sensor, time_ns
        moves = self._may_move(sensor, time_ns, clock_ns)
        self._newest[sensor] = max(time_ns, self._newest.get(sensor, time_ns))
        if moves:
            self.newest_ns = time_ns if self.newest_ns is None else max(self.newest_ns, time_ns)
        return moves

    def _may_move(self, sensor: str, time_ns: int, clock_ns: int | None) -> bool:
        """A sensor is held against the others; where they have gone silent, against the clock if it is live.

        Silent means that for a minute of its own time no other was heard, so that the end of one sensor does
        not stop the time of the other.
        """
        others = [newest for other, newest in self._newest.items() if other != sensor]
        alone = self._alone_ns > AHEAD_NS
        reference = max(others) if others and not alone else clock_ns
        return reference is None or time_ns <= reference + AHEAD_NS

    def _remember(self, source: str, epoch: str) -> None:
        self._runs.setdefault((source, epoch), False)
        self._runs.move_to_end((source, epoch))
        if len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)
