"""Some keys of a site's configuration with other values, checked like the site itself."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from adapters.site.checking import CHECKED, Steps, check, combined, found_as
from fusion.config import AlertsConfig, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.errors import ConfigError

Table = Mapping[str, Any]
Locate = Callable[[Steps], int | None]
TABLES: Final[dict[str, type]] = {"tracker": TrackerConfig, "alerts": AlertsConfig, "service": ServiceConfig}
READ_BEFORE: Final = ("zones", "bad_zones")  # of [service]: what they lead to has been read already
EVERY: Final = "*"  # instead of a sensor's id


@dataclass(frozen=True, slots=True)
class Overrides:
    """Keys and their values by table; sensor: by id, `*` for all of them. Checked by `apply`, which knows the site."""

    tracker: Table = field(default_factory=dict)
    alerts: Table = field(default_factory=dict)
    service: Table = field(default_factory=dict)
    sensor: Mapping[str, Table] = field(default_factory=dict)


def apply(
    site: SiteConfig, wanted: Overrides, file: str = "", line_of: Locate = lambda _steps: None, where: str = ""
) -> SiteConfig:
    """The site with these keys changed; tables within tables are changed key by key.

    file, where: of the overrides, for errors: the path of keys under which they stand. line_of: of a path below it.
    Raises ConfigError, CombinedConfigError for several mistakes.
    """
    mistakes: list[ConfigError] = []
    changed: dict[str, Any] = {}
    for name, kind in TABLES.items():
        given = getattr(wanted, name)
        if given:
            changed[name] = _table(kind, getattr(site, name), given, (name,), file, line_of, where, mistakes)
    sensors = {sensor.id: sensor for sensor in site.sensor}
    for key, given in wanted.sensor.items():
        if key != EVERY and key not in sensors:
            allowed = f"a sensor of the site: {', '.join(sensors)}; or {EVERY} for all"
            mistakes.append(ConfigError(_dotted(where, ("sensor", key)), key, allowed, file, line_of(("sensor", key))))
            continue
        for name in sensors if key == EVERY else (key,):
            steps: Steps = ("sensor", key)
            sensors[name] = _table(SensorConfig, sensors[name], given, steps, file, line_of, where, mistakes)
    if mistakes:
        raise combined(mistakes)
    try:
        return replace(site, sensor=tuple(sensors.values()), **changed)
    except ConfigError as error:
        raise error.within(file, where) from None


def _table(
    kind: type, base: Any, given: Table, steps: Steps, file: str, line_of: Locate, where: str,
    mistakes: list[ConfigError],
) -> Any:  # fmt: skip
    """One table with its keys changed; `base`, and the mistakes told, where they are none."""
    for name in READ_BEFORE if kind is ServiceConfig else ("id",) if kind is SensorConfig else ():
        if name in given:
            allowed = "left out; a configuration with `site` may be any file"
            found = found_as(given[name])
            mistakes.append(ConfigError(_dotted(where, (*steps, name)), found, allowed, file, line_of((*steps, name))))
            return base
    try:
        checked: Any = check(
            _alone(kind),
            {"table": _merged(_plain(base), given)},
            file,
            lambda inner: line_of((*steps, *inner[1:])),
            lambda inner: _dotted(where, (*steps, *inner[1:])),
        )
        return checked.table
    except ConfigError as error:
        mistakes += error.mistakes
        return base


@functools.cache
def _alone(kind: type) -> type:
    """A file that holds one table of a kind alone: where the table stands decides how strictly it is read."""
    return dataclasses.make_dataclass("Alone", [("table", kind)], namespace={"__pydantic_config__": CHECKED})


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass of the configuration as a parser would have given it, without what is not set."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(value)))
    return _present(plain)


def _present(value: dict[str, Any]) -> dict[str, Any]:
    found = {key: _present(inner) if isinstance(inner, dict) else inner for key, inner in value.items()}
    return {key: inner for key, inner in found.items() if inner is not None}


def _merged(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in given.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _dotted(where: str, steps: Steps) -> str:
    return ".".join([where, *map(str, steps)] if where else map(str, steps))
