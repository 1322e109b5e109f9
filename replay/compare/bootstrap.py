"""Confidence in the difference of two ratios of sums over time, by resampling blocks of time for both runs alike.

Neighbouring instants err alike, so that single instants cannot be resampled: blocks of them are, wrapped around the
ends (circular block bootstrap: Politis, Romano 1992; moving blocks: Künsch 1989). Both runs are resampled at the same
instants: what made a stretch hard is hard for both and cancels. Ratios and roots are formed anew from each resample's
sums, never averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.types import Floats, Ints

RESAMPLES = 2000  # the ends of a 95 % interval are then the 50th from either side: steady to a few percent
LEVEL = 0.95
LEAST_BLOCKS = 8  # in a run: below this a block's sum says too little of how blocks differ
MOST_LOST = 0.05  # of the resamples may have nothing to divide by; with more, no interval is told


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """A figure as sums over instants: factor × Σ top / Σ bottom, or its square root.

    top, bottom: (t,) one an instant, none negative.  to_one: what counts is how far, as a factor, the figure is
    from 1 (|ln|).
    """

    top: Floats
    bottom: Floats
    root: bool = False
    factor: float = 1.0
    to_one: bool = False

    def value(self) -> float:
        """The figure of the whole run; NaN where there is nothing to divide by."""
        return float(self.of(np.array([self.top.sum()]), np.array([self.bottom.sum()]))[0])

    def of(self, top: Floats, bottom: Floats) -> Floats:
        """The figure of (r,) sums each."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(bottom > 0.0, self.factor * np.maximum(top, 0.0) / bottom, np.nan)
            return np.sqrt(found) if self.root else found

    def compared(self, value: Floats) -> Floats:
        """What is subtracted of (r,) figures: themselves, or |ln|."""
        with np.errstate(divide="ignore"):
            return np.abs(np.log(value)) if self.to_one else value

    def influence(self) -> Floats:
        """(t,) what each instant adds to the deviation of the figure from its mean, but for a factor: (x - r y)."""
        total = self.bottom.sum()
        return self.top - (self.top.sum() / total if total > 0.0 else 0.0) * self.bottom


@dataclass(frozen=True, slots=True)
class Interval:
    """Of the difference b - a. low, high: None where it cannot be told."""

    difference: float
    low: float | None
    high: float | None

    @property
    def certain(self) -> bool:
        """Whether zero lies outside."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def starts(n: int, block: int, seed: int, resamples: int = RESAMPLES) -> Ints:
    """(resamples, blocks) where each block of each resample of `n` instants begins."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.integers(0, n, size=(resamples, math.ceil(n / block)))


def resampled(values: Floats, begins: Ints, block: int) -> Floats:
    """(r,) the sum of (n,) values in each resample: whole blocks, the last one cut so that there are n instants."""
    n, blocks = len(values), begins.shape[1]
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values]))])
    last = n - (blocks - 1) * block
    whole, cut = begins[:, :-1], begins[:, -1]
    total: Floats = (sums[whole + block] - sums[whole]).sum(axis=1) + sums[cut + last] - sums[cut]
    return total


ROUNDING: Final = 1e-9  # of a figure: two that are alike but for the order of their sums


def difference(a: Ratio, b: Ratio, begins: Ints, block: int) -> Interval | None:
    """The figure of b less that of a, with its interval. None where either has nothing to divide by."""
    values = a.compared(np.array([a.value()])), b.compared(np.array([b.value()]))
    told = float(values[1][0] - values[0][0])
    if not math.isfinite(told):
        return None
    if abs(told) <= ROUNDING * max(abs(float(value[0])) for value in values):
        told = 0.0
    if np.array_equal(a.top, b.top) and np.array_equal(a.bottom, b.bottom):
        return Interval(0.0, 0.0, 0.0)
    each = [one.compared(one.of(*(resampled(part, begins, block) for part in (one.top, one.bottom)))) for one in (a, b)]
    found = each[1] - each[0]
    found = found[np.isfinite(found)]
    if begins.shape[1] < LEAST_BLOCKS or len(found) < (1.0 - MOST_LOST) * len(begins):
        return Interval(told, None, None)
    low, high = np.quantile(found, _shares(begins.shape[1]))
    return Interval(told, float(low), float(high))


def _shares(blocks: int) -> tuple[float, float]:
    """Which quantiles make an interval of `LEVEL`: wider ones where blocks are few.

    Hesterberg (2015), "What teachers should know about the bootstrap", section 4.4: resampling understates the spread
    by √((n-1)/n), and a normal interval of few values needs Student's t.
    """
    from scipy.stats import norm, t

    tail = (1.0 - LEVEL) / 2.0
    share = float(norm.cdf(-math.sqrt(blocks / (blocks - 1.0)) * t.ppf(1.0 - tail, blocks - 1)))
    return share, 1.0 - share


def block_length(series: Floats) -> float:
    """Instants in a block for the mean of a series (n,), by its autocorrelation.

    Politis, White (2004), as corrected by Patton, Politis, White (2009), for the circular bootstrap:
    b = (2 Ĝ² / D)^⅓ n^⅓, D = 4/3 ĝ(0)², with the flat-top window and M by their rule. At least 1.
    """
    n = len(series)
    centred = series - series.mean()
    variance = float((centred * centred).mean())
    if n < 4 or variance <= 0.0:
        return 1.0
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    covariance = np.fft.irfft(spectrum, size)[:n] / n
    run = max(5, math.ceil(math.sqrt(math.log10(n))))
    most = min(math.ceil(math.sqrt(n)) + run, n - 1)
    small = np.abs(covariance[1 : most + 1]) < 2.0 * math.sqrt(math.log10(n) / n) * variance
    last = next((k for k in range(len(small) - run + 1) if small[k : k + run].all()), int(np.sum(~small)))
    lags = np.arange(1, min(max(2 * last, 1), most) + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - lags / lags[-1]))
    spread = covariance[0] + 2.0 * float((window * covariance[lags]).sum())
    slope = 2.0 * float((window * lags * covariance[lags]).sum())
    if spread <= 0.0:
        return 1.0
    return float(max((1.5 * slope * slope / (spread * spread)) ** (1.0 / 3.0) * n ** (1.0 / 3.0), 1.0))
