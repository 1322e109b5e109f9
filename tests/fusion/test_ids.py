"""Track ids: made one by one or as arrays, they are the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fusion.tracking import ids

TIMES = st.lists(st.integers(0, 2**62), min_size=1, max_size=5)


@given(TIMES, st.integers(0, 2**31), st.text(min_size=1, max_size=8))
def test_ids_made_one_by_one_are_those_made_as_arrays(times, picture, sensor):
    times_ns, rows = np.array(times, np.int64), np.arange(len(times))
    many = ids.FEW + 1
    padded = np.concatenate([times_ns, np.arange(many, dtype=np.int64)]), np.arange(len(times) + many)
    none = np.zeros(0, np.int64)
    few, arrays = ids.track_ids(picture, sensor, times_ns, rows, none), ids.track_ids(picture, sensor, *padded, none)
    assert (few == arrays[: len(times)]).all()
    assert (ids.track_ids(picture, sensor, times_ns, rows, few) != few).all()
    assert ids.track_ids(picture, sensor, times_ns, rows, few).max() < 2**53
