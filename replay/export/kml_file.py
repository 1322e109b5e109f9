"""Tracks, zones and alerts as KML 2.2 with `gx:Track`, for Google Earth: written one placemark after another.

KML counts heights from sea level: those of tracks, zones and alerts, above the ellipsoid, are brought there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from fastkml import (
    LabelStyle,
    LineStyle,
    MultiGeometry,
    Placemark,
    PolyStyle,
    Style,
    StyleUrl,
    TimeSpan,
    config,
)
from fastkml.enums import AltitudeMode
from fastkml.geometry import Coordinates, InnerBoundaryIs, LinearRing, OuterBoundaryIs, Point, Polygon
from fastkml.gx import Track, TrackItem

from adapters.site.utc import format_utc
from fusion.config import ZoneConfig
from replay.export.episodes import Episode
from replay.export.lines import Line
from replay.export.shapes import polygons_of
from replay.kml import above_sea, clean, when

KML: Final = "{http://www.opengis.net/kml/2.2}"
SPACES: Final = {None: KML[1:-1], "gx": "http://www.google.com/kml/ext/2.2"}
DECIMALS: Final = 9  # of degrees: 0.1 mm, as tracks carry them
# Colours are alpha, blue, green, red, as KML has them: told apart by those who see red and green alike too (Okabe and
# Ito 2008), a track's by its id.
TRACK_COLOURS: Final = ("ffe9b456", "ff739e00", "ff42e4f0", "ffb27200", "ffa779cc", "ff009fe6")
LEVEL_COLOURS: Final = {"predicted": "ff42e4f0", "imminent": "ff009fe6", "infringing": "ff005ed5"}
ZONE_LINE, ZONE_FILL = "ff005ed5", "40005ed5"


@dataclass(frozen=True, slots=True)
class Folder:
    """What is switched on and off together in Google Earth."""

    name: str
    placemarks: Iterable[Placemark]


def write_kml(path: str, title: str, folders: Iterable[Folder]) -> int:
    """Write a KML document of these folders, empty ones left out. Returns its placemarks; with none, writes nothing."""
    count = 0
    filled = _filled(folders)
    start = next(filled, None)
    if start is None:
        return 0
    with Path(path).open("wb") as file, config.etree.xmlfile(file, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element(f"{KML}kml", nsmap=SPACES), xml.element(f"{KML}Document"):
            _text(xml, "name", title)
            for style in _styles():
                xml.write(_element(style), pretty_print=True)
            for name, first, rest in chain([start], filled):
                with xml.element(f"{KML}Folder"):
                    _text(xml, "name", name)
                    for placemark in chain([first], rest):
                        xml.write(_element(placemark), pretty_print=True)
                        count += 1
    return count


def _filled(folders: Iterable[Folder]) -> Iterator[tuple[str, Placemark, Iterator[Placemark]]]:
    """The folders that hold anything: name, first placemark, the others. Each is looked at when it is its turn."""
    for folder in folders:
        rest = iter(folder.placemarks)
        first = next(rest, None)
        if first is not None:
            yield folder.name, first, rest


def track_placemarks(lines: Iterable[Line]) -> Iterator[Placemark]:
    """A `gx:Track` for each track: a place for each time, which Google Earth's slider moves along."""
    for line in lines:
        lon, lat, alt = line.way.position.T
        height = above_sea(lon, lat, alt)
        places: Any = shapely.points(np.round(lon, DECIMALS), np.round(lat, DECIMALS), height)
        items = [
            TrackItem(when=when(time_ns), coord=place)
            for time_ns, place in zip(line.way.times_ns.tolist(), places, strict=True)
        ]
        traits = line.traits
        facts = [
            f"status {traits.status}, {traits.hits:,} detections",
            f"sensors {', '.join(traits.sensors) or 'none'}",
            f"from {format_utc(int(line.way.times_ns[0]))} to {format_utc(int(line.way.times_ns[-1]))}",
            *([f"ended: {line.ended}"] if line.ended else []),
        ]
        yield Placemark(
            name=clean(f"{traits.identity or 'Track'} {line.id}"),
            description=clean("\n".join(facts)),
            style_url=StyleUrl(url=f"#track-{line.id % len(TRACK_COLOURS)}"),
            kml_geometry=Track(altitude_mode=AltitudeMode.absolute, track_items=items),
        )


