"""A scenario file: which flights there are, how each sensor of its `site.toml` behaves, and a seed."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

from annotated_types import DocInfo, Ge, Gt, Le

from adapters.simulated.behaviour import Behaviour, check_fits
from adapters.simulated.fleet import Fleet
from adapters.simulated.flights import Flight, path_of
from adapters.simulated.traffic import Traffic, paths_of
from adapters.site.checking import CHECKED, MISSING, check, read_text
from adapters.site.configuration import load_site, parse_toml
from adapters.site.toml_lines import line_of
from adapters.site.utc import ALLOWED_UTC, parse_utc
from fusion.config import SiteConfig
from fusion.errors import ConfigError

LARGEST_SCENARIO = 16 << 20  # bytes: 100 000 waypoints
BUNDLED = Path(__file__).parent / "scenarios"
FILE_NAME = "scenario.toml"


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """What a `scenario.toml` may hold."""

    __pydantic_config__ = CHECKED

    seed: Annotated[int, Ge(0), Le(2**63 - 1)]
    duration_s: Annotated[float, Gt(0), Le(1_000_000)]
    start: Annotated[str, DocInfo(ALLOWED_UTC)]
    site: str = "site.toml"
    truth_period_s: Annotated[float, Ge(0.01), Le(10)] = 0.5  # scoring interpolates over at most 10 s
    ignore_unseen: bool = True  # truth outside every coverage, or below every horizon, is marked `ignore`
    flight: tuple[Flight, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    sensor: dict[str, Behaviour] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _instant(self.start)
        names = [f.id for f in self.flight]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise ConfigError(f"flight[{i}].id", name, "an id that no other flight has")
        groups = [t.id for t in self.traffic]
        for i, name in enumerate(groups):
            if name in groups[:i]:
                raise ConfigError(f"traffic[{i}].id", name, "an id that no other traffic has")
        for key, behaviour in self.sensor.items():
            if behaviour.ride is not None and behaviour.ride not in names:
                raise ConfigError(f"sensor.{key}.ride", behaviour.ride, f"the id of a flight: {', '.join(names)}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read and checked: everything that `simulate` needs."""

    name: str
    seed: int
    duration_s: float
    start_ns: int
    site: SiteConfig
    flights: tuple[Flight, ...]
    traffic: tuple[Traffic, ...]
    behaviours: dict[str, Behaviour]  # one for each of the site's sensors
    truth_period_s: float = 0.5
    ignore_unseen: bool = True
    site_path: Path | None = None  # the configuration that a service for this scenario takes

    def fleet(self, seed: int) -> Fleet:
        paths = [path_of(flight) for flight in self.flights]
        for traffic in self.traffic:
            paths += paths_of(traffic, seed, self.duration_s)
        return Fleet.of(paths)


def bundled_scenarios() -> tuple[str, ...]:
    """The names of the scenarios that come with the package."""
    return tuple(sorted(path.parent.name for path in BUNDLED.glob(f"*/{FILE_NAME}")))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a bundled scenario by its name, or another by the path of its file or folder.

    Raises ConfigError (ConfigErrors for several mistakes side by side): file, line, key, found, allowed.
    """
    path = _find(name_or_path)
    text = read_text(path, LARGEST_SCENARIO)
    data = parse_toml(text, str(path))
    if isinstance(data.get("start"), datetime):  # TOML's own date-time is as good as a text
        data["start"] = data["start"].isoformat()
    lines = functools.partial(line_of, text)
    content = check(ScenarioFile, data, str(path), lines)
    site_path = path.parent / content.site
    site = load_site(site_path)
    registered = {sensor.id: sensor for sensor in site.sensor}
    for key in content.sensor:
        if key not in registered:
            allowed = f"a sensor of {site_path}: {', '.join(registered)}"
            raise ConfigError(f"sensor.{key}", key, allowed, str(path), lines(("sensor", key)))
    behaviours = {key: content.sensor.get(key, Behaviour()) for key in registered}
    for key, behaviour in behaviours.items():
        try:
            check_fits(behaviour, registered[key])
        except ConfigError as error:
            found = ConfigError(error.key, MISSING if error.found is None else error.found, error.allowed)
            raise found.within(str(path), f"sensor.{key}", lines(("sensor", key, error.key))) from None
    for i, flight in enumerate(content.flight):
        try:
            path_of(flight)
        except ConfigError as error:
            raise error.within(str(path), f'flight[{i}] "{flight.id}"', lines(("flight", i, "waypoints"))) from None
    return Scenario(
        path.parent.name if path.name == FILE_NAME else path.stem,
        content.seed,
        content.duration_s,
        _instant(content.start),
        site,
        content.flight,
        content.traffic,
        behaviours,
        content.truth_period_s,
        content.ignore_unseen,
        site_path,
    )


def benchmark_scenario(aircraft: int = 1000, duration_s: float | None = None) -> Scenario:
    """The bundled scenario `thousand`, with another number of aircraft or another length."""
    scenario = load_scenario("thousand")
    traffic = tuple(dataclasses.replace(group, count=aircraft) for group in scenario.traffic)
    return dataclasses.replace(
        scenario, traffic=traffic, duration_s=scenario.duration_s if duration_s is None else duration_s
    )


def _instant(text: str) -> int:
    try:
        return parse_utc(text)
    except ValueError:
        raise ConfigError("start", text, ALLOWED_UTC) from None


def _find(name_or_path: str | Path) -> Path:
    """The scenario's file."""
    if str(name_or_path) in bundled_scenarios():
        return BUNDLED / str(name_or_path) / FILE_NAME
    path = Path(name_or_path)
    if path.is_dir():
        path /= FILE_NAME
    if not path.exists():
        allowed = f"one of {', '.join(bundled_scenarios())}, or the path of a scenario file or its folder"
        raise ConfigError("scenario", str(name_or_path), allowed)
    return path
