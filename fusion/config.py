"""The configuration, as the contract words it. Limits stand beside each field and are checked at the border
(`adapters.configuration`); what concerns several fields at once is checked here, on construction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from fusion.errors import ConfigError
from fusion.types import Coverage, Place, Pose

Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Probability = Annotated[float, Gt(0), Lt(1)]
Component = Literal[
    "range_m",
    "azimuth_deg",
    "elevation_deg",
    "range_rate_mps",
    "altitude_m",
    "east_m",
    "north_m",
    "up_m",
]
Motion = Literal["cruise", "manoeuvre", "turn"]
POLAR: tuple[Component, ...] = ("range_m", "azimuth_deg", "elevation_deg")
CARTESIAN: tuple[Component, ...] = ("east_m", "north_m", "up_m")


@dataclass(frozen=True, slots=True)
class AltitudePrior:
    """Height above the ellipsoid of an object whose height nothing measured."""

    mean: float = 3000.0
    sigma: Positive = 3000.0


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    lateness_s: Annotated[float, Ge(0), Le(600)] = 2.0
    initial_speed_mps: Positive = 150.0
    initial_climb_mps: Positive = 15.0
    altitude_m: AltitudePrior = field(default_factory=AltitudePrior)
    births_per_s: Positive = 0.1
    survival_s: Positive = 600.0
    motions: Annotated[tuple[Motion, ...], MinLen(1)] = ("cruise", "manoeuvre", "turn")
    agility_mps2: Positive = 10.0
    still_objects: bool = True
    engine: Literal["numba", "filterpy"] = "numba"

    def __post_init__(self) -> None:
        if len(set(self.motions)) != len(self.motions):
            raise ConfigError("motions", list(self.motions), "each motion once")


@dataclass(frozen=True, slots=True)
class SensorConfig:
    id: str
    kind: Literal["radar", "infrared", "position"]
    measures: Annotated[tuple[Component, ...], MinLen(1)]
    sigma: dict[Component, Positive]
    coverage: Coverage
    pose: Pose | None = None
    detection_probability: Probability = 0.9
    false_alarms: NotNegative = 1.0
    period_s: Positive = 1.0
    altitude_reference: Literal["ellipsoid"] = "ellipsoid"
    use_identity: bool = False

    def __post_init__(self) -> None:
        if len(set(self.measures)) != len(self.measures):
            raise ConfigError("measures", list(self.measures), "each component once")
        missing = [name for name in self.measures if name not in self.sigma]
        if missing:
            raise ConfigError("sigma", sorted(self.sigma), f"a value for each of measures; add {missing}")
        extra = [name for name in self.sigma if name not in self.measures]
        if extra:
            raise ConfigError("sigma", extra, f"only what it measures: {list(self.measures)}")
        self._check_axes()

    def _check_axes(self) -> None:
        cartesian = self.kind == "position"
        wrong = [name for name in self.measures if name in (POLAR if cartesian else CARTESIAN)]
        if wrong or (cartesian and "range_rate_mps" in self.measures):
            allowed = "east_m, north_m, up_m, altitude_m" if cartesian else "range, azimuth, elevation, range rate, altitude"
            raise ConfigError("measures", list(self.measures), f"for a {self.kind} sensor: {allowed}")
        needed = CARTESIAN[:2] if cartesian else POLAR[:2]
        for name in needed:
            if getattr(self.coverage, name) is None:
                raise ConfigError(f"coverage.{name}", None, "[low, high]")
        for name in POLAR + CARTESIAN:
            span = getattr(self.coverage, name)
            if span is None:
                continue
            if (name in CARTESIAN) != cartesian:
                raise ConfigError(f"coverage.{name}", list(span), f"left out for a {self.kind} sensor")
            if name != "azimuth_deg" and not span[0] < span[1]:
                raise ConfigError(f"coverage.{name}", list(span), "[low, high] with low < high")
        if self.coverage.range_m is not None and self.coverage.range_m[0] < 0:
            raise ConfigError("coverage.range_m", list(self.coverage.range_m), "0 or more")


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """One protected volume: polygons as rings of (lon_deg, lat_deg), outer first, or a circle.

    Heights are metres above the ellipsoid. active: UTC intervals (from_ns, to_ns); None: always.
    """

    id: str
    floor_m: float
    ceiling_m: float
    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = ()
    circle: tuple[float, float, float] | None = None  # lon_deg, lat_deg, radius_m
    name: str = ""
    lookahead_s: Annotated[float, Gt(0), Le(3600)] = 180.0
    margin_m: NotNegative = 0.0
    margin_vertical_m: NotNegative = 0.0
    predicted_probability: Probability = 0.5
    imminent_s: NotNegative = 60.0
    active: tuple[tuple[int, int], ...] | None = None
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    origin: Place
    name: str = "skypicket"
    zones: tuple[str, ...] = ()
    report_period_s: Annotated[float, Gt(0), Le(3600)] = 1.0
    ingest: str = "tcp://127.0.0.1:5801"
    publish: str = "tcp://127.0.0.1:5802"
    requests: str = "tcp://127.0.0.1:5803"
    data: str = "skypicket-data"  # folder of the alert journal, relative to the configuration file


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """A whole `site.toml` with its zones read in."""

    service: ServiceConfig
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    sensor: tuple[SensorConfig, ...] = ()
    zones: tuple[ZoneConfig, ...] = ()

    def __post_init__(self) -> None:
        for kind, ids in (("sensor", [s.id for s in self.sensor]), ("zone", [z.id for z in self.zones])):
            for i, name in enumerate(ids):
                if name in ids[:i]:
                    raise ConfigError(f"{kind}[{i}].id", name, f"an id that no other {kind} has")
