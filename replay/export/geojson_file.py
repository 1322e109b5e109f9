"""Tracks, zones and alerts as GeoJSON (RFC 7946): a feature each, written one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import geojson

from adapters.site.utc import format_utc
from fusion.config import ZoneConfig
from replay.export.episodes import Episode
from replay.export.lines import Line, Piece, cut
from replay.export.shapes import polygons_of

DECIMALS: Final = 9  # of degrees, 0.1 mm, as tracks carry them


def write_geojson(path: str, features: Iterable[Any]) -> int:
    """Write a FeatureCollection, one feature a line. Returns their number; with none, writes nothing."""
    left = iter(features)
    first = next(left, None)
    if first is None:
        return 0
    count = 1
    with Path(path).open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [\n' + _line(first))
        for feature in left:
            file.write(",\n" + _line(feature))
            count += 1
        file.write("\n]}\n")
    return count


def track_features(lines: Iterable[Line]) -> Iterator[Any]:
    """A LineString for each track (a Point, where there is one alone; a MultiLineString, where it crosses ±180°).

    `coordTimes` has the time of each position, in the shape of the coordinates, as mapping tools know it.
    """
    for line in lines:
        pieces = cut(line.way)
        properties = {**_described(line), "coordTimes": _times(pieces)}
        yield geojson.Feature(id=f"track-{line.id}", geometry=_geometry(pieces), properties=properties)


def zone_features(zones: Iterable[ZoneConfig]) -> Iterator[Any]:
    """A Polygon or MultiPolygon for each zone, in the plane: floor and ceiling stand among its properties."""
    for zone in zones:
        polygons = polygons_of(zone)
        shape = (
            geojson.Polygon(polygons[0], precision=DECIMALS)
            if len(polygons) == 1
            else geojson.MultiPolygon(polygons, precision=DECIMALS)
        )
        properties = {
            "what": "zone", "zone": zone.id, "name": zone.name, "kind": zone.kind, "floor_m": zone.floor_m,
            "ceiling_m": zone.ceiling_m, "radius_m": None if zone.circle is None else zone.circle[2],
        }  # fmt: skip
        yield geojson.Feature(id=f"zone-{zone.id}", geometry=shape, properties=properties)


def alert_features(episodes: Iterable[Episode]) -> Iterator[Any]:
    """A Point for each episode: where the track was when it reached its highest level."""
    for episode in episodes:
        place = [episode.position[name] for name in ("lon_deg", "lat_deg", "alt_m")]
        properties = {
            "what": "alert", "alert": episode.alert, "zone": episode.zone, "track": episode.track,
            "level": episode.level, "raised_utc": format_utc(episode.raised_ns),
            "level_utc": format_utc(episode.level_ns), "cleared_utc": _utc(episode.cleared_ns),
            "probability": episode.probability, "reason": episode.reason,
        }  # fmt: skip
        point = geojson.Point(place, precision=DECIMALS)
        yield geojson.Feature(id=f"alert-{episode.alert}", geometry=point, properties=properties)


def _line(feature: Any) -> str:
    text: str = geojson.dumps(feature, ensure_ascii=False)
    return text


def _described(line: Line) -> dict[str, Any]:
    traits, times = line.traits, line.way.times_ns
    return {
        "what": "track", "track": line.id, "status": traits.status, "identity": traits.identity,
        "from_utc": format_utc(int(times[0])), "to_utc": format_utc(int(times[-1])), "points": len(times),
        "created_utc": _utc(traits.created_ns or None), "hits": traits.hits, "sensors": list(traits.sensors),
        "ended": line.ended,
    }  # fmt: skip


def _geometry(pieces: list[Piece]) -> Any:
    coordinates = [piece.position.tolist() for piece in pieces]
    if len(coordinates) > 1:
        return geojson.MultiLineString(coordinates, precision=DECIMALS)
    if len(coordinates[0]) == 1:
        return geojson.Point(coordinates[0][0], precision=DECIMALS)
    return geojson.LineString(coordinates[0], precision=DECIMALS)


def _times(pieces: list[Piece]) -> list[Any]:
    times = [[format_utc(time_ns) for time_ns in piece.times_ns.tolist()] for piece in pieces]
    return times if len(times) > 1 else times[0]


def _utc(time_ns: int | None) -> str | None:
    return None if time_ns is None else format_utc(time_ns)
