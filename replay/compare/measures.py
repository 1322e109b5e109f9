"""The figures of a run as sums over its instants: what a comparison resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fusion.types import Floats, Ints
from replay.compare.bootstrap import Ratio
from replay.scoring.detail import Detail
from replay.scoring.results import Score

Better = Literal["less", "more", "one"]  # which way is better; one: the nearer to 1


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """unit: as it is written after a number.  percent: a share, shown times 100."""

    name: str
    unit: str
    better: Better
    ratio: Ratio
    percent: bool = False


def measures(score: Score, detail: Detail) -> list[Measure]:
    """Every figure of a run that is made of sums over instants; those of alerts where there are zones."""
    found = [*_gospa(score), *_errors(score, detail), *_whole(score, detail)]
    return found + (_alerts(score) if score.alerts is not None else [])


def _gospa(score: Score) -> list[Measure]:
    over, one = score.over_time, np.ones(score.instants)
    parts = (
        ("GOSPA", over.gospa_m),
        ("  localisation", over.localisation_m),
        ("  missed", over.missed_m),
        ("  false", over.false_m),
    )
    found = [Measure(name, "m", "less", Ratio(values**2, one, root=True)) for name, values in parts]
    if over.trajectory_m is not None:
        found.append(Measure("trajectory GOSPA", "m", "less", Ratio(over.trajectory_m**2, one, root=True)))
    for name, mean in (("OSPA", over.ospa_m), ("OSPA(2)", over.ospa2_m)):
        if mean is not None:
            found.append(Measure(name, "m", "less", Ratio(mean, one)))
    return found


def _errors(score: Score, detail: Detail) -> list[Measure]:
    matches, dims = detail.matches, score.options.dims
    instant = detail.present.instant[matches.truth]
    velocity = (matches.velocity[:, :dims] ** 2).sum(axis=1)
    found = [
        Measure("position error", "m", "less", _mean(instant, matches.distance**2, score.instants, root=True)),
        Measure("height error", "m", "less", _mean(instant, matches.offset[:, 2] ** 2, score.instants, root=True)),
        Measure("velocity error", "m/s", "less", _mean(instant, velocity, score.instants, root=True)),
    ]
    nees = _mean(instant, detail.nees / dims, score.instants)
    return [*found, Measure("NEES / dimension", "", "one", Ratio(nees.top, nees.bottom, to_one=True))]


def _whole(score: Score, detail: Detail) -> list[Measure]:
    over, n = score.over_time, score.instants
    tracked = (over.objects - over.missed).astype(np.float64)
    switches, breaks = changes(detail)
    return [
        Measure("completeness", "%", "more", Ratio(tracked, over.objects.astype(np.float64)), percent=True),
        Measure("false tracks", "s", "less", _total(over.false * score.period_s, n)),
        Measure("changes of id", "", "less", _total(switches, n)),
        Measure("breaks", "", "less", _total(breaks, n)),
    ]


def changes(detail: Detail) -> tuple[Floats, Floats]:
    """(t,) each: objects whose track got another id at an instant, and objects tracked again after they were not."""
    present, n = detail.present, len(detail.instants.times_ns)
    track = np.full(len(present.instant), -1, dtype=np.int64)
    track[detail.matches.truth] = detail.points.id[detail.matches.track]
    rows = np.flatnonzero(~present.ignore)
    rows = rows[np.argsort(present.object[rows], kind="stable")]
    switches = _after(rows[track[rows] >= 0], present.object, track)
    again = np.flatnonzero((track[rows][1:] >= 0) & (track[rows][:-1] < 0) & _same(rows, present.object))
    first: dict[int, int] = {}
    for row in rows[track[rows] >= 0].tolist():
        first.setdefault(int(present.object[row]), row)
    breaks = [row for row in rows[again + 1].tolist() if row > first[int(present.object[row])]]
    counts = [np.bincount(present.instant[which], minlength=n).astype(np.float64) for which in (switches, breaks)]
    return counts[0], counts[1]


def _same(rows: Ints, owner: Ints) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = owner[rows][1:] == owner[rows][:-1]
    return same


def _after(rows: Ints, owner: Ints, track: Ints) -> Ints:
    """Of the tracked rows, by object in order of time, those with another track than the one before."""
    found: Ints = rows[1:][_same(rows, owner) & (track[rows][1:] != track[rows][:-1])]
    return found


def _alerts(score: Score) -> list[Measure]:
    assert score.alerts is not None
    entries, n = score.alerts.entries, score.instants
    could = [entry for entry in entries if entry.trackable_s is not None and entry.trackable_s > 0.0]
    before = [entry.time_ns for entry in entries if entry.outcome == "before"]
    nuisances = [each.raised_ns for each in score.alerts.episodes if each.worth == "nuisance"]
    warned = np.array([entry.warning_s for entry in could], dtype=np.float64)
    every = _when(score, [entry.time_ns for entry in entries])
    alerted = Ratio(_when(score, before), every)
    warning = Ratio(_when(score, [entry.time_ns for entry in could], warned), _when(score, [e.time_ns for e in could]))
    return [
        Measure("entries alerted before", "%", "more", alerted, percent=True),
        Measure("mean warning", "s", "more", warning),
        Measure("nuisance alerts", "", "less", _total(_when(score, nuisances), n)),
    ]


def _when(score: Score, times_ns: list[int], weights: Floats | None = None) -> Floats:
    """(t,) events, or the sum of their weights, at the instant that follows each."""
    place = np.searchsorted(score.over_time.time_ns, np.array(times_ns, dtype=np.int64))
    place = np.minimum(place, score.instants - 1)
    return np.bincount(place, weights=weights, minlength=score.instants).astype(np.float64)


def _mean(instant: Ints, values: Floats, n: int, root: bool = False) -> Ratio:
    known = np.isfinite(values)
    top = np.bincount(instant[known], weights=values[known], minlength=n).astype(np.float64)
    return Ratio(top, np.bincount(instant[known], minlength=n).astype(np.float64), root)


def _total(values: NDArray[Any], n: int) -> Ratio:
    return Ratio(values.astype(np.float64), np.ones(n), factor=float(n))
