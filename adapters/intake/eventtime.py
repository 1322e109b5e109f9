"""Event time as the frames tell it: the newest, who may move it, and which run of a sender it belongs to."""

from __future__ import annotations

from collections import OrderedDict, deque

from fusion.errors import MessageRejected
from fusion.types import SECOND_NS

AHEAD_NS = 60 * SECOND_NS  # further ahead of every other, a sensor does not move the watermark
STEP_NS = 10 * SECOND_NS  # a longer step between two looks may be a clock that jumps: no more of it counts
FUTURE_NS = 3600 * SECOND_NS  # an hour ahead of the clock: rejected
STALE_NS = 86_400 * SECOND_NS  # a day behind the clock: rejected
LEAP_NS = 3600 * SECOND_NS  # further ahead of all that came, a single frame is not believed: as with a clock
MAX_LEAPS = 64  # such frames in a row that are remembered
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
    """The newest accepted event time of one air picture, and the rules of the contract that hang on it.

    Where no clock stands in, one wild frame would shut out all that come after it. So a leap, more than an hour
    ahead of the newest time, counts only when the very next frames hold another within a minute of it: a pause
    of the whole site costs one look, a lone wild frame nothing. The first frame of all has nothing to be held
    against; a second one more than an hour behind it starts the picture over.

    doubted: whether the last frame that `take` took in is a leap that nothing confirms yet.
    """

    def __init__(self, lateness_s: float) -> None:
        self.newest_ns: int | None = None
        self._lateness_ns = round(lateness_s * SECOND_NS)
        self._newest: dict[str, int] = {}
        self._speaker: str | None = None  # who sent the last frame
        self._alone_ns = 0  # for how much of its own time no other was heard
        self._previous_ns = 0  # the time of the last frame
        self.doubted = False
        self._leaps: deque[tuple[str, int]] = deque(maxlen=MAX_LEAPS)  # sensor and time of leaps, since the last other
        self._moved = 0  # frames on which the newest time rests
        self._runs: OrderedDict[tuple[str, str], bool] = OrderedDict()  # -> whether a later run replaced it

    def starts_picture(self, source: str, epoch: str, time_ns: int, live: bool) -> bool:
        """Whether a frame of this run starts a new air picture: a new run that lies behind does, and any run that
        lies an hour behind a lone first frame. Changes nothing.

        Raises MessageRejected: `epoch` for a new run that lies behind while live, `retired` for a run that an
        earlier restart of the same source replaced.
        """
        retired = self._runs.get((source, epoch))
        if retired:
            raise MessageRejected("retired", f"epoch {epoch!r} of {source!r} was replaced by a later one")
        if self.newest_ns is None:
            return False
        behind_ns = self.newest_ns - time_ns
        if not live and self._moved == 1 and behind_ns > LEAP_NS:
            return True
        if retired is not None:
            return False
        if behind_ns <= self._lateness_ns:
            return False
        if live:
            allowed = self._lateness_ns / SECOND_NS
            found = f"new epoch {epoch!r} lies {behind_ns / SECOND_NS:.3f} s behind the newest frame"
            raise MessageRejected("epoch", f"{found}; allowed is {allowed:g} s")
        return True

    def restart(self, source: str, epoch: str) -> None:
        """Begin a new air picture with this run of `source`: its other runs are over."""
        self.newest_ns = None
        self._newest.clear()
        self._speaker = None
        self._leaps.clear()
        self._moved = 0
        for run in self._runs:
            if run[0] == source and run[1] != epoch:
                self._runs[run] = True

    def take(self, source: str, epoch: str, sensor: str, time_ns: int, clock_ns: int | None) -> bool:
        """Take in an accepted frame. Returns whether it moves the watermark."""
        self._remember(source, epoch)
        self.doubted = clock_ns is None and self._is_leap(time_ns) and not self._confirmed(sensor, time_ns)
        if self.doubted:
            self._leaps.append((sensor, time_ns))
            return False
        self._leaps.clear()
        step_ns = min(max(time_ns - self._previous_ns, 0), STEP_NS)
        self._alone_ns = self._alone_ns + step_ns if sensor == self._speaker else 0
        self._speaker, self._previous_ns = sensor, time_ns
        moves = self._may_move(sensor, time_ns, clock_ns)
        self._newest[sensor] = max(time_ns, self._newest.get(sensor, time_ns))
        if moves:
            self._moved += 1
            self.newest_ns = time_ns if self.newest_ns is None else max(self.newest_ns, time_ns)
        return moves

    def _is_leap(self, time_ns: int) -> bool:
        return self.newest_ns is not None and time_ns > self.newest_ns + LEAP_NS

    def _confirmed(self, sensor: str, time_ns: int) -> bool:
        """Whether another frame says that it is about that time; leaps that do are believed from now on."""
        near = [(who, leap_ns) for who, leap_ns in self._leaps if abs(time_ns - leap_ns) <= AHEAD_NS]
        for who, leap_ns in near:
            self._newest[who] = max(leap_ns, self._newest.get(who, leap_ns))
        others = (newest for other, newest in self._newest.items() if other != sensor)
        return bool(near) or any(abs(time_ns - newest) <= AHEAD_NS for newest in others)

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
