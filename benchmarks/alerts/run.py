"""One encounter for all who warn of it, and the table of what each was worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.alerts import oracle, straight
from benchmarks.alerts.rule import Evaluation
from benchmarks.alerts.straight import TRUE_TRACK
from replay.alerts.calibration import Calibration, Forecasts, calibration, joined
from replay.alerts.judge import Verdict
from replay.alerts.score import AlertScore, pool
from replay.encounters.flown import fly
from replay.encounters.judged import Instant, instant, outcomes, owner_of, verdict_of
from replay.encounters.layout import lay_out
from replay.encounters.results import OURS, figures, markdown, rows
from replay.encounters.tracking import Record, tracked

LINE, TRUE_LINE, ORACLE = "straight line", "straight line, noise-free", "oracle"
NAMES: Final = (OURS, LINE, TRUE_LINE, ORACLE)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One encounter: what each of `NAMES` was worth, and the one forecast of each with what came of it."""

    record: Record
    verdicts: dict[str, Verdict]
    forecasts: dict[str, Forecasts]


def compare(seed: int, number: int) -> Compared:
    """Fly, track and judge one encounter."""
    encounter = lay_out(seed, number)
    flown = fly(encounter)
    record = tracked(flown)
    owner = owner_of(record)
    line, line_found = straight.of_tracks(encounter, record)
    true_line, true_found = straight.of_truth(encounter, record)
    best, best_found = oracle.of_truth(encounter, record, flown.states)
    verdicts = {
        OURS: verdict_of(encounter, record, record.steps, owner),
        LINE: verdict_of(encounter, record, line, owner),
        TRUE_LINE: verdict_of(encounter, record, true_line),
        ORACLE: verdict_of(encounter, record, best),
    }
    at = instant(encounter, record)
    told = dict.fromkeys(NAMES, 0.0)
    if at is not None:
        told = {
            OURS: at.probability,
            LINE: _at(line_found[at.track], at),
            TRUE_LINE: _at(true_found[TRUE_TRACK], at),
            ORACLE: _at(best_found[TRUE_TRACK], at),
        }
    return Compared(record, verdicts, outcomes(encounter, record, at, told))


def _at(evaluations: list[Evaluation], at: Instant) -> float:
    """What was said at an instant."""
    times = np.array([each.time_ns for each in evaluations])
    k = int(np.searchsorted(times, at.time_ns, side="right")) - 1
    return evaluations[max(k, 0)].probability


def scores(found: Iterable[Compared]) -> dict[str, tuple[AlertScore, Calibration]]:
    """Of each of `NAMES`: the pooled score, and the calibration of one forecast an encounter."""
    every = list(found)
    return {
        name: (
            pool(each.verdicts[name] for each in every),
            calibration(joined(each.forecasts[name] for each in every)),
        )
        for name in NAMES
    }


def table(found: dict[str, tuple[AlertScore, Calibration]]) -> list[str]:
    """In Markdown."""
    return markdown(rows({name: figures(*parts) for name, parts in found.items()}))
