"""The flat chart on which a flight is laid out: straight legs and round turns, true to scale where flown.

Stereographic: conformal, so turns stay round and headings true. Scale is exact at the centre and its height;
it is off by 0.15 % at 500 km, and by 0.16 % per 10 km of height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fusion.geodesy import axes_at, from_ecef, rotate, to_ecef
from fusion.types import Floats

EARTH_RADIUS_M = 6_371_008.8  # mean radius R1, WGS-84 (IUGG)
INVERSE_STEPS = 25  # of a fixed point that contracts at least 20 times a step within 1000 km


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """centre: (…, 3) m, earth-centred. axes: (…, 3, 3), rows east, north, up at the centre."""

    centre: Floats
    axes: Floats

    @classmethod
    def at(cls, lat_deg: ArrayLike, lon_deg: ArrayLike, alt_m: ArrayLike) -> Chart:
        return cls(to_ecef(lat_deg, lon_deg, alt_m), axes_at(lat_deg, lon_deg))

    @classmethod
    def over(cls, lat_deg: ArrayLike, lon_deg: ArrayLike, alt_m: ArrayLike) -> Chart:
        """Centred in the middle of the points, whichever side of the antimeridian they lie on."""
        lat, lon, _ = from_ecef(to_ecef(lat_deg, lon_deg, 0.0).mean(axis=0))
        return cls.at(lat, lon, np.asarray(alt_m, dtype=float).mean())

    def to_geodetic(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Chart metres east and north of the centre, (…), to lat_deg, lon_deg.

        Snyder (1987), eq. 20-3 and 22-3: the stereographic radius 2 R tan(c/2) becomes the gnomonic R tan c,
        a point of the tangent plane, whose foot on the ellipsoid is the place.
        """
        scale = 1.0 / (1.0 - (x * x + y * y) / (4.0 * EARTH_RADIUS_M * EARTH_RADIUS_M))
        offset = np.stack(np.broadcast_arrays(x * scale, y * scale, 0.0), axis=-1)
        lat, lon, _ = from_ecef(self.centre + rotate(offset, np.swapaxes(self.axes, -1, -2)))
        return lat, lon

    def from_geodetic(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
        """The chart point (…, 2) of each place within 1000 km, to a micrometre."""
        goal = self._flat(lat_deg, lon_deg)
        guess = goal.copy()
        for _ in range(INVERSE_STEPS):
            guess = guess + (goal - self._flat(*self.to_geodetic(guess[..., 0], guess[..., 1])))
        return guess

    def _flat(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
        return rotate(to_ecef(lat_deg, lon_deg, 0.0) - self.centre, self.axes)[..., :2]
