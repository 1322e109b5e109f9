"""What is to be drawn of a run, in metres east and north of its middle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fusion.config import SensorConfig, SiteConfig, ZoneConfig
from fusion.geodesy import Plane, from_ecef, to_ecef
from fusion.tracking.sensors import Placement, place
from fusion.types import SECOND_NS, Floats, Frame, Ints, Picture, Place, Pose, Truth
from replay.scoring.instants import pace_ns
from replay.scoring.matching import SHOWN
from replay.scoring.truths import ALT, LAT, LON, collect
from replay.scoring.volumes import outlines

MOST_DOTS = 30_000  # detections drawn: more is one grey area
CROWD = 60  # objects or tracks
MOST_RAYS = 500  # bearings drawn: more hides what lies beneath
RAY_WITHOUT_RANGE_M = 50_000.0  # how far a bearing is drawn where the coverage does not say


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One object's or track's way, in order of time.

    times_ns: (n,).  xy: (n, 2) m.  height_m: (n,).  faint: (n,) coasting tracks, objects with `ignore`.
    gap_ns: steps longer than this are not joined.
    """

    name: str
    times_ns: Ints
    xy: Floats
    height_m: Floats
    faint: NDArray[np.bool_]
    gap_ns: float

    def segments(self) -> tuple[Floats, NDArray[np.bool_]]:
        """The joined steps, (k, 2, 2) m, and which of them are faint, (k,)."""
        joined = np.diff(self.times_ns) <= self.gap_ns
        return np.stack([self.xy[:-1], self.xy[1:]], axis=1)[joined], self.faint[1:][joined]


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """A sensor and its way (a single point where it stands)."""

    name: str
    kind: str
    xy: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """plane: in which x is east and y north.  dots: (n, 2) detections with a place.  rays: (k, 2, 2) bearings from the
    sensor outwards.
    """

    plane: Plane
    objects: tuple[Path, ...]
    tracks: tuple[Path, ...]
    zones: tuple[tuple[ZoneConfig, tuple[tuple[Floats, ...], ...]], ...]
    stations: tuple[Station, ...]
    dots: Floats
    rays: Floats
    start_ns: int
    end_ns: int

    @property
    def crowded(self) -> bool:
        """More than can be told apart: marks are drawn small and thin."""
        return max(len(self.objects), len(self.tracks)) > CROWD


def compose(
    truth: Iterable[Truth] = (),
    pictures: Sequence[Picture] = (),
    frames: Iterable[Frame] = (),
    site: SiteConfig | None = None,
    zones: Sequence[ZoneConfig] = (),
    max_gap_s: float = 10.0,
) -> Scene:
    """Lay everything out in the tangent plane at the middle of the objects (else tracks, sensors, zones).

    frames: drawn where `site` registers their sensors.
    """
    rows = collect(truth)
    parts = _by_track(pictures)
    sensors = site.sensor if site is not None else ()
    places = [own.values for own in rows] or [values for _, values, _ in parts.values()]
    plane = _plane(places, sensors, zones)
    gap_ns = max_gap_s * SECOND_NS
    objects = [
        Path(own.id, own.times_ns, flat(plane, own.values), own.values[:, ALT], own.ignore, gap_ns) for own in rows
    ]
    times = np.array([picture.time_ns for picture in pictures], dtype=np.int64)
    step_ns = 2.5 * pace_ns(times)
    tracks = [
        Path(str(track), when, flat(plane, values), values[:, ALT], coasting, step_ns)
        for track, (when, values, coasting) in parts.items()
    ]
    looks = _Looks(plane, {sensor.id: sensor for sensor in sensors})
    for frame in frames:
        looks.add(frame)
    drawn = tuple((zone, _zone(plane, zone)) for zone in zones)
    ends = np.concatenate([times, *(path.times_ns[[0, -1]] for path in (*objects, *tracks))])
    return Scene(
        plane=plane,
        objects=tuple(objects),
        tracks=tuple(tracks),
        zones=drawn,
        stations=looks.stations(),
        dots=looks.all_dots(),
        rays=looks.all_rays(),
        start_ns=int(ends.min()) if len(ends) else 0,
        end_ns=int(ends.max()) if len(ends) else 0,
    )


def _by_track(pictures: Sequence[Picture]) -> dict[int, tuple[Ints, Floats, NDArray[np.bool_]]]:
    """Each shown track, in order of appearance: id -> (n,) times, (n, 3) lat, lon, alt, (n,) coasting."""
    if not pictures:
        return {}
    sizes = [len(picture.id) for picture in pictures]
    when = np.repeat(np.array([picture.time_ns for picture in pictures], dtype=np.int64), sizes)
    status = [name for picture in pictures for name in picture.status]
    coasting = np.array([name == "coasting" for name in status], dtype=bool)
    values = np.concatenate([np.stack([p.lat_deg, p.lon_deg, p.alt_m], axis=1) for p in pictures])
    ids = np.concatenate([picture.id for picture in pictures])
    shown = np.flatnonzero(np.array([name in SHOWN for name in status], dtype=bool))
    order = shown[np.argsort(ids[shown], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(ids[order])) + 1) if len(order) else []
    groups.sort(key=lambda rows: (when[rows[0]], ids[rows[0]]))
    return {int(ids[rows[0]]): (when[rows], values[rows], coasting[rows]) for rows in groups}


