"""Whether anybody looks at a zone: no alert must not mean that nobody would have seen the intruder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fusion.airspace.volumes import destination
from fusion.config import SensorConfig, TrackerConfig, ZoneConfig
from fusion.geodesy import Plane
from fusion.tracking.births import can_begin
from fusion.tracking.sensors import Placement, Station, box, covers, place
from fusion.types import Bools, Floats, Pose

MOST_CORNERS = 256  # of a zone that are looked at, evenly taken: finer than any coverage has corners
CIRCLE_AZIMUTHS_DEG: Floats = np.arange(32.0) * (360.0 / 32.0)  # of the points taken on a circle
HIGHEST_M = 15_000.0  # above it hardly anything flies: a zone without a ceiling is looked at as if it ended there
LEAST_APPROACH = 0.5  # share of the ring round a zone that has to be covered: behind a hill nobody needs to look


def watched(
    zones: Sequence[ZoneConfig],
    sensors: Sequence[SensorConfig],
    poses: Mapping[str, Pose],
    plane: Plane,
    tracker: TrackerConfig,
) -> dict[str, bool]:
    """Zone id -> whether sensors that can begin a track cover it and the way to it.

    It: its middle and every corner, at half its height. The way: at least `LEAST_APPROACH` of the `approach`.
    sensors: those that report.  poses: where a sensor stood last, for those that move; the registered pose
    holds for the others, and one without any covers nothing.
    """
    looks: list[tuple[Placement, Floats]] = []
    for i, sensor in enumerate(sensors):
        pose = poses.get(sensor.id, sensor.pose)
        if pose is not None and can_begin(Station.of(i, sensor, tracker, plane)):
            looks.append((place(pose, plane), box(sensor.coverage, None)))
    return {zone.id: _is_watched(zone, looks, plane, tracker.initial_speed_mps) for zone in zones}


def approach(zone: ZoneConfig, plane: Plane, speed_mps: float) -> Floats:
    """A ring round a zone, from which an object at that speed needs its `imminent_s`, at half height: (32, 3) m.

    In each direction it lies so far beyond the zone's furthest corner that way.
    """
    here = points(zone, plane)
    corners, middle = here[:-1], here[-1]
    lat, lon, height = plane.to_geodetic(middle)
    east, north, _ = plane.local_axes(lat, lon)
    azimuths = np.radians(CIRCLE_AZIMUTHS_DEG)
    ways = np.sin(azimuths)[:, None] * east + np.cos(azimuths)[:, None] * north
    reach = ((corners - middle)[None, :, :] * ways[:, None, :]).sum(axis=2).max(axis=1)
    flat = middle + (reach + speed_mps * zone.imminent_s)[:, None] * ways
    lats, lons, _ = plane.to_geodetic(flat)
    return plane.to_local(lats, lons, height)


def _is_watched(zone: ZoneConfig, looks: Sequence[tuple[Placement, Floats]], plane: Plane, speed_mps: float) -> bool:
    inside = _covered(points(zone, plane), looks, plane)
    around = _covered(approach(zone, plane, speed_mps), looks, plane)
    return bool(inside.all()) and float(around.mean()) >= LEAST_APPROACH


def points(zone: ZoneConfig, plane: Plane) -> Floats:
    """The outer corners of a zone (of a circle: points on it), then its middle, at half its height: (n, 3) m."""
    height = (zone.floor_m + min(zone.ceiling_m, max(zone.floor_m, HIGHEST_M))) / 2.0
    if zone.circle is not None:
        lon, lat, radius = zone.circle
        lats, lons = destination(lat, lon, CIRCLE_AZIMUTHS_DEG, radius)
    else:
        outer = np.concatenate([np.array(polygon[0], dtype=float) for polygon in zone.polygons])
        taken = outer[np.unique(np.linspace(0, len(outer) - 1, MOST_CORNERS).astype(np.int64))]
        lats, lons = taken[:, 1], taken[:, 0]
    corners = plane.to_local(lats, lons, height)
    lat_middle, lon_middle, _ = plane.to_geodetic((corners.min(axis=0) + corners.max(axis=0)) / 2.0)
    return np.concatenate([corners, plane.to_local(lat_middle, lon_middle, height)[None, :]])


def _covered(positions: Floats, looks: Sequence[tuple[Placement, Floats]], plane: Plane) -> Bools:
    """Which of (n, 3) positions lie in at least one coverage: (n,)."""
    states = np.concatenate([positions, np.zeros_like(positions)], axis=1)
    found = np.zeros(len(states), bool)
    with np.errstate(invalid="ignore", divide="ignore"):  # a corner at the sensor itself has no direction
        for placement, limits in looks:
            found |= covers(limits, placement, plane, states)
    return found
