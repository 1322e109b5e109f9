"""Clocks."""

from __future__ import annotations

import time

import pytest

from adapters.clock import Clock, ManualClock, SystemClock


def test_the_system_clock_is_the_machine_s() -> None:
    clock: Clock = SystemClock()
    before, monotonic = time.time_ns(), time.monotonic_ns()
    assert abs(clock.time_ns() - before) < 10**10
    clock.sleep(0.001)
    clock.sleep(-1.0)
    assert clock.monotonic_ns() - monotonic >= 1_000_000


def test_a_manual_clock_moves_only_by_hand_or_by_sleeping_on_it() -> None:
    clock = ManualClock(1000)
    assert (clock.time_ns(), clock.monotonic_ns()) == (1000, 0)
    clock.advance(1.5)
    clock.sleep(0.5)
    clock.sleep(-3.0)
    assert (clock.time_ns(), clock.monotonic_ns()) == (2_000_001_000, 2_000_000_000)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_manual_clock_refuses_to_go_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="allowed is 0 or more"):
        ManualClock().advance(seconds)