def _plane(places: Sequence[Floats], sensors: Sequence[SensorConfig], zones: Sequence[ZoneConfig]) -> Plane:
    points = np.concatenate([values[:, :2] for values in places]) if places else np.zeros((0, 2))
    if not len(points):
        points = np.array([[s.pose.lat_deg, s.pose.lon_deg] for s in sensors if s.pose]).reshape(-1, 2)
    if not len(points) and zones:
        points = np.concatenate([polygon[0] for zone in zones for polygon in outlines(zone)])
    if not len(points):
        return Plane(Place(0.0, 0.0, 0.0))
    lat, lon, _ = from_ecef(to_ecef(points[:, LAT], points[:, LON], 0.0).mean(axis=0))
    return Plane(Place(float(lat), float(lon), 0.0))


def flat(plane: Plane, values: Floats) -> Floats:
    """East and north, (n, 2) m, of the points beneath (n, 2 or more) latitudes, longitudes.

    Beneath: heights must not lean outward far from the middle.
    """
    beneath: Floats = plane.to_local(values[:, LAT], values[:, LON], 0.0)[:, :2]
    return beneath


def _zone(plane: Plane, zone: ZoneConfig) -> tuple[tuple[Floats, ...], ...]:
    return tuple(tuple(flat(plane, ring) for ring in polygon) for polygon in outlines(zone))


@dataclass(slots=True, eq=False)
class _Looks:
    """Collects where sensors stood and what they saw."""

    plane: Plane
    sensors: dict[str, SensorConfig]
    dots: list[Floats] = field(default_factory=list)
    rays: list[Floats] = field(default_factory=list)
    ways: dict[str, list[Floats]] = field(default_factory=dict)
    placed: dict[str, Placement] = field(default_factory=dict)

    def add(self, frame: Frame) -> None:
        sensor = self.sensors.get(frame.sensor)
        placement = self._placement(frame.pose, sensor) if sensor is not None else None
        if sensor is None or placement is None:
            return
        column: dict[str, Floats] = {name: frame.values[:, k] for k, name in enumerate(sensor.measures)}
        offset, reach = _offsets(column, len(frame.values), sensor)
        right, forward, up = placement.axes
        ends = placement.position + offset[:, :1] * right + offset[:, 1:2] * forward + offset[:, 2:] * up
        known = np.isfinite(ends).all(axis=1)
        self.dots.append(ends[known & ~reach, :2])
        far = ends[known & reach, :2]
        self.rays.append(np.stack([np.broadcast_to(placement.position[:2], far.shape), far], axis=1))

    def _placement(self, pose: Pose | None, sensor: SensorConfig) -> Placement | None:
        if pose is not None:
            found = place(pose, self.plane)
            self.ways.setdefault(sensor.id, []).append(found.position[:2])
            return found
        if sensor.pose is not None and sensor.id not in self.placed:
            self.placed[sensor.id] = place(sensor.pose, self.plane)
        return self.placed.get(sensor.id)

    def stations(self) -> tuple[Station, ...]:
        found = []
        for sensor in self.sensors.values():
            way = self.ways.get(sensor.id)
            if way is None and sensor.pose is not None:
                way = [place(sensor.pose, self.plane).position[:2]]
            if way is not None:
                found.append(Station(sensor.id, sensor.kind, np.array(way)))
        return tuple(found)

    def all_dots(self) -> Floats:
        return _thin(np.concatenate([np.zeros((0, 2)), *self.dots]), MOST_DOTS)

    def all_rays(self) -> Floats:
        return _thin(np.concatenate([np.zeros((0, 2, 2)), *self.rays]), MOST_RAYS)


def _offsets(column: Mapping[str, Floats], n: int, sensor: SensorConfig) -> tuple[Floats, NDArray[np.bool_]]:
    """Detections right, forward, up of the sensor, (n, 3) m, and which are bearings: as far as it sees."""
    if sensor.kind == "position":
        parts = [column.get(name, np.zeros(n)) for name in ("east_m", "north_m", "up_m")]
        return np.stack(parts, axis=1), np.zeros(n, dtype=bool)
    end = sensor.coverage.range_m[1] if sensor.coverage.range_m is not None else RAY_WITHOUT_RANGE_M
    slant = column.get("range_m", np.full(n, np.nan))
    reach = ~np.isfinite(slant)
    slant = np.where(reach, end, slant)
    azimuth = column.get("azimuth_deg", np.full(n, np.nan))
    elevation = np.nan_to_num(column.get("elevation_deg", np.zeros(n)))
    level = slant * np.cos(elevation)
    return np.stack([level * np.sin(azimuth), level * np.cos(azimuth), slant * np.sin(elevation)], axis=1), reach


def _thin(values: Floats, most: int) -> Floats:
    """At most `most` of the rows, evenly taken."""
    return values if len(values) <= most else values[np.linspace(0, len(values) - 1, most).astype(np.int64)]
