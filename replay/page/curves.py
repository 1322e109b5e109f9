"""Curves over time, as data for the page's script: what stands in each chart, and what a reader is told of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.types import SECOND_NS, Floats, Ints
from replay.scoring.detail import Detail
from replay.scoring.results import Score
from replay.scoring.score import CONSISTENCY_LEVEL
from replay.text import percent

MOST_INSTANTS = 20_000  # a curve has no more points: screens have fewer columns
DIGITS = 4  # significant ones, of what a curve shows


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """values: (t,), NaN where there is none.  colour: a name of the style sheet.  dash: of bounds and yardsticks."""

    label: str
    values: NDArray[Any]
    colour: str
    step: bool = False
    dash: bool = False
    fill: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """log: a logarithmic axis.  band: the places of two curves between which it is shaded."""

    title: str
    note: str
    curves: Sequence[Curve]
    log: bool = False
    band: tuple[int, int] | None = None
    unit: str = ""


def charts(score: Score, detail: Detail) -> list[Chart]:
    """Every chart of a score: those whose values it holds."""
    found = [gospa_chart(score), *_trajectory(score), error_chart(score, detail), *_heading(score), counts_chart(score)]
    return [*found, *_siap(score), nees_chart(score, detail), *_nis(score)]


def _trajectory(score: Score) -> list[Chart]:
    over = score.over_time
    shown = (
        ("trajectory GOSPA", over.trajectory_m, "ink", True),
        ("its switches", over.switch_m, "four", False),
        ("OSPA", over.ospa_m, "two", False),
        ("OSPA(2)", over.ospa2_m, "five", False),
    )
    curves = [Curve(name, values, colour, fill=fill) for name, values, colour, fill in shown if values is not None]
    note = f"with the price of switching tracks; OSPA(2) over the {score.options.window_s:g} s that end there"
    return [Chart("Trajectories: trajectory GOSPA, OSPA", note, curves, unit="m")] if curves else []


def _heading(score: Score) -> list[Chart]:
    heading = score.over_time.heading_rms_deg
    if heading is None or not np.isfinite(heading).any():
        return []
    return [Chart("Heading error", "RMS over what moves, in degrees", [Curve("heading", heading, "four")], unit="°")]


def _siap(score: Score) -> list[Chart]:
    over = score.over_time
    shown = (
        ("completeness", over.completeness, "one"),
        ("ambiguity", over.ambiguity, "two"),
        ("spuriousness", over.spuriousness, "three"),
    )
    curves = [Curve(name, values, colour) for name, values, colour in shown if values is not None]
    note = (
        "share of objects with a track, 1 at best; tracks on an object that has one, 1 at best; share of tracks on none"
    )
    return [Chart("Air picture: SIAP", note, curves)] if curves else []


def gospa_chart(score: Score) -> Chart:
    """GOSPA and its parts."""
    over = score.over_time
    where = "in the plane" if score.options.dims == 2 else "with height"
    return Chart(
        "GOSPA and its parts",
        f"gospa² = localisation² + missed² + false²; cut-off {score.options.c_m:g} m, {where}",
        [
            Curve("GOSPA", over.gospa_m, "ink", fill=True),
            Curve("localisation", over.localisation_m, "one"),
            Curve("missed", over.missed_m, "two"),
            Curve("false", over.false_m, "three"),
        ],
        unit="m",
    )


def error_chart(score: Score, detail: Detail) -> Chart:
    """Errors of the assigned pairs."""
    matches, n = detail.matches, score.instants
    instant = detail.present.instant[matches.truth]
    velocity = (matches.velocity[:, : score.options.dims] ** 2).sum(axis=1)
    known = np.isfinite(velocity)
    worst = np.full(n, -np.inf)
    np.maximum.at(worst, instant, matches.distance)
    return Chart(
        "Errors of tracks on objects",
        "RMS over the assigned pairs of each instant, and the largest of them; velocity in m/s",
        [
            Curve("position", _rms(instant, matches.distance**2, n), "one"),
            Curve("largest", np.where(np.isfinite(worst), worst, np.nan), "soft"),
            Curve("velocity", _rms(instant[known], velocity[known], n), "four"),
        ],
        unit="m",
    )


def counts_chart(score: Score) -> Chart:
    """How many objects and tracks, and how many of them missed and false."""
    over = score.over_time
    return Chart(
        "How many",
        "objects asked for, tracks shown; of them missed and false",
        [
            Curve("objects", over.objects, "ink", step=True),
            Curve("tracks", over.tracks, "one", step=True),
            Curve("missed", over.missed, "two", step=True),
            Curve("false", over.false, "three", step=True),
        ],
    )


def nees_chart(score: Score, detail: Detail) -> Chart:
    """The normalised error of each instant's pairs, per degree of freedom, with the bounds of an honest filter."""
    known = np.isfinite(detail.nees)
    instant = detail.present.instant[detail.matches.truth][known]
    n, dims = score.instants, score.options.dims
    total = np.bincount(instant, weights=detail.nees[known], minlength=n).astype(np.float64)
    dof = dims * np.bincount(instant, minlength=n)
    return consistency_chart("Consistency: NEES", "covariances", total, dof)


