"""Which zones lie within reach of which tracks: a tree over their boxes, so that a track costs what is round it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from fusion.airspace.volumes import Volume
from fusion.types import Floats, Ints

if TYPE_CHECKING:
    from shapely import STRtree

GROWTH: Final = 2.0  # from one group of look-aheads to the next: reach is computed once for each track and group


class Reach(Protocol):
    """How far tracks may go: `fusion.prediction.reaches.Reaches`."""

    def far(self, rows: Ints, horizon_s: Floats) -> Floats:
        """(n,) m."""

    def high(self, rows: Ints, horizon_s: Floats) -> Floats:
        """(n,) m."""


class ZoneIndex:
    """Volumes as balls in the plane and bands of height, in groups of about one look-ahead, each with its tree."""

    def __init__(self, volumes: Sequence[Volume]) -> None:
        self.centres = np.array([volume.centre for volume in volumes]).reshape(-1, 3)
        self.radii = np.array([volume.reach_m for volume in volumes])
        self.floors = np.array([volume.floor_m for volume in volumes])
        self.ceilings = np.array([volume.ceiling_m for volume in volumes])
        self.ahead = np.array([volume.zone.lookahead_s for volume in volumes])
        self._groups: list[tuple[float, Ints, STRtree]] | None = None

    def near(self, positions: Floats, heights: Floats, reach: Reach) -> tuple[Ints, Ints]:
        """Pairs (track, zone), in order, of which the track can come to the zone within the zone's look-ahead.

        positions: (n, 3) m in the plane.  heights: (n,) m above the ellipsoid.  reach: of the n tracks.
        """
        import shapely

        found = []
        for longest, zones, tree in self._trees():
            far = reach.far(np.arange(len(positions)), np.full(len(positions), longest))
            x, y = positions[:, 0], positions[:, 1]
            rows, places = tree.query(shapely.box(x - far, y - far, x + far, y + far))
            found.append(self._close(rows, zones[places], positions, heights, reach))
        if not found:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        rows, each = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((each, rows))
        return rows[order], each[order]

    def _close(self, rows: Ints, zones: Ints, positions: Floats, heights: Floats, reach: Reach) -> tuple[Ints, Ints]:
        """Of pairs whose boxes meet, those whose balls and heights do."""
        rises = reach.high(rows, self.ahead[zones])
        level = (heights[rows] - rises <= self.ceilings[zones]) & (heights[rows] + rises >= self.floors[zones])
        rows, zones = rows[level], zones[level]
        apart = positions[rows] - self.centres[zones]
        square = apart[:, 0] ** 2 + apart[:, 1] ** 2 + apart[:, 2] ** 2
        close = square <= (reach.far(rows, self.ahead[zones]) + self.radii[zones]) ** 2
        return rows[close], zones[close]

    def _trees(self) -> list[tuple[float, Ints, STRtree]]:
        """Longest look-ahead, zones and tree of each group; built when first asked for."""
        import shapely

        if self._groups is None:
            group = np.ceil(np.log2(np.maximum(self.ahead, 1.0)) / np.log2(GROWTH))
            self._groups = []
            for each in np.unique(group):
                zones = np.flatnonzero(group == each)
                (x, y, _), radii = self.centres[zones].T, self.radii[zones]
                tree = shapely.STRtree(shapely.box(x - radii, y - radii, x + radii, y + radii))
                self._groups.append((float(self.ahead[zones].max()), zones, tree))
        return self._groups
