"""What a direction tells of whether something is there: every place on a line of sight fits as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fusion.tracking.births import can_begin
from fusion.tracking.sensors import Look, Station
from fusion.tracking.tracks import TrackStore
from fusion.types import ELEVATION, SECOND_NS, TENTATIVE, Bools, Floats, Ints

LATELY_PERIODS, LATELY_S = 3.0, 1.0  # within which another sensor's look is one at the same place
UNWITNESSED = (
    0.5  # existence of what the azimuths of one sensor alone have found: as likely as not, for others to judge
)


def believed(
    look: Look, store: TrackStore, line: Bools, rows: Ints, before: Floats, stations: Sequence[Station]
) -> None:
    """Existence of `rows` after a look of directions alone, in place: what the marginals say, or what it was `before`.

    A tentative track of known place follows the marginals where directions cross there, or where no sensor that sees
    range looks; else it stays as it was: its place is only one of all on the line of sight of something real, maybe.
    A line's existence is that of something on the line: its directions tell it. line: (rows,) which are lines.
    """
    told = line | crossed(look, store, rows, stations) | ~_ranged(look, store, rows, stations)
    stays = ~told & (store.status[rows] == TENTATIVE)
    store.existence[rows[stays]] = before[stays]


def witnessed(look: Look, store: TrackStore, rows: Ints, stations: Sequence[Station]) -> Bools:
    """Whether what azimuths alone have found is there for sure, and no ghost that shows again and again: (rows,).

    Where three sensors detect it lately; or where its range was found from the sensor's own motion, as nobody who sees
    range looks there.
    """
    lately = store.hit_ns[rows] > since_ns(look, stations)
    return np.asarray((lately.sum(axis=1) >= 3) | ~_ranged(look, store, rows, stations))


def crossed(look: Look, store: TrackStore, rows: Ints, stations: Sequence[Station]) -> Bools:
    """Whether enough others detect the same track lately for a direction to say something of its place: (rows,).

    Two lines with elevation hardly meet by chance, so one other such sensor does; two azimuths always meet: that
    takes two other sensors.
    """
    lately = store.hit_ns[rows] > since_ns(look, stations)
    lately[:, look.station.index] = False
    elevated = [s.angles_only and ELEVATION in s.codes for s in stations]
    if ELEVATION in look.station.codes:
        return np.asarray(lately[:, elevated].any(axis=1))
    return np.asarray(lately.sum(axis=1) >= 2)


def _ranged(look: Look, store: TrackStore, rows: Ints, stations: Sequence[Station]) -> Bools:
    """Whether a sensor that sees range has looked there lately: (rows,)."""
    lately = store.covered_ns[rows] > since_ns(look, stations)
    return np.asarray(lately[:, [can_begin(s) for s in stations]].any(axis=1))


def since_ns(look: Look, stations: Sequence[Station]) -> Ints:
    """From when on each sensor's looks are lately: (sensors,)."""
    periods_s = np.array([max(LATELY_PERIODS * station.config.period_s, LATELY_S) for station in stations])
    return np.asarray(look.frame.time_ns - np.round(periods_s * SECOND_NS).astype(np.int64))
