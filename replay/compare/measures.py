"""The figures of a run as sums over its instants: what a comparison resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fusion.types import Floats, Ints
from replay.compare.bootstrap import Ratio
from replay.scoring.compared import Compared
from replay.scoring.consistency import normalised_squared
from replay.scoring.identities import changes
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


def measures(score: Score, compared: Compared) -> list[Measure]:
    """Every figure of a run that is made of sums over instants; those of alerts where there are zones."""
    found = [*_gospa(score), *_errors(score, compared), *_whole(score, compared)]
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


def _errors(score: Score, compared: Compared) -> list[Measure]:
    matches, dims = compared.matches, score.options.dims
    instant = compared.present.instant[matches.truth]
    velocity = (matches.velocity[:, :dims] ** 2).sum(axis=1)
    found = [
        Measure("position error", "m", "less", _mean(instant, matches.distance**2, score.instants, root=True)),
        Measure("height error", "m", "less", _mean(instant, matches.offset[:, 2] ** 2, score.instants, root=True)),
        Measure("velocity error", "m/s", "less", _mean(instant, velocity, score.instants, root=True)),
    ]
    covariance = compared.points.covariance[matches.track][:, :dims, :dims]
    nees = _mean(instant, normalised_squared(matches.offset[:, :dims], covariance) / dims, score.instants)
    return [*found, Measure("NEES / dimension", "", "one", Ratio(nees.top, nees.bottom, to_one=True))]


def _whole(score: Score, compared: Compared) -> list[Measure]:
    over, n = score.over_time, score.instants
    tracked = (over.objects - over.missed).astype(np.float64)
    held = compared.held
    switched = held.instant[np.flatnonzero(changes(held, compared.present).switch)]
    return [
        Measure("completeness", "%", "more", Ratio(tracked, over.objects.astype(np.float64)), percent=True),
        Measure("false tracks", "s", "less", _total(over.false * score.period_s, n)),
        Measure("identity switches", "", "less", _total(np.bincount(switched, minlength=n), n)),
        Measure("breaks", "", "less", _total(breaks(compared), n)),
    ]


def breaks(compared: Compared) -> Ints:
    """(t,) how many objects that were tracked, then were not, are tracked again at each instant."""
    present = compared.present
    tracked = np.zeros(len(present.instant), dtype=bool)
    tracked[compared.matches.truth] = True
    rows = np.flatnonzero(~present.ignore)
    rows = rows[np.argsort(present.object[rows], kind="stable")]
    owner, now = present.object[rows], tracked[rows]
    so_far = np.cumsum(now)
    _, first = np.unique(owner, return_index=True)
    before = np.repeat((so_far - now)[first], np.diff(np.append(first, len(rows))))  # of the objects before this one
    again = now[1:] & ~now[:-1] & (owner[1:] == owner[:-1]) & (so_far[1:] - before[1:] > 1)
    found: Ints = np.bincount(present.instant[rows[1:][again]], minlength=len(compared.times_ns))
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
