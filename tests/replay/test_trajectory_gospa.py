"""Trajectory GOSPA against the paper's own linear program, against enumeration, against Stone Soup, and its laws."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.optimize import linprog

from fusion.types import Floats
from replay.scoring import chains
from replay.scoring.gospa import gospa
from replay.scoring.trajectories import TrajectoryDistance, trajectory_gospa, whose

INSTANTS = 4


def trajectories(most: int, instants: int = INSTANTS) -> st.SearchStrategy[Floats]:
    """(n, t, 2) with gaps, in which some coordinates are the same."""

    def made(n: int) -> st.SearchStrategy[Floats]:
        values = arrays.arrays(float, (n, instants, 2), elements=st.floats(-3.0, 3.0, width=16))
        there = arrays.arrays(bool, (n, instants), elements=st.sampled_from([True, True, True, False]))
        return st.builds(lambda v, t: np.where(t[:, :, None], v, np.nan), values, there)

    return st.integers(0, most).flatmap(made)


def pair_costs(estimates: Floats, truths: Floats, c: float, p: float) -> Floats:
    """D of the paper, eq. 20: (t, n + 1, m + 1), the last row and column for no partner."""
    n, m, t = len(truths), len(estimates), truths.shape[1]
    costs = np.zeros((t, n + 1, m + 1))
    for k, i, j in itertools.product(range(t), range(n + 1), range(m + 1)):
        there = i < n and bool(np.isfinite(truths[i, k, 0])), j < m and bool(np.isfinite(estimates[j, k, 0]))
        if all(there):
            costs[k, i, j] = min(c, float(np.linalg.norm(truths[i, k] - estimates[j, k]))) ** p
        elif any(there):
            costs[k, i, j] = c**p / 2.0
    return costs


def program(estimates: Floats, truths: Floats, c: float, switch: float, p: float) -> float:
    """The metric as the paper's linear program, every weight of every instant a variable."""
    costs = pair_costs(estimates, truths, c, p)
    t, n, m = costs.shape[0], costs.shape[1] - 1, costs.shape[2] - 1
    if not n + m:
        return 0.0
    weights = costs.size
    number = np.arange(weights).reshape(costs.shape)
    change = weights + np.arange((t - 1) * n * m).reshape(t - 1, n, m)
    size = weights + change.size
    once, apart = [], []
    for k in range(t):
        once += [number[k, i] for i in range(n)] + [number[k, :, j] for j in range(m)]
        for i, j, sign in itertools.product(range(n), range(m), (1.0, -1.0)):
            if k + 1 < t:
                apart.append(((number[k, i, j], sign), (number[k + 1, i, j], -sign), (change[k, i, j], -1.0)))
    equal, less = np.zeros((len(once), size)), np.zeros((len(apart), size))
    for row, members in enumerate(once):
        equal[row, members] = 1.0
    for row, terms in enumerate(apart):
        for column, value in terms:
            less[row, column] = value
    objective = np.concatenate([costs.ravel(), np.full(change.size, switch**p / 2.0)])
    found = linprog(
        objective,
        A_ub=less if len(less) else None,
        b_ub=np.zeros(len(less)) if len(less) else None,
        A_eq=equal,
        b_eq=np.ones(len(equal)),
        bounds=(0.0, None),
    )
    return float(max(found.fun, 0.0) ** (1.0 / p))


def assignments(n: int, m: int) -> Iterator[NDArray[np.bool_]]:
    """Every set of one-to-one pairs: (n, m) masks."""
    for k in range(min(n, m) + 1):
        for rows in itertools.combinations(range(n), k):
            for columns in itertools.permutations(range(m), k):
                mask = np.zeros((n, m), dtype=bool)
                mask[list(rows), list(columns)] = True
                yield mask


