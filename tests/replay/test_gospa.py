"""GOSPA against enumeration of all assignments, against Stone Soup, and its own laws."""

from __future__ import annotations

import datetime
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fusion.types import Floats
from replay.scoring import gospa as gospa_module
from replay.scoring.gospa import best_pairs, gospa

coordinates = st.floats(-5.0, 5.0, width=32)


def points(most: int) -> st.SearchStrategy[Floats]:
    return st.integers(0, most).flatmap(lambda n: arrays.arrays(float, (n, 2), elements=coordinates))


def enumerated(estimates: Floats, truths: Floats, c: float, p: float) -> float:
    """The least cost over every set of pairs, tried one by one."""
    best = np.inf
    for k in range(min(len(truths), len(estimates)) + 1):
        for chosen in itertools.combinations(range(len(truths)), k):
            for partners in itertools.permutations(range(len(estimates)), k):
                cost = sum(
                    float(np.linalg.norm(truths[i] - estimates[j])) ** p for i, j in zip(chosen, partners, strict=True)
                )
                best = min(best, cost + c**p / 2.0 * (len(truths) + len(estimates) - 2 * k))
    return float(best ** (1.0 / p))


@settings(max_examples=80, deadline=None)
@given(points(4), points(4), st.floats(0.1, 12.0), st.sampled_from([1.0, 2.0, 3.0]))
def test_gospa_is_the_least_cost_over_all_sets_of_pairs(estimates: Floats, truths: Floats, c: float, p: float) -> None:
    assert gospa(estimates, truths, c, p).total == pytest.approx(enumerated(estimates, truths, c, p), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(points(12), points(12), st.floats(0.1, 12.0))
def test_gospa_agrees_with_stone_soup(estimates: Floats, truths: Floats, c: float) -> None:
    from stonesoup.metricgenerator.ospametric import GOSPAMetric  # type: ignore[import-untyped]
    from stonesoup.types.state import State  # type: ignore[import-untyped]

    if not len(estimates) and not len(truths):
        return
    now = datetime.datetime(2026, 1, 1)
    theirs, _ = GOSPAMetric(p=2, c=c).compute_gospa_metric(
        *([State(row[:, None], timestamp=now) for row in rows] for rows in (estimates, truths))
    )
    ours = gospa(estimates, truths, c)
    assert ours.total == pytest.approx(float(theirs.value["distance"]), abs=1e-9, rel=1e-9)
    if min(abs(theirs.value["localisation"] - k * c * c) for k in range(13)) > 1e-6:  # no pair at the cut-off
        for name in ("localisation", "missed", "false"):
            assert getattr(ours, name) ** 2 == pytest.approx(float(theirs.value[name]), abs=1e-9, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(points(8), points(8), st.floats(0.1, 12.0))
def test_parts_add_up_and_pairs_are_one_to_one_within_the_cutoff(estimates: Floats, truths: Floats, c: float) -> None:
    found = gospa(estimates, truths, c)
    assert found.total**2 == pytest.approx(found.localisation**2 + found.missed**2 + found.false**2)
    assert found.missed**2 == pytest.approx((len(truths) - len(found.truths)) * c * c / 2.0)
    assert found.false**2 == pytest.approx((len(estimates) - len(found.truths)) * c * c / 2.0)
    assert len(np.unique(found.truths)) == len(np.unique(found.estimates)) == len(found.truths)
    assert (found.distances < c).all()


@settings(max_examples=40, deadline=None)
@given(points(6), points(6), points(6), st.floats(0.1, 12.0))
def test_gospa_is_a_metric(first: Floats, second: Floats, third: Floats, c: float) -> None:
    assert gospa(first, first, c).total == pytest.approx(0.0, abs=1e-12)
    assert gospa(first, second, c).total == pytest.approx(gospa(second, first, c).total)
    around = gospa(first, third, c).total + gospa(third, second, c).total
    assert gospa(first, second, c).total <= around + 1e-9


def test_the_sparse_solver_finds_the_same_cost_as_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        truths, estimates = rng.normal(size=(9, 2)), rng.normal(size=(7, 2))
        dense = gospa(estimates, truths, 1.5)
        monkeypatch.setattr(gospa_module, "LARGEST_DENSE", 0)
        sparse = gospa(estimates, truths, 1.5)
        monkeypatch.undo()
        assert sparse.total == pytest.approx(dense.total, rel=1e-12)


def test_comparisons_solved_in_one_call_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(6)
    parts, offset, alone = [], 0, []
    for _ in range(5):
        truths, estimates = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
        distance = np.linalg.norm(truths[:, None] - estimates[None], axis=2)
        i, j = np.nonzero(distance < 1.0)
        alone.append(best_pairs(i, j, distance[i, j], 1.0))
        parts.append((i + offset, j + offset, distance[i, j]))
        offset += 6
    truth, estimate, distances = (np.concatenate([part[k] for part in parts]) for k in range(3))
    together = best_pairs(truth, estimate, distances, 1.0)
    assert together.tolist() == np.concatenate(alone).tolist()


@pytest.mark.parametrize("c", [0.0, -1.0, float("nan"), float("inf")])
def test_a_cutoff_that_is_none_is_refused(c: float) -> None:
    with pytest.raises(ValueError, match="c is"):
        gospa(np.zeros((1, 2)), np.zeros((1, 2)), c)
