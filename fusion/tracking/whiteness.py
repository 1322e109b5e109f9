"""Whether a sensor's errors are new each time: a camera's often are not, and ten looks a second then count as one.

For each sensor the lag-one autocorrelation rho of its innovations is estimated over the tracks that it keeps
detecting. An autoregressive error of that correlation carries (1 - rho) / (1 + rho) of the information of a white
one (Bayley and Hammersley 1946, for a mean), so its variance is taken as larger by the inverse.
"""

from __future__ import annotations

import numpy as np

from fusion.tracking.tracks import TrackStore
from fusion.types import SECOND_NS, Floats, Ints

MEMORY = 0.995  # of each further pair of innovations: about two hundred count
BELIEF = 20.0  # pairs of white innovations that every sensor is taken to have shown before
MOST = 9.0  # variance is never raised by more: a sensor that is wrong for minutes is a matter of registration
TOGETHER_S = 1.0  # innovations further apart say nothing of errors that change within a second


class Whiteness:
    """One estimate a sensor. products: sums of successive innovations' products; squares: of their squares."""

    def __init__(self, sensors: int) -> None:
        self._products, self._squares = np.zeros(sensors), np.full(sensors, BELIEF)

    def copy(self) -> Whiteness:
        """An estimate that goes its own way."""
        other = object.__new__(Whiteness)
        other._products, other._squares = self._products.copy(), self._squares.copy()
        return other

    def listen(self, sensor: int, store: TrackStore, rows: Ints, innovation: Floats, now_ns: int) -> None:
        """Innovations (rows,) of the tracks that `sensor` surely hit: each is held against the one before."""
        together = now_ns - store.listened_ns[rows, sensor] <= round(TOGETHER_S * SECOND_NS)
        known = together & ~np.isnan(innovation)
        self.take(sensor, store.innovation[rows[known], sensor], innovation[known])
        store.innovation[rows, sensor] = np.nan_to_num(innovation)
        store.listened_ns[rows, sensor] = now_ns

    def take(self, sensor: int, before: Floats, now: Floats) -> None:
        """Pairs of successive innovations, of one track each pair: (n,), (n,)."""
        for first, second in zip(before.tolist(), now.tolist(), strict=True):
            # As a share of their own mean square: what the filter follows makes innovations small, not white.
            scale = max(0.5 * (first * first + second * second), 1e-300)
            self._products[sensor] = MEMORY * self._products[sensor] + first * second / scale
            self._squares[sensor] = MEMORY * self._squares[sensor] + 1.0

    def inflation(self, sensor: int) -> float:
        """By how much the sensor's variance is to be taken larger: 1 where its errors are white."""
        rho = min(max(float(self._products[sensor] / self._squares[sensor]), 0.0), 0.999)
        return min((1.0 + rho) / (1.0 - rho), MOST)
