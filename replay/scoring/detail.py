"""Every assignment behind a score, one by one: what a page shows of a moment, and what a comparison resamples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import Floats
from replay.scoring.instants import Instants, choose
from replay.scoring.matching import Matches, TrackPoints, match, track_points
from replay.scoring.results import NothingToScoreError, ScoreOptions
from replay.scoring.run import Run
from replay.scoring.score import normalised_squared
from replay.scoring.truths import ObjectRows, Presence, at_instants, collect


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """nees: (k,) of the pairs of `matches`, over all dimensions; NaN where the covariance is none."""

    objects: tuple[ObjectRows, ...]
    instants: Instants
    points: TrackPoints
    present: Presence
    matches: Matches
    nees: Floats


def detail(run: Run, options: ScoreOptions) -> Detail:
    """Assign as `score_run` does. Raises NothingToScoreError."""
    return at(run, collect(run.truth), due(run, options), options)


def due(run: Run, options: ScoreOptions) -> Instants:
    """The instants at which a run is scored. Raises NothingToScoreError."""
    if not run.pictures:
        raise NothingToScoreError("the recording of tracks holds no `tracks` message")
    times = np.array([picture.time_ns for picture in run.pictures], dtype=np.int64)
    return choose(times, options.period_s, options.from_s)


def at(run: Run, objects: tuple[ObjectRows, ...], instants: Instants, options: ScoreOptions) -> Detail:
    """Assign at the given instants of the run."""
    points = track_points(run.pictures, instants)
    present = at_instants(objects, instants.times_ns, options.max_gap_s)
    matches = match(points, present, len(instants.times_ns), options.c_m, options.dims)
    dims = options.dims
    nees = normalised_squared(matches.offset[:, :dims], points.covariance[matches.track][:, :dims, :dims])
    return Detail(objects, instants, points, present, matches, nees)
