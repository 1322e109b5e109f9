"""The zones of a recording: their outlines, and whether a place is inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.site.zone_shapes import read_shape
from adapters.wire import is_id
from fusion.config import ZoneConfig
from fusion.errors import ConfigError, MessageRejected, shorten
from fusion.geodesy import SEMI_MAJOR_M, Plane
from fusion.types import Floats, Place

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
    circle = None if shape.centre is None else (*shape.centre, float(properties["radius_m"]))
    return ZoneConfig(
        id=properties["id"],
        name=str(properties.get("name") or ""),
        polygons=shape.polygons,
        circle=circle,
        floor_m=float(properties["floor_m"]),
        ceiling_m=float(properties["ceiling_m"]),
        margin_m=float(properties.get("margin_m") or 0.0),
        margin_vertical_m=float(properties.get("margin_vertical_m") or 0.0),
    )


def outlines(zone: ZoneConfig) -> tuple[tuple[Floats, ...], ...]:
    """The zone's polygons, each its outer ring and its holes: (n, 2) lat_deg, lon_deg."""
    if zone.circle is None:
        return tuple(tuple(np.array(ring)[:, ::-1] for ring in polygon) for polygon in zone.polygons)
    lon, lat, radius = zone.circle
    angle = np.linspace(0.0, 2.0 * np.pi, CIRCLE_CORNERS + 1)
    place = np.stack([radius * np.sin(angle), radius * np.cos(angle), np.zeros_like(angle)], axis=1)
    ring = Plane(Place(lat, lon, 0.0)).to_geodetic(place)
    return ((np.stack(ring[:2], axis=1),),)


def inside(zone: ZoneConfig, lat_deg: Floats, lon_deg: Floats, alt_m: Floats) -> NDArray[np.bool_]:
    """Which of (n,) places lie in the zone widened by its margins.

    The footprint is compared at height 0 in the plane at its own middle: straight edges there.
    """
    import shapely

    parts = outlines(zone)
    corners = np.concatenate([polygon[0] for polygon in parts])
    plane = Plane(Place(float(corners[:, 0].mean()), float(corners[:, 1].mean()), 0.0))
    flat = [[plane.to_local(ring[:, 0], ring[:, 1], 0.0)[:, :2] for ring in polygon] for polygon in parts]
    shape = shapely.union_all([shapely.Polygon(rings[0], rings[1:]) for rings in flat]).buffer(zone.margin_m)
    shapely.prepare(shape)
    place = plane.to_local(lat_deg, lon_deg, 0.0)
    here = place[..., 2] > -SEMI_MAJOR_M / 2.0  # not on the other side of the earth
    low, high = zone.floor_m - zone.margin_vertical_m, zone.ceiling_m + zone.margin_vertical_m
    level = (alt_m >= low) & (alt_m <= high)
    within: NDArray[np.bool_] = shapely.contains_xy(shape, place[..., 0], place[..., 1])
    return within & here & level
