"""Tracks beside truth at the instants of a score: what every figure is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import Bools, Floats, Ints, Picture
from replay.alerts.model import Ownership
from replay.scoring.consistency import normalised_squared
from replay.scoring.held import Held, TrajectoryCosts, assign
from replay.scoring.instants import Instants, choose
from replay.scoring.matching import Matches, TrackPoints, match, track_points
from replay.scoring.measures import TrajectoryGospa
from replay.scoring.ospa import Lives, Near, ospa2
from replay.scoring.results import NothingToScoreError, ScoreOptions
from replay.scoring.truths import ObjectRows, Presence, at_instants

STATE = {2: [0, 1, 3, 4], 3: [0, 1, 2, 3, 4, 5]}  # of position and velocity, in the plane and with height


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """matches: the pairs of each instant by itself (GOSPA). held: those of trajectory GOSPA, with what they cost."""

    objects: tuple[ObjectRows, ...]
    options: ScoreOptions
    instants: Instants
    points: TrackPoints
    present: Presence
    matches: Matches
    held: Held
    costs: TrajectoryCosts
    trajectory: TrajectoryGospa

    @property
    def times_ns(self) -> Ints:
        return self.instants.times_ns

    @property
    def asked(self) -> Bools:
        """Which rows of `present` are of objects that are asked for."""
        return ~self.present.ignore

    def owners(self) -> Ownership:
        """Whose each track was at each instant; where it is no pair's, the object nearby that nobody asks for."""
        unasked = self.matches.unasked
        free = unasked[self.matches.ignored[unasked[:, 1]]]
        truth = np.concatenate([self.matches.truth, free[:, 0]])
        track = np.concatenate([self.matches.track, free[:, 1]])
        names = [self.objects[number].id for number in self.present.object[truth].tolist()]
        return Ownership(self.points.id[track], self.times_ns[self.points.instant[track]], names)

    def nees(self) -> Floats:
        """Normalised squared position errors of the pairs that are held: (k,)."""
        dims = self.options.dims
        return normalised_squared(self.held.offset[:, :dims], self.points.covariance[self.held.track][:, :dims, :dims])

    def nees_state(self) -> Floats:
        """The same of position and velocity together."""
        parts = STATE[self.options.dims]
        error = np.concatenate([self.held.offset, self.held.velocity], axis=1)[:, parts]
        return normalised_squared(error, self.points.covariance[self.held.track][:, parts][:, :, parts])

    def ospa(self, window: int) -> Floats:
        """OSPA(2) over `window` instants that end at each: (t,). Tracks that `matches` ignores are left out."""
        asked, used, matches = self.asked, ~self.matches.ignored, self.matches
        _, number = np.unique(self.points.id, return_inverse=True)
        near = used[matches.near_track]
        truth, track = matches.near_truth[near], matches.near_track[near]
        return ospa2(
            Lives(self.present.object[asked], self.present.instant[asked]),
            Lives(number[used], self.points.instant[used]),
            Near(self.present.object[truth], number[track], self.present.instant[truth], matches.near_m[near]),
            self.options.c_m,
            len(self.times_ns),
            window,
        )


def compare(pictures: tuple[Picture, ...], objects: tuple[ObjectRows, ...], options: ScoreOptions) -> Compared:
    """pictures: in order of time, each time once, at least one. Raises NothingToScoreError."""
    times = np.array([picture.time_ns for picture in pictures], dtype=np.int64)
    instants = choose(times, options.period_s, options.from_s)
    if not len(instants.times_ns):
        raise NothingToScoreError(f"no instant is left to score after the first {options.from_s:g} s")
    points = track_points(pictures, instants)
    present = at_instants(objects, instants.times_ns, options.max_gap_s)
    matches = match(points, present, len(instants.times_ns), options.c_m, options.dims)
    held = assign(points, present, matches, len(instants.times_ns), options)
    return Compared(objects, options, instants, points, present, matches, *held)
