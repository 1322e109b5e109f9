"""An encounter through the real core: `fusion.pipeline`, from frames to alert steps, with every forecast kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.alerting.handover import moments
from fusion.pipeline import Pipeline
from fusion.prediction import paths
from fusion.prediction.forecasts import Forecast, Forecaster
from fusion.types import SECOND_NS, AlertStep, Outlook, Picture
from replay.alerts.model import Step
from replay.encounters.flown import Flown, fly
from replay.encounters.layout import lay_out
from replay.scoring.truths import ObjectRows, collect

# An evaluation's row, one for each confirmed or coasting track at each second: the track, one Gaussian in the plane at
# the zone (m, m/s; spread: the upper triangle of its covariance, row by row), and what is forecast of it.  entry:
# P(entry), given that the track exists.  now: P(inside now).  inside: its mean is.
ROW: Final = np.dtype(
    [
        *((name, np.int64) for name in ("track", "time_ns", "updated_ns", "created_ns")),
        *((name, np.int32) for name in ("hits", "status")),
        *((name, np.float64) for name in ("existence", "entry", "now", "p10", "p50", "p90")),
        ("inside", np.bool_),
        ("mean", np.float32, (6,)),
        ("spread", np.float32, (21,)),
    ]
)
EVERY_NS: Final = 4 * SECOND_NS  # one look of the radars
TRIANGLE: Final = np.triu_indices(6)
Rows = np.ndarray[tuple[int], np.dtype[np.void]]
NO_TIME: Final = (np.nan, np.nan, np.nan)  # to entry: none of the paths enters


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one encounter left: its truth, the steps of its alerts, and every forecast.

    rows: (n,) of `ROW`, in order of time, then track.  span_ns: from the first evaluation to the last.
    """

    number: int
    kind: str
    truth: ObjectRows
    trackable_ns: int | None
    span_ns: tuple[int, int]
    steps: list[Step]
    rows: Rows


class Listener(Forecaster):
    """A forecaster that keeps what it says; and of tracks of which it says nothing, as entry cannot be likely, the
    glance that tells so.
    """

    def __init__(self, real: Forecaster) -> None:
        super().__init__(real.airspace, real.motions, real.plane)
        self.rows: list[tuple[object, ...]] = []
        self.times_ns: list[int] = []

    def forecasts(self, outlook: Outlook, watched: Collection[tuple[int, int]]) -> list[Forecast]:
        """The real one's, kept. Each `EVERY_NS` of every track, however unlikely: calibration needs those too."""
        if outlook.time_ns % EVERY_NS == 0:
            watched = {*watched, *((row, 0) for row in range(len(outlook.id)))}
        found = super().forecasts(outlook, watched)
        told = {each.row: (each.entry, each.inside) for each in found}
        self.times_ns.append(outlook.time_ns)
        for row in range(len(outlook.id)):
            self.rows.append(_row(outlook, row, *(told.get(row) or (self._glance(outlook, row), False))))
        return found

    def _glance(self, outlook: Outlook, row: int) -> paths.Entry:
        fan = self._fan(outlook, row, self.airspace.zones[0].lookahead_s, {})
        return paths.entry(fan, self.airspace.volumes[0], self.airspace.spans(0, outlook.time_ns), paths.GLANCE)


def _row(outlook: Outlook, row: int, entry: paths.Entry, inside: bool) -> tuple[object, ...]:
    """One row of `ROW`."""
    whole = (outlook.id, outlook.updated_ns, outlook.created_ns, outlook.hits, outlook.status)
    track, updated, created, hits, status = (int(column[row]) for column in whole)
    told = (entry.probability, entry.now, *(entry.time_s or NO_TIME), inside)
    mean, spread = moments(outlook, row)
    existence = float(outlook.existence[row])
    return (track, outlook.time_ns, updated, created, hits, status, existence, *told, mean, spread[TRIANGLE])


def track(seed: int, number: int) -> Record:
    """Fly, see and track encounter `number` of the campaign `seed`."""
    return tracked(fly(lay_out(seed, number)))


def tracked(flown: Flown) -> Record:
    """The record of a flown encounter."""
    encounter = flown.encounter
    pipeline = Pipeline(encounter.site, rewind=False)
    listener = Listener(pipeline.machine.forecaster)
    pipeline.machine.forecaster = listener
    steps: list[AlertStep] = []
    for frame in flown.frames:
        steps += [event for event in pipeline.receive(frame) if not isinstance(event, Picture)]
    steps += [event for event in pipeline.finish() if not isinstance(event, Picture)]
    (truth,) = collect(flown.truth())
    return Record(
        encounter.number,
        encounter.kind.name,
        truth,
        flown.trackable_ns,
        (listener.times_ns[0], listener.times_ns[-1]),
        [Step.of(step) for step in steps],
        np.array(listener.rows, ROW),
    )
