"""Alerts as episodes: when each was open, at which level, and of which object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from replay.alerts.model import Owner, Step

OPEN_END_NS = 1 << 62  # the end of what is open when the steps end: the year 2116
INFRINGING = "infringing"


@dataclass(frozen=True, slots=True)
class Interval:
    """From a time up to another."""

    begin_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert. owners: (n,) whose its track was from each step to the next; None: no object's.

    cleared_ns: None while it is open when the steps end.
    """

    alert: str
    zone: str
    steps: tuple[Step, ...]
    owners: tuple[str | None, ...]
    cleared_ns: int | None

    @property
    def raised_ns(self) -> int:
        return self.steps[0].time_ns

    @property
    def objects(self) -> tuple[str, ...]:
        """Every object that its track was, in the order in which it was that."""
        return tuple(dict.fromkeys(owner for owner in self.owners if owner is not None))

    @property
    def end_ns(self) -> int:
        return OPEN_END_NS if self.cleared_ns is None else self.cleared_ns

    def open_for(self, name: str, level: str | None = None) -> list[Interval]:
        """When it was open for an object (at one level), step by step."""
        ends = [*(step.time_ns for step in self.steps[1:]), self.end_ns]
        return [
            Interval(step.time_ns, end)
            for step, owner, end in zip(self.steps, self.owners, ends, strict=True)
            if owner == name and step.state != "cleared" and level in (None, step.level)
        ]


def episodes(steps: Iterable[Step], owner: Owner) -> tuple[Episode, ...]:
    """Steps by alert, in the order in which alerts were raised."""
    own: dict[str, list[Step]] = {}
    for step in steps:
        own.setdefault(step.alert, []).append(step)
    found = []
    for alert, parts in own.items():
        parts.sort(key=lambda step: step.time_ns)
        cleared = next((step.time_ns for step in parts if step.state == "cleared"), None)
        owners = tuple(owner_of(step, owner) for step in parts)
        found.append(Episode(alert, parts[0].zone, tuple(parts), owners, cleared))
    return tuple(sorted(found, key=lambda episode: (episode.raised_ns, episode.alert)))


def owner_of(step: Step, owner: Owner) -> str | None:
    """The object of a step: that of its track, or else of the newest of the episode's other ids that was one."""
    ids = (step.track, *reversed(step.tracks))
    return next((name for name in (owner(track, step.time_ns) for track in ids) if name is not None), None)


def cover(own: Sequence[Episode], name: str, bridge_ns: int, level: str | None = None) -> list[Interval]:
    """When at least one alert was open for an object (at one level), gaps up to `bridge_ns` bridged."""
    parts = sorted((part for episode in own for part in episode.open_for(name, level)), key=lambda part: part.begin_ns)
    whole: list[Interval] = []
    for part in parts:
        if whole and part.begin_ns - whole[-1].end_ns <= bridge_ns:
            whole[-1] = Interval(whole[-1].begin_ns, max(whole[-1].end_ns, part.end_ns))
        else:
            whole.append(part)
    return whole
