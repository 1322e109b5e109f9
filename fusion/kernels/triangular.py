"""Registration's least squares: Householder's reflections, and what is read off the triangle that they leave."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry


@entry("void(f8[:,::1], i8)")
def eliminate(work, columns):  # type: ignore[no-untyped-def]
    """Zero the first `columns` columns of (r, c) `work` below their diagonal, in place.

    Golub and Van Loan (2013), algorithms 5.1.1 and 5.2.1, with explicit loops along the rows.
    """
    rows, width = work.shape
    for k in range(min(columns, rows)):
        square = 0.0
        for i in range(k, rows):
            square += work[i, k] * work[i, k]
        if square == 0.0:
            continue
        head = work[k, k] + math.copysign(math.sqrt(square), work[k, k])
        share = 2.0 / (square - work[k, k] * work[k, k] + head * head)
        for j in range(k + 1, width):
            along = head * work[k, j]
            for i in range(k + 1, rows):
                along += work[i, k] * work[i, j]
            along *= share
            work[k, j] -= along * head
            for i in range(k + 1, rows):
                work[i, j] -= along * work[i, k]
        work[k, k] -= head
        for i in range(k + 1, rows):
            work[i, k] = 0.0


@entry("void(f8[:,::1], f8[::1])")
def substitute(system, found):  # type: ignore[no-untyped-def]
    """Writes x of [R | z], (n, n + 1) with R upper triangular, into `found` (n,): back substitution."""
    n = system.shape[0]
    for k in range(n - 1, -1, -1):
        rest = system[k, n]
        for i in range(k + 1, n):
            rest -= system[k, i] * found[i]
        found[k] = rest / system[k, k]


@entry("void(f8[:,::1], f8[:,::1])")
def inverse_square(system, found):  # type: ignore[no-untyped-def]
    """Writes R⁻¹ R⁻ᵀ of [R | z], (n, n + 1), into `found` (n, n)."""
    n = system.shape[0]
    inverse = np.zeros((n, n))
    for k in range(n - 1, -1, -1):
        for j in range(k, n):
            total = 1.0 if j == k else 0.0
            for i in range(k + 1, j + 1):
                total -= system[k, i] * inverse[i, j]
            inverse[k, j] = total / system[k, k]
    for a in range(n):
        for b in range(a, n):
            total = 0.0
            for i in range(b, n):
                total += inverse[a, i] * inverse[b, i]
            found[a, b] = found[b, a] = total
