"""The normalised distance squared of one vector: the same bits on every processor, where LAPACK's are not."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry


@entry("f8(f8[::1], f8[:,::1])")
def squared(offset, covariance):  # type: ignore[no-untyped-def]
    """xᵀ P⁻¹ x of offset (d,) and covariance (d, d) by L D Lᵀ (Golub and Van Loan 2013, algorithm 4.1.2); infinite
    where P is not positive definite.
    """
    d, total = offset.size, 0.0
    lower, pivot, white = np.empty((offset.size, offset.size)), np.empty(offset.size), np.empty(offset.size)
    for a in range(d):
        pivot[a], white[a] = covariance[a, a], offset[a]
        for c in range(a):
            pivot[a] -= lower[a, c] * lower[a, c] * pivot[c]
            white[a] -= lower[a, c] * white[c]
        if not pivot[a] > 0.0:
            return math.inf
        for b in range(a + 1, d):
            value = covariance[b, a]
            for c in range(a):
                value -= lower[b, c] * lower[a, c] * pivot[c]
            lower[b, a] = value / pivot[a]
        total += white[a] * white[a] / pivot[a]
    return total
