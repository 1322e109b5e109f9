"""The edges of a polygon, put in a grid once, for the kernels that ask about many points and lines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.types import Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

FEWEST_CELLS, MOST_CELLS = 16, 128  # each way, and ...
CELLS_PER_ROOT: Final = 2.0  # ... for each square root of the edges: most cells hold none, the rest one or two
MARGIN: Final = 1e-6  # of the size, round the polygon, so that nothing lies on the grid's own rim


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """edges: (n, 4) x0, y0, x1, y1.  mesh: (5,) least x and y, cells a metre each way, cells each way.  first: (cells²
    + 1,), where each cell's part of `listed`, the numbers of its edges, begins.  kind: (cells²,), of `kernels.mesh`.
    """

    edges: Floats
    mesh: Floats
    first: Ints
    listed: Ints
    kind: Ints

    @classmethod
    def of(cls, shape: BaseGeometry) -> Mesh:
        """From a Polygon or MultiPolygon."""
        from fusion.kernels.mesh import count_cells, fill_cells

        edges = edges_of(shape)
        low = np.array([edges[:, [i, i + 2]].min() for i in range(2)])
        size = np.array([edges[:, [i, i + 2]].max() for i in range(2)]) - low
        low, size = low - MARGIN * size, (1.0 + 2.0 * MARGIN) * size
        cells = min(max(math.ceil(CELLS_PER_ROOT * math.sqrt(len(edges))), FEWEST_CELLS), MOST_CELLS)
        mesh = np.array([*low, *(cells / size), cells])
        first, kind = np.zeros(cells * cells + 1, dtype=np.int64), np.empty(cells * cells, dtype=np.int64)
        count_cells(edges, mesh, first, np.empty(2, dtype=np.int64))
        listed = np.empty(int(first[-1]), dtype=np.int64)
        fill_cells(edges, mesh, first, listed, kind)
        return cls(edges, mesh, first, listed, kind)

    @property
    def parts(self) -> tuple[Floats, Floats, Ints, Ints, Ints]:
        """What the kernels take, in their order."""
        return self.edges, self.mesh, self.first, self.listed, self.kind

    def inside(self, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """Which of n points are in the polygon."""
        from fusion.kernels.mesh import inside

        out = np.empty(len(x), dtype=bool)
        inside(np.ascontiguousarray(x), np.ascontiguousarray(y), *self.parts, out)
        return out


def edges_of(shape: BaseGeometry) -> Floats:
    """All edges of all rings of a Polygon or MultiPolygon: (n, 4) x0, y0, x1, y1."""
    import shapely

    points, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts([shape])), return_index=True)
    same = ring[1:] == ring[:-1]
    edges = np.concatenate([points[:-1], points[1:]], axis=1)[same]
    return np.ascontiguousarray(edges[(edges[:, :2] != edges[:, 2:]).any(axis=1)])
