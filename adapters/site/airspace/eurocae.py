"""Zones for unmanned aircraft as EUROCAE ED-269 (`UASZoneList`) and ED-318 (GeoJSON with layers) word them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from adapters.heights import FOOT_M
from adapters.site.airspace.applicability import read_applicability
from adapters.site.airspace.limits import Limit
from adapters.site.airspace.mending import read_published_shape
from adapters.site.airspace.published import Published, check_radius, named, one_line
from adapters.site.checking import MISSING, found_as, too_deep
from adapters.site.zone_shapes import Shape, read_shape
from fusion.errors import ConfigError

UNITS: Final = {"M": 1.0, "FT": FOOT_M}
REFERENCES: Final[Mapping[str, Any]] = {"AGL": "agl", "AMSL": "msl", "WGS84": "ellipsoid"}
NO_LIMIT: Final = 99_999.0  # what converters write where ED-269 has null
DEEPEST_COLLECTION: Final = 4  # geometry collections in one another; more than one says nothing

SIDES: Final = ("lower", "upper")

Draft = Published | ConfigError  # a volume, without its place, or why it cannot be used
Read = tuple[list[Published], list[ConfigError]]


def is_ed269(data: object) -> bool:
    """Whether a JSON document is ED-269: a `UASZoneList`, or its older form with `features` that are zones."""
    if not isinstance(data, dict):
        return False
    features = data.get("features")
    listed = isinstance(features, list) and any(isinstance(zone, dict) and "geometry" in zone for zone in features)
    old = listed and all(isinstance(zone.get("geometry"), list) for zone in _maps(features))
    return "UASZoneList" in data or old


def is_ed318(data: object) -> bool:
    """Whether a JSON document is ED-318: the first feature that has either says `identifier`, not `id`."""
    features = data.get("features") if isinstance(data, dict) else None
    for feature in _maps(features):
        properties = feature.get("properties")
        if isinstance(properties, dict) and ("id" in properties or "identifier" in properties):
            return "id" not in properties
    return False


def read_ed269(data: Mapping[str, Any], file: str) -> Read:
    """Every volume of an ED-269 document, one for each geometry of a zone, and an error for each zone that cannot be
    used."""
    name = "UASZoneList" if "UASZoneList" in data else "features"
    return _read(data.get(name), name, file, _ed269_zone)


def read_ed318(data: Mapping[str, Any], file: str) -> Read:
    """Every volume of an ED-318 document, and an error for each feature that cannot be used."""
    return _read(data.get("features"), "features", file, _ed318_zone)


def _read(zones: object, name: str, file: str, read: Callable[[Mapping[str, Any]], Iterator[Draft]]) -> Read:
    if not isinstance(zones, list):
        raise ConfigError(name, found_as(zones), "a list of zones", file)
    volumes: list[Published] = []
    mistakes: list[ConfigError] = []
    for i, zone in enumerate(zones):
        place = f"{name}[{i}]"
        try:
            if not isinstance(zone, dict) or too_deep(zone):
                raise ConfigError("", found_as(zone), "a zone")
            place += _identified(zone)
            for draft in read(zone):
                if isinstance(draft, ConfigError):
                    mistakes.append(draft.within(file, place))
                else:
                    volumes.append(dataclasses.replace(draft, place=place))
        except ConfigError as error:
            mistakes.append(error.within(file, place))
    return volumes, mistakes


def _identified(zone: Mapping[str, Any]) -> str:
    properties = zone.get("properties") if isinstance(zone.get("properties"), dict) else zone
    identifier = properties.get("identifier") if isinstance(properties, dict) else None
    return f" {named(one_line(identifier))}" if isinstance(identifier, str) else ""


def _ed269_zone(zone: Mapping[str, Any]) -> Iterator[Draft]:
    whole = _whole(zone, zone.get("restriction", MISSING), "restriction", "applicability")
    geometry = zone.get("geometry", MISSING)
    if not isinstance(geometry, list) or not geometry:
        raise ConfigError("geometry", found_as(geometry), "a list of at least one volume")
    for i, volume in enumerate(geometry):
        try:
            yield _ed269_volume(whole, volume, f"geometry[{i}]")
        except ConfigError as error:
            yield error


def _ed269_volume(whole: Published, volume: object, key: str) -> Published:
    if not isinstance(volume, dict):
        raise ConfigError(key, found_as(volume), "a volume")
    unit = _unit(volume.get("uomDimensions", MISSING), f"{key}.uomDimensions")
    floor, ceiling = (_limit(volume, f"{side}Limit", f"{side}VerticalReference", unit, key) for side in SIDES)
    shape, radius = _projection(volume.get("horizontalProjection", MISSING), f"{key}.horizontalProjection")
    return dataclasses.replace(whole, floor=floor, ceiling=ceiling, shape=shape, radius_m=radius)


def _projection(projection: object, key: str) -> tuple[Shape, float | None]:
    """A polygon, or a circle of `center` and `radius` in metres."""
    if not isinstance(projection, dict) or projection.get("type") not in ("Polygon", "Circle"):
        found = projection.get("type", MISSING) if isinstance(projection, dict) else projection
        raise ConfigError(key, found_as(found), "a Polygon or a Circle")
    if projection["type"] == "Polygon":
        return _shape(projection, key), None
    try:
        shape = read_shape({"type": "Point", "coordinates": projection.get("center", MISSING)})
    except ConfigError as error:
        raise ConfigError(f"{key}.center", error.found, error.allowed) from None
    return shape, _radius(projection.get("radius", MISSING), f"{key}.radius")


def _ed318_zone(feature: Mapping[str, Any]) -> Iterator[Draft]:
    properties = feature.get("properties", MISSING)
    if not isinstance(properties, dict):
        raise ConfigError("properties", found_as(properties), "an object with identifier and type")
    try:
        whole = _whole(properties, properties.get("type", MISSING), "type", "limitedApplicability")
    except ConfigError as error:
        raise error.within("", "properties") from None
    for geometry, key in _geometries(feature.get("geometry", MISSING), "geometry"):
        try:
            yield _ed318_volume(whole, geometry, key)
        except ConfigError as error:
            yield error


def _ed318_volume(whole: Published, geometry: Mapping[str, Any], key: str) -> Published:
    layer = geometry.get("layer") or {}
    if not isinstance(layer, dict):
        raise ConfigError(f"{key}.layer", found_as(layer), "a layer")
    unit = _unit(layer.get("uom", "m"), f"{key}.layer.uom")
    floor, ceiling = (_limit(layer, side, f"{side}Reference", unit, f"{key}.layer") for side in SIDES)
    radius = None
    if geometry.get("type") == "Point":
        extent = geometry.get("extent")
        given = extent.get("radius", MISSING) if isinstance(extent, dict) else MISSING
        radius = _radius(given, f"{key}.extent.radius")
    return dataclasses.replace(whole, floor=floor, ceiling=ceiling, shape=_shape(geometry, key), radius_m=radius)


def _geometries(geometry: object, key: str, depth: int = 0) -> Iterator[tuple[Mapping[str, Any], str]]:
    """A geometry, or those of a collection."""
    if not isinstance(geometry, dict) or depth > DEEPEST_COLLECTION:
        raise ConfigError(key, found_as(geometry), "a geometry")
    if geometry.get("type") != "GeometryCollection":
        yield geometry, key
        return
    parts = geometry.get("geometries", MISSING)
    if not isinstance(parts, list) or not parts:
        raise ConfigError(f"{key}.geometries", found_as(parts), "a list of at least one geometry")
    for i, part in enumerate(parts):
        yield from _geometries(part, f"{key}.geometries[{i}]", depth + 1)


def _maps(values: object) -> Iterator[Mapping[str, Any]]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


def _shape(geometry: Mapping[str, Any], key: str) -> Shape:
    try:
        return read_published_shape(geometry)
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}" if error.key else key, error.found, error.allowed) from None


def _whole(zone: Mapping[str, Any], kind: object, kind_key: str, times_key: str) -> Published:
    """What all volumes of a zone have alike: its name, its kinds (the restriction, then its reasons) and its times."""
    if not isinstance(kind, str) or not one_line(kind):
        raise ConfigError(kind_key, found_as(kind), "a kind of restriction, as PROHIBITED")
    reasons = zone.get("reason")
    listed = [reason for reason in reasons if isinstance(reason, str)] if isinstance(reasons, list) else []
    kinds = tuple(dict.fromkeys(one_line(each) for each in (kind, *listed)))
    identifier, name = _names(zone)
    active, daily = read_applicability(zone.get(times_key), times_key)
    nothing = Limit("ground"), Limit("unlimited"), Shape(), None
    return Published(name, kinds, *nothing, "", None, identifier, active, daily)


def _names(zone: Mapping[str, Any]) -> tuple[str, str]:
    """Identifier and name; a name in several languages is taken in English, or else in the first."""
    identifier = zone.get("identifier", MISSING)
    if not isinstance(identifier, str) or not one_line(identifier):
        raise ConfigError("identifier", found_as(identifier), "the zone's identifier")
    name = zone.get("name")
    texts = [text for text in _maps(name) if isinstance(text.get("text"), str)]
    english = [text for text in texts if str(text.get("lang", "")).lower().startswith("en")]
    chosen = (english or texts or [{"text": name}])[0]["text"]
    return identifier, one_line(chosen) if isinstance(chosen, str) and one_line(chosen) else one_line(identifier)


def _unit(unit: object, key: str) -> float:
    if not isinstance(unit, str) or unit.upper() not in UNITS:
        raise ConfigError(key, found_as(unit), "M or FT")
    return UNITS[unit.upper()]


def _limit(volume: Mapping[str, Any], name: str, reference_name: str, unit: float, key: str) -> Limit:
    """A floor or ceiling. Null, or nothing: on the ground, or without end."""
    value, lower = volume.get(name), name.startswith("lower")
    number = None if value is None else _number(value, f"{key}.{name}")
    if number is None or (number == NO_LIMIT and not lower):
        return Limit("ground" if lower else "unlimited")
    reference = volume.get(reference_name, MISSING)
    if not isinstance(reference, str) or reference not in REFERENCES:
        raise ConfigError(f"{key}.{reference_name}", found_as(reference), ", ".join(REFERENCES))
    if not -10_000.0 <= number * unit <= 1_000_000.0:
        raise ConfigError(f"{key}.{name}", found_as(value), "a height from -10 to 1000 km")
    if reference == "AGL" and number == 0.0:
        return Limit("ground")
    return Limit(REFERENCES[reference], number * unit)


def _number(value: object, key: str) -> float:
    """A number, or a text of one: both are published."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(key, found_as(value), "a number")
    return number


def _radius(value: object, key: str) -> float:
    try:
        return check_radius(_number(value, ""), value)
    except ConfigError as error:
        raise ConfigError(key, found_as(value), error.allowed) from None
