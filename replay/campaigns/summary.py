"""What a campaign says: each figure for each scenario and configuration, and the differences between configurations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from replay.campaigns.columns import Value
from replay.campaigns.grid import Grid
from replay.campaigns.results import Entry, columns
from replay.campaigns.statistics import Interval, differences_of, interval, present
from replay.text import Rows


@dataclass(frozen=True, slots=True)
class Metric:
    """A column that is summarised. better: -1 where less is better, 1 where more is, 0 where neither."""

    column: str
    name: str
    unit: str = ""
    better: int = -1


HEADLINES: Final = (
    Metric("totals.gospa_m", "GOSPA", "m"),
    Metric("errors.position_rmse_m", "position error", "m"),
    Metric("errors.velocity_rmse_mps", "velocity error", "m/s"),
    Metric("completeness", "completeness", better=1),
    Metric("first_track_s", "first track after", "s"),
    Metric("switches", "identity switches"),
    Metric("false_time_s", "false tracks", "s"),
    Metric("consistency.nees_per_dof", "NEES / dimension", better=0),
    Metric("alerts.warnings.median_s", "median warning", "s", 1),
    Metric("alerts.nuisances.nuisance", "nuisance alerts"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one configuration in one scenario. values: of its seeds, where there is one."""

    scenario: str
    configuration: str
    metric: Metric
    value: Interval
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A configuration less the baseline, seed by seed. values: of the seeds of which both runs ended well."""

    scenario: str
    configuration: str
    metric: Metric
    value: Interval
    values: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `different` where it is certain, else nothing."""
        if not self.value.certain or self.value.mean is None:
            return ""
        if not self.metric.better:
            return "different"
        return "better" if self.value.mean * self.metric.better > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that a person is told. runs: of the grid; ended, failed: of these."""

    name: str
    baseline: str
    runs: int
    seeds: int
    ended: int
    failed: tuple[Entry, ...]
    figures: tuple[Figure, ...]
    differences: tuple[Difference, ...]

    @property
    def left(self) -> int:
        return self.runs - self.ended


def summarise(grid: Grid, rows: tuple[Entry, ...]) -> Summary:
    """Means, intervals and differences of the runs that ended well."""
    plan = grid.plan
    there = set(columns(rows))
    metrics = [Metric(name, name, better=0) for name in plan.metrics] or [
        metric for metric in HEADLINES if metric.column in there
    ]
    metrics = [next((known for known in HEADLINES if known.column == one.column), one) for one in metrics]
    good = {
        (entry.cell.scenario, entry.cell.configuration, entry.cell.seed): entry.row
        for entry in rows
        if entry.failure is None
    }
    figures, differences = [], []
    for setting in plan.settings:
        place = setting.scenario, setting.configuration
        for metric in metrics:
            own = _values(good, place, plan.seeds, metric)
            figures.append(Figure(*place, metric, interval(own), present(own)))
            if setting.configuration != plan.baseline:
                base = _values(good, (setting.scenario, plan.baseline), plan.seeds, metric)
                off = differences_of(base, own)
                differences.append(Difference(*place, metric, interval(off), off))
    failed = tuple(entry for entry in rows if entry.failure is not None)
    return Summary(
        plan.name, plan.baseline, plan.runs, len(plan.seeds), len(rows), failed, tuple(figures), tuple(differences)
    )


def _values(
    good: dict[tuple[str, str, int], dict[str, Value]], place: tuple[str, str], seeds: Sequence[int], metric: Metric
) -> list[Value]:
    return [good.get((*place, seed), {}).get(metric.column) for seed in seeds]


def figure_rows(found: Sequence[Figure]) -> Rows:
    """The figures of one scenario as cells: a row for each metric, a column for each configuration."""
    names = list(dict.fromkeys(figure.configuration for figure in found))
    rows: Rows = [("", *names)]
    for metric in dict.fromkeys(figure.metric for figure in found):
        cells = [told(figure.value, metric.unit) for figure in found if figure.metric == metric]
        rows.append((metric.name, *cells))
    return rows


def difference_rows(found: Sequence[Difference]) -> Rows:
    """The differences of one scenario as cells."""
    rows: Rows = [("", "configuration", "difference", "from", "to", "seeds", "")]
    for one in found:
        value = one.value
        cells = [_signed(number) for number in (value.mean, value.low, value.high)]
        label = f"{one.metric.name}{f', {one.metric.unit}' if one.metric.unit else ''}"
        rows.append((label, one.configuration, *cells, f"{value.n:,}", one.verdict))
    return rows


def told(value: Interval, unit: str = "") -> str:
    """A mean with half the width of its interval, in digits that mean something."""
    if value.mean is None:
        return "–"
    tail = f" {unit}" if unit else ""
    if value.low is None or value.high is None:
        return f"{value.mean:.4g}{tail} (n = {value.n})"
    reach = (value.high - value.low) / 2.0
    if reach == 0.0:
        return f"{value.mean:.4g}{tail} (all {value.n})"
    digits = _digits(reach)
    return f"{value.mean:,.{digits}f} ± {reach:,.{digits}f}{tail}"


def _digits(reach: float) -> int:
    """Decimals that show two digits of an uncertainty."""
    return min(max(1 - math.floor(math.log10(reach)), 0), 6)


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3g}" if value else "0"
