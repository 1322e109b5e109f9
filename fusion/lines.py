"""Tracks whose range is not known yet: the hypotheses of their range, beside the track store.

Such a track is a row of the store as any other: one Bernoulli, one id, its Gaussians the moments of its mixture over
range. Its hypotheses stand here, each an ordinary mixture over motion modes with a share. When the range is known they
go, and the row stays as it is. What one look does to them is `fusion.sightline`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fusion.config import TrackerConfig
from fusion.directions import LineBirths
from fusion.lifecycle import DOUBTED, DOUBTED_TENTATIVE, NOTHING, PROVEN, seen
from fusion.sensors import Look, Placement, Station
from fusion.tracks import TrackStore
from fusion.types import TENTATIVE, Bools, Floats, Ints
from fusion.undetected import Undetected

FAINT = 1e-3  # a hypothesis less likely than this goes: it is as wrong as the Gaussians' tails
MOST_LINES = 500  # at once: each costs as much as ten tracks
VAGUE_SHARE = 0.3  # sigma of range over range: a track whose place is known less well stays tentative
KNOWN_SHARE = 0.1  # below it, and where a direction bends by less than a sigma, one Gaussian will do


class Lines:
    """Range hypotheses of the tracks that have them, in the order in which these began.

    id: (n,) of the tracks.  count: (n,) hypotheses of each.  station, origin: (n,), (n, 3) of the sensor that began
    it.  vagueness: (n,) sigma of range over range.  hypotheses: their rows one after another; a row's `existence` is
    its share, given that the track exists, and only its times, weights, means and covariances are used besides.
    """

    def __init__(self, config: TrackerConfig, modes: int, stations: Sequence[Station]) -> None:
        self.id, self.count, self.station = (np.zeros(0, np.int64) for _ in range(3))
        self.origin, self.vagueness = np.zeros((0, 3)), np.zeros(0)
        self.hypotheses = TrackStore.empty(modes, 0)
        self.undetected = Undetected(config)
        angles = [math.radians(s.config.sigma["azimuth_deg"]) for s in stations if s.angles_only]
        self.used = bool(angles)
        # Over a sigma of range a direction bends by half its square: a first-order update bears that.
        self.known_share = min(KNOWN_SHARE, math.sqrt(min(angles, default=1.0)))
        self.cover([(s, s.placement) for s in stations if s.placement is not None])

    def copy(self) -> Lines:
        """Lines that go their own way."""
        other = object.__new__(Lines)
        other.__dict__.update(self.__dict__)
        other.hypotheses, other.undetected = self.hypotheses.copy(), self.undetected.copy()
        return other

    def cover(self, placed: list[tuple[Station, Placement]]) -> None:
        """Take these sensors' coverage into the grid of undetected objects."""
        if self.used:
            self.undetected.cover(placed)

    def look(self, look: Look) -> None:
        """What any sensor looked at and did not detect is less likely to be there."""
        if self.used:
            self.undetected.look(look.station, look.placement, look.box)

    @property
    def room(self) -> int:
        """How many more may begin."""
        return max(MOST_LINES - len(self.id), 0)

    def rows(self, store: TrackStore) -> Ints:
        """Where the tracks stand in the store, (n,); forgets those that are no longer there."""
        if not len(self.id):
            return self.id
        order = np.argsort(store.id[: store.size], kind="stable")
        place = np.searchsorted(store.id[: store.size], self.id, sorter=order)
        found: Ints = order[np.minimum(place, store.size - 1)] if store.size else np.zeros(len(self.id), np.int64)
        there = store.id[found] == self.id if store.size else np.zeros(len(self.id), bool)
        self.keep(there)
        return found[there]

    def among(self, store: TrackStore, rows: Ints) -> Bools:
        """Which `rows` of the store are lines: (rows,)."""
        return np.isin(store.id[rows], self.id)

    def keep(self, lines: Bools) -> None:
        """Drop the hypotheses of the tracks that are False in `lines`."""
        if lines.all():
            return
        self.hypotheses.keep(np.repeat(lines, self.count))
        self.id, self.count, self.station = self.id[lines], self.count[lines], self.station[lines]
        self.origin, self.vagueness = self.origin[lines], self.vagueness[lines]

    def prune(self) -> None:
        """Drop the faint hypotheses of each track; shares sum to 1 again."""
        n = self.hypotheses.size
        owner = np.repeat(np.arange(len(self.id)), self.count)
        stays = self.hypotheses.existence[:n] >= FAINT
        self.count = np.bincount(owner[stays], minlength=len(self.id))
        self.hypotheses.keep(stays)
        owner, share = owner[stays], self.hypotheses.existence[: self.hypotheses.size]
        share /= np.bincount(owner, share, len(self.id))[owner]

    def begin(self, id: Ints, new: LineBirths, chosen: Ints, times_ns: Ints, prior: Floats, look: Look) -> None:
        """Hypotheses for the births `chosen`, whose tracks have these ids."""
        h = new.share.shape[1]
        at = self.hypotheses.extend(len(chosen) * h)
        self.hypotheses.existence[at] = new.share[chosen].ravel()
        self.hypotheses.time_ns[at] = np.repeat(times_ns, h)
        self.hypotheses.weight[at] = prior
        self.hypotheses.mean[at] = new.part_mean[chosen].reshape(-1, 1, 6)
        self.hypotheses.covariance[at] = new.part_covariance[chosen].reshape(-1, 1, 6, 6)
        self.id, self.count = np.concatenate([self.id, id]), np.concatenate([self.count, np.full(len(id), h)])
        self.station = np.concatenate([self.station, np.full(len(id), look.station.index)])
        self.origin = np.concatenate([self.origin, np.tile(look.placement.position, (len(id), 1))])
        self.vagueness = np.concatenate([self.vagueness, np.full(len(id), np.inf)])
        self.prune()

    def settle(self, store: TrackStore) -> None:
        """Measure how well each range is known, and let go of the hypotheses where one Gaussian will do."""
        from fusion.kernels.report import summarise

        rows = self.rows(store)
        if not len(rows):
            return
        centre, spread = np.empty((len(rows), 6)), np.empty((len(rows), 6, 6))
        summarise(store.weight[rows], store.mean[rows], store.covariance[rows], centre, spread)
        offset = centre[:, :3] - self.origin
        slant = np.sqrt((offset**2).sum(axis=1))
        along = (offset[:, :, None] * offset[:, None, :] * spread[:, :3, :3]).sum(axis=(1, 2))
        self.vagueness = np.sqrt(np.maximum(along, 0.0)) / np.maximum(slant, 1e-3) ** 2
        known = self.vagueness < self.known_share
        store.birthplace[rows[known]] = centre[known, :3]  # from now on it can be told whether it moves
        self.keep(~known)

    def hold(self, store: TrackStore, rows: Ints, said: Ints, now_ns: int) -> Ints:
        """What the evidence says of `rows`, of lines as well: (rows,) codes.

        None is proven of which nobody knows how far it is; and one that nobody can see, at no known place, is not
        waited for.
        """
        vague = np.isin(store.id[rows], self.id[self.vagueness > VAGUE_SHARE]) & (store.status[rows] == TENTATIVE)
        unseen = store.existence[rows] * seen(store, rows, now_ns) < DOUBTED_TENTATIVE
        said = np.where(vague & (said == PROVEN), NOTHING, said)
        return np.where(vague & unseen, DOUBTED, said)
