"""`site.toml` and its zone files into a checked `SiteConfig`."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.checking import CHECKED, MISSING, Said, check, combined, quoted, read_text
from adapters.site.toml_lines import line_of
from adapters.site.zones import read_zones
from fusion.config import AlertsConfig, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.errors import ConfigError

LARGEST_TOML = 1 << 20  # bytes: 1000 times a usual site


@dataclass(frozen=True, slots=True)
class SiteFile:
    """What a `site.toml` may hold: a `SiteConfig` whose zones are still names of files."""

    __pydantic_config__ = CHECKED

    service: ServiceConfig
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    sensor: tuple[SensorConfig, ...] = ()
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    airspace: AirspaceConfig = field(default_factory=AirspaceConfig)

    def __post_init__(self) -> None:
        SiteConfig(self.service, self.tracker, self.sensor)  # checks what concerns several sensors


def load_site(path: str | Path) -> SiteConfig:
    """Read and check a `site.toml` and the zone files that it names.

    Paths in the file are relative to it; `service.data` comes back joined to the file's folder.
    Raises ConfigError (CombinedConfigError for several mistakes): file, line, key, found, allowed.
    """
    path = Path(path)
    text = read_text(path, LARGEST_TOML)
    data = parse_toml(text, str(path))
    lines = functools.partial(line_of, text)
    site = check(SiteFile, data, str(path), lines)
    zones, left_out = _zones(site, path, lines(("service", "zones")))
    service = dataclasses.replace(site.service, data=str(path.parent / site.service.data))
    return SiteConfig(service, site.tracker, site.sensor, zones, site.alerts, left_out)


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """TOML text as maps, lists and scalars. A slip in the syntax is a ConfigError with its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, rest = str(error).partition(" (at ")
        word = rest.removeprefix("line ").partition(",")[0]
        line = int(word) if word.isdigit() else text.count("\n") + 1
        raise ConfigError("file", Said(f"not TOML: {reason[:200]}"), "TOML 1.0", file, line) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError("file", Said(f"not TOML: {str(error)[:200]}"), "TOML 1.0", file) from None


def _zones(site: SiteFile, file: Path, line: int | None) -> tuple[tuple[ZoneConfig, ...], tuple[ConfigError, ...]]:
    """The zones of every file, in order, and what is left out; an id that another file has already is a mistake.

    Raises ConfigError for a file that cannot be read, and for any mistake where `bad_zones` says stop.
    """
    zones: list[ZoneConfig] = []
    owner: dict[str, Path] = {}
    fatal: list[ConfigError] = []
    left_out: list[ConfigError] = []
    for i, name in enumerate(site.service.zones):
        path = file.parent / name
        try:
            read = read_zones(path, site.airspace)
        except ConfigError as error:
            if error.found is MISSING and error.key == "file":
                allowed = f"the path of a file that exists ({path} does not)"
                error = ConfigError(f"service.zones[{i}]", name, allowed, str(file), line)
            fatal += error.mistakes
            continue
        left_out += read.left_out
        for zone in read.zones:
            if zone.id in owner:
                allowed = f"an id that no other zone has ({owner[zone.id]} has it)"
                left_out.append(ConfigError(f"zone {quoted(zone.id)}", zone.id, allowed, str(path)))
                continue
            owner[zone.id] = path
            zones.append(zone)
    if site.service.bad_zones == "stop":
        fatal += [mistake for error in left_out for mistake in error.mistakes]
    if fatal:
        raise combined(fatal)
    return tuple(zones), tuple(left_out)
