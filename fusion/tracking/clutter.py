"""Where a sensor's false alarms come from: their density over its own cells, learnt as it looks.

A registered `false_alarms` is an average. Shore, hills and roads give many times as many in some directions and at
some distances for as long as the sensor stands there. Each cell's rate is a Gamma variable, conjugate to the Poisson
count of false alarms (Gelman et al. 2013, section 2.6): it begins at the sensor's mean rate, worth so many sweeps,
and takes in what every look finds there that no confirmed track claims. How many sweeps, that is, how much the cells
differ from each other, is learnt with it: each of `BELIEFS` is weighed by how well it foretold what came (empirical
Bayes; the same, section 5.2). Where false alarms are spread evenly, the map stays even.
"""

from __future__ import annotations

import numpy as np

from fusion.tracking.sensors import LEAST_CLUTTER, Look, Station, box
from fusion.types import AZIMUTH, EAST, NORTH, RANGE, SECOND_NS, Floats

CELLS_A_SIDE = 16  # azimuth × range, or east × north: as many cells as a hundred sweeps can tell apart
BELIEFS = np.array([3.0, 10.0, 30.0, 100.0, 1000.0])  # sweeps that the mean rate is worth in a cell
MERIT = np.log(np.array([0.001, 0.001, 0.001, 0.001, 0.996]))  # before anything was seen: even, as registered
REGISTERED_SWEEPS = 10.0  # that the registered mean is worth itself
MEMORY_S = 600.0  # weather and sea change within a quarter of an hour


class Clutter:
    """The false alarms of one sensor that sees distance, as a factor on the registered density."""

    def __init__(self, station: Station) -> None:
        codes = station.codes.tolist()
        axes = (EAST, NORTH) if EAST in codes else (AZIMUTH, RANGE)
        self._columns = np.array([codes.index(code) for code in axes], np.int64)
        self._frame = np.array([_limits(station, code) for code in axes])
        cells = CELLS_A_SIDE * CELLS_A_SIDE
        self._registered = max(station.config.false_alarms, LEAST_CLUTTER) / cells  # in one sweep of a cell
        self._seen, self._swept, self._merit = np.zeros(cells), np.zeros(cells), MERIT.copy()
        self._time_ns = 0

    def copy(self) -> Clutter:
        """A map that goes its own way."""
        other = object.__new__(Clutter)
        other.__dict__.update(self.__dict__)
        other._seen, other._swept, other._merit = self._seen.copy(), self._swept.copy(), self._merit.copy()
        return other

    def factor(self, values: Floats) -> Floats:
        """Density of false alarms at each detection by the registered one, (n,). values: (n, k), as in the frame."""
        from fusion.kernels.clutter import factor

        found = np.empty(len(values))
        factor(
            values, self._columns, self._frame, self._seen, self._swept, self._merit, BELIEFS, self._registered,
            REGISTERED_SWEEPS, found,
        )  # fmt: skip
        return found

    def learn(self, look: Look, false: Floats) -> None:
        """Take one look in. false: (n,) the probability of each detection that no confirmed track made it."""
        from fusion.kernels.clutter import learn

        elapsed_s = (look.frame.time_ns - self._time_ns) / SECOND_NS if self._time_ns else 0.0
        self._time_ns = max(look.frame.time_ns, self._time_ns)
        swept = look.box[[EAST, NORTH]] if look.station.config.kind == "position" else look.box[[AZIMUTH, RANGE]]
        learn(
            look.frame.values, false, self._columns, self._frame, swept, max(elapsed_s, 0.0) / MEMORY_S, self._seen,
            self._swept, self._merit, BELIEFS, self._registered, REGISTERED_SWEEPS,
        )  # fmt: skip


def _limits(station: Station, code: int) -> tuple[float, float, float]:
    """Lowest value and width of the registered coverage, and 1 where values wrap."""
    first, second = box(station.config.coverage, None)[code].tolist()
    return (first - second, 2.0 * second, 1.0) if code == AZIMUTH else (first, second - first, 0.0)
