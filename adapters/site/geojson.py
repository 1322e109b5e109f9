"""Protected volumes from GeoJSON, and back."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from collections.abc import Sequence
from typing import Annotated, Any

from annotated_types import DocInfo, Gt, Le

from adapters.site.airspace.limits import Limit, settle
from adapters.site.airspace.published import ZoneFile, outline
from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.checking import (
    CHECKED,
    MISSING,
    Said,
    check,
    combined,
    dig,
    dotted,
    found_as,
    quoted,
    too_deep,
)
from adapters.site.utc import ALLOWED_UTC, ALLOWED_WINDOW, format_utc, format_window, parse_utc, parse_window
from adapters.site.zone_shapes import Shape, read_shape
from fusion.airspace.schedule import DailyWindow
from fusion.config import REFERENCE_NUMBERS, Qnh, Reference, ZoneConfig
from fusion.errors import ConfigError
from fusion.types import Height

# What GeoJSON writers call WGS 84 longitude and latitude; RFC 7946 knows no other, older files may.
WGS84_NAMES = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")
Window = Annotated[tuple[str, ...], DocInfo(ALLOWED_WINDOW)]
Interval = Annotated[tuple[str, str], DocInfo(f"[from, to], each {ALLOWED_UTC}")]
# Properties that are written otherwise in the file than they stand in `ZoneConfig`.
WRITTEN: dict[str, Any] = {
    "radius_m": Annotated[float, Gt(0), Le(1_000_000)] | None,
    "active": tuple[Interval, ...] | None,
    "daily": tuple[Window, ...],
    "height_reference": Reference,
    "qnh_hpa": Qnh | None,
    "ground_m": Height | None,
}


def read_geojson(data: object, file: str, settings: AirspaceConfig) -> ZoneFile:
    """The zones of a GeoJSON FeatureCollection, in its order, and an error for each that cannot be used.

    Foreign members are ignored, as RFC 7946 asks, but an unknown *property* is a mistake, unless its name
    begins with `x-`. Longitudes run from -180 to 180, and on to 360 in a ring over the antimeridian.
    Heights come back above the ellipsoid. settings: `qnh_hpa` and `ground_m` where a zone needs one and has none.
    Raises ConfigError where the document is no FeatureCollection.
    """
    zones: list[ZoneConfig] = []
    mistakes: list[ConfigError] = []
    first: dict[str, int] = {}
    for i, feature in enumerate(_features(data, file)):
        try:
            zone = _zone(feature, i, file, settings)
        except ConfigError as error:
            mistakes.append(error)
            continue
        if zone.id in first:
            key = f"features[{i}] {quoted(zone.id)}.properties.id"
            allowed = f"an id that no other zone has (features[{first[zone.id]}] has it)"
            mistakes.append(ConfigError(key, zone.id, allowed, file))
            continue
        first[zone.id] = i
        zones.append(zone)
    return ZoneFile("GeoJSON", tuple(zones), tuple(mistakes))


def zone_features(zones: Sequence[ZoneConfig]) -> list[dict[str, Any]]:
    """GeoJSON features of zones: what `read_geojson` would read as the same."""
    return [_feature(zone) for zone in zones]


def parse_json(text: str, file: str) -> object:
    """JSON text as maps, lists and scalars. A slip, or a key that stands twice in a map, is a ConfigError."""
    try:
        return json.loads(text, object_pairs_hook=functools.partial(_once, file))
    except json.JSONDecodeError as error:
        raise ConfigError("file", Said(f"not JSON: {error.msg.lower()}"), "GeoJSON", file, error.lineno) from None
    except RecursionError:
        raise ConfigError("file", Said("nested too deeply"), "GeoJSON", file) from None
    except ConfigError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise ConfigError("file", Said(f"not JSON: {str(error)[:100]}"), "GeoJSON", file) from None


def _once(file: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON map; the json module would silently keep the last of two equal keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"key {twice[:64]!r}", Said("there twice in one object"), "each key once", file)
    return found


def _features(data: object, file: str) -> list[object]:
    if too_deep(data):
        raise ConfigError("file", Said("nested too deeply"), "GeoJSON", file)
    if not isinstance(data, dict):
        raise ConfigError("file", found_as(data), "a GeoJSON FeatureCollection", file)
    if data.get("type") != "FeatureCollection":
        raise ConfigError("type", found_as(data.get("type", MISSING)), "'FeatureCollection'", file)
    crs = dig(data, ("crs", "properties", "name"))
    if data.get("crs") is not None and crs not in WGS84_NAMES:
        raise ConfigError("crs.properties.name", found_as(crs), f"one of {', '.join(WGS84_NAMES)}", file)
    features = data.get("features", MISSING)
    if not isinstance(features, list):
        raise ConfigError("features", found_as(features), "a list of features", file)
    return features


def _zone(feature: object, index: int, file: str, settings: AirspaceConfig) -> ZoneConfig:
    """One feature as a zone. Raises every mistake found in it."""
    place = f"features[{index}]"
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        found = feature.get("type", MISSING) if isinstance(feature, dict) else feature
        raise ConfigError(f"{place}.type" if isinstance(feature, dict) else place, found_as(found), "'Feature'", file)
    properties = feature.get("properties", MISSING)
    if not isinstance(properties, dict):
        raise ConfigError(f"{place}.properties", found_as(properties), "an object with id, floor_m, ceiling_m", file)
    if isinstance(properties.get("id"), str):
        place += f" {quoted(properties['id'])}"
    mistakes: list[ConfigError] = []
    shape, read = Shape(), None
    try:
        shape = read_shape(feature.get("geometry", MISSING))
    except ConfigError as error:
        mistakes.append(error.within(file, f"{place}.geometry"))
    try:
        read = _properties(properties, place, file)
        zone = _built(read, shape, settings) if not mistakes else None
    except ConfigError as error:
        mistakes += [
            mistake if mistake.file else mistake.within(file, f"{place}.properties") for mistake in error.mistakes
        ]
    if mistakes or zone is None:
        raise combined(mistakes)
    return zone


def _properties(properties: dict[str, Any], place: str, file: str) -> dict[str, Any]:
    """The checked properties that are there, by name."""
    kind = properties_type()
    optional = {field.name for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING}
    given = {
        name: value
        for name, value in properties.items()
        if not name.startswith("x-") and not (value is None and name in optional)  # empty cells of drawing tools
    }
    write = dotted(given)
    checked = check(
        kind,
        given,
        file,
        place=lambda steps: ".".join([place, "properties", write(steps)][: 3 if steps else 2]),
    )
    return {name: getattr(checked, name) for name in given}


def _built(read: dict[str, Any], shape: Shape, settings: AirspaceConfig) -> ZoneConfig:
    """A zone from checked properties and shape. Raises ConfigError, its key relative to the properties."""
    values = dict(read)
    radius = values.pop("radius_m", None)
    if (radius is None) != (shape.centre is None):
        allowed = "a number of metres for a Point" if radius is None else "left out for a Polygon or MultiPolygon"
        raise ConfigError("radius_m", MISSING if radius is None else radius, allowed)
    values["floor_m"], values["ceiling_m"] = _heights(values, shape, radius, settings)
    if "active" in values:
        values["active"] = _intervals(values["active"])
    if "daily" in values:
        values["daily"] = tuple(_window(texts, i) for i, texts in enumerate(values["daily"]))
    circle = None if shape.centre is None else (*shape.centre, radius)
    return ZoneConfig(**values, polygons=shape.polygons, circle=circle)


def _heights(
    values: dict[str, Any], shape: Shape, radius: float | None, settings: AirspaceConfig
) -> tuple[float, float]:
    """Floor and ceiling above the ellipsoid; takes what they are measured from out of the values."""
    reference = values.pop("height_reference", "ellipsoid")
    given = {name: values.pop(name) for name in REFERENCE_NUMBERS if name in values}
    for name, of in REFERENCE_NUMBERS.items():
        if name in given and reference != of:
            raise ConfigError(name, given[name], f"left out unless height_reference is {of!r}")
    floor, ceiling = (Limit(reference, values[name]) for name in ("floor_m", "ceiling_m"))
    if reference == "ellipsoid":
        return floor.height_m, ceiling.height_m
    return settle(floor, ceiling, outline(shape, radius), dataclasses.replace(settings, **given))


def _intervals(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int], ...]:
    """Pairs of RFC 3339 texts as ns, each after the one before it. Raises ConfigError."""
    intervals: list[tuple[int, int]] = []
    for i, pair in enumerate(pairs):
        start, end = (_instant(text, f"active[{i}][{k}]") for k, text in enumerate(pair))
        if start >= end:
            raise ConfigError(f"active[{i}]", list(pair), "[from, to] with from before to")
        if intervals and start < intervals[-1][1]:
            raise ConfigError(f"active[{i}]", list(pair), f"an interval from {pairs[i - 1][1]} on")
        intervals.append((start, end))
    return tuple(intervals)


def _window(texts: tuple[str, ...], index: int) -> DailyWindow:
    try:
        return parse_window(texts)
    except ValueError as error:
        raise ConfigError(f"daily[{index}]", list(texts), str(error)) from None


def _instant(text: str, key: str) -> int:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise ConfigError(key, text, str(error)) from None


@functools.cache
def properties_type() -> type[Any]:
    """What a zone's properties may be: the fields of `ZoneConfig` and their limits, as a file writes them."""
    hints = typing.get_type_hints(ZoneConfig, include_extras=True)
    fields: list[Any] = []
    for field in dataclasses.fields(ZoneConfig):
        if field.name in ("polygons", "circle"):
            continue
        hint = WRITTEN.get(field.name, hints[field.name])
        if field.default is dataclasses.MISSING:
            fields.append((field.name, hint))
        else:
            fields.append((field.name, hint, dataclasses.field(default=field.default)))
    added = {"radius_m": None, "height_reference": "ellipsoid", "qnh_hpa": None, "ground_m": None}
    fields += [(name, WRITTEN[name], dataclasses.field(default=default)) for name, default in added.items()]
    made = dataclasses.make_dataclass("ZoneProperties", fields, frozen=True, slots=True)
    made.__pydantic_config__ = CHECKED  # type: ignore[attr-defined]
    return made


def _feature(zone: ZoneConfig) -> dict[str, Any]:
    properties = {
        field.name: getattr(zone, field.name)
        for field in dataclasses.fields(zone)
        if field.name not in ("polygons", "circle", "active", "ignore", "daily")
    }
    if zone.ignore:
        properties["ignore"] = list(zone.ignore)
    if zone.daily:
        properties["daily"] = [format_window(window) for window in zone.daily]
    if zone.active is not None:
        properties["active"] = [[format_utc(start), format_utc(end)] for start, end in zone.active]
    polygons = [[[list(position) for position in ring] for ring in polygon] for polygon in zone.polygons]
    geometry: dict[str, Any] = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}
    if zone.circle is not None:
        lon, lat, properties["radius_m"] = zone.circle
        geometry = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "id": zone.id, "properties": properties, "geometry": geometry}
