"""Regions that hold a share of weighted points, as few square metres as can be: highest density regions.

A kernel estimate with Gaussian kernels of Silverman's width (1986, eq. 4.14) along the principal axes, on a grid; where
it is denser than at all but that share of the points (Hyndman 1996, section 3). The width goes by the spread of the
share that is asked for: heavy tails do not blur the middle, and are not cut to pieces themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.types import Bools, Floats

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

REACH: Final = 5.0  # of the grid, in sigmas
CELLS: Final = 240  # along each axis: a twenty-fourth of a sigma each
LEAST_PART: Final = 0.02  # of the area
LEAST_SIGMA_M: Final = 1.0  # points that are nearer to each other are one place


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Weighted points (n, 2), summed up. centre: (2,) m.  axes: (2, 2) columns of unit length, the longer first.
    sigmas: (2,) m along them.  effective: of how many points of equal weight it is worth (Kish 1965).
    """

    centre: Floats
    axes: Floats
    sigmas: Floats
    effective: float


def spread(points: Floats, weight: Floats) -> Spread:
    """weight: (n,), sums to 1."""
    centre = (weight[:, None] * points).sum(axis=0)
    off = points - centre
    covariance = (weight[:, None, None] * off[:, :, None] * off[:, None, :]).sum(axis=0)
    value, vector = np.linalg.eigh(covariance)
    order = np.argsort(-value, kind="stable")
    axes = vector[:, order]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0.0, -1.0, 1.0)
    sigmas = np.maximum(np.sqrt(np.maximum(value[order], 0.0)), LEAST_SIGMA_M)
    return Spread(centre, axes, sigmas, float(1.0 / (weight * weight).sum()))


def regions(points: Floats, weight: Floats, levels: tuple[float, ...]) -> list[BaseGeometry]:
    """For each level a polygon, or several, of the points' own axes, m."""
    from scipy.ndimage import gaussian_filter
    from shapely.affinity import affine_transform

    about = spread(points, weight)
    local = ((points - about.centre) @ about.axes) / about.sigmas
    step = 2.0 * REACH / CELLS
    place = np.clip(((local + REACH) / step).astype(np.int64), 0, CELLS - 1)
    grid = np.bincount(place[:, 0] * CELLS + place[:, 1], weight, CELLS * CELLS).reshape(CELLS, CELLS)
    scaled = about.axes * about.sigmas[None]
    back = [*scaled.reshape(-1).tolist(), *about.centre.tolist()]
    found = []
    for level in levels:
        width = about.effective ** (-1.0 / 6.0) * np.array([_core(local[:, a], weight, level) for a in range(2)])
        density = gaussian_filter(grid, np.maximum(width / step, 1.0), mode="constant")
        there = density[place[:, 0], place[:, 1]]
        order = np.argsort(-there, kind="stable")
        held = np.cumsum(weight[order])
        least = there[order[min(int(np.searchsorted(held, level * held[-1])), len(order) - 1)]]
        found.append(affine_transform(_outlined(density >= least, step), back))
    return found


def _core(values: Floats, weight: Floats, level: float) -> float:
    """The spread of weighted values by their middle part of that share, as of a normal distribution; 1 at most."""
    from scipy.special import ndtri

    order = np.argsort(values, kind="stable")
    held = np.cumsum(weight[order])
    ends = np.array([0.5 - level / 2.0, 0.5 + level / 2.0])
    low, high = values[order[np.searchsorted(held, ends * held[-1])]].tolist()
    return float(np.clip((high - low) / (2.0 * ndtri(0.5 + level / 2.0)), 1e-3, 1.0))


def _outlined(chosen: Bools, step: float) -> BaseGeometry:
    """The union of cells, its stairs rounded off, in sigmas."""
    import shapely

    boxes = []
    for row in range(CELLS):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen[row], [False]]).astype(np.int8)))
        low = row * step - REACH
        boxes += [
            shapely.box(low, begin * step - REACH, low + step, end * step - REACH)
            for begin, end in edges.reshape(-1, 2).tolist()
        ]
    whole = shapely.union_all(boxes)
    smooth = whole.buffer(1.5 * step).buffer(-3.0 * step).buffer(1.5 * step)
    return _tidied((whole if smooth.is_empty else smooth).simplify(0.15 * step))


def _tidied(shape: BaseGeometry) -> BaseGeometry:
    """Without parts and holes too small to matter: they come and go with the draws."""
    import shapely

    least = LEAST_PART * shape.area
    parts = []
    for part in shapely.get_parts([shape]).tolist():
        if part.area >= least:
            holes = [hole for hole in part.interiors if shapely.Polygon(hole).area >= least]
            parts.append(shapely.Polygon(part.exterior, holes))
    return shapely.union_all(parts)
