"""Whether probabilities mean what they say: Brier score, skill, reliability by tenths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fusion.types import Bools, Floats

BINS = 10
ENOUGH = 100  # forecasts in a bin from which its error says something: the standard error is then 0.05 at most


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """(n,) each: the probability that was told, and whether it happened."""

    probability: Floats
    happened: Bools

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, bool]]) -> Forecasts:
        """From pairs (probability, happened)."""
        rows = list(pairs)
        return cls(
            np.array([probability for probability, _ in rows], dtype=np.float64),
            np.array([happened for _, happened in rows], dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.probability)


@dataclass(frozen=True, slots=True)
class Decile:
    """The forecasts from `low` up to, not including, `high` (1 is in the last). mean, share: None without any.

    share: of them that happened; an honest forecaster's equals the mean.
    """

    low: float
    high: float
    forecasts: int
    mean: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """brier: mean squared error of the probability (Brier 1950).  skill: 1 - brier / that of always telling the base
    rate; None where that one is 0: nothing, or everything, happened.

    ece: expected calibration error, the mean of |mean - share| over the tenths, weighted by their forecasts (Naeini,
    Cooper, Hauskrecht 2015).  worst: the largest |mean - share| of the tenths with `ENOUGH` forecasts.
    """

    forecasts: int
    base_rate: float | None
    brier: float | None
    brier_constant: float | None
    skill: float | None
    ece: float | None
    worst: float | None
    deciles: tuple[Decile, ...]


def calibration(forecasts: Forecasts) -> Calibration:
    """All figures of a set of forecasts. Each is None without any."""
    told, happened = forecasts.probability, forecasts.happened.astype(np.float64)
    place = np.minimum((told * BINS).astype(np.int64), BINS - 1)
    deciles = tuple(_decile(k, told[place == k], happened[place == k]) for k in range(BINS))
    if not len(told):
        return Calibration(0, None, None, None, None, None, None, deciles)
    base = float(happened.mean())
    brier, constant = float(((told - happened) ** 2).mean()), base * (1.0 - base)
    off = [(each.forecasts, abs(each.mean - each.share)) for each in deciles if None not in (each.mean, each.share)]  # type: ignore[operator]
    return Calibration(
        forecasts=len(told),
        base_rate=base,
        brier=brier,
        brier_constant=constant,
        skill=1.0 - brier / constant if constant > 0.0 else None,
        ece=sum(count * error for count, error in off) / len(told),
        worst=max((error for count, error in off if count >= ENOUGH), default=None),
        deciles=deciles,
    )


def joined(parts: Iterable[Forecasts]) -> Forecasts:
    """The forecasts of many runs as one set."""
    all_parts = [Forecasts.of(()), *parts]
    return Forecasts(
        np.concatenate([part.probability for part in all_parts]), np.concatenate([part.happened for part in all_parts])
    )


def _decile(k: int, told: Floats, happened: Floats) -> Decile:
    low, high = k / BINS, (k + 1) / BINS
    if not len(told):
        return Decile(low, high, 0, None, None)
    return Decile(low, high, len(told), float(told.mean()), float(happened.mean()))
