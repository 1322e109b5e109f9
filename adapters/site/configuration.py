"""`site.toml` and its zone files into a checked `SiteConfig`."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.site.checking import CHECKED, MISSING, Said, check, combined, quoted, read_text
from adapters.site.toml_lines import line_of
from adapters.site.zones import load_zones
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
    zones = _zones(site.service.zones, path, lines(("service", "zones")))
    service = dataclasses.replace(site.service, data=str(path.parent / site.service.data))
    return SiteConfig(service, site.tracker, site.sensor, zones, site.alerts)


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


def _zones(files: tuple[str, ...], site: Path, line: int | None) -> tuple[ZoneConfig, ...]:
    """The zones of every file, in order; an id that another file has already is a mistake."""
    zones: list[ZoneConfig] = []
    owner: dict[str, Path] = {}
    mistakes: list[ConfigError] = []
    for i, name in enumerate(files):
        path = site.parent / name
        try:
            read = load_zones(path)
        except ConfigError as error:
            if error.found is MISSING and error.key == "file":
                allowed = f"the path of a file that exists ({path} does not)"
                error = ConfigError(f"service.zones[{i}]", name, allowed, str(site), line)
            mistakes += error.mistakes
            continue
        for k, zone in enumerate(read):
            if zone.id in owner:
                allowed = f"an id that no other zone has ({owner[zone.id]} has it)"
                mistakes.append(
                    ConfigError(f"features[{k}] {quoted(zone.id)}.properties.id", zone.id, allowed, str(path))
                )
            owner.setdefault(zone.id, path)
        zones += read
    if mistakes:
        raise combined(mistakes)
    return tuple(zones)
