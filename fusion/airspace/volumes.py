"""The space that a zone protects: exact walls, floor and ceiling.

Walls stand along the vertical, so whether a point is between them depends on its latitude and longitude alone, that
is, on the unit normal of the ellipsoid there. Each volume maps these normals to a flat map of its own (Lambert
azimuthal, centred on the zone, in metres): no date line, no pole, one point-in-polygon test. Heights are above the
ellipsoid, never along the plane's up axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fusion.airspace.mesh import Mesh, edges_of
from fusion.config import ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import (
    ECCENTRICITY_SQUARED,
    FLATTENING,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
    Plane,
    axes_at,
    rotate,
)
from fusion.types import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

CHORD_ERROR_M = 0.25  # how far a drawn edge may lie from the true one: far below what any sensor sees
MOST_PIECES = 2000  # into which one edge is cut: enough for half the equator within a metre
ROUGH_PART = 0.005  # of the width, by which the shape with few corners may be off
GRID_M = 0.001  # to which parts are joined: heals the seam of a zone that was cut at the date line
BUFFER_SEGMENTS = 16  # of a quarter circle, round the corners of a margin: within 0.5 % of it
BULGE = 1.02  # an edge of 1000 km rises by this part above the chord of its ends
FAR_SIDE = 1e-6  # 1 + cosine below which a point counts as the antipode of the zone: it is far, whichever way


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One zone, widened by its margins.

    axes: (3, 3) east, north, up at the zone's centre, earth-centred.  radii_m: of curvature there, east and north.
    shape: on the map; rough: the same with few corners.  box: (4,) its least and greatest
    x and y.  width_m: how thick it is, twice area over perimeter.  centre: (3,), in the plane, of a ball of reach_m
    that holds the volume.
    """

    zone: ZoneConfig
    axes: Floats
    radii_m: tuple[float, float]
    shape: BaseGeometry
    rough: BaseGeometry
    box: Floats
    floor_m: float
    ceiling_m: float
    width_m: float
    centre: Floats
    reach_m: float
    _meshed: list[Mesh] = field(default_factory=list, repr=False)
    _rough: list[Floats] = field(default_factory=list, repr=False)

    @property
    def mesh(self) -> Mesh:
        """The edges of `shape` for the kernels, laid out when first asked for."""
        if not self._meshed:
            self._meshed.append(Mesh.of(self.shape))
        return self._meshed[0]

    @property
    def rough_edges(self) -> Floats:
        """The edges of `rough`, as `Mesh.edges`."""
        if not self._rough:
            self._rough.append(edges_of(self.rough))
        return self._rough[0]

    @classmethod
    def of(cls, zone: ZoneConfig, plane: Plane) -> Volume:
        """ConfigError where nothing is left of the shape."""
        import shapely

        polygons = _corners(zone)
        lat, lon = _middle([ring for polygon in polygons for ring in polygon])
        axes, radii = axes_at(lat, lon), radii_at(lat)
        drawn = [[_draw(ring, axes, radii) for ring in polygon] for polygon in polygons]
        parts = [shapely.Polygon(rings[0], rings[1:]) for rings in drawn]
        shape = shapely.union_all([_areas(shapely.make_valid(part)) for part in parts], grid_size=GRID_M)
        if zone.margin_m > 0.0:
            shape = shape.buffer(zone.margin_m, quad_segs=BUFFER_SEGMENTS)
        if shape.is_empty or not shape.area > 0.0:
            raise ConfigError("polygons" if zone.circle is None else "circle", zone.id, "a shape with an area")
        floor, ceiling = zone.floor_m - zone.margin_vertical_m, zone.ceiling_m + zone.margin_vertical_m
        centre, reach = _ball(shapely.get_coordinates(shape.boundary), floor, ceiling, axes, radii, plane)
        west, south, east, north = shape.bounds
        box, width = np.array([west, east, south, north]), 2.0 * shape.area / shape.length
        rough = shape.simplify(ROUGH_PART * width)
        return cls(zone, axes, radii, shape, rough, box, floor, ceiling, width, centre, reach)

    def on_map(self, lat_deg: Floats, lon_deg: Floats) -> Floats:
        """Geodetic (n,) to the zone's own map: (n, 2) m."""
        return _to_map(axes_at(lat_deg, lon_deg)[..., 2, :], self.axes, self.radii_m)

    def inside(self, x: Floats, y: Floats, height_m: Floats) -> NDArray[np.bool_]:
        """Whether points of the map, arrays of one shape, are in the volume, its floor and ceiling included."""
        found = (height_m >= self.floor_m) & (height_m <= self.ceiling_m)
        rows = np.nonzero(found)
        found[rows] = self.mesh.inside(x[rows], y[rows])
        return found

    def distance(self, x: Floats, y: Floats, height_m: Floats, rough: bool = False) -> tuple[Floats, Floats]:
        """From points of the map to the nearest point of the volume: along the ground, and in space. 0 inside.

        (n,) m each. Within 0.1 % at 300 km: the map's own stretching.
        """
        import shapely

        ground = np.asarray(shapely.distance(shapely.points(x, y), self.rough if rough else self.shape))
        gap = np.maximum(np.maximum(self.floor_m - height_m, height_m - self.ceiling_m), 0.0)
        return ground, np.sqrt(ground * ground + gap * gap)


