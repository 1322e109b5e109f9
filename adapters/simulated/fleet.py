"""Many flights at once: where each one is at any time, batched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.simulated.chart import Chart
from adapters.simulated.course import (
    ACCELERATION,
    CLIMB,
    CLIMB_ACCELERATION,
    CURVATURE,
    HEADING,
    HEIGHT,
    SPEED,
    SPIN,
    TIME,
    X,
    Y,
)
from adapters.simulated.flights import Path
from fusion.geodesy import axes_at, rotate, to_ecef
from fusion.types import Floats, Ints

PROBE_M = 10.0  # half the step of the central difference that turns chart directions into earth's: error 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """n flights. Their pieces stand behind one another; the keys find them by flight and time."""

    id: tuple[str, ...]
    identity: tuple[str | None, ...]
    ignore: NDArray[np.bool_]
    start_s: Floats
    end_s: Floats
    chart: Chart
    ground: Floats
    ground_key: Floats
    height: Floats
    height_key: Floats
    stride_s: float

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Fleet:
        if not paths:
            return cls._empty()
        end = np.array([p.end_s for p in paths])
        stride = float(end.max()) + 1.0
        offset = stride * np.arange(len(paths), dtype=np.float64)
        return cls(
            tuple(p.id for p in paths),
            tuple(p.identity for p in paths),
            np.array([p.ignore for p in paths]),
            np.array([p.start_s for p in paths]),
            end,
            Chart(np.stack([p.chart.centre for p in paths]), np.stack([p.chart.axes for p in paths])),
            *_joined([p.ground for p in paths], end, offset),
            *_joined([p.height for p in paths], end, offset),
            stride,
        )

    @classmethod
    def _empty(cls) -> Fleet:
        none, ground, height = np.empty(0), np.empty((0, 8)), np.empty((0, 4))
        chart = Chart(np.empty((0, 3)), np.empty((0, 3, 3)))
        return cls((), (), np.empty(0, bool), none, none, chart, ground, none, height, none, 1.0)

    def __len__(self) -> int:
        return len(self.id)

    def alive(self, index: Ints, times: Floats) -> NDArray[np.bool_]:
        """Whether each flight `index` is in the air at its time."""
        return (times >= self.start_s[index]) & (times <= self.end_s[index])

    def geodetic(self, index: Ints, times: Floats) -> tuple[Floats, Floats, Floats]:
        """lat_deg, lon_deg, alt_m of flights `index` (n,), each at its time (n,) s; held outside its ends."""
        x, y, _, _ = self._over_ground(index, times)
        lat, lon = self._chart(index).to_geodetic(x, y)
        return lat, lon, self._aloft(index, times)[0]

    def position(self, index: Ints, times: Floats) -> Floats:
        """The same, earth-centred (n, 3) m."""
        return to_ecef(*self.geodetic(index, times))

    def velocity(self, index: Ints, times: Floats) -> Floats:
        """East, north, up at each object, (n, 3) m/s; 0 before its start and after its end."""
        x, y, heading, speed = self._over_ground(index, times)
        chart = self._chart(index)
        altitude, climb = self._aloft(index, times)
        ahead, astern = (
            to_ecef(*chart.to_geodetic(x + step * np.sin(heading), y + step * np.cos(heading)), altitude)
            for step in (PROBE_M, -PROBE_M)
        )
        flat = rotate((ahead - astern) / (2.0 * PROBE_M), axes_at(*chart.to_geodetic(x, y)))
        flat[:, 2] = 0.0  # what curvature of the earth leaves of it
        velocity = flat * speed[:, None]
        velocity[:, 2] = climb
        return np.where(self.alive(index, times)[:, None], velocity, 0.0)

    def heading_deg(self, index: Ints, times: Floats) -> Floats:
        """Where each object points, true, in [0, 360); on the spot too."""
        x, y, heading, _ = self._over_ground(index, times)
        chart = self._chart(index)
        here = chart.to_geodetic(x, y)
        ahead = chart.to_geodetic(x + PROBE_M * np.sin(heading), y + PROBE_M * np.cos(heading))
        step = rotate(to_ecef(*ahead, 0.0) - to_ecef(*here, 0.0), axes_at(*here))
        return np.mod(np.degrees(np.arctan2(step[:, 0], step[:, 1])), 360.0)

    def _chart(self, index: Ints) -> Chart:
        return Chart(self.chart.centre[index], self.chart.axes[index])

    def _over_ground(self, index: Ints, times: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Chart x, y (m), heading (rad) and speed (m/s): a chord of the arc, which a line is too."""
        at = np.clip(times, self.start_s[index], self.end_s[index])
        piece = self.ground[np.searchsorted(self.ground_key, index * self.stride_s + at, side="right") - 1]
        since = at - piece[:, TIME]
        length = since * (piece[:, SPEED] + since * piece[:, ACCELERATION] / 2.0)
        half = piece[:, CURVATURE] * length / 2.0
        chord = length * np.sinc(half / np.pi)
        middle = piece[:, HEADING] + half
        return (
            piece[:, X] + chord * np.sin(middle),
            piece[:, Y] + chord * np.cos(middle),
            middle + half + piece[:, SPIN] * since,
            piece[:, SPEED] + piece[:, ACCELERATION] * since,
        )

    def _aloft(self, index: Ints, times: Floats) -> tuple[Floats, Floats]:
        """Height (m) and climb (m/s)."""
        at = np.clip(times, self.start_s[index], self.end_s[index])
        piece = self.height[np.searchsorted(self.height_key, index * self.stride_s + at, side="right") - 1]
        since = at - piece[:, TIME]
        climb = piece[:, CLIMB] + piece[:, CLIMB_ACCELERATION] * since
        return piece[:, HEIGHT] + since * (piece[:, CLIMB] + climb) / 2.0, climb


def _joined(pieces: Sequence[Floats], end_s: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """All flights' pieces behind one another, and the key of each: its time, moved on for each flight.

    What a path holds for after its end is left out: it would reach into the keys of the next flight.
    """
    flown = [part[part[:, TIME] <= end] for part, end in zip(pieces, end_s, strict=True)]
    table = np.concatenate(flown)
    return table, table[:, TIME] + np.repeat(offset, [len(part) for part in flown])
