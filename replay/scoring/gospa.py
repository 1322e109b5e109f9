"""The generalised optimal sub-pattern assignment metric with alpha = 2, and its parts.

Rahmathullah, García-Fernández, Svensson (2017), proposition 1: over all sets of pairs (truth, estimate),

    GOSPA^p = min  sum of d^p over the pairs  +  c^p / 2 x (truths without a pair + estimates without a pair)

so that only pairs nearer than c are worth making, and the three terms are localisation, missed and false.
Finding the pairs is a sparse problem: it falls into clusters that touch nobody else, most of them one pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.types import Floats, Ints

LARGEST_DENSE = 4_000_000  # cells of a cost matrix (32 MB); beyond it a sparse solver takes over


@dataclass(frozen=True, slots=True, eq=False)
class Gospa:
    """One comparison of two sets. Each part is already rooted: total^p = localisation^p + missed^p + false^p.

    truths, estimates: (k,) indices of the pairs made.  distances: (k,) of each pair.
    """

    total: float
    localisation: float
    missed: float
    false: float
    truths: Ints
    estimates: Ints
    distances: Floats


def gospa(estimates: Floats, truths: Floats, c: float, p: float = 2.0) -> Gospa:
    """Compare (m, d) estimates with (n, d) truths by Euclidean distance, cut off at `c`, in their unit."""
    check_cutoff(c)
    if p < 1.0 or not np.isfinite(p):
        raise ValueError(f"p is {p}; allowed is a finite number of 1 or more")
    difference = truths[:, None, :] - estimates[None, :, :]
    distance = np.sqrt((difference * difference).sum(axis=2))
    i, j = np.nonzero(distance < c)
    chosen = best_pairs(i, j, distance[i, j], c, p)
    i, j = i[chosen], j[chosen]
    made = distance[i, j]
    localisation = float((made**p).sum())
    missed = (len(truths) - len(i)) * c**p / 2.0
    false = (len(estimates) - len(i)) * c**p / 2.0
    total, *parts = (float(term ** (1.0 / p)) for term in (localisation + missed + false, localisation, missed, false))
    return Gospa(total, parts[0], parts[1], parts[2], i, j, made)


def best_pairs(truth: Ints, estimate: Ints, distance: Floats, c: float, p: float = 2.0) -> NDArray[np.bool_]:
    """Which of the possible pairs the optimal assignment makes: a (k,) mask.

    truth, estimate: (k,) indices from 0, each pair at most once.  distance: (k,), all below `c`.
    Several independent comparisons may be solved in one call, if their indices are kept apart.
    """
    chosen = np.zeros(len(truth), dtype=bool)
    if not len(truth):
        return chosen
    cluster = _clusters(truth, estimate)
    alone = np.bincount(cluster)[cluster] == 1
    chosen[alone] = True
    gain = distance**p - c**p  # against leaving both without a pair: below zero
    rest = np.flatnonzero(~alone)
    rest = rest[np.argsort(cluster[rest], kind="stable")]
    if len(rest):
        edges = np.flatnonzero(np.diff(cluster[rest])) + 1
        for members in np.split(rest, edges):
            chosen[members[cheapest(truth[members], estimate[members], gain[members])]] = True
    return chosen


def check_cutoff(c: float) -> None:
    """Raises ValueError for a cut-off that is no length."""
    if not (np.isfinite(c) and c > 0.0):
        raise ValueError(f"c is {c}; allowed is a finite number above 0")


def _clusters(truth: Ints, estimate: Ints) -> Ints:
    """A number for each pair, the same for all that share a truth or an estimate, also through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    offset = int(truth.max()) + 1
    size = offset + int(estimate.max()) + 1
    graph = coo_array((np.ones(len(truth)), (truth, estimate + offset)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    return np.asarray(label, dtype=np.int64)[truth]


def cheapest(truth: Ints, estimate: Ints, gain: Floats) -> Ints:
    """Which of the (k,) pairs, their places, to make so that their gains, each below zero, sum to the least."""
    rows, i = np.unique(truth, return_inverse=True)
    columns, j = np.unique(estimate, return_inverse=True)
    if len(rows) * len(columns) > LARGEST_DENSE:
        return _solve_sparse(i, j, gain, len(rows), len(columns))
    from scipy.optimize import linear_sum_assignment

    cost = np.zeros((len(rows), len(columns)))
    cost[i, j] = gain
    place = np.full(cost.shape, -1)
    place[i, j] = np.arange(len(i))
    made = place[linear_sum_assignment(cost)]
    return made[made >= 0]


def _solve_sparse(i: Ints, j: Ints, gain: Floats, rows: int, columns: int) -> Ints:
    """The same through one more column for each row, which stands for no pair.

    Every row is then matched once, so a constant added to all costs changes nothing; the solver drops zeros.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    shift = 1.0 - float(gain.min())
    own = np.arange(rows)
    cost = csr_array(
        (
            np.concatenate([gain + shift, np.full(rows, shift)]),
            (np.concatenate([i, own]), np.concatenate([j, columns + own])),
        ),
        shape=(rows, columns + rows),
    )
    matched_row, matched_column = min_weight_full_bipartite_matching(cost)
    real = matched_column < columns
    wanted = matched_row[real].astype(np.int64) * columns + matched_column[real]
    return np.flatnonzero(np.isin(i * columns + j, wanted))