def radii_at(lat_deg: float) -> tuple[float, float]:
    """Radii of curvature of the ellipsoid eastward (prime vertical) and northward (meridian), m.

    Hofmann-Wellenhof et al. (2008), eqs. 8.10 and 8.12.
    """
    part = 1.0 - ECCENTRICITY_SQUARED * math.sin(math.radians(lat_deg)) ** 2
    return SEMI_MAJOR_M / math.sqrt(part), SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / part**1.5


def destination(lat_deg: float, lon_deg: float, azimuth_deg: Floats, distance_m: float) -> tuple[Floats, Floats]:
    """Where geodesics of one length from one point end: Vincenty (1975), eqs. 1-11, within 0.1 mm. (n,) degrees."""
    b, f = SEMI_MINOR_M, FLATTENING
    azimuth = np.radians(azimuth_deg)
    sin_a, cos_a = np.sin(azimuth), np.cos(azimuth)
    reduced = math.atan2((1.0 - f) * math.sin(math.radians(lat_deg)), math.cos(math.radians(lat_deg)))
    sin_u, cos_u = math.sin(reduced), math.cos(reduced)
    start = np.arctan2(sin_u, cos_u * cos_a)
    sin_alpha = cos_u * sin_a
    cos2_alpha = 1.0 - sin_alpha * sin_alpha
    u2 = cos2_alpha * ((SEMI_MAJOR_M / b) ** 2 - 1.0)
    big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)))
    big_b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))
    sigma = distance_m / (b * big_a)
    for _ in range(8):  # converges by a factor of about 1000 each time
        middle, sin_s = np.cos(2.0 * start + sigma), np.sin(sigma)
        inner = np.cos(sigma) * (2.0 * middle * middle - 1.0)
        inner -= big_b / 6.0 * middle * (4.0 * sin_s * sin_s - 3.0) * (4.0 * middle * middle - 3.0)
        sigma = distance_m / (b * big_a) + big_b * sin_s * (middle + big_b / 4.0 * inner)
    sin_s, cos_s, middle = np.sin(sigma), np.cos(sigma), np.cos(2.0 * start + sigma)
    across = sin_u * sin_s - cos_u * cos_s * cos_a
    lat = np.arctan2(
        sin_u * cos_s + cos_u * sin_s * cos_a, (1.0 - f) * np.sqrt(sin_alpha * sin_alpha + across * across)
    )
    turn = np.arctan2(sin_s * sin_a, cos_u * cos_s - sin_u * sin_s * cos_a)
    c = f / 16.0 * cos2_alpha * (4.0 + f * (4.0 - 3.0 * cos2_alpha))
    along = sigma + c * sin_s * (middle + c * cos_s * (2.0 * middle * middle - 1.0))
    return np.degrees(lat), lon_deg + np.degrees(turn - (1.0 - c) * f * sin_alpha * along)


def _corners(zone: ZoneConfig) -> list[list[Floats]]:
    """Each polygon as rings of (n, 2) lon_deg, lat_deg; a circle drawn finely."""
    if zone.circle is None:
        return [[np.array(ring, dtype=float) for ring in polygon] for polygon in zone.polygons]
    lon, lat, radius = zone.circle
    count = int(np.clip(math.ceil(math.pi * math.sqrt(radius / CHORD_ERROR_M)), 64, MOST_PIECES))
    drawn = 2.0 * radius / (1.0 + math.cos(math.pi / count))  # as far outside at corners as inside between them
    azimuth = np.linspace(0.0, 360.0, count, endpoint=False)
    ends = destination(lat, lon, azimuth, drawn)
    return [[np.stack([ends[1], ends[0]], axis=-1)]]


