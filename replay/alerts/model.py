"""The words of alert scoring: what may be chosen, a step of an alert, and whose a track was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion.errors import ConfigError
from fusion.types import SECOND_NS, AlertStep, Ints

Owner = Callable[[int, int], str | None]  # (track, time_ns) -> the object that the track was then, None: no object
WARNING_TIMES_S = (30.0, 60.0, 120.0)  # for which the share of warned entries is told


@dataclass(frozen=True, slots=True)
class AlertOptions:
    """bridge_s: a gap in alert cover, or a step out of a zone, up to this is none.

    near_m, near_vertical_m: an alert whose object comes this close to the zone is no nuisance. 500 m is 2 s of an
    airliner, 150 m (500 ft) what separates traffic from the edge of an airspace in height; where a zone's own margins
    are wider, they count.  max_gap_s: over which truth is interpolated.  sample_s: how finely it is looked at for a
    crossing, which is then found to 1 ms.
    """

    bridge_s: float = 5.0
    near_m: float = 500.0
    near_vertical_m: float = 150.0
    max_gap_s: float = 10.0
    sample_s: float = 0.5

    def __post_init__(self) -> None:
        for name, low, high in (
            ("bridge_s", 0.0, 3600.0),
            ("near_m", 0.0, 1e6),
            ("near_vertical_m", 0.0, 1e6),
            ("max_gap_s", 0.0, 1e6),
            ("sample_s", 1e-3, 60.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(name, getattr(self, name), f"{low:g} to {high:,.0f}")


@dataclass(frozen=True, slots=True)
class Step:
    """What scoring needs of one step of one alert.

    time_to_entry_s: p10, p50, p90, given entry.  tracks: all ids of the episode.
    """

    time_ns: int
    alert: str
    zone: str
    track: int
    level: str  # predicted, imminent, infringing
    state: str  # raised, updated, cleared
    probability: float
    time_to_entry_s: tuple[float, float, float] | None = None
    tracks: tuple[int, ...] = ()
    suppressed: bool = False

    @classmethod
    def of(cls, step: AlertStep) -> Step:
        """Of a step as the core makes it."""
        return cls(
            step.time_ns,
            step.alert,
            step.zone,
            step.track,
            step.level,
            step.state,
            step.probability,
            step.time_to_entry_s,
            step.tracks,
            step.suppressed_until_ns is not None,
        )


def core_steps(steps: Iterable[AlertStep]) -> list[Step]:
    """Steps as the core makes them, in order of time; tests of the line are left out."""
    return sorted((Step.of(step) for step in steps if not step.test), key=lambda step: step.time_ns)


def recorded_steps(messages: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Checked `alert` messages (`adapters.wire.read_alert`), in order of time.

    Tests of the line are left out; a step that went out on two topics, or was recorded twice, counts once.
    """
    found: dict[tuple[str, int], Step] = {}
    for message in messages:
        if message["test"]:
            continue
        times = message["time_to_entry_s"]
        found[message["alert"], message["step"]] = Step(
            time_ns=message["time_ns"],
            alert=message["alert"],
            zone=message["zone"],
            track=message["track"],
            level=message["level"],
            state=message["state"],
            probability=float(message["probability"]),
            time_to_entry_s=None if times is None else (float(times["p10"]), float(times["p50"]), float(times["p90"])),
            tracks=tuple(message["tracks"]),
            suppressed=message["suppressed_until_ns"] is not None,
        )
    order = sorted(found, key=lambda key: (found[key].time_ns, key))
    return [found[key] for key in order]


class Ownership:
    """Whose each track was, from instants at which tracks were assigned to objects. Callable: an `Owner`.

    A track is the object to which it was assigned last at a time, and before its first assignment the object of that.
    """

    def __init__(self, tracks: Ints, times_ns: Ints, objects: Iterable[str]) -> None:
        """(n,) each: track, time and object of every assignment, in any order."""
        names = np.array(list(objects), dtype=object)
        order = np.lexsort((times_ns, tracks))
        ids, starts = np.unique(tracks[order], return_index=True)
        parts = np.split(order, starts[1:]) if len(order) else []
        self._own = {int(track): (times_ns[part], names[part]) for track, part in zip(ids.tolist(), parts, strict=True)}

    def __call__(self, track: int, time_ns: int) -> str | None:
        if track not in self._own:
            return None
        times, names = self._own[track]
        place = int(np.searchsorted(times, time_ns, side="right")) - 1
        return str(names[max(place, 0)])

    def first_ns(self) -> dict[str, int]:
        """When each object was first assigned a track."""
        found: dict[str, int] = {}
        for times, names in self._own.values():
            for name in dict.fromkeys(names.tolist()):
                first = int(times[int(np.argmax(names == name))])
                found[name] = min(found.get(name, first), first)
        return found


def seconds(time_ns: int) -> float:
    """A difference of times in seconds."""
    return time_ns / SECOND_NS
