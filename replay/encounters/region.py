"""The flat side of a zone, for the simulator's own questions: how far is it, and is a point in the volume.

Lengths on the chart round the zone's centre. A polygon is convex here, and its distance is that to the nearest of its
edges' lines: exact but beside a corner, where it is too small. It steers what objects do; entries are judged on the
exact volume.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fusion.types import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A circle, or a convex polygon of corners (k, 2) m east and north of the centre, clockwise; between two heights.

    radius_m: of the circle, or of the one round the corners.
    """

    radius_m: float
    corners: Floats | None
    floor_m: float
    ceiling_m: float
    margin_m: float
    margin_vertical_m: float

    def distance(self, x: Floats, y: Floats) -> Floats:
        """To the outline along the ground, m; negative inside."""
        if self.corners is None:
            return np.asarray(np.sqrt(x * x + y * y) - self.radius_m)
        found: Floats | None = None
        for (east, north), (dx, dy) in zip(self.corners, np.roll(self.corners, -1, axis=0) - self.corners, strict=True):
            length = math.sqrt(dx * dx + dy * dy)
            apart = (x - east) * (-dy / length) + (y - north) * (dx / length)
            found = apart if found is None else np.maximum(found, apart)
        assert found is not None
        return found

    def outward(self, x: Floats, y: Floats) -> Floats:
        """Headings (rad, clockwise from north) that lead away from the centre."""
        return np.arctan2(x, y)

    def level(self, height_m: Floats) -> Bools:
        """Whether heights are those of the volume, margins included."""
        low, high = self.floor_m - self.margin_vertical_m, self.ceiling_m + self.margin_vertical_m
        return np.asarray((height_m >= low) & (height_m <= high))

    def holds(self, distance_m: Floats, height_m: Floats) -> Bools:
        """Whether points at these distances and heights are in the volume, margins included."""
        return np.asarray((distance_m <= self.margin_m) & self.level(height_m))