def _middle(rings: list[Floats]) -> tuple[float, float]:
    points = np.concatenate(rings)
    total = axes_at(points[:, 1], points[:, 0])[:, 2, :].sum(axis=0)
    length = math.sqrt(float(total[0] ** 2 + total[1] ** 2 + total[2] ** 2))
    if length < 1e-6 * len(points):  # a ring round the whole earth has no middle: any of its points will do
        return float(points[0, 1]), float(points[0, 0])
    lat = math.asin(min(max(float(total[2]) / length, -1.0), 1.0))
    return math.degrees(lat), math.degrees(math.atan2(float(total[1]), float(total[0])))


def _draw(ring: Floats, axes: Floats, radii: tuple[float, float]) -> Floats:
    """A ring of (lon_deg, lat_deg) on the map, (n, 2) m.

    Its edges are straight in longitude and latitude (RFC 7946, 3.1.1), the short way round, and are cut until the
    map's straight lines between the cuts are within `CHORD_ERROR_M` of them.
    """
    step = np.roll(ring, -1, axis=0) - ring
    wrapped = (step[:, 0] + 180.0) % 360.0 - 180.0
    long = (np.abs(step[:, 0]) > 180.0) & (np.abs(step[:, 0]) < 360.0)  # 360 itself is a whole parallel
    step[:, 0] = np.where(long, wrapped, step[:, 0])

    def at(part: Floats) -> Floats:
        points = ring[:, None, :] + part[None, :, None] * step[:, None, :]
        return _to_map(axes_at(points[..., 1], points[..., 0])[..., 2, :], axes, radii)

    part = np.arange(5) / 4.0
    drawn = at(part)
    bend = drawn - (drawn[:, :1] + part[None, :, None] * (drawn[:, -1:] - drawn[:, :1]))
    error = np.sqrt(bend[..., 0] ** 2 + bend[..., 1] ** 2).max(axis=1)  # falls with the square of the pieces
    count = np.clip(np.ceil(np.sqrt(error / CHORD_ERROR_M)), 1, MOST_PIECES).astype(int)
    pieces = [
        point + (np.arange(n) / n)[:, None] * change
        for point, change, n in zip(ring, step, count.tolist(), strict=True)
    ]
    fine = np.concatenate(pieces)
    return _to_map(axes_at(fine[:, 1], fine[:, 0])[..., 2, :], axes, radii)


def _to_map(normals: Floats, axes: Floats, radii: tuple[float, float]) -> Floats:
    """Lambert azimuthal projection (Snyder 1987, eqs. 24-2 to 24-4) of unit normals (…, 3), each axis scaled by the
    ellipsoid's own radius: (…, 2) m.
    """
    local = rotate(normals, axes)
    stretch = np.sqrt(2.0 / np.maximum(1.0 + local[..., 2], FAR_SIDE))
    return np.stack([radii[0] * stretch * local[..., 0], radii[1] * stretch * local[..., 1]], axis=-1)


def _from_map(points: Floats, axes: Floats, radii: tuple[float, float]) -> Floats:
    """The normals (n, 3) of points of the map: Snyder (1987), eqs. 20-14, 20-15 and 24-16, in chords."""
    east, north = points[:, 0] / radii[0], points[:, 1] / radii[1]
    square = np.minimum(east * east + north * north, 4.0)
    shrink = np.sqrt(1.0 - square / 4.0)
    local = np.stack([east * shrink, north * shrink, 1.0 - square / 2.0], axis=-1)
    return rotate(local, axes.T)


def _areas(shape: BaseGeometry) -> BaseGeometry:
    """The polygons of a repaired shape, without the lines and points that repair leaves."""
    import shapely

    parts = [part for part in shapely.get_parts([shape]) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts)


def _ball(
    outline: Floats, floor: float, ceiling: float, axes: Floats, radii: tuple[float, float], plane: Plane
) -> tuple[Floats, float]:
    """A ball of the plane that holds the volume: centre (3,) and radius, m."""
    normals = _from_map(np.concatenate([outline, np.zeros((1, 2))]), axes, radii)
    lat = np.degrees(np.arcsin(np.clip(normals[:, 2], -1.0, 1.0)))
    lon = np.degrees(np.arctan2(normals[:, 1], normals[:, 0]))
    corners = np.concatenate([plane.to_local(lat, lon, height) for height in (floor, ceiling)])
    centre = (corners.min(axis=0) + corners.max(axis=0)) / 2.0
    square = ((corners - centre) ** 2).sum(axis=1).max()
    return centre, float(np.sqrt(square)) * BULGE + 1.0
