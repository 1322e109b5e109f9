"""Due times follow from where the pace began; errors are counted well enough to be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.clock import ManualClock
from fusion.types import SECOND_NS
from replay.playing.pace import BIN_NS, Errors, Pace

START_NS = 1_700_000_000 * SECOND_NS


@given(st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0]), st.lists(st.integers(0, 10**12), min_size=1, max_size=50))
def test_due_is_the_event_time_over_the_rate_whatever_came_between(rate: float, offsets: list[int]) -> None:
    clock = ManualClock(5)
    pace = Pace(clock, rate)
    pace.begin(START_NS)
    for offset in offsets:
        assert pace.due_ns(START_NS + offset) == round(offset / rate)
        clock.advance(0.001)


def test_position_and_due_times_go_on_from_a_change_of_rate() -> None:
    clock = ManualClock()
    pace = Pace(clock, 2.0)
    pace.begin(START_NS)
    clock.advance(3.0)
    assert pace.position_ns() == START_NS + 6 * SECOND_NS
    pace.rate = 0.5
    clock.advance(2.0)
    assert pace.position_ns() == START_NS + 7 * SECOND_NS
    assert pace.due_ns(START_NS + 8 * SECOND_NS) == 7 * SECOND_NS


def test_a_pause_is_left_out_of_time() -> None:
    clock = ManualClock()
    pace = Pace(clock, 1.0)
    pace.begin(START_NS)
    clock.advance(1.0)
    pace.paused = True
    clock.advance(100.0)
    assert pace.position_ns() == START_NS + SECOND_NS
    pace.paused = False
    assert pace.due_ns(START_NS + 2 * SECOND_NS) == 102 * SECOND_NS


@pytest.mark.parametrize("rate", [0.0, float("inf")])
def test_without_a_pace_everything_is_due_now(rate: float) -> None:
    clock = ManualClock()
    pace = Pace(clock, rate)
    pace.begin(START_NS)
    clock.advance(4.0)
    assert pace.due_ns(START_NS + 99 * SECOND_NS) == 4 * SECOND_NS
    assert pace.position_ns() == START_NS


@given(st.lists(st.integers(0, 3 * SECOND_NS), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_quantiles_are_those_of_the_errors_to_within_a_bin(errors: list[int], share: float) -> None:
    counted = Errors()
    for error in errors:
        counted.add(error)
    exact = float(np.quantile(np.array(errors), share, method="inverted_cdf"))
    found = counted.quantile_s(share) * SECOND_NS
    assert counted.most_ns == max(errors)
    if exact < SECOND_NS:
        assert exact <= found + 1e-3
        assert found <= exact + BIN_NS + 1e-3
    else:
        assert found == pytest.approx(max(errors))
