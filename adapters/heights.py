"""Heights above sea level, of a pressure, and above ground as heights above the ellipsoid: the one conversion, for
zones and for sensors.

Sea level is the geoid EGM96, as the package sidereon carries it: a grid of 1°, 0.45 m (root mean square) from the full
model over the earth, at most 5.6 m in high mountains and trenches.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from adapters.site.checking import MISSING
from fusion.config import Reference
from fusion.errors import ConfigError
from fusion.types import Floats

FOOT_M: Final = 0.3048  # the international foot, by definition
ISA_PRESSURE_HPA: Final = 1013.25  # at sea level in the standard atmosphere: ICAO Doc 7488, table A
ISA_SCALE_M: Final = 288.15 / 0.0065  # temperature at sea level over its lapse rate in the troposphere
ISA_EXPONENT: Final = 287.05287 * 0.0065 / 9.80665  # gas constant × lapse rate / gravity
ISA_RADIUS_M: Final = 6_356_766.0  # of the earth, between geopotential and geometric height: ICAO Doc 7488, eq. 8


def undulation_m(lat_deg: Floats, lon_deg: Floats) -> Floats:
    """How far sea level (EGM96) lies above the ellipsoid. (n,) degrees in, (n,) m out; longitudes of any turn."""
    import sidereon

    around = np.mod(np.asarray(lon_deg, dtype=np.float64) + 180.0, 360.0) - 180.0
    places = np.stack([np.asarray(lat_deg, dtype=np.float64), around], axis=-1)
    return np.asarray(sidereon.egm96_undulations_deg(np.ascontiguousarray(places)), dtype=np.float64)


def standard_height_m(pressure_hpa: float) -> float:
    """Geopotential height of a pressure in the standard atmosphere, below 11 km: ICAO Doc 7488, eqs. 12 and 14."""
    share: float = (pressure_hpa / ISA_PRESSURE_HPA) ** ISA_EXPONENT
    return ISA_SCALE_M * (1.0 - share)


def above_sea(pressure_height_m: Floats, qnh_hpa: float) -> Floats:
    """Height above sea level at which an altimeter set to 1013.25 hPa shows `pressure_height_m`.

    What an altimeter set to the QNH shows there: the setting moves its scale by the standard height of the QNH. The air
    is taken to be as warm as the standard: 10 °C off is 4 % of the height.
    """
    geopotential = pressure_height_m - standard_height_m(qnh_hpa)
    return ISA_RADIUS_M * geopotential / (ISA_RADIUS_M - geopotential)


def ellipsoidal(
    height_m: Floats,
    reference: Reference,
    lat_deg: Floats,
    lon_deg: Floats,
    *,
    qnh_hpa: float | None = None,
    ground_m: float | None = None,
) -> Floats:
    """Heights (n,) of a reference, at places (n,), above the ellipsoid: (n,) m.

    qnh_hpa: pressure at sea level, for `pressure`.  ground_m: of the ground above the ellipsoid, for `agl`.
    Raises ConfigError where that is missing.
    """
    check_reference(reference, qnh_hpa, ground_m)
    if reference == "ellipsoid":
        return height_m
    if reference == "agl":
        return height_m + (ground_m or 0.0)
    if reference == "pressure":
        height_m = above_sea(height_m, qnh_hpa or ISA_PRESSURE_HPA)
    return height_m + undulation_m(lat_deg, lon_deg)


def referred(
    height_m: Floats,
    reference: Reference,
    lat_deg: Floats,
    lon_deg: Floats,
    *,
    qnh_hpa: float | None = None,
    ground_m: float | None = None,
) -> Floats:
    """The way back: heights above the ellipsoid (n,) as heights of a reference. As `ellipsoidal`."""
    check_reference(reference, qnh_hpa, ground_m)
    if reference == "ellipsoid":
        return height_m
    if reference == "agl":
        return height_m - (ground_m or 0.0)
    above = height_m - undulation_m(lat_deg, lon_deg)
    if reference == "msl":
        return above
    return ISA_RADIUS_M * above / (ISA_RADIUS_M + above) + standard_height_m(qnh_hpa or ISA_PRESSURE_HPA)


def check_reference(reference: Reference, qnh_hpa: float | None, ground_m: float | None) -> None:
    """Raises ConfigError where a reference lacks the number that it needs."""
    if reference == "pressure" and qnh_hpa is None:
        allowed = "the pressure at sea level in hPa (the standard: 1013.25), of the zone or in [airspace]"
        raise ConfigError("qnh_hpa", MISSING, allowed)
    if reference == "agl" and ground_m is None:
        allowed = "the ground's height above the ellipsoid in m, of the zone or in [airspace]"
        raise ConfigError("ground_m", MISSING, allowed)
