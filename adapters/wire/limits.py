"""What a number on the wire may be, in its unit there; the reason beside it where the contract is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from fusion.config import LARGEST_ANGLE_SIGMA, SMALLEST_SIGMA, SensorConfig
from fusion.types import Floats

VERSION: Final = 1
MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
MAX_ROWS: Final = 100_000
# Arrays and maps in one message, each 64 bytes of memory for one byte on the line. A zone's corner, 19 bytes, is
# the smallest array that a good message holds many of: 8 MiB hold 441 505.
MAX_CONTAINERS: Final = 500_000
MAX_MAP_KEYS: Final = 10_000  # the widest map is one of sensors: no site has so many
MAX_INTEGER: Final = 2**63 - 1  # what an int64 column and SQLite hold
MAX_TIME_NS: Final = 9_000_000_000_000_000_000  # the year 2255: sums with any period still fit an int64
MAX_TEXT: Final = 64  # characters of an epoch or an identity, as of an id

LATITUDE_DEG: Final = (-90.0, 90.0)
LONGITUDE_DEG: Final = (-180.0, 180.0)
HEIGHT_M: Final = (-1e4, 1e6)  # of a sensor or a measurement, as `fusion.types.Height`
DISTANCE_M: Final = 1e9  # beyond the Moon: no sensor of ours measures it, and its square is still exact enough
RANGE_RATE_MPS: Final = 1e5  # above the speed at which anything arrives from space
COVARIANCE_WIDTH: Final = 21  # upper triangle of 6 × 6
LARGEST_SIGMA: Final = 1e6  # as a registered one; its square is far from overflow
RADIANS_PER_DEGREE: Final = np.pi / 180.0

_BEARINGS: Final = ("azimuth_deg", "elevation_deg")
RANGES: Final[dict[str, tuple[float, float]]] = {
    "range_m": (0.0, DISTANCE_M),
    "azimuth_deg": (-360.0, 360.0),
    "elevation_deg": (-90.0, 90.0),
    "range_rate_mps": (-RANGE_RATE_MPS, RANGE_RATE_MPS),
    "altitude_m": HEIGHT_M,
    "east_m": (-DISTANCE_M, DISTANCE_M),
    "north_m": (-DISTANCE_M, DISTANCE_M),
    "up_m": (-DISTANCE_M, DISTANCE_M),
}


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The measured columns of one sensor in their registered order, as (k,) arrays.

    to_si: factor from the unit of the wire to SI and radians.  low, high: allowed, in the unit of the wire.
    """

    measures: tuple[str, ...]
    place: dict[str, int]
    sigma_place: dict[str, int]
    to_si: Floats
    low: Floats
    high: Floats


@lru_cache(maxsize=1024)
def layout_of(measures: tuple[str, ...]) -> Layout:
    """The layout of a sensor's `measures`: the same for every frame of it, so made once."""
    return Layout(
        measures=measures,
        place={name: i for i, name in enumerate(measures)},
        sigma_place={f"sigma_{name}": i for i, name in enumerate(measures)},
        to_si=np.array([RADIANS_PER_DEGREE if name.endswith("_deg") else 1.0 for name in measures]),
        low=np.array([RANGES[name][0] for name in measures]),
        high=np.array([RANGES[name][1] for name in measures]),
    )


def registered_sigmas(sensor: SensorConfig) -> Floats:
    """The sensor's standard deviations in SI and radians, (k,), in the order of its `measures`."""
    to_si = layout_of(sensor.measures).to_si
    sigmas: Floats = np.array([sensor.sigma[name] for name in sensor.measures]) * to_si
    return sigmas


def sigma_limits(name: str) -> tuple[float, float]:
    """What the standard deviation of a component may be: as in the configuration, in the unit of the wire."""
    return SMALLEST_SIGMA, LARGEST_ANGLE_SIGMA if name in _BEARINGS else LARGEST_SIGMA


def span(limits: Sequence[float]) -> str:
    """Limits as a person reads them: (-90.0, 90.0) is "-90 to 90"."""
    return f"{limits[0]:g} to {limits[1]:g}"
