"""The Poisson part of the filter: how many objects are there that no sensor has detected yet, and where.

A coarse plan grid of intensities. Births fill it, survival bounds it, and every look that found nothing empties
what it swept: so a first frame full of old traffic starts tracks at once, and a late lone detection does not.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.config import TrackerConfig
from fusion.tracking.sensors import Placement, Station, box, wrapped
from fusion.types import AZIMUTH, EAST, NORTH, RANGE, SECOND_NS, Floats, Ints

CELLS = 48  # a side: a few kilometres a cell for a long-range radar
SPARE = 1.3  # room round the coverage for sensors that move
LEAST_KEPT = 1e-3  # below this what is common to all cells is multiplied into each
MOST_SECTORS = 1024  # whose cells are remembered: a rotating radar comes back to the same ones


class Undetected:
    """Intensities in objects a square metre, over a grid of `CELLS` × `CELLS`."""

    def __init__(self, config: TrackerConfig) -> None:
        self._births, self._survival = config.births_per_s, config.survival_s
        self._low, self._step = np.zeros(2), np.ones(2)
        self._covers: dict[int, tuple[Station, Placement]] = {}  # every sensor so far, where it first stood
        self._resting = 0.0
        self._off = np.zeros(0)  # what each cell lies above its resting value, less what all have relaxed since:
        self._kept = 1.0  # so that a frame touches only the cells that it sweeps
        self._sectors: dict[tuple[int, bytes], Ints] = {}  # a cache: copies on the same grid share it
        self._bearings: dict[int, tuple[Floats, Floats]] = {}
        self._time_ns = 0

    def copy(self) -> Undetected:
        """A copy whose intensities are its own."""
        other = object.__new__(Undetected)
        other.__dict__.update(self.__dict__)
        other._off = self._off.copy()
        return other

    def cover(self, stations: list[tuple[Station, Placement]]) -> None:
        """Take these sensors' coverage into the grid; starts the grid anew when one was not there yet."""
        new = [(station, placement) for station, placement in stations if station.index not in self._covers]
        if not new:
            return
        self._covers = {**self._covers, **{station.index: (station, placement) for station, placement in new}}
        self._sectors, self._bearings = {}, {}
        places = np.array([(*placement.position[:2], _reach(station)) for station, placement in self._covers.values()])
        self._low = (places[:, :2] - SPARE * places[:, 2:]).min(axis=0)
        self._step = ((places[:, :2] + SPARE * places[:, 2:]).max(axis=0) - self._low) / CELLS
        covered = np.zeros(CELLS * CELLS, bool)
        for station, placement in self._covers.values():
            covered[self._swept(station, placement, box(station.config.coverage, None))] = True
        area = max(int(covered.sum()), 1) * float(self._step[0] * self._step[1])
        self._resting = self._births * self._survival / area
        self._off, self._kept = np.zeros(CELLS * CELLS), 1.0

    def relax(self, time_ns: int) -> None:
        """Births and deaths up to `time_ns`: the intensity returns to its resting value."""
        dt = (time_ns - self._time_ns) / SECOND_NS
        if self._time_ns and dt > 0.0:
            self._kept *= math.exp(-dt / self._survival)
            if self._kept < LEAST_KEPT:
                self._off, self._kept = self._off * self._kept, 1.0
        self._time_ns = max(time_ns, self._time_ns)

    def density(self, position: Floats) -> Floats:
        """Objects a square metre at plane positions (n, 3): (n,)."""
        from fusion.kernels.undetected import density

        found = np.empty(len(position))
        density(np.ascontiguousarray(position), self._low, self._step, self._off, self._kept, self._resting, found)
        return found

    def look(self, station: Station, placement: Placement, swept: Floats) -> None:
        """What a look would have detected, and did not, is less likely to be there. swept: as `sensors.box`."""
        from fusion.kernels.undetected import thin

        missed = 1.0 - station.config.detection_probability
        thin(self._swept(station, placement, swept), missed, self._resting, self._kept, self._off)

    def _swept(self, station: Station, placement: Placement, limits: Floats) -> Ints:
        """The cells whose middle a look swept; kept for sensors that do not move."""
        at_rest, key = placement is station.placement, (station.index, limits.tobytes())
        if at_rest and key in self._sectors:
            return self._sectors[key]
        if EAST in station.codes:
            east, north = self._centres()
            x, y = east - placement.position[0], north - placement.position[1]
            first, second = (x * placement.axes[i, 0] + y * placement.axes[i, 1] for i in range(2))
            (left, right), (low, high) = limits[[EAST, NORTH]].tolist()
            across = (first >= left) & (first <= right)
        else:
            first, second = self._polar(station, placement)
            (centre, half), (low, high) = limits[[AZIMUTH, RANGE]].tolist()
            across = np.abs(wrapped(first - centre)) <= half
        cells = np.flatnonzero(across & ~(second < low) & ~(second > high))
        if at_rest and len(self._sectors) < MOST_SECTORS:
            self._sectors[key] = cells
        return cells

    def _polar(self, station: Station, placement: Placement) -> tuple[Floats, Floats]:
        """Azimuth and distance of the cells from a sensor; kept for those that do not move."""
        if placement is station.placement and station.index in self._bearings:
            return self._bearings[station.index]
        east, north = self._centres()
        x, y = east - placement.position[0], north - placement.position[1]
        right = x * placement.axes[0, 0] + y * placement.axes[0, 1]
        forward = x * placement.axes[1, 0] + y * placement.axes[1, 1]
        polar = np.arctan2(right, forward), np.sqrt(right**2 + forward**2)
        if placement is station.placement:
            self._bearings = {**self._bearings, station.index: polar}
        return polar

    def _centres(self) -> tuple[Floats, Floats]:
        index = np.arange(CELLS) + 0.5
        east, north = np.meshgrid(
            self._low[0] + index * self._step[0], self._low[1] + index * self._step[1], indexing="ij"
        )
        return east.ravel(), north.ravel()


def _reach(station: Station) -> float:
    coverage = station.config.coverage
    if coverage.range_m is not None:
        return coverage.range_m[1]
    spans = [span for span in (coverage.east_m, coverage.north_m) if span is not None]
    return max(abs(limit) for span in spans for limit in span)
