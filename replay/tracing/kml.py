"""A trace for Google Earth: KML 2.2 (OGC 07-147r2), with the time-stamped track of Google's extension.

KML counts heights from sea level: those of the trace, above the ellipsoid, are brought there; its words keep theirs.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fusion.errors import RecordingError
from fusion.types import Floats
from replay.kml import above_sea, clean, when
from replay.text import utc
from replay.tracing.origin import LEVELS, Region
from replay.tracing.told import as_text
from replay.tracing.trace import Trace

if TYPE_CHECKING:
    from fastkml import Folder, Placemark

MOST_POINTS: Final = 5000  # of a line: Google Earth slows down with more
# aabbggrr, as KML has colours.
COLOURS: Final = {
    "smoothed": ("ffbb7700", "33bb7700", 4.0),
    "filtered": ("aa8a8a8a", "338a8a8a", 1.5),
    "zone": ("ff2f24d1", "332f24d1", 2.0),
    "region50": ("ff1f8ad9", "661f8ad9", 1.5),
    "region90": ("ff1f8ad9", "2e1f8ad9", 1.0),
}


def write_kml(path: str | Path, found: Trace) -> None:
    """Write the file. Raises RecordingError where that cannot be done."""
    try:
        Path(path).write_text(as_kml(found), encoding="utf-8")
    except OSError as error:
        raise RecordingError(str(path), f"cannot be written: {error.strerror or error}") from error


def as_kml(found: Trace) -> str:
    """The whole document, the same text each time."""
    from fastkml import KML, Document

    words = f"<pre>{html.escape(as_text(found))}</pre>"
    document = Document(
        id="trace", name=f"Track {found.track}", description=clean(words), styles=_styles(), isopen=True
    )
    for folder in (_path(found), _origin(found), _zones(found), _sensors(found)):
        document.append(folder)
    kml = KML(features=[document])
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + kml.to_string(prettyprint=True)


def _styles() -> list[Any]:
    from fastkml.styles import LineStyle, PolyStyle, Style

    return [
        Style(id=name, styles=[LineStyle(color=line, width=width), PolyStyle(color=area)])
        for name, (line, area, width) in COLOURS.items()
    ]


def _path(found: Trace) -> Folder:
    from fastkml import Folder
    from fastkml.enums import AltitudeMode
    from fastkml.gx import Track, TrackItem
    from pygeoif.geometry import LineString, Point

    few = _few(len(found.times_ns))
    times, way = found.times_ns[few].tolist(), found.smoothed
    points = _points(way.lon_deg[few], way.lat_deg[few], way.alt_m[few])
    items = [TrackItem(when=when(time_ns), coord=Point(*point)) for time_ns, point in zip(times, points, strict=True)]
    track = Track(altitude_mode=AltitudeMode.absolute, track_items=items)
    first = found.filtered
    thin = LineString(_points(first.lon_deg[few], first.lat_deg[few], first.alt_m[few])) if len(few) > 1 else None
    span = (int(found.times_ns[0]), int(found.times_ns[-1]))
    placed = [_placemark("path", f"Track {found.track}, smoothed", None, span, "smoothed", geometry=track)]
    if thin is not None:
        placed.append(_placemark("filtered", "as it was tracked at the time", thin, span, "filtered"))
    for place, name in ((0, "First detection"), (-1, "Last state")):
        point = _point(float(way.lat_deg[place]), float(way.lon_deg[place]), float(way.alt_m[place]))
        at = int(found.times_ns[place])
        placed.append(_placemark(f"{name.split()[0].lower()}", f"{name}, {utc(at)}", point, None, "smoothed"))
    return Folder(id="way", name="Path", features=placed)


def _origin(found: Trace) -> Folder:
    from fastkml import Folder

    first = int(found.times_ns[0])
    placed = []
    for number, region in enumerate(found.origin.regions):
        later = first if number == 0 else found.origin.regions[number - 1].time_ns
        for level, polygons in zip(LEVELS, region.polygons, strict=False):
            name = f"{region.back_s:.0f} s before: {level:.0%}"
            shape = _polygons(polygons)
            key = f"region-{number}-{round(100 * level)}"
            style = f"region{round(100 * level)}"
            placed.append(_placemark(key, name, shape, (region.time_ns, later), style, _words(region)))
    return Folder(id="origin", name="Where it came from", features=placed)


def _words(region: Region) -> str:
    low, middle, high = region.height_m
    return (
        f"Height {low:.0f} to {high:.0f} m ({middle:.0f}); flying {region.course_deg:.0f} degrees at "
        f"{region.speed_mps[1]:.0f} m/s; outside the coverage {region.outside:.0%}"
    )


def _zones(found: Trace) -> Folder:
    from fastkml import Folder

    from replay.export.kml_file import zone_placemarks

    placed = list(zone_placemarks(found.zones))
    for number, visit in enumerate(found.visits):
        for side, crossing in (("in", visit.entry), ("out", visit.exit)):
            if crossing is not None:
                name = f"{'Into' if side == 'in' else 'Out of'} {visit.zone}{' (margins)' if visit.widened else ''}"
                text = f"{utc(crossing.time_ns[1])}, probability {visit.probability:.2f}"
                placed.append(_placemark(f"visit-{number}-{side}", name, _point(*crossing.place), None, "zone", text))
    return Folder(id="zones", name="Zones", features=placed)


def _sensors(found: Trace) -> Folder:
    from fastkml import Folder

    seen = {one.sensor: one for one in found.sensors}
    placed = []
    for sensor in found.site.sensor:
        if sensor.pose is None:
            continue
        own = seen.get(sensor.id)
        words = "did not detect it"
        if own is not None:
            words = f"{own.hits} detections in {own.looks} looks, {utc(own.first_ns)} to {utc(own.last_ns)}"
        point = _point(sensor.pose.lat_deg, sensor.pose.lon_deg, sensor.pose.alt_m)
        placed.append(_placemark(f"sensor-{sensor.id}", sensor.id, point, None, "filtered", words))
    return Folder(id="sensors", name="Sensors", features=placed)


def _placemark(
    key: str, name: str, shape: Any, span: tuple[int, int] | None, style: str, words: str | None = None,
    geometry: Any = None,
) -> Placemark:  # fmt: skip
    """shape: a plain geometry; geometry: one of KML's own instead."""
    from fastkml import Placemark, StyleUrl, TimeSpan
    from fastkml.enums import AltitudeMode
    from fastkml.geometry import create_kml_geometry

    if shape is not None:
        high = AltitudeMode.absolute if shape.has_z else AltitudeMode.clamp_to_ground
        geometry = create_kml_geometry(shape, altitude_mode=high)
    times = None if span is None else TimeSpan(begin=when(span[0]), end=when(span[1]))
    return Placemark(
        id=key,
        name=clean(name),
        description=None if words is None else clean(words),
        times=times,
        style_url=StyleUrl(url=f"#{style}"),
        kml_geometry=geometry,
    )


def _polygons(polygons: Iterable[Sequence[Floats]]) -> Any:
    from pygeoif.geometry import MultiPolygon

    parts: Any = [(_ring(polygon[0]), [_ring(hole) for hole in polygon[1:]]) for polygon in polygons]
    return MultiPolygon(parts)


def _ring(ring: Floats) -> tuple[tuple[float, ...], ...]:
    closed = ring if (ring[0] == ring[-1]).all() else np.concatenate([ring, ring[:1]])
    return tuple(tuple(row) for row in np.round(closed, 7).tolist())


def _points(lon: Floats, lat: Floats, alt: Floats) -> list[tuple[float, float, float]]:
    rows = np.column_stack([np.round(lon, 7), np.round(lat, 7), above_sea(lon, lat, alt)]).tolist()
    return [(row[0], row[1], row[2]) for row in rows]


def _point(lat: float, lon: float, alt: float) -> Any:
    from pygeoif.geometry import Point

    return Point(*_points(np.array([lon]), np.array([lat]), np.array([alt]))[0])


def _few(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(np.int64))