def _nis(score: Score) -> list[Chart]:
    over = score.over_time
    if over.nis is None or over.nis_low is None or over.nis_high is None or not np.isfinite(over.nis).any():
        return []
    return [bounded_chart("Consistency: NIS", "predictions", over.nis, over.nis_low, over.nis_high)]


def consistency_chart(title: str, what: str, total: Floats, dof: Ints) -> Chart:
    """total: (t,) sums of normalised squares.  dof: (t,) their degrees of freedom, 0 where there are none."""
    from scipy.stats import chi2

    mean = np.where(dof > 0, total / np.maximum(dof, 1), np.nan)
    each, place = np.unique(dof, return_inverse=True)
    low, high = (bound / np.maximum(each, 1) for bound in chi2.interval(CONSISTENCY_LEVEL, np.maximum(each, 1)))
    low, high = (np.where(each > 0, bound, np.nan)[place] for bound in (low, high))
    return bounded_chart(title, what, mean, low, high)


def bounded_chart(title: str, what: str, mean: Floats, low: Floats, high: Floats) -> Chart:
    """(t,) means per degree of freedom, and where an honest one lies; NaN where there is none."""
    there, inside = np.isfinite(mean), (mean >= low) & (mean <= high)
    share = percent(float(inside[there].mean())) if there.any() else "–"
    return Chart(
        title,
        f"per degree of freedom: 1 is honest, above it {what} claim too much; {share} of the instants lie inside the "
        f"bounds (honest and independent: {CONSISTENCY_LEVEL:.0%})",
        [
            Curve(title.rpartition(" ")[2], mean, "one"),
            Curve("95 % from", low, "soft", dash=True),
            Curve("95 % to", high, "soft", dash=True),
            Curve("honest", np.where(there, 1.0, np.nan), "soft"),
        ],
        log=True,
        band=(2, 1),
    )


def chart_data(
    shown: Sequence[Chart], times_ns: Ints, begin_ns: int, weight: Floats
) -> tuple[dict[str, Any], list[str]]:
    """The charts as JSON, and what is to be told of them.

    times_ns: (t,).  weight: (t,) by which an instant is kept, where there are more than `MOST_INSTANTS`: of each group
    of neighbours the heaviest one, with all its values.
    """
    n = len(times_ns)
    every = math.ceil(n / MOST_INSTANTS)
    kept, notes = np.arange(n), []
    if every > 1:
        kept = np.array([k + int(np.argmax(weight[k : k + every])) for k in range(0, n, every)])
        notes = [f"curves show the worst of each {every} instants"]
    found = {
        "t": [round(float(t), 3) for t in (times_ns[kept] - begin_ns) / SECOND_NS],
        "charts": [
            {
                "title": chart.title,
                "log": chart.log,
                "band": chart.band,
                "unit": chart.unit,
                "curves": [
                    {
                        "label": curve.label,
                        "colour": curve.colour,
                        "step": curve.step,
                        "dash": curve.dash,
                        "fill": curve.fill,
                        "values": plain(curve.values[kept]),
                    }
                    for curve in chart.curves
                ],
            }
            for chart in shown
        ],
    }
    return found, notes


def plain(values: NDArray[Any]) -> list[float | int | None]:
    """Numbers of a few digits; null where there is none."""
    if values.dtype.kind in "iub":
        return [int(value) for value in values.tolist()]
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()]


def _rms(instant: Ints, squared: Floats, n: int) -> Floats:
    count = np.bincount(instant, minlength=n)
    total = np.bincount(instant, weights=squared, minlength=n)
    return np.where(count > 0, np.sqrt(total / np.maximum(count, 1)), np.nan)