def zone_placemarks(zones: Iterable[ZoneConfig]) -> Iterator[Placemark]:
    """Each zone as its ceiling, drawn down to the ground, and its floor."""
    for zone in zones:
        polygons = polygons_of(zone)
        parts = [_polygon(rings, zone.ceiling_m, extrude=True) for rings in polygons]
        parts += [_polygon(rings, zone.floor_m, extrude=False) for rings in polygons]
        yield Placemark(
            name=clean(zone.name or zone.id),
            description=clean(
                f"zone {zone.id}: floor {zone.floor_m:g} m, ceiling {zone.ceiling_m:g} m above the ellipsoid"
            ),
            style_url=StyleUrl(url="#zone"),
            kml_geometry=MultiGeometry(kml_geometries=parts),
        )


def alert_placemarks(episodes: Iterable[Episode]) -> Iterator[Placemark]:
    """Each episode where its track was when it reached its highest level, there while it was open."""
    for episode in episodes:
        lon, lat, alt = (np.array([episode.position[name]]) for name in ("lon_deg", "lat_deg", "alt_m"))
        height = float(above_sea(lon, lat, alt)[0])
        place = Coordinates(coords=[(float(lon[0]), float(lat[0]), height)])
        end = None if episode.cleared_ns is None else when(episode.cleared_ns)
        yield Placemark(
            name=clean(f"{episode.level}: {episode.zone}"),
            description=clean(f"{episode.reason}\n\nalert {episode.alert}, track {episode.track}"),
            times=TimeSpan(begin=when(episode.raised_ns), end=end),
            style_url=StyleUrl(url=f"#{episode.level}"),
            kml_geometry=Point(kml_coordinates=place, altitude_mode=AltitudeMode.absolute, extrude=True),
        )


def _styles() -> Iterator[Style]:
    for number, colour in enumerate(TRACK_COLOURS):
        yield Style(
            id=f"track-{number}", styles=[LabelStyle(color=colour, scale=0.7), LineStyle(color=colour, width=2)]
        )
    for level, colour in LEVEL_COLOURS.items():
        yield Style(id=level, styles=[LabelStyle(color=colour), LineStyle(color=colour, width=1)])
    yield Style(id="zone", styles=[LineStyle(color=ZONE_LINE, width=1), PolyStyle(color=ZONE_FILL)])


def _polygon(rings: Sequence[Sequence[tuple[float, float]]], height_m: float, extrude: bool) -> Polygon:
    shell, *holes = (LinearRing(kml_coordinates=Coordinates(coords=_raised(ring, height_m))) for ring in rings)
    return Polygon(
        extrude=extrude,
        altitude_mode=AltitudeMode.absolute,
        outer_boundary=OuterBoundaryIs(kml_geometry=shell),
        inner_boundaries=[InnerBoundaryIs(kml_geometry=hole) for hole in holes],
    )


def _raised(ring: Sequence[tuple[float, float]], height_m: float) -> list[tuple[float, float, float]]:
    lon, lat = np.array(ring).T
    heights = above_sea(lon, lat, np.full(len(lon), height_m))
    places = zip(np.round(lon, DECIMALS).tolist(), np.round(lat, DECIMALS).tolist(), heights.tolist(), strict=True)
    return list(places)


def _element(part: Placemark | Style) -> Any:
    """With the names of KML bare: not every program understands them with a prefix."""
    holder = config.etree.Element(f"{KML}kml", nsmap=SPACES)
    element: Any = part.etree_element()
    holder.append(element)
    return holder[0]


def _text(xml: Any, name: str, text: str) -> None:
    with xml.element(f"{KML}{name}"):
        xml.write(clean(text))
