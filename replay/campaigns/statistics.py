"""Means with their 95 % confidence intervals, of runs and of differences between runs of one seed.

Student's t over seeds: runs of other seeds are independent. A difference is taken between two configurations on the
same simulated detections, so that what is hard for both cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `n` values, and where the true one lies with 95 %; None: too few values to say."""

    n: int
    mean: float | None
    low: float | None
    high: float | None

    @property
    def certain(self) -> bool:
        """Whether the true mean lies on one side of 0 for certain; equal values alone, of a few runs, do not tell."""
        if self.low is None or self.high is None or self.low == self.high:
            return False
        return self.low > 0.0 or self.high < 0.0


def interval(values: Sequence[float | None]) -> Interval:
    """Of the values that are there. One value has a mean alone; equal values lie in an interval of no width."""
    there = np.array(present(values))
    n = len(there)
    if not n:
        return Interval(0, None, None, None)
    mean = math.fsum(there.tolist()) / n
    if n < 2:
        return Interval(n, mean, None, None)
    from scipy.special import stdtrit

    deviation = math.sqrt(math.fsum(((there - mean) ** 2).tolist()) / (n - 1))
    reach = float(stdtrit(n - 1, (1.0 + LEVEL) / 2.0)) * deviation / math.sqrt(n)
    return Interval(n, mean, mean - reach, mean + reach)


def differences_of(first: Sequence[float | None], second: Sequence[float | None]) -> tuple[float, ...]:
    """`second` less `first`, place by place, where both are there."""
    pairs = zip(first, second, strict=True)
    return tuple(float(two - one) for one, two in pairs if one is not None and two is not None)


def present(values: Sequence[float | None]) -> tuple[float, ...]:
    """The values that are there."""
    return tuple(float(value) for value in values if value is not None)
