"""The scenario's `[sensor.<id>]` tables: how a sensor behaves, beyond what `site.toml` registers of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from adapters.simulated.limits import NotNegative, Positive, Seconds
from adapters.site.checking import CHECKED, found_as
from fusion.config import Component, SensorConfig
from fusion.errors import ConfigError
from fusion.tracking.sensors import azimuth_width_deg

Angle = Annotated[float, Ge(-360), Le(720)]
RADAR_SECTORS = 12  # looks in a rotation: 30° each, as surveillance radars send them


@dataclass(frozen=True, slots=True)
class Beam:
    """A Gaussian beam in elevation, sensor axes: half the power at `width_deg` / 2 from `elevation_deg`."""

    __pydantic_config__ = CHECKED

    elevation_deg: Annotated[float, Ge(-90), Le(90)]
    width_deg: Annotated[float, Gt(0), Le(360)]


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Trees or a hill: nothing below `below_deg`, beyond `beyond_m`, is seen there. Sensor axes."""

    __pydantic_config__ = CHECKED

    azimuth_deg: tuple[Angle, Angle]
    below_deg: Annotated[float, Ge(-90), Le(90)]
    beyond_m: NotNegative = 0.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    __pydantic_config__ = CHECKED

    scan: Literal["rotating", "staring"] | None = None  # None: radars rotate, cameras and position sensors stare
    sectors: Annotated[int, Ge(1), Le(360)] | None = None  # looks in a rotation; None: 12 for a radar, 1 for others
    phase_s: Seconds = 0.0  # when its first look begins
    reference_range_m: Positive | None = None  # the registered detection probability holds up to here, then falls
    beam: Beam | None = None  # None: the same at every elevation
    horizon: bool = True
    ground_m: float = 0.0  # the ground round the sensor, above the ellipsoid: where its horizon lies
    occlusion: tuple[Occlusion, ...] = ()
    outages_s: tuple[tuple[Seconds, Seconds], ...] = ()  # no frame that ends inside
    bias: dict[Component, float] = field(default_factory=dict)  # added to what it measures; degrees for angles
    time_bias_s: Annotated[float, Ge(-60), Le(60)] = 0.0  # added to all its times
    altitude_step_m: NotNegative = 0.0  # what it reports of heights is rounded to this
    secondary: bool = False  # sees flights with an identity alone, and says who they are
    ride: str | None = None  # id of the flight that carries it; its pose's angles are then relative to that one's way

    def __post_init__(self) -> None:
        for i, (low, high) in enumerate(self.outages_s):
            if not low < high:
                raise ConfigError(f"outages_s[{i}]", [low, high], "[from, to] with from < to")

    def rotates(self, kind: str) -> bool:
        return self.scan == "rotating" or (self.scan is None and kind == "radar")

    def looks(self, kind: str) -> int:
        """How many looks make one sweep."""
        if not self.rotates(kind):
            return 1
        return self.sectors or (RADAR_SECTORS if kind == "radar" else 1)


def check_fits(behaviour: Behaviour, sensor: SensorConfig) -> None:
    """Raises ConfigError where a behaviour makes no sense for the sensor that `site.toml` registers."""
    kind = sensor.kind
    if kind == "position" and behaviour.scan == "rotating":
        raise ConfigError("scan", "rotating", "'staring' for a position sensor")
    if behaviour.sectors not in (None, 1) and not behaviour.rotates(kind):
        raise ConfigError("sectors", behaviour.sectors, "1, or left out, for a sensor that stares")
    if behaviour.secondary and kind != "radar":
        raise ConfigError("secondary", found_as(True), f"false for a sensor of kind {kind}")
    if kind == "position":
        for key in ("reference_range_m", "beam"):
            if getattr(behaviour, key) is not None:
                raise ConfigError(key, getattr(behaviour, key), "left out for a position sensor")
    for name in behaviour.bias:
        if name not in sensor.measures:
            raise ConfigError(f"bias.{name}", behaviour.bias[name], f"what it measures: {', '.join(sensor.measures)}")
    if sensor.altitude_reference != "ellipsoid":
        allowed = "'ellipsoid': the simulator reports no other heights"
        raise ConfigError("altitude_reference", sensor.altitude_reference, allowed)
    if behaviour.altitude_step_m and "altitude_m" not in sensor.measures:
        raise ConfigError("altitude_step_m", behaviour.altitude_step_m, "0 for a sensor that measures no altitude_m")
    if sensor.pose is None and behaviour.ride is None:
        raise ConfigError("ride", None, "the id of a flight that carries it: site.toml gives it no pose")
    azimuth = sensor.coverage.azimuth_deg
    if azimuth is not None and behaviour.rotates(kind) and azimuth_width_deg(azimuth) == 0.0:
        raise ConfigError("coverage.azimuth_deg", list(azimuth), "a span that is not empty")
