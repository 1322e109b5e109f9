"""The two engines: the same five steps, compiled or in filterpy. `tracker.py` speaks only to this interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fusion.motion import Motions
from fusion.sensors import Placement
from fusion.tracks import TrackStore
from fusion.types import Floats, Frame, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What stays the same from frame to frame. earth: (4, 3), the plane's centre and axes for the kernels."""

    motions: Motions
    earth: Floats
    gates: Floats  # chi-square limits by degrees of freedom; below none at all nothing passes


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """Each pair, updated mode by mode. log_likelihood: (pairs, m). mean: (pairs, m, 6). covariance: (pairs, m, 6, 6)."""

    log_likelihood: Floats
    mean: Floats
    covariance: Floats


class Engine(Protocol):
    def predict(self, setting: Setting, store: TrackStore, rows: Ints, until_ns: Ints) -> None:
        """Mix the modes and advance `rows` of the store to their times, in place."""

    def evaluate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        """Likelihood and updated state of each (place in rows, detection) pair."""

    def associate(
        self, pairs: tuple[Ints, Ints], pair_weight: Floats, miss_weight: Floats, alone_weight: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Marginals: of each pair, of each track's miss, of each detection's belonging to no track."""

    def reduce(
        self, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], miss_share: Floats, pair_share: Floats,
        pair_weight: Floats, evaluated: Evaluated,
    ) -> None:  # fmt: skip
        """Moment-match each row's mixture over its miss and its pairs, in place."""


class CompiledEngine:
    """numba kernels over the store's arrays: what runs."""

    def predict(self, setting: Setting, store: TrackStore, rows: Ints, until_ns: Ints) -> None:
        from fusion.kernels.predict import predict

        motions = setting.motions
        predict(
            rows, until_ns, store.time_ns, store.weight, store.mean, store.covariance, motions.parameters, motions.prior,
            motions.rate_per_s, setting.earth,
        )  # fmt: skip

    def evaluate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        from fusion.kernels.evaluate import evaluate

        count, modes = len(pairs[0]), len(setting.motions.names)
        out = Evaluated(np.empty((count, modes)), np.empty((count, modes, 6)), np.empty((count, modes, 6, 6)))
        evaluate(
            pairs[0], pairs[1], rows, codes, frame.values, frame.sigmas, frame.times_ns, placement.position,
            placement.axes, setting.earth, store.time_ns, store.weight, store.mean, store.covariance,
            setting.motions.parameters, setting.gates, out.log_likelihood, np.empty(count), out.mean, out.covariance,
        )  # fmt: skip
        return out

    def associate(
        self, pairs: tuple[Ints, Ints], pair_weight: Floats, miss_weight: Floats, alone_weight: Floats
    ) -> tuple[Floats, Floats, Floats]:
        from fusion.kernels.associate import associate

        paired, missed, alone = (np.empty(len(weight)) for weight in (pair_weight, miss_weight, alone_weight))
        associate(pairs[0], pairs[1], pair_weight, miss_weight, alone_weight, paired, missed, alone)
        return paired, missed, alone

    def reduce(
        self, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], miss_share: Floats, pair_share: Floats,
        pair_weight: Floats, evaluated: Evaluated,
    ) -> None:  # fmt: skip
        from fusion.kernels.reduce import reduce

        first = np.searchsorted(pairs[0], np.arange(len(rows) + 1))
        reduce(
            rows, first, miss_share, pair_share, pair_weight, evaluated.mean, evaluated.covariance, store.weight,
            store.mean, store.covariance,
        )  # fmt: skip


def engine(name: str) -> Engine:
    """The engine of that name: "numba" or "filterpy"."""
    if name == "numba":
        return CompiledEngine()
    from fusion.reference import ReferenceEngine

    return ReferenceEngine()
