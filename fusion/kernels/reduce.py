"""Each swept track's mixture over "missed" and its pairs, back to one Gaussian a mode: the TOMB/P reduction.

Williams (2015), "Marginal multi-Bernoulli filters", eqs. 33-35. The twin in numpy is
`fusion.tracking.reference.reduce`.
"""

from __future__ import annotations

from fusion.kernels.jit import entry, inner
from fusion.kernels.reach import FRESH

FADED = 1e-12  # a mode less likely than this keeps its prediction: its moments would be of nothing


@inner
def _merge(mean, covariance, row, j, other_mean, other_covariance, p, part):  # type: ignore[no-untyped-def]
    """Moment-match mode j of a row, 1 - `part`, with that of pair p, `part`, in place; upper triangles.

    Matching one component after another gives the moments of all at once, and adds no negative number to a variance.
    """
    rest = 1.0 - part
    for a in range(6):
        off = other_mean[p, j, a] - mean[row, j, a]
        for b in range(a, 6):
            value = rest * covariance[row, j, a, b] + part * other_covariance[p, j, a, b]
            covariance[row, j, a, b] = value + rest * part * off * (other_mean[p, j, b] - mean[row, j, b])
    for a in range(6):
        mean[row, j, a] += part * (other_mean[p, j, a] - mean[row, j, a])


@entry(
    "void(i8[::1], i8[::1], f8[::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,:,::1],"
    " f8[:,:,:,::1], f8[:,::1])",
)
def reduce(  # type: ignore[no-untyped-def]
    rows, first, miss_share, pair_share, pair_weight, post_mean, post_covariance, weight, mean, covariance, outline
):  # fmt: skip
    """Moment-match, in place in `weight`, `mean` and `covariance` of the store.

    first: (rows + 1,) offsets of each row's pairs.  miss_share: (rows,), pair_share: (pairs,), which sum to 1 for
    each row: the state's mixture weights, given that the object exists.  pair_weight: (pairs, m), the mode
    probabilities given that pair.
    """
    m = weight.shape[1]
    for k in range(rows.size):
        row = rows[k]
        if first[k] == first[k + 1]:
            continue
        whole = 0.0
        for j in range(m):
            own = miss_share[k] * weight[row, j]
            total = own
            for p in range(first[k], first[k + 1]):
                total += pair_share[p] * pair_weight[p, j]
            weight[row, j] = max(total, FADED)
            whole += weight[row, j]
            if total < FADED:
                continue
            total = own
            for p in range(first[k], first[k + 1]):
                share = pair_share[p] * pair_weight[p, j]
                if share > 0.0:
                    total += share
                    _merge(mean, covariance, row, j, post_mean, post_covariance, p, share / total)
            for a in range(1, 6):
                for b in range(a):
                    covariance[row, j, a, b] = covariance[row, j, b, a]
        for j in range(m):
            weight[row, j] /= whole
        outline[row, FRESH] = 0.0
