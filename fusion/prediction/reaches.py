"""How far tracks can go at most: what is farther off needs no look at their paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.tracking.motion import DENSITY, GRAVITY, Motions, coefficients
from fusion.types import Floats, Ints

FAR_SIGMAS: Final = 5.0  # beyond these a track is not expected to go


@dataclass(frozen=True, slots=True, eq=False)
class Reaches:
    """What bounds the futures of n tracks: (n,) each.

    speed_mps: of the mean.  place_m2, rate_m2ps2: the variances of position and velocity, all axes together.
    density: of the noise of the modes that they are in, m²/s³.  climb_mps: upward.  height_m2, climb_m2ps2: the
    variances of height and climb.
    """

    motions: Motions
    speed_mps: Floats
    place_m2: Floats
    rate_m2ps2: Floats
    density: Floats
    climb_mps: Floats
    height_m2: Floats
    climb_m2ps2: Floats

    @classmethod
    def of(cls, motions: Motions, up: Floats, weight: Floats, mean: Floats, covariance: Floats) -> Reaches:
        """up: (n, 3) verticals.  weight: (n, m), mean: (n, m, 6), covariance: (n, m, 6, 6), as in `Outlook`."""
        centre = (weight[..., None] * mean).sum(axis=1)
        off = mean - centre[:, None, :]
        spread = (weight[..., None] * (np.diagonal(covariance, axis1=2, axis2=3) + off * off)).sum(axis=1)
        climb, variances = np.zeros(len(up)), np.zeros((2, len(up)))
        for i in range(3):
            climb += centre[:, 3 + i] * up[:, i]
            for j in range(3):
                part = weight * (up[:, i] * up[:, j])[:, None]
                for k, shift in enumerate((0, 3)):
                    a, b = shift + i, shift + j
                    variances[k] += (part * (covariance[:, :, a, b] + off[..., a] * off[..., b])).sum(axis=1)
        return cls(
            motions,
            np.sqrt((centre[:, 3:] ** 2).sum(axis=1)),
            spread[:, :3].sum(axis=1),
            spread[:, 3:].sum(axis=1),
            (weight * motions.parameters[:, DENSITY]).sum(axis=1),
            climb,
            variances[0],
            variances[1],
        )

    def far(self, rows: Ints, horizon_s: Floats) -> Floats:
        """How far each of `rows` may go within its of `horizon_s`: m.

        Its speed, and `FAR_SIGMAS` of its uncertainty in position and velocity and of the noise to come, that of the
        modes it is in for as long as these last, then that of the modes it will be in.
        """
        motions = self.motions
        memory = 1.0 / motions.rate_per_s
        lasting = memory * (1.0 - np.exp(-horizon_s / memory))
        later = float((motions.prior * motions.parameters[:, DENSITY]).sum())
        noise = self.density[rows] * lasting + later * (horizon_s - lasting)
        variance = self.place_m2[rows] + self.rate_m2ps2[rows] * horizon_s**2
        variance = variance + 2.0 * noise * horizon_s**2 / 3.0 + self._climbing(horizon_s)[1]
        return np.asarray(self.speed_mps[rows] * horizon_s + FAR_SIGMAS * np.sqrt(variance))

    def high(self, rows: Ints, horizon_s: Floats) -> Floats:
        """How far each of `rows` may climb or descend within its of `horizon_s`: m."""
        lasting, noise = self._climbing(horizon_s)
        gravity = float(self.motions.parameters[:, GRAVITY].max())
        drop = 0.5 * gravity * horizon_s**2  # what may fall may pass any zone below
        variance = self.height_m2[rows] + self.climb_m2ps2[rows] * lasting**2 + noise
        return np.asarray(drop + np.abs(self.climb_mps[rows]) * lasting + FAR_SIGMAS * np.sqrt(variance))

    def _climbing(self, horizon_s: Floats) -> tuple[Floats, Floats]:
        """The most that any mode makes of a climb rate in `horizon_s`: m for each m/s, and m² of noise."""
        found: dict[float, tuple[float, float]] = {}
        for horizon in np.unique(horizon_s).tolist():
            lasting, noise = 0.0, 0.0
            for density, lateral, sigma, time, gravity, _ in self.motions.parameters.tolist():
                scalars = coefficients(density, lateral, sigma, time, 1.0, horizon)
                lasting = max(lasting, horizon if gravity else scalars[2])
                noise = max(noise, scalars[6] if gravity else scalars[9])
            found[horizon] = lasting, noise
        both = np.array([found[horizon] for horizon in horizon_s.tolist()]).reshape(-1, 2)
        return both[:, 0], both[:, 1]
