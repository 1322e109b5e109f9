"""The engine that runs: numba kernels over the store's arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fusion.tracking.births import Births, prior_of
from fusion.tracking.engine import Evaluated, Setting
from fusion.tracking.sensors import Placement, Station
from fusion.tracking.tracks import TrackStore
from fusion.types import Floats, Frame, Ints


class CompiledEngine:
    """`fusion.tracking.engine.Engine`, compiled. The kernels are imported at the first use: that may compile them."""

    def births(self, setting: Setting, station: Station, frame: Frame, placement: Placement) -> Births:
        from fusion.kernels.birth import births

        n = len(frame.values)
        mean, covariance, density = np.empty((n, 6)), np.empty((n, 6, 6)), np.empty(n)
        usable = births(
            station.codes, frame.values, frame.sigmas, placement.position, placement.axes, setting.earth,
            prior_of(station, setting.config), mean, covariance, density,
        )  # fmt: skip
        if usable == n:
            return Births(np.arange(n), mean, covariance, density)
        rows = np.flatnonzero(~np.isnan(density))
        return Births(rows, mean[rows], covariance[rows], density[rows])

    def predict(self, setting: Setting, store: TrackStore, rows: Ints, until_ns: Ints) -> None:
        from fusion.kernels.predict import predict

        motions = setting.motions
        predict(
            rows, until_ns, store.time_ns, store.weight, store.mean, store.covariance, store.outline,
            motions.parameters, motions.prior, motions.rate_per_s, setting.earth,
        )  # fmt: skip

    def evaluate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        from fusion.kernels.evaluate import evaluate

        return _evaluated(evaluate, setting, store, rows, pairs, codes, frame, placement)

    def iterate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        from fusion.kernels.iterate import iterate

        return _evaluated(iterate, setting, store, rows, pairs, codes, frame, placement)

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
            store.mean, store.covariance, store.outline,
        )  # fmt: skip


def _evaluated(
    kernel: Callable[..., int], setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints,
    frame: Frame, placement: Placement,
) -> Evaluated:  # fmt: skip
    """Room for every pair's likelihood and state, filled by the one or the other update."""
    count, modes = len(pairs[0]), len(setting.motions.names)
    log, mean = np.empty((count, modes)), np.empty((count, modes, 6))
    covariance = np.empty((count, modes, 6, 6))
    repaired = kernel(
        pairs[0], pairs[1], rows, codes, frame.values, frame.sigmas, frame.times_ns, placement.position,
        placement.axes, setting.earth, store.time_ns, store.mean, store.covariance, setting.motions.parameters,
        setting.gates, log, mean, covariance,
    )  # fmt: skip
    return Evaluated(log, mean, covariance, repaired)
