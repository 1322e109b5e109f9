"""Householder's reflections: the orthogonal transformation under registration's least squares."""

from __future__ import annotations

import math

from numba import njit


@njit("void(f8[:,::1], i8)", cache=True)
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
