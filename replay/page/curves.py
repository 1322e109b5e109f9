"""Curves over time, as data for the page's script: what stands in each chart, and what a reader is told of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.types import SECOND_NS, Floats, Ints
from replay.pictures.plot import HEIGHTS_FROM_M
from replay.pictures.scene import Scene
from replay.scoring.compared import Compared
from replay.scoring.consistency import LEVEL
from replay.scoring.results import Score
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
    """log: a logarithmic axis.  band: the places of two curves between which it is shaded.

    heights: the heights of the map's paths are drawn in it, from the first value to the second.
    """

    title: str
    note: str
    curves: Sequence[Curve]
    log: bool = False
    band: tuple[int, int] | None = None
    heights: tuple[float, float] | None = None
    unit: str = ""


def charts(score: Score, compared: Compared) -> list[Chart]:
    """Every chart of a score: those whose values it holds."""
    found = [
        gospa_chart(score),
        *_trajectory(score),
        error_chart(score, compared),
        *_heading(score),
        counts_chart(score),
    ]
    return [*found, *_siap(score), *_nees(score), *_nis(score)]


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


def error_chart(score: Score, compared: Compared) -> Chart:
    """Errors of the tracks that objects hold."""
    held, over = compared.held, score.over_time
    worst = np.full(score.instants, -np.inf)
    np.maximum.at(worst, held.instant, held.distance)
    shown = (
        ("position", over.position_rms_m, "one"),
        ("largest", np.where(np.isfinite(worst), worst, np.nan), "soft"),
        ("velocity", over.velocity_rms_mps, "four"),
    )
    return Chart(
        "Errors of tracks on objects",
        "RMS over the pairs of each instant, and the largest of them; velocity in m/s",
        [Curve(name, values, colour) for name, values, colour in shown if values is not None],
        unit="m",
    )


def height_chart(scene: Scene) -> list[Chart]:
    """The heights of all paths, where they differ by enough to be looked at."""
    heights = [path.height_m for path in scene.tracks]
    heights += [path.height_m for path in scene.objects if not path.faint.all()]
    every = np.concatenate(heights) if heights else np.zeros(0)
    every = every[np.isfinite(every)]
    if not len(every) or np.ptp(every) < HEIGHTS_FROM_M:
        return []
    note = "above the ellipsoid, in m: truth and tracks in the colours of the map"
    return [Chart("Heights", note, [], heights=(float(every.min()), float(every.max())))]


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


def _nees(score: Score) -> list[Chart]:
    over = score.over_time
    return _bounded("Consistency: NEES", "covariances", over.nees, over.nees_low, over.nees_high)


def _nis(score: Score) -> list[Chart]:
    over = score.over_time
    return _bounded("Consistency: NIS", "predictions", over.nis, over.nis_low, over.nis_high)


def _bounded(title: str, what: str, mean: Floats | None, low: Floats | None, high: Floats | None) -> list[Chart]:
    if mean is None or low is None or high is None or not np.isfinite(mean).any():
        return []
    return [bounded_chart(title, what, mean, low, high)]


def bounded_chart(title: str, what: str, mean: Floats, low: Floats, high: Floats) -> Chart:
    """(t,) means per degree of freedom, and where an honest one lies; NaN where there is none."""
    there, inside = np.isfinite(mean), (mean >= low) & (mean <= high)
    share = percent(float(inside[there].mean())) if there.any() else "–"
    return Chart(
        title,
        f"per degree of freedom: 1 is honest, above it {what} claim too much; {share} of the instants lie inside the "
        f"bounds (honest and independent: {LEVEL:.0%})",
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
                "heights": chart.heights,
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
