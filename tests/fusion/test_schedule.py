"""Schedules against a calendar that asks every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.airspace.airspace import Airspace
from fusion.airspace.schedule import DAY_S, EVER, DailyWindow, Schedule, merged
from fusion.config import ZoneConfig
from fusion.geodesy import Plane
from fusion.types import Place

MINUTE_NS = 60_000_000_000
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
SPAN_MINUTES = 16 * 1440  # looked at: two weeks and a day on both sides


def ns(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000_000


def in_window(window: DailyWindow, moment: datetime) -> bool:
    """By the clock on the wall: today's window, or yesterday's where it goes on over midnight."""
    for back in (0, 1, 2):
        day = (moment - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
        if window.days and day.weekday() not in window.days:
            continue
        begin = day + timedelta(seconds=window.from_s)
        end = day + timedelta(seconds=window.to_s)
        while end <= begin:
            end += timedelta(days=1)
        if begin <= moment < end:
            return True
    return False


minutes = st.integers(0, 1440).map(lambda minute: minute * 60)
windows = st.builds(DailyWindow, minutes, minutes, st.sets(st.integers(0, 6)).map(lambda days: tuple(sorted(days))))


@st.composite
def intervals(draw: st.DrawFn) -> tuple[tuple[int, int], ...] | None:
    if draw(st.booleans()):
        return None
    edges = sorted(draw(st.sets(st.integers(0, SPAN_MINUTES), max_size=6)))
    start = ns(MONDAY)
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple((start + a * MINUTE_NS, start + b * MINUTE_NS) for a, b in pairs)


@settings(max_examples=40)
@given(intervals(), st.lists(windows, max_size=3).map(tuple), st.integers(0, SPAN_MINUTES))
def test_a_schedule_is_active_as_the_calendar_says(active, daily, minute):
    """State, spans and next change at a random minute, against all minutes of two weeks after it."""
    schedule = Schedule.of(active, daily)

    def calendar(k: int) -> bool:
        moment = MONDAY + timedelta(minutes=k)
        inside = active is None or any(a <= ns(moment) < b for a, b in active)
        return inside and (not daily or any(in_window(window, moment) for window in daily))

    time_ns, length = ns(MONDAY) + minute * MINUTE_NS, 900
    truth = [calendar(minute + k) for k in range(length)]
    assert schedule.is_active(time_ns) == truth[0]
    found = [False] * length
    for start, stop in schedule.between(time_ns, time_ns + length * MINUTE_NS):
        for k in range(max(0, (start - time_ns) // MINUTE_NS), min(length, (stop - time_ns) // MINUTE_NS)):
            found[k] = True
    assert found == truth
    coming = schedule.next_span(time_ns)
    if True in truth:
        assert coming is not None
        first = truth.index(True)
        assert max(coming[0], time_ns) == time_ns + first * MINUTE_NS
        if False in truth[first:]:
            assert coming[1] == time_ns + (first + truth[first:].index(False)) * MINUTE_NS
        else:
            assert coming[1] >= time_ns + length * MINUTE_NS


def test_the_next_span_is_found_a_week_ahead_and_there_is_none_after_the_last():
    monday = DailyWindow(6 * 3600, 22 * 3600, (0,))
    begin, hour = ns(MONDAY), 60 * MINUTE_NS
    weekly = Schedule.of(None, (monday,))
    assert weekly.next_span(begin + 22 * hour) == (begin + (168 + 6) * hour, begin + (168 + 22) * hour)
    assert weekly.next_span(begin + 7 * hour) == (begin + 6 * hour, begin + 22 * hour)
    once = Schedule.of([(begin + 20 * hour, begin + 30 * hour)], (monday,))
    assert once.next_span(begin) == (begin + 20 * hour, begin + 22 * hour)
    assert once.next_span(begin + 22 * hour) is None
    assert once.between(begin + 22 * hour, begin + 400 * hour) == ()


@pytest.mark.parametrize(
    "daily",
    [
        (DailyWindow(0, DAY_S),),
        (DailyWindow(3600, 3600),),
        (DailyWindow(0, 43_200), DailyWindow(43_200, 0)),
        (DailyWindow(0, DAY_S, (0, 1, 2, 3)), DailyWindow(0, 0, (4, 5, 6))),
    ],
)
def test_windows_that_fill_the_week_never_change(daily):
    assert Schedule.of(None, daily).next_span(0) == (-EVER, EVER)


def test_spans_that_touch_or_overlap_are_one():
    assert merged([(5, 7), (1, 3), (3, 4), (6, 9)]) == ((1, 4), (5, 9))


SHIFTS = (DailyWindow(6 * 3600, 22 * 3600, (0, 1, 2, 3, 4)), DailyWindow(22 * 3600 + 300, 2 * 3600))
SHIFT_ZONE = ZoneConfig("z", 0.0, 1.0, circle=(19.0, 47.0, 100.0), lookahead_s=600.0, daily=SHIFTS)


@given(st.integers(0, 14 * 86_400))
def test_a_zone_with_windows_changes_when_it_says_so_and_never_before(second):
    """One gap between two windows is shorter than the look-ahead: then it is pre-active at once."""
    airspace = Airspace([SHIFT_ZONE], Plane(Place(47.0, 19.0, 0.0)))
    time_ns = ns(MONDAY) + second * 1_000_000_000
    (now,) = airspace.states(time_ns)
    assert (now.state == "active") == airspace.is_active(0, time_ns)
    assert (now.state == "inactive") == (airspace.spans(0, time_ns) == ())
    assert now.next_change_ns is not None
    assert airspace.states(now.next_change_ns - 1)[0].state == now.state
    assert airspace.states(now.next_change_ns)[0].state != now.state
