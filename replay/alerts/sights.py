"""What truth says of each object and each zone, computed only for pairs that may meet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from fusion.airspace.volumes import Volume
from fusion.config import ZoneConfig
from fusion.types import SECOND_NS, Floats
from replay.alerts.model import AlertOptions
from replay.alerts.stays import WORLD, Samples, Stay, Walls, sample, stays, walls, within_reach
from replay.scoring.truths import ObjectRows


@dataclass(frozen=True, slots=True)
class Sight:
    """What truth says of one object and one zone: when it was in each of the zone's volumes.

    reach: when it could have come in within the look-ahead at its speed.  allowed: it may enter this zone.
    """

    itself: tuple[Stay, ...]
    wide: tuple[Stay, ...]
    near: tuple[Stay, ...]
    reach: tuple[Stay, ...]
    rows: ObjectRows
    allowed: bool

    @property
    def unasked(self) -> bool:
        """Whether nobody ever asks for the object in this zone."""
        return self.allowed or bool(self.rows.ignore.all())

    def unasked_at(self, time_ns: int) -> bool:
        """The same at a time: by the object's last row up to it (else its first)."""
        place = int(np.searchsorted(self.rows.times_ns, time_ns, side="right")) - 1
        return self.allowed or bool(self.rows.ignore[max(place, 0)])


class Sights:
    """All objects and zones of one run. Raises KeyError for a pair of which one is not given."""

    def __init__(
        self,
        objects: Sequence[ObjectRows],
        zones: Sequence[ZoneConfig],
        options: AlertOptions,
        may_enter: Collection[tuple[str, str]] = (),
    ) -> None:
        self.samples = {rows.id: sample(rows, options) for rows in objects if len(rows.times_ns)}
        self.lookaheads_ns = {zone.id: round(zone.lookahead_s * SECOND_NS) for zone in zones}
        self._gates = {zone.id: walls(zone, options.near_m, options.near_vertical_m) for zone in zones}
        self._options, self._may_enter = options, frozenset(may_enter)
        self._found: dict[tuple[str, str], Sight] = {}

    def known_until_ns(self, otherwise: int) -> int:
        """The last time of which truth says anything."""
        return max((int(each.times_ns[-1]) for each in self.samples.values()), default=otherwise)

    def pairs(self) -> list[tuple[str, str]]:
        """(object, zone) that could meet: the object's whole way, and what it reaches from there, against balls."""
        if not self._gates:
            return []
        volumes = [gate.near for gate in self._gates.values()]
        centres, balls = np.stack([each.centre for each in volumes]), np.array([each.reach_m for each in volumes])
        ahead = np.array(list(self.lookaheads_ns.values())) / SECOND_NS
        found = []
        for name, each in self.samples.items():
            middle, radius, speed = _way(each.rows)
            away = np.sqrt(((centres - middle) ** 2).sum(axis=1))
            close = away <= balls + radius + speed * ahead
            found += [(name, zone) for zone, is_close in zip(self._gates, close.tolist(), strict=True) if is_close]
        return found

    def __getitem__(self, pair: tuple[str, str]) -> Sight:
        if pair not in self._found:
            name, zone = pair
            self._found[pair] = self._look(self.samples[name], self._gates[zone], pair in self._may_enter)
        return self._found[pair]

    def _look(self, own: Samples, gate: Walls, allowed: bool) -> Sight:
        def inside(volume: Volume) -> tuple[Stay, ...]:
            return stays(own, gate, volume, self._options)

        reach = within_reach(own, gate, self._options)
        near = inside(gate.near)
        if not near:  # the other volumes lie in this one
            return Sight((), (), (), reach, own.rows, allowed)
        return Sight(inside(gate.itself), inside(gate.wide), near, reach, own.rows, allowed)


def _way(rows: ObjectRows) -> tuple[Floats, float, float]:
    """A ball round all of an object's places, and its greatest speed: centre (3,) m, radius m, m/s."""
    points = WORLD.to_local(rows.values[:, 0], rows.values[:, 1], rows.values[:, 2])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2.0
    radius = float(np.sqrt(((points - middle) ** 2).sum(axis=1).max()))
    if len(points) < 2:
        return middle, radius, 0.0
    moved = np.sqrt(((points[1:] - points[:-1]) ** 2).sum(axis=1))
    return middle, radius, float((moved * SECOND_NS / np.diff(rows.times_ns)).max())
