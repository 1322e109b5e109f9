"""What may be searched: numbers of a site's configuration, with ranges and scales round the values that it has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fusion.config import SensorConfig, SiteConfig
from fusion.errors import ConfigError
from replay.campaigns.overrides import Overrides

Scale = Literal["log", "linear", "tail", "whole"]
DIGITS: Final = 4  # of a value that is tried: what is written into a file is what was scored
SIGMA: Final = "sigma"  # a factor for all of a sensor's sigmas


@dataclass(frozen=True, slots=True)
class Span:
    """How a parameter is searched: from the site's value over `factor` to the value times it, within low and high.

    factor None: from low to high.  tail: what lacks to 1 is searched on a logarithmic scale.
    """

    scale: Scale
    low: float
    high: float
    factor: float | None = None
    by_default: bool = True


# Ranges that no reasonable site lies beyond; the factors are those by which people guess wrong.
TRACKER: Final[dict[str, Span]] = {
    "agility_mps2": Span("log", 0.001, 10_000.0, 5.0),
    "initial_speed_mps": Span("log", 0.001, 20_000.0, 4.0),
    "initial_climb_mps": Span("log", 0.001, 20_000.0, 4.0, by_default=False),
    "births_per_s": Span("log", 1e-9, 10_000.0, 30.0),
    "survival_s": Span("log", 0.1, 1e9, 10.0),
    "confirmed_existence": Span("tail", 0.9, 1.0 - 1e-7),
    "confirmed_hits": Span("whole", 1, 10, by_default=False),
    "ended_existence": Span("log", 0.005, 0.5, by_default=False),
}
SENSOR: Final[dict[str, Span]] = {
    "detection_probability": Span("linear", 0.3, 0.99),
    "false_alarms": Span("log", 0.01, 1_000_000.0, 20.0),
    SIGMA: Span("log", 1.0 / 3.0, 3.0, by_default=False),
}
NAMES: Final = (*TRACKER, *SENSOR)
DEFAULTS: Final = tuple(name for name, span in (TRACKER | SENSOR).items() if span.by_default)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number that is searched. sensor: whose it is; None: the tracker's. value: the site's own."""

    name: str
    sensor: str | None
    scale: Scale
    low: float
    high: float
    value: float

    @property
    def label(self) -> str:
        """Its name for people, as the configuration writes its path."""
        return self.name if self.sensor is None else f"{self.sensor}.{self.name}"

    def searched(self, value: float) -> float:
        """A value on the scale on which it is searched."""
        return 1.0 - value if self.scale == "tail" else value

    def found(self, searched: float) -> float:
        """The value for a place on that scale, in few digits."""
        if self.scale == "whole":
            return round(searched)
        rounded = float(f"{searched:.{DIGITS}g}")
        return float(f"{1.0 - rounded:.12g}") if self.scale == "tail" else rounded


def parameters(site: SiteConfig, wanted: Sequence[str] = DEFAULTS) -> tuple[Parameter, ...]:
    """The parameters of these names; those of sensors once for each sensor. Raises ConfigError for an unknown name."""
    for name in wanted:
        if name not in NAMES:
            raise ConfigError("--parameters", name, ", ".join(NAMES))
    found = [_of(name, None, TRACKER[name], float(getattr(site.tracker, name))) for name in TRACKER if name in wanted]
    for sensor in site.sensor:
        found += [_of(name, sensor.id, SENSOR[name], _value(sensor, name)) for name in SENSOR if name in wanted]
    return tuple(found)


def overrides(site: SiteConfig, values: Mapping[Parameter, float]) -> Overrides:
    """The keys of the configuration that these values change."""
    tracker = {one.name: _plain(one, value) for one, value in values.items() if one.sensor is None}
    sensors: dict[str, dict[str, object]] = {}
    known = {sensor.id: sensor for sensor in site.sensor}
    for one, value in values.items():
        if one.sensor is None:
            continue
        own = sensors.setdefault(one.sensor, {})
        if one.name == SIGMA:
            given = known[one.sensor].sigma
            own[SIGMA] = {str(name): float(f"{sigma * value:.{DIGITS}g}") for name, sigma in given.items()}
        else:
            own[one.name] = value
    return Overrides(tracker=tracker, sensor=sensors)


def _plain(one: Parameter, value: float) -> float | int:
    return int(value) if one.scale == "whole" else value


def _value(sensor: SensorConfig, name: str) -> float:
    return 1.0 if name == SIGMA else float(getattr(sensor, name))


def _of(name: str, sensor: str | None, span: Span, value: float) -> Parameter:
    """The range of one parameter; the site's own value always lies in it."""
    low, high = span.low, span.high
    if span.factor is not None:
        middle = max(value, low * span.factor)
        low, high = max(low, middle / span.factor), min(high, middle * span.factor)
    own = max(value, low) if span.scale == "log" and value <= 0.0 else value
    low, high = min(low, own), max(high, own)
    if span.scale == "log":
        low, high = _short(low, math.floor), _short(high, math.ceil)
    return Parameter(name, sensor, span.scale, low, high, own)


def _short(value: float, towards: object) -> float:
    """A limit in few digits, never inside the range that it limits."""
    exponent = math.floor(math.log10(value)) - DIGITS + 1
    scaled = value / 10.0**exponent
    whole = math.floor(scaled) if towards is math.floor else math.ceil(scaled)
    return float(f"{whole * 10.0**exponent:.12g}")
