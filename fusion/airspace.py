"""The protected volumes of a site, when each is active, and which of them a track can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from fusion.config import ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.schedule import EVER, Schedule
from fusion.types import SECOND_NS, Floats
from fusion.volumes import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

Activity = Literal["inactive", "pre-active", "active"]
SWITCHED: Final = {True: Schedule.of(None), False: Schedule.of(())}


@dataclass(frozen=True, slots=True)
class ZoneState:
    """`pre-active`: becomes active within its look-ahead. next_change_ns: when `state` changes by itself."""

    id: str
    state: Activity
    next_change_ns: int | None


class Airspace:
    """All zones. What an operator switches with `set_active` holds from then on, whatever the schedule says."""

    def __init__(self, zones: Sequence[ZoneConfig], plane: Plane) -> None:
        self.zones = tuple(zones)
        self.plane = plane
        self.volumes = tuple(Volume.of(zone, plane) for zone in self.zones)
        self._index = {zone.id: i for i, zone in enumerate(self.zones)}
        self._switched: dict[int, bool] = {}
        self._schedules = tuple(Schedule.of(zone.active, zone.daily) for zone in self.zones)
        self._centres = np.array([volume.centre for volume in self.volumes]).reshape(-1, 3)
        self._reaches = np.array([volume.reach_m for volume in self.volumes])
        self._floors = np.array([volume.floor_m for volume in self.volumes])
        self._ceilings = np.array([volume.ceiling_m for volume in self.volumes])

    def index(self, zone_id: str) -> int:
        """The place of a zone in `zones`. ConfigError if there is none of this id."""
        if zone_id not in self._index:
            raise ConfigError("zone", zone_id, f"one of {sorted(self._index)}")
        return self._index[zone_id]

    def set_active(self, zone_id: str, active: bool | None) -> None:
        """Switch a zone on or off at run time; None goes back to its schedule."""
        i = self.index(zone_id)
        if active is None:
            self._switched.pop(i, None)
        else:
            self._switched[i] = active

    def schedule(self, i: int) -> Schedule:
        """When zone `i` is active: its own schedule, or what an operator switched it to."""
        return SWITCHED[self._switched[i]] if i in self._switched else self._schedules[i]

    def is_active(self, i: int, time_ns: int) -> bool:
        return self.schedule(i).is_active(time_ns)

    def spans(self, i: int, time_ns: int) -> tuple[tuple[float, float], ...]:
        """When zone `i` is active between `time_ns` and its look-ahead, in seconds from `time_ns`."""
        ahead = self.zones[i].lookahead_s
        found = []
        for start, stop in self.schedule(i).between(time_ns, time_ns + round(ahead * SECOND_NS)):
            begin, end = max((start - time_ns) / SECOND_NS, 0.0), min((stop - time_ns) / SECOND_NS, ahead)
            if begin < end:
                found.append((begin, end))
        return tuple(found)

    def states(self, time_ns: int) -> tuple[ZoneState, ...]:
        return tuple(self._state(i, time_ns) for i in range(len(self.zones)))

    def _state(self, i: int, time_ns: int) -> ZoneState:
        name, ahead_ns = self.zones[i].id, round(self.zones[i].lookahead_s * SECOND_NS)
        span = self.schedule(i).next_span(time_ns)
        if span is None:
            return ZoneState(name, "inactive", None)
        start, stop = span
        if start <= time_ns:
            return ZoneState(name, "active", None if stop >= EVER else stop)
        if start - ahead_ns <= time_ns:
            return ZoneState(name, "pre-active", start)
        return ZoneState(name, "inactive", start - ahead_ns)

    def near(
        self, zones: NDArray[np.intp], positions: Floats, reaches: Floats, heights: Floats, rises: Floats
    ) -> list[tuple[int, int]]:
        """Pairs (track, zone) of which the track can come to the zone.

        zones: their indices.  positions: (n, 3) m in the plane.  heights: (n,) m above the ellipsoid.  reaches, rises:
        (n,) m, how far each track can go, and how far up or down.
        """
        apart = positions[:, None, :] - self._centres[None, zones, :]
        square = apart[..., 0] ** 2 + apart[..., 1] ** 2 + apart[..., 2] ** 2
        close = square <= (reaches[:, None] + self._reaches[None, zones]) ** 2
        low, high = (heights - rises)[:, None], (heights + rises)[:, None]
        close &= (low <= self._ceilings[None, zones]) & (high >= self._floors[None, zones])
        return [(int(row), int(zones[i])) for row, i in np.argwhere(close)]
