"""The zones of a recording: their outlines, and when each was active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from adapters.site.utc import parse_utc, parse_window
from adapters.site.zone_shapes import read_shape
from adapters.wire import is_id
from adapters.wire.checks import number_within
from fusion.airspace.schedule import DAY_NS, Schedule, merged
from fusion.airspace.volumes import Volume
from fusion.config import ZoneConfig
from fusion.errors import ConfigError, MessageRejected, shorten
from fusion.geodesy import Plane
from fusion.types import Floats, Place

AROUND_NS = 30 * DAY_NS  # before the first report and after the last: no recording of truth goes farther
LIMITS = {  # of the numbers of a zone, as in the configuration
    "floor_m": (-10_000.0, 1_000_000.0),
    "ceiling_m": (-10_000.0, 1_000_000.0),
    "radius_m": (1e-3, 1_000_000.0),
    "margin_m": (0.0, 1_000_000.0),
    "margin_vertical_m": (0.0, 1_000_000.0),
    "lookahead_s": (1e-3, 3600.0),
    "imminent_s": (0.0, 3600.0),
    "predicted_probability": (0.0, 1.0),
}
CIRCLE_CORNERS = 96  # a drawn circle's corners lie 0.05 % of its radius beside it


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """One `zones` message: the zones, and the state of each by its id."""

    time_ns: int
    zones: tuple[ZoneConfig, ...]
    states: Mapping[str, str]


def read_zones(message: Mapping[str, Any]) -> ZoneReport:
    """A decoded `zones` message. Raises MessageRejected: `zones`."""
    features = message.get("features")
    if not isinstance(features, list):
        raise MessageRejected("zones", f"features is {shorten(features)}; allowed is a list of GeoJSON features")
    zones, states = [], {}
    for i, feature in enumerate(features):
        try:
            zone = _read_zone(feature)
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise MessageRejected("zones", f"features[{i}]: {str(error) or type(error).__name__}") from None
        zones.append(zone)
        states[zone.id] = str(feature["properties"].get("state", "active"))
    return ZoneReport(int(message["time_ns"]), tuple(zones), states)


def _read_zone(feature: Mapping[str, Any]) -> ZoneConfig:
    properties = feature["properties"]
    if not is_id(properties["id"]):
        raise ConfigError("properties.id", properties["id"], "letters, digits, _ and -, at most 64")
    shape = read_shape(feature["geometry"])
    numbers = {name: _number(properties, name) for name in LIMITS if properties.get(name) is not None}
    radius, active = numbers.pop("radius_m", None), properties.get("active")
    if shape.centre is not None and radius is None:
        raise ConfigError("radius_m", None, "a number of metres for a Point")
    zone = ZoneConfig(
        id=properties["id"],
        name=str(properties.get("name") or ""),
        polygons=shape.polygons,
        circle=None if shape.centre is None or radius is None else (*shape.centre, radius),
        floor_m=numbers.pop("floor_m"),
        ceiling_m=numbers.pop("ceiling_m"),
        active=None if active is None else tuple((parse_utc(start), parse_utc(stop)) for start, stop in active),
        daily=tuple(parse_window(texts) for texts in properties.get("daily") or ()),
        ignore=tuple(str(name) for name in properties.get("ignore") or ()),
    )
    read = replace(zone, **numbers)  # type: ignore[arg-type]
    _check_shape(read)
    return read


def _number(properties: Mapping[str, Any], name: str) -> float:
    found = number_within(properties[name], LIMITS[name])
    if found is None:
        raise ConfigError(name, properties[name], "{:g} to {:g}".format(*LIMITS[name]))
    return found


@lru_cache(maxsize=16_384)  # the same zones come again in every message
def _check_shape(zone: ZoneConfig) -> None:
    """Raises ConfigError where nothing is left of the shape."""
    Volume.of(zone, Plane(Place(0.0, 0.0, 0.0)))


def outlines(zone: ZoneConfig) -> tuple[tuple[Floats, ...], ...]:
    """The zone's polygons, each its outer ring and its holes: (n, 2) lat_deg, lon_deg."""
    if zone.circle is None:
        return tuple(tuple(np.array(ring)[:, ::-1] for ring in polygon) for polygon in zone.polygons)
    lon, lat, radius = zone.circle
    angle = np.linspace(0.0, 2.0 * np.pi, CIRCLE_CORNERS + 1)
    place = np.stack([radius * np.sin(angle), radius * np.cos(angle), np.zeros_like(angle)], axis=1)
    ring = Plane(Place(lat, lon, 0.0)).to_geodetic(place)
    return ((np.stack(ring[:2], axis=1),),)


def with_activity(reports: Sequence[ZoneReport]) -> tuple[ZoneConfig, ...]:
    """Every zone that was ever reported, as it was reported last, `active` when the reports have it so.

    From one report to the next a zone follows its schedule where the report agrees with that, and keeps the state told
    where it does not: somebody switched it. The first report holds for the time before it too.
    """
    told: dict[str, list[tuple[int, ZoneConfig, bool]]] = {}
    for report in sorted(reports, key=lambda report: report.time_ns):
        for zone in report.zones:
            told.setdefault(zone.id, []).append((report.time_ns, zone, report.states[zone.id] == "active"))
    return tuple(_switched(rows) for rows in told.values())


def _switched(rows: Sequence[tuple[int, ZoneConfig, bool]]) -> ZoneConfig:
    """The last zone of (time, zone, active) rows; its schedule in explicit intervals where it was not kept to."""
    schedules = [Schedule.of(zone.active, zone.daily) for _, zone, _ in rows]
    kept = [
        schedule.is_active(time_ns) == active for schedule, (time_ns, _, active) in zip(schedules, rows, strict=True)
    ]
    last = rows[-1][1]
    if all(kept) and all((zone.active, zone.daily) == (last.active, last.daily) for _, zone, _ in rows):
        return last
    times = [time_ns for time_ns, _, _ in rows]
    begins, ends = [times[0] - AROUND_NS, *times[1:]], [*times[1:], times[-1] + AROUND_NS]
    spans: list[tuple[int, int]] = []
    for schedule, follows, (_, _, active), begin, end in zip(schedules, kept, rows, begins, ends, strict=True):
        if follows:
            spans += [(max(start, begin), min(stop, end)) for start, stop in schedule.between(begin, end)]
        elif active:
            spans.append((begin, end))
    return replace(last, active=merged(spans), daily=())
