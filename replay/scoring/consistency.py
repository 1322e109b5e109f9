"""Whether errors are as large as they are said to be: normalised squared errors and the bounds of their means."""

from __future__ import annotations

import numpy as np

from fusion.types import Floats, Ints
from replay.scoring.measures import ChiSquare
from replay.scoring.results import Consistency

LEVEL = 0.95  # of the intervals in which honest values lie


def normalised_squared(error: Floats, covariance: Floats) -> Floats:
    """eᵀ P⁻¹ e for (n, d) errors and (n, d, d) covariances, by Cholesky; NaN where P is not positive."""
    n, d = error.shape
    root, white = np.zeros((n, d, d)), np.zeros((n, d))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for i in range(d):
            for j in range(i + 1):
                rest = covariance[:, i, j] - (root[:, i, :j] * root[:, j, :j]).sum(axis=1)
                root[:, i, j] = np.sqrt(rest) if i == j else rest / root[:, j, j]
            white[:, i] = (error[:, i] - (root[:, i, :i] * white[:, :i]).sum(axis=1)) / root[:, i, i]
        squared = (white * white).sum(axis=1)
    return np.where(np.isfinite(squared), squared, np.nan)


def chi_square(squared: Floats, dof: Ints) -> ChiSquare:
    """Of (n,) normalised squared errors and their degrees of freedom; NaN is left out.

    Bar-Shalom, Li, Kirubarajan (2001), eq. 5.4.2-3: the sum of independent ones is chi-square of the summed degrees.
    """
    known = np.isfinite(squared)
    squared, dof = squared[known], dof[known]
    if not len(squared):
        return ChiSquare(None, None, None, None, 0, 0)
    from scipy.stats import chi2

    total = int(dof.sum())
    low, high = (float(bound) / total for bound in chi2.interval(LEVEL, total))
    least, most = (np.asarray(bound)[dof - 1] for bound in chi2.interval(LEVEL, np.arange(1, int(dof.max()) + 1)))
    inside = (squared >= least) & (squared <= most)
    return ChiSquare(float(squared.sum()) / total, low, high, float(inside.mean()), len(squared), total)


def consistency(squared: Floats, dims: int) -> Consistency:
    """The same as the score's first figure has it."""
    found = chi_square(squared, np.full(len(squared), dims))
    return Consistency(found.per_dof, found.low, found.high, found.count)


def over_time(squared: Floats, dof: Ints, instant: Ints, instants: int) -> tuple[Floats, Floats, Floats]:
    """Mean per degree of freedom at each instant, and its bounds: (t,) each, NaN where nothing is known."""
    from scipy.stats import chi2

    known = np.isfinite(squared)
    total = np.bincount(instant[known], weights=dof[known], minlength=instants).astype(np.int64)
    summed = np.bincount(instant[known], weights=squared[known], minlength=instants)
    many, place = np.unique(total, return_inverse=True)
    divisor = np.where(many > 0, many, 1)
    low, high = (np.where(many > 0, bound / divisor, np.nan)[place] for bound in chi2.interval(LEVEL, divisor))
    return np.where(total > 0, summed / np.maximum(total, 1), np.nan), low, high


def rms_over_time(squared: Floats, instant: Ints, instants: int) -> Floats:
    """Root mean of (n,) squares at each instant: (t,), NaN where nothing is known."""
    known = np.isfinite(squared)
    count = np.bincount(instant[known], minlength=instants)
    summed = np.bincount(instant[known], weights=squared[known], minlength=instants)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(summed / count))
