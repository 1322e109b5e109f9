"""WGS-84 to the local tangent plane and back, batched.

The plane is rigid: east, north, up at the configured origin. It stays exact at any distance, but its "up" tilts
from the local vertical by 1° in 111 km, so heights are computed geodetically, never read off the up axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from fusion.types import Floats, Place

SEMI_MAJOR_M = 6_378_137.0  # WGS-84, NGA.STND.0036 (2014), table 3.1
FLATTENING = 1.0 / 298.257223563  # the same
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - FLATTENING)


def to_ecef(lat_deg: ArrayLike, lon_deg: ArrayLike, alt_m: ArrayLike) -> Floats:
    """Geodetic to earth-centred coordinates. Hofmann-Wellenhof et al. (2008), eq. 8.9. Returns (…, 3) m."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    alt = np.asarray(alt_m, dtype=float)
    normal = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(lat) ** 2)
    x = (normal + alt) * np.cos(lat) * np.cos(lon)
    y = (normal + alt) * np.cos(lat) * np.sin(lon)
    z = (normal * (1.0 - ECCENTRICITY_SQUARED) + alt) * np.sin(lat)
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def from_ecef(ecef: Floats) -> tuple[Floats, Floats, Floats]:
    """Earth-centred (…, 3) m to lat_deg, lon_deg, alt_m.

    Bowring (1976) start, then two of his iterations: below 1 µm of height from -10 km to 1000 km.
    """
    x, y, z = ecef[..., 0], ecef[..., 1], ecef[..., 2]
    p = np.sqrt(x * x + y * y)
    sin, cos = _latitude(p, z)
    normal = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * sin * sin)
    alt = p * cos + z * sin - SEMI_MAJOR_M * SEMI_MAJOR_M / normal  # well conditioned at the poles too
    return np.degrees(np.arctan2(sin, cos)), np.degrees(np.arctan2(y, x)), alt


def _latitude(p: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Sine and cosine of the geodetic latitude at distance `p` from the axis and height `z` over the equator's plane.

    Bowring's iterations on the sine and cosine themselves: no angle is needed on the way.
    """
    second = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED)
    sin, cos = z, p * (SEMI_MINOR_M / SEMI_MAJOR_M)  # of the reduced latitude, not yet of length 1
    for _ in range(3):
        sin, cos = _unit(sin, cos)
        up = z + second * SEMI_MINOR_M * (sin * sin * sin)
        out = p - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * (cos * cos * cos)
        sin, cos = (1.0 - FLATTENING) * up, out
    return _unit(up, out)


def _unit(sin: Floats, cos: Floats) -> tuple[Floats, Floats]:
    """Scaled to length 1; at the earth's centre, where there is no direction, as they were."""
    length = np.sqrt(sin * sin + cos * cos)
    length = np.where(length > 0.0, length, 1.0)
    return sin / length, cos / length


def axes_at(lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
    """Rows east, north, up, in earth-centred axes: (…, 3, 3)."""
    lat, lon = np.broadcast_arrays(np.radians(lat_deg), np.radians(lon_deg))
    zero = np.zeros_like(lat)
    east = np.stack([-np.sin(lon), np.cos(lon), zero], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return np.stack([east, north, up], axis=-2)


@dataclass(frozen=True, slots=True)
class Plane:
    """The tangent plane at `origin`: every state, sensor and zone of one service lives in it."""

    origin: Place
    centre: Floats = field(init=False, repr=False)
    axes: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", to_ecef(self.origin.lat_deg, self.origin.lon_deg, self.origin.alt_m))
        object.__setattr__(self, "axes", axes_at(self.origin.lat_deg, self.origin.lon_deg))

    def to_local(self, lat_deg: ArrayLike, lon_deg: ArrayLike, alt_m: ArrayLike) -> Floats:
        """Geodetic to plane: (…, 3) m."""
        return rotate(to_ecef(lat_deg, lon_deg, alt_m) - self.centre, self.axes)

    def to_geodetic(self, position: Floats) -> tuple[Floats, Floats, Floats]:
        """Plane (…, 3) m to lat_deg, lon_deg, alt_m."""
        return from_ecef(rotate(position, self.axes.T) + self.centre)

    def local_axes(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
        """Rows east, north, up *there*, in plane axes: (…, 3, 3). `rotate(v, axes)` turns plane into local."""
        there = axes_at(lat_deg, lon_deg)
        out = np.empty_like(there)
        for i in range(3):
            out[..., i, :] = rotate(there[..., i, :], self.axes)
        return out

    def places(self, position: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """`to_geodetic` and `local_axes` at plane (n, 3) m at once: lat_deg, lon_deg, alt_m, axes (n, 3, 3)."""
        ecef = rotate(position, self.axes.T) + self.centre
        lat, lon, alt = from_ecef(ecef)
        p = np.sqrt(ecef[:, 0] * ecef[:, 0] + ecef[:, 1] * ecef[:, 1])
        sin, cos = (part[:, None] for part in _latitude(p, ecef[:, 2]))
        at_pole = p <= 0.0
        p = np.where(at_pole, 1.0, p)
        east_sin, east_cos = (ecef[:, 1] / p)[:, None], np.where(at_pole, 1.0, ecef[:, 0] / p)[:, None]
        axes = np.empty((len(p), 3, 3))
        outward = east_cos * self.axes[:, 0] + east_sin * self.axes[:, 1]
        axes[:, 0] = east_cos * self.axes[:, 1] - east_sin * self.axes[:, 0]
        axes[:, 1] = cos * self.axes[:, 2] - sin * outward
        axes[:, 2] = cos * outward + sin * self.axes[:, 2]
        return lat, lon, alt, axes

    def up_at(self, position: Floats) -> Floats:
        """The vertical at plane positions (…, 3) m, in plane axes: (…, 3) unit vectors.

        The normal of the ellipsoid through the point, scaled: within 1e-5 rad of the geodetic vertical to 20 km.
        """
        ecef = rotate(position, self.axes.T) + self.centre
        normal = ecef * np.array([1.0, 1.0, (SEMI_MAJOR_M / SEMI_MINOR_M) ** 2])
        length = np.sqrt(normal[..., 0] ** 2 + normal[..., 1] ** 2 + normal[..., 2] ** 2)
        return rotate(normal / length[..., None], self.axes)


def rotate(vectors: Floats, matrix: Floats) -> Floats:
    """`matrix` @ each of (…, 3) `vectors`, without BLAS: its last bits differ between processors."""
    parts = [
        matrix[..., i, 0] * vectors[..., 0] + matrix[..., i, 1] * vectors[..., 1] + matrix[..., i, 2] * vectors[..., 2]
        for i in range(3)
    ]
    return np.stack(parts, axis=-1)