def enumerated(estimates: Floats, truths: Floats, c: float, switch: float, p: float) -> float:
    """The least cost over every sequence of whole assignments, tried one by one."""
    costs, n, m = pair_costs(estimates, truths, c, p), len(truths), len(estimates)
    every = list(assignments(n, m))
    best = np.inf
    for sequence in itertools.product(every, repeat=len(costs)):
        cost = 0.0
        for k, mask in enumerate(sequence):
            cost += float(costs[k, :n, :m][mask].sum())
            cost += float(costs[k, :n, m][~mask.any(axis=1)].sum() + costs[k, n, :m][~mask.any(axis=0)].sum())
            if k:
                cost += switch**p / 2.0 * float((mask != sequence[k - 1]).sum())
        best = min(best, cost)
    return float(best ** (1.0 / p))


cut_offs, switches, powers = st.floats(0.2, 6.0), st.floats(0.05, 4.0), st.sampled_from([1.0, 2.0])


@settings(max_examples=60, deadline=None)
@given(trajectories(3), trajectories(3), cut_offs, switches, powers)
def test_the_parts_solve_the_whole_linear_program(
    estimates: Floats, truths: Floats, c: float, switch: float, p: float
) -> None:
    ours = trajectory_gospa(estimates, truths, c, switch, p).total
    assert ours**p == pytest.approx(program(estimates, truths, c, switch, p) ** p, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_certain_stretches_do_not_change_the_optimum(seed: int) -> None:
    """Twenty instants of near neighbours, lost and new tracks: certain runs, and parts between them."""
    rng = np.random.default_rng(seed)
    n, m, t = rng.integers(1, 4), rng.integers(1, 4), 20
    truths = np.cumsum(rng.normal(size=(n, t, 2)), axis=1)
    estimates = truths[rng.integers(0, n, m)] + rng.normal(size=(m, t, 2)) * rng.choice([0.1, 1.0])
    for each in (truths, estimates):
        each[rng.random(each.shape[:2]) < 0.1] = np.nan
    estimates[0, : rng.integers(0, t)] = np.nan
    c, switch = rng.uniform(0.5, 4.0), rng.uniform(0.05, 2.0)
    ours = trajectory_gospa(estimates, truths, c, switch).total
    assert ours == pytest.approx(program(estimates, truths, c, switch, 2.0), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(trajectories(2, 3), trajectories(2, 3), cut_offs, switches)
def test_two_objects_and_two_tracks_agree_with_enumeration(
    estimates: Floats, truths: Floats, c: float, switch: float
) -> None:
    """Of so few, the relaxed program has a whole solution, or lies below every one."""
    ours = trajectory_gospa(estimates, truths, c, switch).total
    least = enumerated(estimates, truths, c, switch, 2.0)
    assert ours <= least + 1e-9
    assert ours == pytest.approx(least, rel=1e-9, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(trajectories(3), trajectories(3), trajectories(3), cut_offs, switches, powers)
def test_it_is_a_metric_on_sets_of_trajectories(
    a: Floats, b: Floats, d: Floats, c: float, switch: float, p: float
) -> None:
    def apart(one: Floats, other: Floats) -> float:
        return trajectory_gospa(one, other, c, switch, p).total

    assert apart(a, a) == pytest.approx(0.0, abs=1e-9)
    assert apart(a, b) == pytest.approx(apart(b, a), rel=1e-9, abs=1e-9)
    assert apart(a, d) <= apart(a, b) + apart(b, d) + 1e-7
    points = int(np.isfinite(a[:, :, 0]).sum() + np.isfinite(b[:, :, 0]).sum())
    assert apart(a, b) <= (points * c**p / 2.0) ** (1.0 / p) + 1e-9


@settings(max_examples=30, deadline=None)
@given(trajectories(3), cut_offs, switches)
def test_another_set_is_not_at_zero(truths: Floats, c: float, switch: float) -> None:
    there = np.isfinite(truths[:, :, 0])
    if not there.any():
        return
    assert trajectory_gospa(truths[:0], truths, c, switch).total > 0.0
    shorter = truths.copy()
    shorter[np.unravel_index(np.argmax(there), there.shape)] = np.nan
    assert trajectory_gospa(shorter, truths, c, switch).total > 0.0
    moved = truths + np.where(np.arange(truths.shape[1]) == np.argmax(there.any(axis=0)), 100.0, 0.0)[:, None]
    assert trajectory_gospa(moved, truths, c, switch).total > 0.0


@settings(max_examples=30, deadline=None)
@given(trajectories(4, 1), trajectories(4, 1), cut_offs, switches)
def test_at_one_instant_it_is_gospa(estimates: Floats, truths: Floats, c: float, switch: float) -> None:
    sets = [each[np.isfinite(each[:, 0, 0]), 0] for each in (estimates, truths)]
    assert trajectory_gospa(estimates, truths, c, switch).total == pytest.approx(gospa(*sets, c).total, abs=1e-9)


def parallel(ids: list[int | None], apart: float = 1.0) -> tuple[Floats, Floats]:
    """One object that stands, and at each instant one track `apart` from it: (estimates, truths)."""
    numbers = sorted({k for k in ids if k is not None})
    estimates = np.full((len(numbers), len(ids), 2), np.nan)
    for instant, k in enumerate(ids):
        if k is not None:
            estimates[numbers.index(k), instant] = apart, 0.0
    return estimates, np.zeros((1, len(ids), 2))


@pytest.mark.parametrize(
    ("ids", "missed", "false", "switched"),
    [
        ([1, 1, 1, 1], 0.0, 0.0, 0.0),
        ([1, None, 1, 1], 1.0, 0.0, 0.0),
        ([1, 1, 2, 2], 0.0, 0.0, 1.0),
        ([1, 2, 1, 1], 1.0, 1.0, 0.0),  # twice 3² costs more than the one instant saves
        ([1, 1, None, 2], 1.0, 0.0, 1.0),
    ],
)
def test_parts_of_cases_worked_by_hand(ids: list[int | None], missed: float, false: float, switched: float) -> None:
    found = trajectory_gospa(*parallel(ids), 4.0, 3.0)
    held = sum(k is not None for k in ids) - false
    assert found.localisation**2 == pytest.approx(held)
    assert found.missed**2 == pytest.approx(8.0 * missed)
    assert found.false**2 == pytest.approx(8.0 * false)
    assert found.switch**2 == pytest.approx(9.0 * switched)


def crossing(swap: bool) -> tuple[Floats, Floats]:
    """Two objects that cross at right angles in 21 instants; tracks 1 m off, nearer to the other at the crossing."""
    time = np.arange(-10.0, 11.0)
    zero = np.zeros_like(time)
    truths = np.stack([np.column_stack([10.0 * time, zero]), np.column_stack([zero, 10.0 * time])])
    estimates = truths + 1.0
    truths[:, 10] = [[1.5, -1.5], [-1.5, 1.5]]
    estimates[:, 10] = [[-1.5, 2.0], [2.0, -1.5]]
    if swap:
        estimates[:, 11:] = estimates[::-1, 11:]
    return estimates, truths


def test_a_flip_at_one_instant_is_no_switch_and_an_exchange_is_two() -> None:
    estimates, truths = crossing(swap=False)
    at_once = gospa(estimates[:, 10], truths[:, 10], 20.0)
    assert at_once.estimates[np.argsort(at_once.truths)].tolist() == [1, 0]  # by itself the instant flips
    assert trajectory_gospa(estimates, truths, 20.0, 10.0).switch == 0.0
    exchanged = trajectory_gospa(*crossing(swap=True), 20.0, 10.0)
    assert exchanged.switch**2 == pytest.approx(2.0 * 10.0**2)


def test_it_agrees_with_stone_soup_where_each_instant_by_itself_is_the_best() -> None:
    """Stone Soup assigns each instant by itself and then counts changes: alike where switching is worth it."""
    from stonesoup.measures import Euclidean  # type: ignore[import-untyped]
    from stonesoup.metricgenerator.ospametric import GOSPAMetric  # type: ignore[import-untyped]
    from stonesoup.types.state import State  # type: ignore[import-untyped]

    rng = np.random.default_rng(3)
    truths = rng.normal(size=(3, 6, 2)) + 100.0 * np.arange(3)[:, None, None]
    estimates = truths + rng.normal(size=truths.shape)
    estimates[0, 3:], estimates[1, 3:] = estimates[1, 3:].copy(), estimates[0, 3:].copy()
    c, switch = 20.0, 2.0
    states: list[tuple[list[State], list[int]]] = [([], []), ([], [])]
    for (kept, ids), each in zip(states, (estimates, truths), strict=True):
        for k, i in itertools.product(range(6), range(3)):
            kept.append(State(each[i, k][:, None], timestamp=datetime.datetime(2026, 1, 1, 0, 0, k)))
            ids.append(i)
    peer = GOSPAMetric(p=2, c=c, switching_penalty=switch, measure=Euclidean())
    theirs = peer.compute_over_time(*states[0], *states[1])
    total = sum(one.value["distance"] ** 2 for one in theirs.value)
    assert trajectory_gospa(estimates, truths, c, switch).total ** 2 == pytest.approx(total, rel=1e-9)


def swarm(seed: int = 2, n: int = 5, t: int = 12) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    truths = rng.uniform(-6.0, 6.0, (n, 1, 2)) + np.cumsum(rng.normal(0.0, 0.3, (n, t, 2)), axis=1)
    return truths + rng.normal(0.0, 3.0, truths.shape), truths


def rows_of(estimates: Floats, truths: Floats, c: float) -> tuple[NDArray[np.int64], ...]:
    distance = np.linalg.norm(truths[:, None] - estimates[None], axis=3)
    truth, track, instant = np.nonzero(distance < c)
    return instant, truth, track, c * c - distance[truth, track, instant] ** 2


@pytest.mark.parametrize("cut", ["LARGEST_PROGRAM", "LARGEST_CUT"])
def test_what_is_cut_is_bounded_on_both_sides(cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(*swarm(), 10.0)
    exact = whose(*rows, instants=12, switch=9.0)
    assert exact.bounded == 0
    monkeypatch.setattr(chains, "LARGEST_PROGRAM", 40)
    monkeypatch.setattr(chains, cut, 40)
    found = whose(*rows, instants=12, switch=9.0)
    assert found.bounded == 1
    assert found.lower <= exact.lower <= exact.upper + 1e-9
    assert exact.lower <= found.upper + 1e-9
    assert found.lower < found.upper
    assert found.upper == pytest.approx(found.switch.sum() - (rows[3] * found.weight).sum())


@pytest.mark.parametrize("seed", range(12))
def test_the_whole_assignment_is_one_to_one_and_costs_what_it_says(seed: int) -> None:
    """Where weights are not whole they are rounded: a real assignment, dearer than the program at most a little."""
    instant, truth, track, gain = rows_of(*swarm(seed), 10.0)
    found = whose(instant, truth, track, gain, 12, 9.0)
    for owner in (truth, track):
        _, counts = np.unique(np.stack([instant, owner])[:, found.chosen], axis=1, return_counts=True)
        assert (counts == 1).all()
    held = np.zeros((13, 5, 5))
    held[instant[found.chosen] + 1, truth[found.chosen], track[found.chosen]] = 1.0
    changes = 4.5 * float(np.abs(np.diff(held[1:], axis=0)).sum())
    # the assignment may hold a pair where it is too far apart: it changes no more often than its rows show
    assert found.upper <= changes - float(gain[found.chosen].sum()) + 1e-9
    assert found.lower <= found.upper + 1e-9


def test_the_same_comes_out_again() -> None:
    rows = rows_of(*swarm(), 10.0)
    one, other = (whose(*rows, instants=12, switch=9.0) for _ in range(2))
    assert one.weight.tobytes() == other.weight.tobytes()
    assert one.switch.tobytes() == other.switch.tobytes()


def test_a_price_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="switch is 0"):
        trajectory_gospa(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), 1.0, 0.0)


def test_nothing_at_all_is_at_zero() -> None:
    nothing = np.zeros((0, 3, 2))
    assert trajectory_gospa(nothing, nothing, 1.0, 1.0) == TrajectoryDistance(0.0, 0.0, 0.0, 0.0, 0.0)
