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
from replay.encounters.tracking import Record, tracked

OURS, LINE, TRUE_LINE, ORACLE = "skypicket", "straight line", "straight line, noise-free", "oracle"
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


def figures(score: AlertScore, one: Calibration) -> dict[str, float | None]:
    """The rows of the table, by name."""
    warnings, nuisances, told = score.warnings, score.nuisances, score.calibration
    entries = max(warnings.entries, 1)
    return {
        "entries": warnings.entries,
        **{f"warned at {share.seconds:.0f} s": share.share for share in warnings.shares},
        "median warning s": warnings.median_s,
        "p10 warning s": warnings.p10_s,
        "late": warnings.late / entries,
        "missed": warnings.missed / entries,
        "episodes": nuisances.episodes,
        "nuisance per object-hour": nuisances.per_object_hour,
        "flaps per encounter": nuisances.flaps_per_encounter,
        "duplicates": nuisances.duplicates,
        "infringing after s, median": score.infringing.median_s,
        "infringing after s, p90": score.infringing.p90_s,
        "time to entry off by s, median": score.times.error_s,
        "p10..p90 coverage": score.times.coverage,
        "messages": told.forecasts,
        "messages: base rate": told.base_rate,
        "messages: Brier": told.brier,
        "messages: Brier skill": told.skill,
        "messages: calibration error": told.ece,
        "one each: forecasts": one.forecasts,
        "one each: base rate": one.base_rate,
        "one each: Brier": one.brier,
        "one each: Brier skill": one.skill,
        "one each: calibration error": one.ece,
        "one each: worst tenth of 100 or more": one.worst,
    }


def table(found: dict[str, tuple[AlertScore, Calibration]]) -> list[str]:
    """In Markdown."""
    columns = {name: figures(*parts) for name, parts in found.items()}
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for row in columns[OURS]:
        cells = [_cell(column[row]) for column in columns.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return lines


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value}" if isinstance(value, int) else f"{value:.3f}" if abs(value) < 2.0 else f"{value:.1f}"
