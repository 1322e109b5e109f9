"""Which tracks left the corridor that was predicted for them a while ago.

The corridor of a track is where it would be, with probability `CORRIDOR`, had it gone on as it flew: its state and
covariance then, carried straight on with the noise of the motion mode that it was in. A confirmed track that two
detections in a row find outside has diverted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.geodesy import SEMI_MAJOR_M, Plane
from fusion.tracking.ids import rows_of
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, DENSITY, Motions
from fusion.types import CONFIRMED, SECOND_NS, Bools, Floats, Ints, Outlook

CORRIDOR: Final = 0.999  # steady traffic is found outside by one detection in a thousand, by two in a row hardly ever
GATE: Final = 16.266  # chi-square of three degrees of freedom at it
MARK_NS: Final = 5 * SECOND_NS  # between two remembered states: none is older than asked for by more


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """The confirmed tracks at one time, one Gaussian each: (n,) ids, sorted; (n, 6), (n, 6, 6) in the plane; (n, 3)
    verticals; (n,) m²/s³, the noise of the mode that each was in.
    """

    time_ns: int
    id: Ints
    mean: Floats
    spread: Floats
    up: Floats
    density: Floats


class Diversions:
    """Follows every track. What it keeps is replaced, never changed: a copy costs nothing."""

    def __init__(self, motions: Motions, plane: Plane, after_s: float) -> None:
        self._motions, self._plane, self._after_ns = motions, plane, round(after_s * SECOND_NS)
        self._marks: tuple[Mark, ...] = ()  # the oldest first, the first old enough to judge by
        self._id: Ints = np.zeros(0, np.int64)
        self._seen, self._first, self._diverted = (np.zeros(0, np.int64) for _ in range(3))

    def copy(self) -> Diversions:
        """The same memory, to go its own way."""
        twin = object.__new__(Diversions)
        twin.__dict__.update(self.__dict__)
        return twin

    def follow(self, outlook: Outlook) -> None:
        """Take in one evaluation."""
        order = np.argsort(outlook.id, kind="stable")
        ids = outlook.id[order]
        updated, confirmed = outlook.updated_ns[order], outlook.status[order] == CONFIRMED
        known, rows = rows_of(self._id, ids)
        seen, first, diverted = (
            np.where(known, values[rows] if len(values) else 0, 0)
            for values in (self._seen, self._first, self._diverted)
        )
        news = np.flatnonzero(confirmed & (updated > seen))
        judged, outside = self._outside(outlook, order[news])
        back, out = news[judged & ~outside], news[judged & outside]
        first[back] = 0
        again = out[first[out] > 0]
        diverted[again] = first[again]
        fresh = out[first[out] == 0]
        first[fresh] = updated[fresh]
        seen[news] = updated[news]
        self._id, self._seen, self._first, self._diverted = ids, seen, first, diverted
        self._keep(outlook, order[confirmed])

    def times(self, ids: Ints) -> tuple[int | None, ...]:
        """When each of (n,) tracks last left its corridor, UTC ns: of the first detection outside; or None."""
        known, rows = rows_of(self._id, ids)
        found = np.where(known, self._diverted[rows] if len(self._diverted) else 0, 0)
        return tuple([each or None for each in found.tolist()])

    def _outside(self, outlook: Outlook, rows: Ints) -> tuple[Bools, Bools]:
        """Which of (n,) rows had a corridor, and which of them are outside."""
        from fusion.kernels.diversion import departure

        judged, outside = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
        if not self._marks or outlook.time_ns - self._marks[0].time_ns < self._after_ns or not len(rows):
            return judged, outside
        mark = self._marks[0]
        judged, then = rows_of(mark.id, outlook.id[rows])
        then, square = then[judged], np.empty(int(judged.sum()))
        mean, spread = _gaussians(outlook, rows[judged])
        climb = self._motions.parameters[0]
        departure(
            mark.mean[then], mark.spread[then], mark.up[then], mark.density[then],
            np.ascontiguousarray(mean[:, :3]), spread, float(climb[CLIMB_SIGMA]),
            float(climb[CLIMB_TIME]), SEMI_MAJOR_M, (outlook.time_ns - mark.time_ns) / SECOND_NS, square,
        )  # fmt: skip
        outside[judged] = square > GATE
        return judged, outside

    def _keep(self, outlook: Outlook, rows: Ints) -> None:
        """Remember these rows where it is time to, and forget what a younger mark is old enough to replace."""
        marks = self._marks
        if not marks or outlook.time_ns - marks[-1].time_ns >= MARK_NS:
            mean, spread = _gaussians(outlook, rows)
            density = self._motions.parameters[outlook.weight[rows].argmax(axis=1), DENSITY]
            up = self._plane.up_at(mean[:, :3]) if len(rows) else np.zeros((0, 3))
            marks = (*marks, Mark(outlook.time_ns, outlook.id[rows], mean, spread, up, density))
        while len(marks) > 1 and outlook.time_ns + SECOND_NS - marks[1].time_ns >= self._after_ns:
            marks = marks[1:]
        self._marks = marks


def _gaussians(outlook: Outlook, rows: Ints) -> tuple[Floats, Floats]:
    """Mean (n, 6) and covariance (n, 6, 6) of (n,) rows, over their modes."""
    from fusion.kernels.report import summarise

    mean, spread = np.empty((len(rows), 6)), np.empty((len(rows), 6, 6))
    summarise(outlook.weight[rows], outlook.mean[rows], outlook.covariance[rows], mean, spread)
    return mean, spread
