"""GeoJSON geometry (RFC 7946) into checked rings or a circle."""

from __future__ import annotations

import itertools
import math
import re
from typing import NamedTuple

from adapters.site.checking import MISSING, Said, found_as
from fusion.errors import ConfigError

Position = tuple[float, float]
Ring = tuple[Position, ...]
WESTMOST, EASTMOST = -180.0, 360.0  # °: a ring over the antimeridian goes on past 180 instead of jumping back
RING = "a list of at least 4 positions [lon, lat], the last equal to the first"
GEOMETRIES = "'Polygon', 'MultiPolygon', or 'Point' with radius_m"


class Shape(NamedTuple):
    """Either polygons, each with its outer ring first, or the centre of a circle."""

    polygons: tuple[tuple[Ring, ...], ...] = ()
    centre: Position | None = None


def read_shape(geometry: object) -> Shape:
    """A GeoJSON geometry, checked. Raises ConfigError, its key relative to the geometry.

    Parts of a MultiPolygon may touch or overlap: it means their union. Altitudes in positions are ignored.
    """
    if not isinstance(geometry, dict):
        raise ConfigError("", found_as(geometry), "a geometry: " + GEOMETRIES)
    kind, coordinates = geometry.get("type", MISSING), geometry.get("coordinates", MISSING)
    if kind == "Point":
        return Shape(centre=_position(coordinates, "coordinates"))
    if kind == "Polygon":
        return Shape((_polygon(coordinates, "coordinates"),))
    if kind == "MultiPolygon":
        parts = _list(coordinates, "coordinates", "a list of polygons, at least one")
        return Shape(tuple(_polygon(part, f"coordinates[{i}]") for i, part in enumerate(parts)))
    raise ConfigError("type", found_as(kind), GEOMETRIES)


def _polygon(value: object, key: str) -> tuple[Ring, ...]:
    rings = _list(value, key, "a list of rings, the outer one first")
    polygon = tuple(_ring(ring, f"{key}[{i}]") for i, ring in enumerate(rings))
    _check_valid(polygon, key)
    return polygon


def _ring(value: object, key: str) -> Ring:
    positions = _list(value, key, RING)
    ring = tuple(_position(position, f"{key}[{i}]") for i, position in enumerate(positions))
    if len(ring) < 4:
        raise ConfigError(key, Said(f"a ring of {len(ring)} positions"), RING)
    if ring[0] != ring[-1]:
        raise ConfigError(
            key,
            Said("open, from lon {:.6g}, lat {:.6g} to lon {:.6g}, lat {:.6g}".format(*ring[0], *ring[-1])),
            RING,
        )
    for i, (start, end) in enumerate(itertools.pairwise(ring)):
        if abs(end[0] - start[0]) >= 180.0:
            found = Said(f"an edge from longitude {start[0]} to {end[0]}")
            allowed = "edges of less than 180°; over the antimeridian go on past 180 (181 for -179), or cut there"
            raise ConfigError(f"{key}[{i}]", found, allowed)
    return ring


def _position(value: object, key: str) -> Position:
    if not isinstance(value, list) or not 2 <= len(value) <= 4:
        raise ConfigError(key, found_as(value), "a position [lon, lat]")
    lon, lat = (_degrees(value[i], f"{key}[{i}]") for i in (0, 1))
    swapped = "; GeoJSON is [lon, lat]: are they swapped?" if abs(lon) <= 90.0 < abs(lat) <= 180.0 else ""
    if abs(lat) > 90.0:
        raise ConfigError(f"{key}[1]", value[1], f"a latitude from -90 to 90{swapped}")
    if not WESTMOST <= lon <= EASTMOST:
        allowed = f"a longitude from {WESTMOST:g} to 180, or on to {EASTMOST:g} over the antimeridian"
        raise ConfigError(f"{key}[0]", value[0], allowed)
    return lon, lat


def _degrees(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(key, found_as(value), "a number of degrees")
    if isinstance(value, int):
        return float(max(min(value, 1000), -1000))  # far out of range stays so, whatever its length
    if not math.isfinite(value):
        raise ConfigError(key, value, "a finite number of degrees")
    return value


def _list(value: object, key: str, allowed: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise ConfigError(key, found_as(value), allowed)
    return value


def _check_valid(polygon: tuple[Ring, ...], key: str) -> None:
    """Raises where rings cross themselves or each other, or a hole lies outside: with the place."""
    import shapely

    shape = shapely.Polygon(polygon[0], polygon[1:])
    if shape.is_valid and shape.area > 0.0:
        return
    reason = shapely.is_valid_reason(shape)
    match = re.fullmatch(r"(.*)\[(\S+) (\S+)\]", reason)
    where = f" at lon {float(match[2]):.6g}, lat {float(match[3]):.6g}" if match else ""
    words = "without area" if shape.is_valid else (match[1] if match else reason).lower()
    allowed = "rings that cross neither themselves nor each other, holes within the outer ring and apart"
    raise ConfigError(key, Said(f"not a valid polygon: {words}{where}"), allowed)
