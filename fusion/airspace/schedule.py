"""When a zone is active: inside one of its intervals and, where it has daily windows, inside one of those too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final

from annotated_types import Ge, Le

from fusion.types import SECOND_NS

DAY_S: Final = 86_400
DAY_NS: Final = DAY_S * SECOND_NS
WEEK_NS: Final = 7 * DAY_NS
MONDAY_NS: Final = -3 * DAY_NS  # the last midnight before 1970 with which a week began: that year came on a Thursday
EVER: Final = 1 << 62  # ns: the year 2116, beyond any interval that matters

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """From one time of the UTC day to another, in seconds since midnight; over midnight where it ends before it begins,
    a whole day where both are the same. days: on which it begins, 0 for Monday; empty: every day.
    """

    from_s: Annotated[int, Ge(0), Le(DAY_S)]
    to_s: Annotated[int, Ge(0), Le(DAY_S)]
    days: tuple[Annotated[int, Ge(0), Le(6)], ...] = ()

    def spans(self) -> list[Span]:
        """Its times in one week, ns since the Monday's midnight; the last may go on into the next week."""
        length_s = (self.to_s - self.from_s) % DAY_S or DAY_S
        begins = [day * DAY_NS + self.from_s * SECOND_NS for day in self.days or range(7)]
        return [(begin, begin + length_s * SECOND_NS) for begin in begins]


@dataclass(frozen=True)
class Schedule:
    """intervals: UTC [from_ns, to_ns), in order, apart.  windows: of the days; none: the whole day."""

    intervals: tuple[Span, ...]
    windows: tuple[DailyWindow, ...] = ()

    @classmethod
    def of(cls, active: Iterable[Span] | None, windows: tuple[DailyWindow, ...] = ()) -> Schedule:
        """active: intervals in any order; None: always. Windows that fill the week are as none."""
        intervals = ((-EVER, EVER),) if active is None else merged(active)
        weeks = merged(span for window in windows for span in _weeks(window.spans(), -1, 2))
        full = any(start <= MONDAY_NS and stop >= MONDAY_NS + WEEK_NS for start, stop in weeks)
        return cls(intervals, () if full else windows)

    @cached_property
    def _week(self) -> tuple[Span, ...]:
        return merged(span for window in self.windows for span in window.spans())

    def is_active(self, time_ns: int) -> bool:
        """Whether it is active at an instant."""
        return bool(self.between(time_ns, time_ns + 1))

    def between(self, begin_ns: int, end_ns: int) -> tuple[Span, ...]:
        """Every whole span in which it is active, that has any moment in [begin_ns, end_ns): in order, apart."""
        found: list[Span] = []
        for start, stop in self.intervals:
            if start >= end_ns or stop <= begin_ns:
                continue
            if not self.windows:
                found.append((start, stop))
                continue
            for low, high in self._windows(max(start, begin_ns), min(stop, end_ns)):
                found.append((max(low, start), min(high, stop)))
        return tuple(found)

    def next_span(self, time_ns: int) -> Span | None:
        """The span that it is in, or else the next one; None: there is no more."""
        for start, stop in self.intervals:
            if stop <= time_ns:
                continue
            if not self.windows:
                return start, stop
            begin = max(start, time_ns)
            spans = self._windows(begin, min(stop, begin + WEEK_NS))
            if spans:
                low, high = spans[0]
                return max(low, start), min(high, stop)
        return None

    def _windows(self, begin_ns: int, end_ns: int) -> list[Span]:
        """The windows with any moment in [begin_ns, end_ns), whole: a week more on both sides holds each."""
        first = (begin_ns - MONDAY_NS) // WEEK_NS - 1
        last = (end_ns - MONDAY_NS) // WEEK_NS + 2
        spans = merged(_weeks(self._week, first, last))
        return [(start, stop) for start, stop in spans if start < end_ns and stop > begin_ns]


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In order, with those that touch made one, so that no moment between them counts as inactive."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return tuple(found)


def _weeks(spans: Iterable[Span], first: int, last: int) -> list[Span]:
    """The spans of one week in the weeks from `first` to before `last`, since 1970."""
    shifts = [MONDAY_NS + week * WEEK_NS for week in range(first, last)]
    return [(start + shift, stop + shift) for start, stop in spans for shift in shifts]
