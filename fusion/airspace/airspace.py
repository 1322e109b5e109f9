"""The protected volumes of a site, and when each is active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fusion.airspace.schedule import EVER, Schedule
from fusion.airspace.volumes import Volume
from fusion.airspace.zone_index import ZoneIndex
from fusion.config import ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS

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
        self.nearby = ZoneIndex(self.volumes)

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
