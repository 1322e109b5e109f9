"""The vertical and the height at a point of the tangent plane. The numpy twin is `fusion.geodesy`.

earth: (4, 3), row 0 the plane's centre in earth-centred coordinates, rows 1 to 3 its east, north and up axes.
"""

from __future__ import annotations

import math

from fusion.geodesy import ECCENTRICITY_SQUARED, FLATTENING, SEMI_MAJOR_M, SEMI_MINOR_M
from fusion.kernels.jit import apart, inner

_SQUASH = (SEMI_MAJOR_M / SEMI_MINOR_M) ** 2
_SECOND = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED)


@inner
def to_ecef(earth, px, py, pz):  # type: ignore[no-untyped-def]
    """Plane to earth-centred coordinates, m."""
    x = earth[0, 0] + earth[1, 0] * px + earth[2, 0] * py + earth[3, 0] * pz
    y = earth[0, 1] + earth[1, 1] * px + earth[2, 1] * py + earth[3, 1] * pz
    z = earth[0, 2] + earth[1, 2] * px + earth[2, 2] * py + earth[3, 2] * pz
    return x, y, z


@inner
def up_at(earth, px, py, pz):  # type: ignore[no-untyped-def]
    """The vertical at a plane position, a unit vector in plane axes."""
    x, y, z = to_ecef(earth, px, py, pz)
    z *= _SQUASH
    scale = 1.0 / math.sqrt(x * x + y * y + z * z)
    x, y, z = x * scale, y * scale, z * scale
    return (
        earth[1, 0] * x + earth[1, 1] * y + earth[1, 2] * z,
        earth[2, 0] * x + earth[2, 1] * y + earth[2, 2] * z,
        earth[3, 0] * x + earth[3, 1] * y + earth[3, 2] * z,
    )


@apart
def height_at(earth, px, py, pz):  # type: ignore[no-untyped-def]
    """Height above the ellipsoid, m. Bowring (1976), two iterations, on sines and cosines: no angle is needed."""
    x, y, z = to_ecef(earth, px, py, pz)
    p = math.sqrt(x * x + y * y)
    sin, cos = z * SEMI_MAJOR_M, p * SEMI_MINOR_M  # of the reduced latitude, as soon as their length is taken out
    scale = 1.0 / math.sqrt(sin * sin + cos * cos)
    sin, cos = sin * scale, cos * scale
    for _ in range(2):
        rise = z + _SECOND * SEMI_MINOR_M * sin * sin * sin
        run = p - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * cos * cos * cos
        sin, cos = (1.0 - FLATTENING) * rise, run
        scale = 1.0 / math.sqrt(sin * sin + cos * cos)
        sin, cos = sin * scale, cos * scale
    scale = 1.0 / math.sqrt(rise * rise + run * run)
    sin, cos = rise * scale, run * scale  # of the latitude
    root = math.sqrt(1.0 - ECCENTRICITY_SQUARED * sin * sin)
    return p * cos + z * sin - SEMI_MAJOR_M * root
