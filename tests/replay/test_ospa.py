"""OSPA and OSPA(2) against the definition written out, against Stone Soup, and their laws."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import linear_sum_assignment

from fusion.types import Floats
from replay.scoring import ospa as ospa_module
from replay.scoring.ospa import ospa2_of

INSTANTS = 7


def trajectories(most: int, instants: int = INSTANTS) -> st.SearchStrategy[Floats]:
    def made(n: int) -> st.SearchStrategy[Floats]:
        values = arrays.arrays(float, (n, instants, 2), elements=st.floats(-3.0, 3.0, width=16))
        there = arrays.arrays(bool, (n, instants), elements=st.sampled_from([True, True, False]))
        return st.builds(lambda v, t: np.where(t[:, :, None], v, np.nan), values, there)

    return st.integers(0, most).flatmap(made)


def base(one: Floats, other: Floats, c: float) -> float:
    """The time-averaged distance of two (t, 2) trajectories, Beard, Vo, Vo (2020), eq. 20."""
    here, there = np.isfinite(one[:, 0]), np.isfinite(other[:, 0])
    distances = [
        min(c, float(np.linalg.norm(a - b))) if x and y else c
        for a, b, x, y in zip(one, other, here, there, strict=True)
        if x or y
    ]
    return sum(distances) / len(distances)


def written_out(estimates: Floats, truths: Floats, c: float, window: int) -> list[float]:
    found = []
    for k in range(truths.shape[1]):
        part = [each[:, max(k - window + 1, 0) : k + 1] for each in (estimates, truths)]
        a, b = (each[np.isfinite(each[:, :, 0]).any(axis=1)] for each in part)
        most = max(len(a), len(b))
        costs = np.full((most, most), c)
        for i, one in enumerate(a):
            for j, other in enumerate(b):
                costs[i, j] = base(one, other, c)
        found.append(float(costs[linear_sum_assignment(costs)].mean()) if most else 0.0)
    return found


cut_offs, windows = st.floats(0.2, 6.0), st.integers(1, INSTANTS + 2)


@settings(max_examples=120, deadline=None)
@given(trajectories(4), trajectories(4), cut_offs, windows)
def test_it_is_the_definition(estimates: Floats, truths: Floats, c: float, window: int) -> None:
    assert ospa2_of(estimates, truths, c, window) == pytest.approx(
        written_out(estimates, truths, c, window), rel=1e-9, abs=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(trajectories(6, 1), trajectories(6, 1), cut_offs)
def test_a_window_of_one_instant_is_stone_soups_ospa(estimates: Floats, truths: Floats, c: float) -> None:
    from stonesoup.metricgenerator.ospametric import OSPAMetric  # type: ignore[import-untyped]
    from stonesoup.types.state import State  # type: ignore[import-untyped]

    now = datetime.datetime(2026, 1, 1)
    states = [
        [State(row[0][:, None], timestamp=now) for row in each if np.isfinite(row[0, 0])]
        for each in (estimates, truths)
    ]
    if not any(states):
        return
    theirs = float(OSPAMetric(c=c, p=1).compute_OSPA_distance(*states).value)
    assert ospa2_of(estimates, truths, c, 1)[0] == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(trajectories(3), trajectories(3), trajectories(3), cut_offs)
def test_it_is_a_metric_bounded_by_the_cutoff(a: Floats, b: Floats, d: Floats, c: float) -> None:
    def apart(one: Floats, other: Floats) -> float:
        return float(ospa2_of(one, other, c, INSTANTS)[-1])

    assert apart(a, a) == pytest.approx(0.0, abs=1e-12)
    assert apart(a, b) == pytest.approx(apart(b, a), rel=1e-12, abs=1e-12)
    assert apart(a, d) <= apart(a, b) + apart(b, d) + 1e-9
    assert 0.0 - 1e-12 <= apart(a, b) <= c + 1e-12
    there = [each[np.isfinite(each[:, :, 0]).any(axis=1)] for each in (a, b)]
    if len(there[0]) != len(there[1]):
        assert apart(a, b) > 0.0


def test_a_track_that_changes_its_id_is_farther_than_one_that_keeps_it() -> None:
    truth = np.zeros((1, 10, 2))
    kept = truth + np.array([1.0, 0.0])
    changed = np.full((2, 10, 2), np.nan)
    changed[0, :5] = changed[1, 5:] = 1.0, 0.0
    assert ospa2_of(kept, truth, 10.0, 10)[-1] == pytest.approx(1.0)
    # the better half: 5 instants at 1 m, 5 without; and a track too many
    assert ospa2_of(changed, truth, 10.0, 10)[-1] == pytest.approx(((5 * 1.0 + 5 * 10.0) / 10.0 + 10.0) / 2.0)
    assert ospa2_of(changed, truth, 10.0, 1) == pytest.approx(np.ones(10))


def test_batches_do_not_touch_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    truths, estimates = rng.normal(size=(5, 9, 2)), rng.normal(size=(6, 9, 2))
    whole = ospa2_of(estimates, truths, 2.0, 4)
    monkeypatch.setattr(ospa_module, "ROWS_AT_ONCE", 10)
    assert ospa2_of(estimates, truths, 2.0, 4).tolist() == whole.tolist()
