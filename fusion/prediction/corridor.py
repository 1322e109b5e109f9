"""Where a track will probably be, for display: its centre line, and over time the outlines that hold 50 % and 90 %.

At each time the sampled positions are counted in a grid that fits their spread, smoothed to a density, and cut at the
level above which the wanted share of the samples lies: the smallest region of that share (Hyndman 1996), of any shape,
also the crescent of a track that may turn either way, or a ring. The grid's cells grow outward (asinh of the distance
in spreads), since few paths manoeuvre and these go far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.prediction.paths import Fan
from fusion.types import Floats, Place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

Ring = tuple[tuple[float, float], ...]  # (lat_deg, lon_deg), the first point again at the end
Outline = tuple[tuple[Ring, ...], ...]  # polygons: each its outer ring, then its holes

SHARES: Final = (0.5, 0.9)
TIMES: Final = 8  # instants: outlines of 90 % of a flight that may manoeuvre overlap from one to the next
CELLS: Final = 28  # of the grid, each way: a cell at its middle is a quarter of the core's spread
WINDOW: Final = 3.5  # each side that the grid covers, of asinh(spreads): to sinh(3.5), 16 spreads
CORE: Final = (0.16, 0.84)  # quantiles that stand one sigma each side of a Gaussian's median
BINNED: Final = 1.0 / 3.0  # cells², the variance that linear binning and linear interpolation add, a sixth each
HEIGHTS: Final = (0.05, 0.95)  # quantiles of the height band
WIDTH_POWER: Final = -1.0 / 6.0  # of the number of samples gives the kernel's width: Silverman (1986), eq. 4.14
LEAST_SPREAD_M: Final = 1.0  # below every sensor: a track known exactly still gets an outline
DRAWN_PART: Final = 0.03  # of the spread, by which a drawn outline may be simplified: a third of a cell


@dataclass(frozen=True, slots=True)
class Slice:
    """Where the track will be at one time.

    time_s: from now.  centre: the medians of its place, part by part.  height_m: (p5, p95).  outlines: for each of
    `SHARES`, polygons that hold that share; longitudes run on over 180 so that no ring jumps.
    """

    time_s: float
    centre: Place
    height_m: tuple[float, float]
    outlines: tuple[Outline, ...]


def corridor(fan: Fan, times_s: Sequence[float] | None = None) -> tuple[Slice, ...]:
    """The corridor of one track out to the look-ahead of its fan (some hundreds of paths or more).

    times_s: at which, from now, not beyond the look-ahead; by default `TIMES` equal steps up to it.
    """
    last = fan.dt * (fan.path.shape[1] - 1)
    times = [last * (i + 1) / TIMES for i in range(TIMES)] if times_s is None else list(times_s)
    rows = np.arange(fan.path.shape[0])
    return tuple(_slice(fan, time, fan.path_at(rows, np.full(len(rows), time))) for time in times)


def _slice(fan: Fan, time_s: float, points: Floats) -> Slice:
    middle = fan.place(_quantiles(points, 0.5)[0])
    low, high = (float(height) for height in _quantiles(points[:, 2:], *HEIGHTS)[:, 0])
    outlines = tuple(_on_earth(fan, each, middle.lon_deg) for each in _regions(points[:, :2]))
    return Slice(time_s, middle, (low, high), outlines)


def _regions(points: Floats) -> list[list[list[Floats]]]:
    """For each of `SHARES`, polygons as rings (n, 2) that hold that share of the points (s, 2) most tightly."""
    centre = _quantiles(points, 0.5)[0]
    axes = _axes(points - centre)
    along = points - centre
    local = np.stack([along[:, 0] * a[0] + along[:, 1] * a[1] for a in axes], axis=-1)
    low, middle, high = _quantiles(local, CORE[0], 0.5, CORE[1])
    spread = np.maximum((high - low) / 2.0, LEAST_SPREAD_M)
    off = (local - middle) / spread
    scaled = np.arcsinh(off)
    steep = 1.0 / np.sqrt((1.0 + off[:, 0] ** 2) * (1.0 + off[:, 1] ** 2))  # of the scaled map, there
    width = len(scaled) ** WIDTH_POWER * CELLS / (2.0 * WINDOW)
    density = _density(scaled, width)
    own = width * width / (width * width + BINNED)  # a sample's own kernel at its place, for which it is no evidence
    levels = _quantiles((_at(density, scaled) - own * steep)[:, None], *(1.0 - share for share in SHARES))[
        :, 0
    ].tolist()
    found = []
    for level in levels:
        polygons = []
        for rings in _contour(density, level):
            placed = [middle + np.sinh(ring) * spread for ring in rings]
            polygons.append([centre + r[:, :1] * axes[0] + r[:, 1:] * axes[1] for r in placed])
        found.append(polygons)
    return found


def _axes(points: Floats) -> Floats:
    """Rows: the directions of greatest and least spread of points (s, 2). Heavy tails count with their root."""
    length = np.sqrt(points[:, 0] ** 2 + points[:, 1] ** 2)
    weight = 1.0 / np.maximum(length, LEAST_SPREAD_M)
    xx, xy, yy = (
        float(np.add.reduce(weight * points[:, i] * points[:, j])) for i, j in ((0, 0), (0, 1), (1, 1))
    )  # fmt: skip
    angle = 0.5 * math.atan2(2.0 * xy, xx - yy)
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def _density(scaled: Floats, width: float) -> Floats:
    """(CELLS + 1, CELLS + 1) values at the corners of the grid, for each square spread: linear binning, then a Gaussian
    kernel each way, of `width` in cells.

    What lies outside the grid counts nowhere. The outermost corners are zero, so that every contour closes.
    """
    nodes = CELLS + 1
    x, y = ((scaled + WINDOW) * (CELLS / (2.0 * WINDOW))).T
    held = (x >= 1.0) & (x < CELLS - 1.0) & (y >= 1.0) & (y < CELLS - 1.0)
    i, j = x[held].astype(np.int64), y[held].astype(np.int64)
    u, v = x[held] - i, y[held] - j
    grid = np.zeros(nodes * nodes)
    for di, dj, part in ((0, 0, (1 - u) * (1 - v)), (1, 0, u * (1 - v)), (0, 1, (1 - u) * v), (1, 1, u * v)):
        grid += np.bincount((i + di) * nodes + j + dj, weights=part, minlength=nodes * nodes)
    taps = math.ceil(3.0 * width)
    kernel = [math.exp(-0.5 * (k / width) ** 2) for k in range(taps + 1)]
    smooth = grid.reshape(nodes, nodes)
    for _ in range(2):
        padded = np.pad(smooth, ((taps, taps), (0, 0)))
        smooth = kernel[0] * padded[taps : taps + nodes]
        for k in range(1, taps + 1):
            smooth = smooth + kernel[k] * (padded[taps - k : taps - k + nodes] + padded[taps + k : taps + k + nodes])
        smooth = smooth.T
    steep = 1.0 / np.cosh((np.arange(nodes) - CELLS / 2.0) * (2.0 * WINDOW / CELLS))
    smooth = smooth * steep[:, None] * steep
    smooth[[0, -1], :] = smooth[:, [0, -1]] = 0.0
    return np.asarray(smooth)


def _at(density: Floats, scaled: Floats) -> Floats:
    """The density at points, between the corners of their cells; 0 outside the grid."""
    x, y = ((scaled + WINDOW) * (CELLS / (2.0 * WINDOW))).T
    held = (x >= 0.0) & (x < CELLS) & (y >= 0.0) & (y < CELLS)
    i, j = np.where(held, x, 0.0).astype(np.int64), np.where(held, y, 0.0).astype(np.int64)
    u, v = x - i, y - j
    value = (1 - u) * ((1 - v) * density[i, j] + v * density[i, j + 1])
    value += u * ((1 - v) * density[i + 1, j] + v * density[i + 1, j + 1])
    return np.where(held, value, 0.0)


def _contour(density: Floats, level: float) -> list[list[Floats]]:
    """Polygons round what is denser than `level`, rings (n, 2) in scaled coordinates: marching squares.

    Each cell is cut along one diagonal into two triangles, so no case is ambiguous (Doi and Koide 1991).
    """
    import shapely

    nodes = CELLS + 1
    corner = np.arange(nodes * nodes).reshape(nodes, nodes)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
    triangles = np.concatenate([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)])
    values = density.ravel()
    level = max(level, float(values.max()) * 1e-9)
    above = values[triangles] > level
    count = above.sum(axis=1)
    cut = np.flatnonzero((count == 1) | (count == 2))
    odd = np.where(count[cut] == 1, above[cut].argmax(axis=1), (~above[cut]).argmax(axis=1))  # alone on its side
    ends = []
    for turn in (1, 2):
        one, other = triangles[cut, odd], triangles[cut, (odd + turn) % 3]
        first, second = np.minimum(one, other), np.maximum(one, other)  # the same numbers from both sides of an edge
        part = (level - values[first]) / (values[second] - values[first])
        x = first // nodes + part * (second // nodes - first // nodes)
        y = first % nodes + part * (second % nodes - first % nodes)
        ends.append(np.stack([x, y], axis=-1) * (2.0 * WINDOW / CELLS) - WINDOW)
    lines = np.stack(ends, axis=1)
    lines = lines[(lines[:, 0] != lines[:, 1]).any(axis=1)]
    area = shapely.build_area(shapely.multilinestrings(shapely.linestrings(lines)))
    drawn = shapely.simplify(area, DRAWN_PART, preserve_topology=True)
    polygons = [part for part in shapely.get_parts([drawn]) if part.geom_type == "Polygon" and part.area > 0.0]
    return [[shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)] for part in polygons]


def _on_earth(fan: Fan, polygons: list[list[Floats]], lon_deg: float) -> Outline:
    """Rings east and north along the ground from the fan's foot, as latitudes and longitudes near `lon_deg`."""
    return tuple(tuple(_ring(fan, ring, lon_deg) for ring in rings) for rings in polygons)


def _ring(fan: Fan, ring: Floats, lon_deg: float) -> Ring:
    lat, lon = fan.geodetic(ring)
    lon = lon_deg + (lon - lon_deg + 180.0) % 360.0 - 180.0
    return tuple(zip(lat.tolist(), lon.tolist(), strict=True))


def _quantiles(values: Floats, *shares: float) -> Floats:
    """Of each column of (s, c) values, linearly between the two nearest in order: (q, c)."""
    ordered = np.sort(values, axis=0)
    at = np.array(shares) * (len(values) - 1)
    below = np.minimum(at.astype(np.int64), len(values) - 2)
    return np.asarray(ordered[below] + (at - below)[:, None] * (ordered[below + 1] - ordered[below]))
