"""Shadows: tracks that one direction sensor alone feeds, in front of or behind the object that it sees.

Two objects at one height can be crossed wrongly by two such sensors for as long as they fly alike. The wrong track
keeps the detections of one of them, and the sensors that see range make another track where the object really is,
which that sensor never seems to detect. Both at once, in one direction, for a while: that is one object.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fusion.directions.witness import since_ns
from fusion.geodesy import Plane
from fusion.tracking.births import can_begin
from fusion.tracking.sensors import Look, Station, measure, wrapped
from fusion.tracking.tracks import TrackStore
from fusion.types import AZIMUTH, CONFIRMED, ELEVATION, SECOND_NS, Bools, Floats, Ints

LASTING_S = 1.0  # two objects pass each other in less, or are seen to be two by another sensor
GATE_SIGMA = 3.0  # between both directions, each angle
LEAST_CHANCE = 0.01  # of another object in that gate, if one is in view: wider directions tell nothing
IN_VIEW = 0.5  # P(inside the look) from which a track should have been detected

Pair = tuple[int, int]  # ids: of the shadow, of what throws it


class Shadows:
    """For each direction sensor, which tracks have stood in one direction with another, and since when."""

    def __init__(self) -> None:
        self._since: dict[int, dict[Pair, int]] = {}

    def copy(self) -> Shadows:
        """Pairs that go their own way."""
        other = Shadows()
        other._since = dict(self._since)
        return other

    def look(
        self, look: Look, store: TrackStore, rows: Ints, swept: Floats, stations: Sequence[Station], plane: Plane
    ) -> list[int]:
        """After the update with a look of directions: the rows that have been shadows for long enough."""
        sensor, now_ns = look.station.index, look.frame.time_ns
        before = self._since.get(sensor, {})
        lately = store.hit_ns[rows] > since_ns(look, stations)
        seen = lately[:, sensor].copy()
        lately[:, sensor] = False
        ranging = np.array([can_begin(s) for s in stations])
        alone = np.flatnonzero(seen & ~lately.any(axis=1))
        firm = np.flatnonzero(
            ~seen & (lately[:, ranging].any(axis=1)) & (store.status[rows] == CONFIRMED) & (swept > IN_VIEW)
        )
        now: dict[Pair, int] = {}
        shadows: list[int] = []
        if len(alone) and len(firm):
            for i, j in np.argwhere(_aligned(look, store, rows[alone], rows[firm], plane)).tolist():
                pair = int(store.id[rows[alone[i]]]), int(store.id[rows[firm[j]]])
                now[pair] = before.get(pair, now_ns)
                if now_ns - now[pair] >= LASTING_S * SECOND_NS:
                    shadows.append(int(rows[alone[i]]))
        if now or before:
            self._since = {**self._since, sensor: now}
        return sorted(set(shadows))


def _aligned(look: Look, store: TrackStore, shadow: Ints, thrower: Ints, plane: Plane) -> Bools:
    """Whether rows stand in one direction, narrow enough to tell: (shadows, throwers)."""
    agree, chance = np.ones((len(shadow), len(thrower)), bool), np.ones((len(shadow), len(thrower)))
    for c, code in enumerate(look.station.codes.tolist()):
        if code not in (AZIMUTH, ELEVATION):
            continue
        one, one_variance = _direction(code, look, store, shadow, plane)
        other, other_variance = _direction(code, look, store, thrower, plane)
        reach = GATE_SIGMA * np.sqrt(one_variance[:, None] + other_variance[None, :])
        agree &= np.abs(wrapped(one[:, None] - other[None, :])) <= reach
        chance *= 2.0 * reach / look.station.span[c]
    return agree & (chance < LEAST_CHANCE)


def _direction(code: int, look: Look, store: TrackStore, rows: Ints, plane: Plane) -> tuple[Floats, Floats]:
    """An angle of each row from the sensor, and its variance: (rows,) each."""
    from fusion.kernels.report import summarise

    centre, spread = np.empty((len(rows), 6)), np.empty((len(rows), 6, 6))
    summarise(store.weight[rows], store.mean[rows], store.covariance[rows], centre, spread)
    value, gradient = measure(code, look.placement, plane, centre)
    return value, (gradient[:, :, None] * spread * gradient[:, None, :]).sum(axis=(1, 2))
