"""Covariances stay positive definite. The twin in numpy is `fusion.tracking.reference.repair`."""

from __future__ import annotations

from fusion.kernels.jit import apart

# A subtraction from a covariance loses its digits where what stays is this much smaller than what was there: of 16
# digits six are left. Until then rounding cannot make it indefinite.
DOUBTFUL = 1e10
LEAST_PIVOT = 1e-14  # of the variance that was there before: fifty times what rounding leaves of it


@apart
def repair(covariance, p, before, row, j, lower):  # type: ignore[no-untyped-def]
    """Raise the variances at which the factors L D Lᵀ of covariance[p, j] run out, in place; returns 1 if any was.

    Golub and Van Loan (2013), algorithm 4.1.2, with every pivot at least `LEAST_PIVOT` of the variance in
    before[row, j], from which this covariance came by subtraction.  lower: (6, 6) scratch, L D below the diagonal.
    """
    repaired = 0
    for a in range(6):
        pivot = covariance[p, j, a, a]
        for c in range(a):
            pivot -= lower[a, c] * lower[a, c] / lower[c, c]
        least = LEAST_PIVOT * before[row, j, a, a]
        if not pivot >= least:
            covariance[p, j, a, a] += least - pivot
            pivot, repaired = least, 1
        lower[a, a] = pivot
        for b in range(a + 1, 6):
            value = covariance[p, j, b, a]
            for c in range(a):
                value -= lower[b, c] * lower[a, c] / lower[c, c]
            lower[b, a] = value
    return repaired
