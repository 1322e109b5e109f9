"""A stop of the process is told from a wait, and from somebody who is slow."""

from __future__ import annotations

from adapters.clock import ManualClock
from fusion.types import SECOND_NS
from replay.playing.stops import Stops


def after(clock: ManualClock, stops: Stops, seconds: float, busy: bool = False) -> float:
    clock.advance(seconds)
    return stops.lost_ns(busy) / SECOND_NS


def test_a_long_gap_is_a_stop_but_for_what_was_to_be_waited() -> None:
    clock = ManualClock()
    stops = Stops(clock)
    assert after(clock, stops, 0.9) == 0.0
    stops.rested(0.1)
    assert after(clock, stops, 60.1) == 60.0
    stops.rested(50.0)
    assert after(clock, stops, 50.5) == 0.0
    assert after(clock, stops, 50.0) == 50.0  # that wait is over


def test_who_waits_for_somebody_is_not_stopped_unless_it_is_certain() -> None:
    clock = ManualClock()
    stops = Stops(clock)
    assert after(clock, stops, 60.0, busy=True) == 0.0
    stops.continued()
    assert after(clock, stops, 60.0, busy=True) == 60.0
    assert after(clock, stops, 60.0, busy=True) == 0.0


def test_a_stop_that_is_certain_may_be_short_and_never_gives_time_back() -> None:
    clock = ManualClock()
    stops = Stops(clock)
    stops.continued()
    assert after(clock, stops, 0.25) == 0.25
    stops.continued()
    stops.rested(1.0)
    assert after(clock, stops, 0.5) == 0.0
