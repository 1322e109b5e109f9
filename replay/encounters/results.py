"""A campaign's figures: the pooled score of its alerts, and the calibration of one forecast an encounter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from replay.alerts.calibration import Calibration, Forecasts, calibration, joined
from replay.alerts.judge import Verdict
from replay.alerts.score import AlertScore, pool
from replay.encounters.explained import Account, account
from replay.encounters.judged import instant, outcomes, owner_of, verdict_of
from replay.encounters.layout import Encounter, lay_out
from replay.encounters.tracking import Record, track

OURS = "skypicket"
Figures = dict[str, float | int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One encounter: its record, what its alerts were worth, its one forecast, and the entries not warned before."""

    record: Record
    verdict: Verdict
    forecast: Forecasts
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Of a campaign. one: of the single forecasts."""

    seed: int
    encounters: int
    score: AlertScore
    one: Calibration
    accounts: tuple[Account, ...]


def meet(seed: int, number: int) -> Judged:
    """Fly, track and judge one encounter."""
    return judged(lay_out(seed, number), track(seed, number))


def judged(encounter: Encounter, record: Record) -> Judged:
    """Judge the steps that a record holds."""
    verdict = verdict_of(encounter, record, record.steps, owner_of(record))
    at = instant(encounter, record)
    told = outcomes(encounter, record, at, {OURS: 0.0 if at is None else at.probability})
    late = [entry for entry in verdict.entries if entry.outcome != "before"]
    return Judged(record, verdict, told[OURS], tuple(account(encounter, record, entry) for entry in late))


def results(seed: int, found: Iterable[Judged]) -> Results:
    """All encounters of a campaign together."""
    every = list(found)
    return Results(
        seed,
        len(every),
        pool(each.verdict for each in every),
        calibration(joined(each.forecast for each in every)),
        tuple(one for each in every for one in each.accounts),
    )


def figures(score: AlertScore, one: Calibration) -> Figures:
    """The rows of a table, by name."""
    warnings, nuisances, told = score.warnings, score.nuisances, score.calibration
    entries = max(warnings.entries, 1)
    return {
        "entries": warnings.entries,
        **{f"warned at {share.seconds:.0f} s": share.share for share in warnings.shares},
        "median warning, s": warnings.median_s,
        "p10 warning, s": warnings.p10_s,
        "alerted late": warnings.late / entries,
        "missed": warnings.missed / entries,
        "alerts": nuisances.episodes,
        "object-hours": nuisances.object_hours,
        "nuisance per object-hour": nuisances.per_object_hour,
        "flaps per encounter": nuisances.flaps_per_encounter,
        "duplicates": nuisances.duplicates,
        "infringing after, median, s": score.infringing.median_s,
        "infringing after, p90, s": score.infringing.p90_s,
        "time to entry off by, median, s": score.times.error_s,
        "p10 to p90 covers": score.times.coverage,
        "messages": told.forecasts,
        "messages: entered": told.base_rate,
        "messages: Brier": told.brier,
        "messages: Brier skill": told.skill,
        "messages: calibration error": told.ece,
        "one each: forecasts": one.forecasts,
        "one each: entered": one.base_rate,
        "one each: Brier": one.brier,
        "one each: Brier skill": one.skill,
        "one each: calibration error": one.ece,
        "one each: worst tenth of 100 or more": one.worst,
    }


def rows(columns: dict[str, Figures]) -> list[tuple[str, ...]]:
    """A table as cells, with its head; columns: figures by who they are of."""
    first = next(iter(columns.values()))
    found: list[tuple[str, ...]] = [("", *columns)]
    found += [(name, *(_cell(column[name]) for column in columns.values())) for name in first]
    return found


def markdown(table: Sequence[tuple[str, ...]]) -> list[str]:
    """A table's lines in Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in table]
    return [lines[0], "|---" * len(table[0]) + "|", *lines[1:]]


def as_json(found: Results) -> dict[str, Any]:
    """What the results file holds."""
    return {
        "seed": found.seed,
        "encounters": found.encounters,
        "figures": figures(found.score, found.one),
        "reliability": [asdict(each) for each in found.one.deciles],
        "not warned before": [asdict(each) for each in found.accounts],
    }


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}" if abs(value) < 2.0 else f"{value:,.1f}"
