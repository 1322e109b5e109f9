"""The first baseline: whoever flies straight on into the volume within 120 s is warned of."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.alerts.rule import PERIOD_S, Evaluation, steps_of
from fusion.airspace.volumes import Volume
from fusion.geodesy import Plane, rotate
from fusion.types import SECOND_NS, Floats, Ints
from replay.alerts.model import Step
from replay.encounters.explained import straight_on
from replay.encounters.layout import ORIGIN, START_NS, ZONE, Encounter
from replay.encounters.tracking import Record

AHEAD_S: Final = 120
TRUE_TRACK: Final = 1


def of_tracks(encounter: Encounter, record: Record) -> tuple[list[Step], dict[int, list[Evaluation]]]:
    """On the tracks as they are published, at each whole second after a detection. Also every evaluation, by track."""
    steps: list[Step] = []
    found = {}
    plane = Plane(ORIGIN)
    for track in np.unique(record.rows["track"]).tolist():
        own = record.rows[record.rows["track"] == track]
        rows = own[np.append(True, np.diff(own["updated_ns"]) > 0)]
        state = rows["mean"].astype(np.float64)
        lat, lon, height, axes = plane.places(state[:, :3])
        velocity = rotate(state[:, 3:], axes)
        found[track] = _evaluations(encounter, rows["time_ns"], np.stack([lat, lon, height], axis=1), velocity)
        last = int(own["time_ns"][-1])
        steps += steps_of(track, ZONE, found[track], last + SECOND_NS if last < record.span_ns[1] else None)
    return sorted(steps, key=lambda step: step.time_ns), found


def of_truth(encounter: Encounter, record: Record) -> tuple[list[Step], dict[int, list[Evaluation]]]:
    """On the noise-free state, from when the object is trackable."""
    use = known(record)
    place, velocity = record.truth.values[use, :3], record.truth.values[use, 3:]
    found = _evaluations(encounter, record.truth.times_ns[use], place, velocity)
    return steps_of(TRUE_TRACK, ZONE, found), {TRUE_TRACK: found}


def known(record: Record) -> Ints:
    """Which of the true states a baseline on them may use: from the third detection on, a radar's period apart."""
    times = record.truth.times_ns
    if record.trackable_ns is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero((times >= record.trackable_ns) & (times <= record.span_ns[1]) & (times >= START_NS))[
        ::PERIOD_S
    ]


def _evaluations(encounter: Encounter, times_ns: Ints, place: Floats, velocity: Floats) -> list[Evaluation]:
    """place: (n, 3) lat_deg, lon_deg, height; velocity: (n, 3) east, north, up there."""
    if not len(times_ns):
        return []
    volume = Volume.of(encounter.zone, Plane(ORIGIN))
    return [
        Evaluation(t, float(np.isfinite(entry)), entry == 0.0, float(entry) if np.isfinite(entry) else None)
        for t, entry in zip(times_ns.tolist(), straight_on(volume, place, velocity, AHEAD_S).tolist(), strict=True)
    ]
