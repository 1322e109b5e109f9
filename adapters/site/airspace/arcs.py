"""Circles and arcs of published airspace, drawn as rings on the ellipsoid."""

from __future__ import annotations

import itertools
import math
from typing import Final

Position = tuple[float, float]  # lon_deg, lat_deg

ARC_ERROR_M: Final = 2.0  # how far a drawn arc may lie from the true one between its points; 5 m are asked for
MOST_PIECES: Final = 3600  # of one arc: a tenth of a degree, whatever its radius


def azimuth_and_distance(start: Position, end: Position) -> tuple[float, float]:
    """Of the geodesic between two points: degrees clockwise from north at `start`, and m. Karney (2013)."""
    import sidereon

    distance, azimuth, _ = sidereon.geodesic_inverse(start[1], start[0], end[1], end[0])
    return azimuth, distance


def destination(start: Position, azimuth_deg: float, distance_m: float) -> Position:
    """Where the geodesic from `start` in a direction is after a distance. Its longitude lies within 180° of it."""
    import sidereon

    lat, lon, _ = sidereon.geodesic_direct(start[1], start[0], azimuth_deg, distance_m)
    return near(lon, start[0]), lat


def near(lon_deg: float, other_deg: float) -> float:
    """A longitude by whole turns within 180° of another one: no jump at the antimeridian."""
    return lon_deg - 360.0 * round((lon_deg - other_deg) / 360.0)


def arc(
    centre: Position, radii_m: tuple[float, float], azimuths_deg: tuple[float, float], clockwise: bool
) -> list[Position]:
    """Points along an arc round `centre`, its ends included; the radius goes evenly from the first to the second.

    The same azimuth twice is a whole turn.
    """
    begin, end = azimuths_deg
    turn = (end - begin) % 360.0 if clockwise else -((begin - end) % 360.0)
    turn = turn or (360.0 if clockwise else -360.0)
    step = 2.0 * math.acos(max(1.0 - ARC_ERROR_M / max(radii_m), 0.0))
    pieces = min(max(math.ceil(abs(math.radians(turn)) / step), 1), MOST_PIECES)
    shares = [i / pieces for i in range(pieces + 1)]
    return [
        destination(centre, begin + share * turn, radii_m[0] + share * (radii_m[1] - radii_m[0])) for share in shares
    ]


def corridor(line: list[Position], width_m: float) -> list[list[list[Position]]]:
    """A way of some width along a line, as polygons that overlap: a box for each leg, a circle at each bend."""
    half, polygons = width_m / 2.0, []
    for start, end in itertools.pairwise(line):
        there, _ = azimuth_and_distance(start, end)
        back, _ = azimuth_and_distance(end, start)
        corners = [
            destination(start, there - 90.0, half),
            destination(end, back + 90.0, half),
            destination(end, back - 90.0, half),
            destination(start, there + 90.0, half),
        ]
        polygons.append([closed(corners)])
    polygons += [[closed(arc(bend, (half, half), (0.0, 0.0), True))] for bend in line[1:-1]]
    return polygons


def closed(points: list[Position]) -> list[Position]:
    """A ring of points: none twice in a row, no jump over the antimeridian, the first again at the end."""
    ring: list[Position] = []
    for lon, lat in points:
        point = (near(lon, ring[-1][0]) if ring else lon, lat)
        if not ring or point != ring[-1]:
            ring.append(point)
    if ring and ring[-1] != ring[0]:
        ring.append(ring[0])
    if ring and min(lon for lon, _ in ring) < -180.0:
        ring = [(lon + 360.0, lat) for lon, lat in ring]
    return ring
