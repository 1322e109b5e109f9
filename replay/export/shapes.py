"""Zones as polygons on a map: wound and cut as RFC 7946 wants them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from fusion.config import ZoneConfig
from fusion.types import Floats
from replay.scoring.volumes import outlines

TURN_DEG = 360.0

Polygon = list[list[tuple[float, float]]]  # rings of (lon_deg, lat_deg), the outer one first


def polygons_of(zone: ZoneConfig) -> list[Polygon]:
    """The zone's outline, a circle's with many corners: outer ring counterclockwise, holes clockwise, cut at ±180°."""
    found: list[Polygon] = []
    for rings in outlines(zone):
        shell, *holes = (_unwrapped(ring) for ring in rings)
        whole = shapely.make_valid(shapely.Polygon(shell, [_beside(hole, shell) for hole in holes]))
        found += [_rings(part) for part in _cut(whole)]
    return found


def _unwrapped(ring: Floats) -> Floats:
    """(n, 2) lat, lon as (n, 2) lon, lat in which no step is longer than half a turn."""
    return np.stack([np.unwrap(ring[:, 1], period=TURN_DEG), ring[:, 0]], axis=1)


def _beside(hole: Floats, shell: Floats) -> Floats:
    """The hole in the same turn as its shell."""
    turns = np.round((shell[0, 0] - hole[0, 0]) / TURN_DEG)
    moved: Floats = hole + np.array([turns * TURN_DEG, 0.0])
    return moved


def _cut(whole: BaseGeometry) -> Iterator[shapely.Polygon]:
    """The polygons of a shape whose longitudes may run on past ±180°, each moved into the map."""
    west, _, east, _ = whole.bounds
    for turn in range(int((west + 180.0) // TURN_DEG), int((east + 180.0) // TURN_DEG) + 1):
        window = shapely.box(turn * TURN_DEG - 180.0, -90.0, turn * TURN_DEG + 180.0, 90.0)
        for part in shapely.get_parts(whole.intersection(window)):
            if isinstance(part, shapely.Polygon) and not part.is_empty:
                yield affinity.translate(part, -turn * TURN_DEG)


def _rings(polygon: shapely.Polygon) -> Polygon:
    turned = shapely.geometry.polygon.orient(polygon)
    return [[(float(lon), float(lat)) for lon, lat in ring.coords] for ring in (turned.exterior, *turned.interiors)]
