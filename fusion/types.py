"""What flows in and out of the core. Arrays are numpy, SI and radians unless a name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Limits of what comes from outside, checked at the border; the core takes them as given.
Latitude = Annotated[float, Ge(-90), Le(90)]
Longitude = Annotated[float, Ge(-180), Le(180)]
Height = Annotated[float, Ge(-10_000), Le(1_000_000)]  # m above the ellipsoid: where `geodesy` is exact
Distance = Annotated[float, Ge(-10_000_000), Le(10_000_000)]  # m from a sensor: the earth is not larger
Elevation = Annotated[float, Ge(-90), Le(90)]

SECOND_NS: Final = 1_000_000_000
MOST_EXISTENCE: Final = 1.0 - 1e-9  # odds stay finite

# A measured component's code is its place here; kernels use the codes.
COMPONENTS: Final = (
    "range_m",
    "azimuth_deg",
    "elevation_deg",
    "range_rate_mps",
    "altitude_m",
    "east_m",
    "north_m",
    "up_m",
)
RANGE, AZIMUTH, ELEVATION, RANGE_RATE, ALTITUDE, EAST, NORTH, UP = range(len(COMPONENTS))

TRACK_STATUSES: Final = ("tentative", "confirmed", "coasting", "ended")
TENTATIVE, CONFIRMED, COASTING, ENDED = range(len(TRACK_STATUSES))


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a sensor stands (WGS-84, ellipsoidal height) and how it is turned: yaw, then pitch, then roll."""

    lat_deg: Latitude
    lon_deg: Longitude
    alt_m: Height
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """A box in sensor axes. Azimuth runs clockwise from the first to the second. None: not bounded here."""

    range_m: tuple[Distance, Distance] | None = None
    azimuth_deg: tuple[float, float] | None = None
    elevation_deg: tuple[Elevation, Elevation] | None = None
    east_m: tuple[Distance, Distance] | None = None
    north_m: tuple[Distance, Distance] | None = None
    up_m: tuple[Distance, Distance] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What one sensor saw in one look, checked.

    values, sigmas: (n, k), one column for each of the sensor's `measures` in their registered order, in SI
    and radians; NaN in `values` means not measured. times_ns: (n,), each detection's own time.
    """

    source: str
    sensor: str
    seq: int
    epoch: str
    time_ns: int
    values: Floats
    sigmas: Floats
    times_ns: Ints
    snr_db: Floats | None = None
    identity: tuple[str | None, ...] | None = None
    pose: Pose | None = None
    swept: Coverage | None = None

    @property
    def key(self) -> tuple[int, str, int]:
        """The order in which frames are used: by time, then sensor, then `seq`."""
        return (self.time_ns, self.sensor, self.seq)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Where a simulator's objects really are: (n,) columns. Velocity is east, north, up at the object."""

    time_ns: int
    id: tuple[str, ...]
    lat_deg: Floats
    lon_deg: Floats
    alt_m: Floats
    east_mps: Floats
    north_mps: Floats
    up_mps: Floats
    ignore: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Every live track predicted to `time_ns`, and those that ended since the last picture: (n,) columns.

    covariance: (n, 21), upper triangle row by row of east, north, up and their rates, at the object.
    """

    time_ns: int
    id: Ints
    status: tuple[str, ...]
    existence: Floats
    lat_deg: Floats
    lon_deg: Floats
    alt_m: Floats
    east_mps: Floats
    north_mps: Floats
    up_mps: Floats
    covariance: Floats
    mode: tuple[str, ...]
    mode_probability: Floats
    updated_ns: Ints
    created_ns: Ints
    hits: Ints
    sensors: tuple[tuple[str, ...], ...]
    identity: tuple[str | None, ...]
    diverted_ns: tuple[int | None, ...]
    reason: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """The live tracks as alerting sees them at one instant: the mixture over motion modes of each.

    weight: (n, m) mode probabilities, rows sum to 1.  mean: (n, m, 6), covariance: (n, m, 6, 6), of east,
    north, up and their rates in the tangent plane of the configured origin, predicted to `time_ns`.
    motions: (m,) names of the modes. status: (n,) codes as in `TRACK_STATUSES`.
    """

    time_ns: int
    motions: tuple[str, ...]
    id: Ints
    status: Ints
    existence: Floats
    weight: Floats
    mean: Floats
    covariance: Floats
    updated_ns: Ints
    created_ns: Ints
    hits: Ints
    sensors: tuple[tuple[str, ...], ...]
    identity: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A point: WGS-84, ellipsoidal height."""

    lat_deg: Latitude
    lon_deg: Longitude
    alt_m: Height


@dataclass(frozen=True, slots=True)
class AlertStep:
    """One step of one alert, as the contract's `alert` message has it (without envelope and `number`)."""

    time_ns: int
    alert: str
    step: int
    zone: str
    track: int
    tracks: tuple[int, ...]
    level: str
    previous_level: str | None  # set where the level changed: the step goes out on both topics
    state: str
    acknowledged: dict[str, object] | None
    probability: float
    time_to_entry_s: tuple[float, float, float] | None  # p10, p50, p90, given entry
    entry: Place | None
    closest_distance_m: float
    closest_time_s: float
    track_status: str
    suppressed_until_ns: int | None
    position: Place
    velocity_mps: tuple[float, float, float]  # east, north, up
    sensors: tuple[str, ...]
    reason: str
    test: bool = False


Event = Picture | AlertStep
