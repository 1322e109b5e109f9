"""Whether the alerts came before the entries that they warn of.

An entry is an object asked for that comes into a zone, widened by its margins, while the zone is active (or
that is in it when the zone becomes so). An alert is its warning if it is of that zone, of a track that was
that object at some instant, and open at the entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.config import ZoneConfig
from fusion.types import SECOND_NS, Ints
from replay.truths import ALT, LAT, LON, ObjectRows, interpolate
from replay.volumes import ZoneReport, inside

Message = dict[str, Any]
SAMPLE_S = 0.5  # how finely truth is looked at: the precision of a warning time
LATE_S = 60.0  # a warning that comes so long after the entry is still that entry's, with a negative lead


@dataclass(frozen=True, slots=True)
class Entry:
    """lead_s: from the first step of the alert to the entry; negative: it came after. None: never warned."""

    zone: str
    object: str
    time_ns: int
    alert: str | None
    lead_s: float | None


@dataclass(frozen=True, slots=True)
class ZoneAlerts:
    """alerts: episodes. unfounded: those that no entry followed (the object may have turned away)."""

    zone: str
    alerts: int
    first_ns: int | None
    entries: int
    warned: int
    median_lead_s: float | None
    unfounded: int


@dataclass(frozen=True, slots=True)
class AlertScore:
    zones: tuple[ZoneAlerts, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert: from its first step to the step that cleared it (None: open at the end)."""

    alert: str
    zone: str
    tracks: frozenset[int]
    raised_ns: int
    cleared_ns: int | None


def score_alerts(
    alerts: Sequence[Message],
    reports: Sequence[ZoneReport],
    objects: tuple[ObjectRows, ...],
    owners: Mapping[str, frozenset[int]],
    span_ns: tuple[int, int],
    max_gap_s: float,
) -> AlertScore | None:
    """Entries against alerts within the span of time that was scored. None where the run holds neither.

    owners: the ids of the tracks that were each object at some instant.
    """
    zones = {zone.id: zone for report in reports for zone in report.zones}
    episodes = [episode for episode in _episodes(alerts) if span_ns[0] <= episode.raised_ns <= span_ns[1]]
    if not zones and not episodes:
        return None
    entries = [
        _entry(zone.id, rows.id, time_ns, episodes, owners)
        for zone in zones.values()
        for rows in objects
        for time_ns in _entry_times(zone, rows, reports, span_ns, max_gap_s)
    ]
    names = dict.fromkeys([*zones, *(episode.zone for episode in episodes)])
    return AlertScore(tuple(_summary(name, episodes, entries) for name in names), tuple(entries))


def _episodes(alerts: Sequence[Message]) -> list[Episode]:
    steps: dict[str, list[Message]] = {}
    for step in alerts:
        if not step["test"]:
            steps.setdefault(step["alert"], []).append(step)
    found = []
    for alert, own in steps.items():
        cleared = [step["time_ns"] for step in own if step["state"] == "cleared"]
        tracks = frozenset(track for step in own for track in (step["track"], *step["tracks"]))
        raised = min(step["time_ns"] for step in own)
        found.append(Episode(alert, own[0]["zone"], tracks, raised, max(cleared, default=None)))
    return sorted(found, key=lambda episode: (episode.raised_ns, episode.alert))


def _entry_times(
    zone: ZoneConfig,
    rows: ObjectRows,
    reports: Sequence[ZoneReport],
    span_ns: tuple[int, int],
    max_gap_s: float,
) -> list[int]:
    """When the object came in: each first sample inside after one that was not, while the zone was active."""
    begin, end = max(int(rows.times_ns[0]), span_ns[0]), min(int(rows.times_ns[-1]), span_ns[1])
    times = np.arange(begin, end + 1, round(SAMPLE_S * SECOND_NS), dtype=np.int64)
    there, values, ignore = interpolate(rows, times, max_gap_s)
    within = np.zeros(len(times), dtype=bool)
    within[there] = inside(zone, values[:, LAT], values[:, LON], values[:, ALT]) & ~ignore
    within &= _active(zone.id, reports, times)
    came = within & ~np.append(False, within[:-1])
    return [int(time_ns) for time_ns in times[came]]


def _active(zone: str, reports: Sequence[ZoneReport], times: Ints) -> NDArray[np.bool_]:
    """Whether the last report at or before each time (else the first of all) calls the zone active."""
    told = sorted((report.time_ns, report.states[zone] == "active") for report in reports if zone in report.states)
    at = np.searchsorted(np.array([time_ns for time_ns, _ in told], dtype=np.int64), times, side="right") - 1
    return np.array([state for _, state in told], dtype=bool)[np.maximum(at, 0)]


def _entry(
    zone: str, name: str, time_ns: int, episodes: Sequence[Episode], owners: Mapping[str, frozenset[int]]
) -> Entry:
    """The entry with the first alert that was open at it, or came soon after."""
    for episode in episodes:
        fits = episode.zone == zone and not episode.tracks.isdisjoint(owners.get(name, frozenset()))
        soon = episode.raised_ns <= time_ns + LATE_S * SECOND_NS
        if fits and soon and (episode.cleared_ns is None or episode.cleared_ns >= time_ns):
            return Entry(zone, name, time_ns, episode.alert, (time_ns - episode.raised_ns) / SECOND_NS)
    return Entry(zone, name, time_ns, None, None)


def _summary(zone: str, episodes: Sequence[Episode], entries: Sequence[Entry]) -> ZoneAlerts:
    raised = [episode for episode in episodes if episode.zone == zone]
    came = [entry for entry in entries if entry.zone == zone]
    leads = [entry.lead_s for entry in came if entry.lead_s is not None]
    answered = {entry.alert for entry in came}
    return ZoneAlerts(
        zone=zone,
        alerts=len(raised),
        first_ns=min((episode.raised_ns for episode in raised), default=None),
        entries=len(came),
        warned=len(leads),
        median_lead_s=float(np.median(leads)) if leads else None,
        unfounded=sum(episode.alert not in answered for episode in raised),
    )
