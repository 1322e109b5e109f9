"""Which track an object holds at each instant, by trajectory GOSPA: it changes only where that pays for its cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import Floats, Ints
from replay.scoring.matching import Matches, TrackPoints, differences
from replay.scoring.measures import TrajectoryGospa
from replay.scoring.results import ScoreOptions
from replay.scoring.trajectories import Whose, whose
from replay.scoring.truths import Presence

EXACT = "linear programs round crossings, exact"
BOUNDED = "linear programs; the largest parts one stretch of time after another, bounded"


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The pairs of the whole assignment, (k,) rows in order of object, then instant.

    instant, object: indices.  id: of the track.  truth, track: rows of `Presence` and `TrackPoints`.  distance: m.
    offset, velocity: (k, 3) track less truth, m and m/s, east, north, up at the truth.
    """

    instant: Ints
    object: Ints
    id: Ints
    truth: Ints
    track: Ints
    distance: Floats
    offset: Floats
    velocity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class TrajectoryCosts:
    """What each instant adds to trajectory GOSPA, squared, m²: (t,) each."""

    localisation: Floats
    missed: Floats
    false: Floats
    switch: Floats

    @property
    def total(self) -> Floats:
        return self.localisation + self.missed + self.false + self.switch


def assign(
    points: TrackPoints, present: Presence, matches: Matches, instants: int, options: ScoreOptions
) -> tuple[Held, TrajectoryCosts, TrajectoryGospa]:
    """The pairs that are held, what they cost at each instant, and in all."""
    _, number = np.unique(points.id, return_inverse=True)
    instant, object_ = present.instant[matches.near_truth], present.object[matches.near_truth]
    gain, switch = options.c_m**2 - matches.near_m**2, options.switch_cost_m**2
    found = whose(instant, object_, number[matches.near_track], gain, instants, switch)
    costs = _costs(points, present, matches, found.weight, found.switch, options.c_m)
    return _held(points, present, matches, found), costs, _in_all(points, present, matches, found, costs, options)


def _held(points: TrackPoints, present: Presence, matches: Matches, found: Whose) -> Held:
    truth, track = matches.near_truth[found.chosen], matches.near_track[found.chosen]
    order = np.lexsort((present.instant[truth], present.object[truth]))
    truth, track = truth[order], track[order]
    offset, velocity = differences(points, present, truth, track)
    return Held(
        present.instant[truth],
        present.object[truth],
        points.id[track],
        truth,
        track,
        matches.near_m[found.chosen][order],
        offset,
        velocity,
    )


def _costs(
    points: TrackPoints, present: Presence, matches: Matches, weight: Floats, switch: Floats, c_m: float
) -> TrajectoryCosts:
    n, half = len(switch), c_m * c_m / 2.0
    instant = present.instant[matches.near_truth]
    made = np.bincount(instant, weights=weight, minlength=n)
    paired = np.bincount(matches.near_track, weights=weight, minlength=len(points.id))
    lone = np.where(matches.overlooked, 0.0, 1.0 - paired)
    localisation: Floats = np.bincount(instant, weights=weight * matches.near_m**2, minlength=n).astype(float)
    return TrajectoryCosts(
        localisation,
        half * np.maximum(np.bincount(present.instant[~present.ignore], minlength=n) - made, 0.0),
        half * np.maximum(np.bincount(points.instant, weights=lone, minlength=n), 0.0),
        switch,
    )


def _in_all(
    points: TrackPoints,
    present: Presence,
    matches: Matches,
    found: Whose,
    costs: TrajectoryCosts,
    options: ScoreOptions,
) -> TrajectoryGospa:
    gain = options.c_m**2 - matches.near_m**2
    total = float(costs.total.sum())
    cost = float(found.switch.sum()) - float((gain * found.weight).sum())
    whole = np.zeros_like(found.switch)
    whole[0] = found.upper + float(gain[found.chosen].sum())  # what changes cost in the whole assignment
    upper = _costs(points, present, matches, found.chosen.astype(float), whole, options.c_m).total.sum()
    return TrajectoryGospa(
        total_m=_mean(costs.total),
        localisation_m=_mean(costs.localisation),
        missed_m=_mean(costs.missed),
        false_m=_mean(costs.false),
        switch_m=_mean(costs.switch),
        switch_cost_m=options.switch_cost_m,
        switches=float(found.switch.sum()) / options.switch_cost_m**2,
        lower_m=_root((total - cost + found.lower) / len(found.switch)) if found.bounded else _mean(costs.total),
        upper_m=_root(float(upper) / len(found.switch)),
        bounded=found.bounded,
        method=BOUNDED if found.bounded else EXACT,
    )


def _mean(squared: Floats) -> float:
    return _root(float(squared.mean()))


def _root(value: float) -> float:
    return float(np.sqrt(max(value, 0.0)))
