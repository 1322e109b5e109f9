"""An encounter through the real core: `fusion.pipeline`, from frames to alert steps, with every forecast kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.forecasts import Forecast, Forecaster
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, AlertStep, Floats, Ints, Outlook, Picture
from replay.alerts.model import Step
from replay.encounters.flown import Flown, fly
from replay.encounters.layout import OBJECT, START_NS, lay_out
from replay.truths import ObjectRows, collect

# Columns of an evaluation's row, one for each confirmed or coasting track at each second.
FIELDS: Final = (
    "track", "time_ns", "updated_ns", "created_ns", "hits", "status", "existence",
    "east", "north", "up", "east_rate", "north_rate", "up_rate",
    "told", "probability", "now", "inside", "p10", "p50", "p90",
)  # fmt: skip
WHOLE: Final = ("track", "time_ns", "updated_ns", "created_ns", "hits", "status")
ROW: Final = np.dtype([(name, np.int64 if name in WHOLE else np.float32) for name in FIELDS])
# told: whether the zone was near enough for a forecast; else the probability is 0. It is that of entry, times
# existence.  now: of being inside now.  inside: its mean is.  Places in the plane at the zone, m and m/s.


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
    rows: np.ndarray[tuple[int], np.dtype[np.void]]


class Listener(Forecaster):
    """A forecaster that keeps what it says."""

    def __init__(self, real: Forecaster) -> None:
        super().__init__(real.airspace, real.motions, real.plane)
        self.rows: list[tuple[float, ...]] = []
        self.times_ns: list[int] = []

    def forecasts(self, outlook: Outlook, watched: Collection[tuple[int, int]]) -> list[Forecast]:
        """The real one's, kept."""
        found = super().forecasts(outlook, watched)
        by_row = {each.row: each for each in found}
        self.times_ns.append(outlook.time_ns)
        for row in range(len(outlook.id)):
            self.rows.append(_row(outlook, row, self._mean(outlook, row), by_row.get(row)))
        return found


def _row(outlook: Outlook, row: int, mean: Floats, forecast: Forecast | None) -> tuple[float, ...]:
    existence = float(outlook.existence[row])
    whole = (outlook.id, outlook.updated_ns, outlook.created_ns, outlook.hits, outlook.status)
    track, updated, created, hits, status = (int(column[row]) for column in whole)
    told: tuple[float, ...] = (0.0,) * 4 + (np.nan,) * 3
    if forecast is not None:
        entry = forecast.entry
        told = (1.0, existence * entry.probability, entry.now, float(forecast.inside), *(entry.time_s or (np.nan,) * 3))
    return (track, outlook.time_ns, updated, created, hits, status, existence, *(float(v) for v in mean), *told)


def track(seed: int, number: int) -> Record:
    """Fly, see and track encounter `number` of the campaign `seed`."""
    return tracked(fly(lay_out(seed, number)))


def tracked(flown: Flown) -> Record:
    """The record of a flown encounter."""
    encounter = flown.encounter
    pipeline = Pipeline(encounter.site, rewind=False)
    machine = pipeline._air.machine
    listener = Listener(machine.forecaster)
    machine.forecaster = listener
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
