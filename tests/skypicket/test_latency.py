from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypicket.demonstration.latency import latencies_s, quantile

MS = 1_000_000


def test_a_step_counts_from_the_first_frame_of_a_later_time():
    sent = [(1000 * MS, 10 * MS), (2000 * MS, 20 * MS), (2001 * MS, 30 * MS), (3000 * MS, 40 * MS)]
    assert latencies_s(sent, [(2000 * MS, 35 * MS)]) == [0.005]
    assert latencies_s(sent, [(1999 * MS, 35 * MS)]) == [0.015]


def test_a_step_that_no_frame_followed_is_left_out():
    assert latencies_s([(1000 * MS, 10 * MS)], [(1000 * MS, 35 * MS)]) == []
    assert latencies_s([], [(1000 * MS, 35 * MS)]) == []


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1000)), max_size=30),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1000)), max_size=10),
)
def test_it_agrees_with_looking_at_every_frame(sent, arrived):
    expected = []
    for time_ns, arrived_ns in arrived:
        later = [clock for frame_ns, clock in sent if frame_ns > time_ns]
        expected += [(arrived_ns - later[0]) / 1e9] if later else []
    assert latencies_s(sent, arrived) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.floats(0, 1))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values, part):
    found = quantile(values, part)
    assert found in values
    assert sum(value <= found for value in values) >= part * len(values) - 1e-9
    smaller = [value for value in values if value < found]
    assert not smaller or sum(value <= max(smaller) for value in values) < max(part * len(values), 1)


def test_no_values_have_no_quantile():
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
