"""An encounter judged: its alerts by `replay.alerts`, and one forecast of it, which makes forecasts independent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from adapters.simulated.draws import generator
from fusion.geodesy import Plane
from fusion.types import Bools
from replay.alerts.calibration import Forecasts
from replay.alerts.judge import PlainForecast, Verdict, judge, judge_forecasts
from replay.alerts.model import Owner, Ownership, Step
from replay.encounters.layout import OBJECT, ORIGIN, ZONE, Encounter
from replay.encounters.tracking import EVERY_NS, Record
from replay.scoring.truths import interpolate

OWN_M: Final = 2000.0  # a track so near is the object's: more than a coasting one strays, less than false ones are off


@dataclass(frozen=True, slots=True)
class Instant:
    """Where the one forecast of an encounter is taken: a row of `Record.rows`."""

    row: int
    track: int
    time_ns: int
    probability: float


def owner_of(record: Record) -> Owner:
    """Whose each track was: the object's, at the instants at which it was within `OWN_M` of it."""
    near = _near(record)
    rows = record.rows[near]
    return Ownership(rows["track"], rows["time_ns"], [OBJECT] * len(rows))


def verdict_of(encounter: Encounter, record: Record, steps: Sequence[Step], owner: Owner | None = None) -> Verdict:
    """What these steps were worth. owner: of `owner_of`; None: every track is the object."""
    trackable = {} if record.trackable_ns is None else {OBJECT: record.trackable_ns}
    return judge((record.truth,), (encounter.zone,), steps, span_ns=record.span_ns, trackable_ns=trackable, owner=owner)


def instant(encounter: Encounter, record: Record) -> Instant | None:
    """One instant, drawn evenly from those at which a track of the object is in reach of the zone and not in it.

    In reach: at its speed it comes to the volume within the look-ahead. Nothing of what came later plays a part.
    """
    rows = record.rows
    mean = rows["mean"].astype(np.float64)
    away = encounter.region.distance(mean[:, 0], mean[:, 1])
    speed = np.sqrt(mean[:, 3] ** 2 + mean[:, 4] ** 2)
    reach = away - encounter.region.margin_m <= speed * encounter.zone.lookahead_s
    found = np.flatnonzero(reach & (rows["time_ns"] % EVERY_NS == 0) & ~rows["inside"] & _near(record))
    if not len(found):
        return None
    row = int(generator(encounter.seed, "encounter", encounter.number, "instant").choice(found))
    return Instant(
        row, int(rows["track"][row]), int(rows["time_ns"][row]), float(rows["existence"][row] * rows["entry"][row])
    )


def outcomes(
    encounter: Encounter, record: Record, at: Instant | None, told: Mapping[str, float]
) -> dict[str, Forecasts]:
    """What came of the forecasts that several made at one instant, by their names."""
    if at is None:
        return {name: Forecasts.of(()) for name in told}
    return {
        name: judge_forecasts(
            (record.truth,), (encounter.zone,), [PlainForecast(at.time_ns, OBJECT, ZONE, probability)]
        )
        for name, probability in told.items()
    }


def _near(record: Record) -> Bools:
    """Which rows are of tracks that are near the object."""
    rows = record.rows
    seen, values, _ = interpolate(record.truth, rows["time_ns"], 10.0)
    near = np.zeros(len(rows), bool)
    place = Plane(ORIGIN).to_local(values[:, 0], values[:, 1], values[:, 2])
    off = rows["mean"][seen, :3].astype(np.float64) - place
    near[seen] = (off**2).sum(axis=1) <= OWN_M**2
    return near
