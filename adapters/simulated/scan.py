"""How a sensor looks round: the frames of a sweep, what each covers, and when the beam passes whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adapters.simulated.behaviour import Behaviour
from fusion.config import SensorConfig
from fusion.tracking.sensors import azimuth_width_deg
from fusion.types import SECOND_NS, Coverage, Floats, Ints

BEAM_STEPS = 3  # of the fixed point between beam and object: each divides the error by their ratio of turn rates
Azimuths = Callable[[Ints, Floats], Floats]  # of flights at their own times, degrees


@dataclass(frozen=True, slots=True)
class Scan:
    """A sweep of `width_deg` clockwise from `start_deg`, in `looks` equal frames; staring, an instant."""

    rotates: bool
    looks: int
    start_deg: float
    width_deg: float
    period_ns: int

    @classmethod
    def of(cls, config: SensorConfig, behaviour: Behaviour) -> Scan:
        start, width = 0.0, 360.0
        if config.coverage.azimuth_deg is not None:
            start, width = config.coverage.azimuth_deg[0], azimuth_width_deg(config.coverage.azimuth_deg)
        period_ns = round(config.period_s * SECOND_NS)
        return cls(behaviour.rotates(config.kind), behaviour.looks(config.kind), start, width, period_ns)

    def ends_ns(self, begin_ns: int) -> Ints:
        """When each look of the sweep that begins then ends, (looks,)."""
        if not self.rotates:
            return np.array([begin_ns], np.int64)
        return begin_ns + np.arange(1, self.looks + 1, dtype=np.int64) * self.period_ns // self.looks

    def swept(self, look: int) -> Coverage | None:
        """What one look covers; None: the registered coverage."""
        if self.looks == 1:
            return None
        low, high = (self.start_deg + self.width_deg / self.looks * k for k in (look, look + 1))
        return Coverage(azimuth_deg=(low % 360.0, high % 360.0))

    def passes(self, index: Ints, begin_s: float, azimuths: Azimuths) -> tuple[Ints, Floats, Ints]:
        """Which of the flights `index` the beam passes in one sweep, when, and how often in it before.

        The beam is at start + width · t / period. Azimuths are unwrapped: an object that crosses the first
        direction clockwise is left to the next sweep, one that crosses it the other way may be passed twice.
        """
        if not self.rotates or not len(index):
            return index, np.full(len(index), begin_s), np.zeros(len(index), np.int64)
        ahead = np.mod(azimuths(index, np.full(len(index), begin_s)) - self.start_deg, 360.0)
        ahead = np.where(ahead < 360.0, ahead, 0.0)  # what `mod` makes of a negative number near 0
        near = np.flatnonzero(ahead < 180.0) if self.width_deg >= 360.0 else np.empty(0, np.int64)
        index = np.concatenate([index, index[near]])
        ahead = np.concatenate([ahead, ahead[near] + 360.0])
        turn = np.repeat([0, 1], [len(index) - len(near), len(near)])
        period_s = self.period_ns / SECOND_NS
        for _ in range(BEAM_STEPS):
            times = begin_s + np.clip(ahead / self.width_deg, 0.0, 1.0) * period_s
            moved = np.mod(azimuths(index, times) - self.start_deg - ahead + 180.0, 360.0) - 180.0
            ahead = ahead + moved
        met = (ahead >= 0.0) & (ahead < self.width_deg)
        return index[met], begin_s + ahead[met] / self.width_deg * period_s, turn[met]
