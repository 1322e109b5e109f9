"""Each swept track's mixture over "missed" and its pairs, back to one Gaussian a mode: the TOMB/P reduction.

Williams (2015), "Marginal multi-Bernoulli filters", eqs. 33-35. The twin in numpy is `fusion.reference.reduce`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FADED = 1e-12  # a mode less likely than this keeps its prediction: its moments would be of nothing


@njit
def _add(spread, share, mean, covariance, centre, delta):  # type: ignore[no-untyped-def]
    """Add one component's second moment about `centre` to the upper triangle of `spread`."""
    if share == 0.0:
        return
    for a in range(6):
        delta[a] = mean[a] - centre[a]
    for a in range(6):
        for b in range(a, 6):
            spread[a, b] += share * (covariance[a, b] + delta[a] * delta[b])


@njit(
    "void(i8[::1], i8[::1], f8[::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,:,::1],"
    " f8[:,:,:,::1])",
    cache=True,
)
def reduce(  # type: ignore[no-untyped-def]
    rows, first, miss_share, pair_share, pair_weight, post_mean, post_covariance, weight, mean, covariance
):  # fmt: skip
    """Moment-match, in place in `weight`, `mean` and `covariance` of the store.

    first: (rows + 1,) offsets of each row's pairs.  miss_share: (rows,), pair_share: (pairs,), which sum to 1 for
    each row: the state's mixture weights, given that the object exists.  pair_weight: (pairs, m), the mode
    probabilities given that pair.
    """
    m = weight.shape[1]
    centre, spread, delta = np.empty(6), np.empty((6, 6)), np.empty(6)
    for k in range(rows.size):
        row = rows[k]
        if first[k] == first[k + 1]:
            continue
        for j in range(m):
            total = miss_share[k] * weight[row, j]
            for a in range(6):
                centre[a] = total * mean[row, j, a]
            for p in range(first[k], first[k + 1]):
                share = pair_share[p] * pair_weight[p, j]
                total += share
                for a in range(6):
                    centre[a] += share * post_mean[p, j, a]
            if total < FADED:
                weight[row, j] = FADED
                continue
            for a in range(6):
                centre[a] /= total
            spread[:, :] = 0.0
            _add(
                spread,
                miss_share[k] * weight[row, j] / total,
                mean[row, j],
                covariance[row, j],
                centre,
                delta,
            )
            for p in range(first[k], first[k + 1]):
                share = pair_share[p] * pair_weight[p, j] / total
                _add(spread, share, post_mean[p, j], post_covariance[p, j], centre, delta)
            weight[row, j] = total
            for a in range(6):
                mean[row, j, a] = centre[a]
                for b in range(a, 6):
                    covariance[row, j, a, b] = spread[a, b]
                    covariance[row, j, b, a] = spread[a, b]
        total = 0.0
        for j in range(m):
            total += weight[row, j]
        for j in range(m):
            weight[row, j] /= total
