"""Tracks whose range is not known yet: the hypotheses of their range, beside the track store.

Such a track is a row of the store as any other: one Bernoulli, one id, its Gaussians the moments of its mixture over
range. Its hypotheses stand here, each an ordinary mixture over motion modes with a share. When the range is known they
go, and the row stays as it is. What one look does to them is `fusion.directions.sightline`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fusion.config import TrackerConfig
from fusion.directions.directions import LineBirths
from fusion.directions.witness import UNWITNESSED, witnessed
from fusion.tracking.births import Births
from fusion.tracking.lifecycle import DOUBTED, NOTHING, PROVEN, SILENT_S
from fusion.tracking.sensors import Look, Station
from fusion.tracking.tracks import TrackStore
from fusion.tracking.undetected import Undetected
from fusion.types import ELEVATION, SECOND_NS, TENTATIVE, Bools, Floats, Ints

FAINT = 1e-3  # a hypothesis less likely than this goes: it is as wrong as the Gaussians' tails
MOST_HYPOTHESES = 40  # of a line, the likeliest
LONGEST_RAD = 0.3  # of a hypothesis' sigma as any sensor sees it; the iterated update bears that
SPLIT_SIGMA = 0.35  # of the parts of one that is longer, by its own,
SPLIT_AT = np.linspace(-2.0, 2.0, 9)  # and where they lie
SPLIT_SHARE = np.array([math.exp(-0.5 * at * at / (1.0 - SPLIT_SIGMA**2)) for at in SPLIT_AT.tolist()])
SPLIT_SHARE /= SPLIT_SHARE.sum()
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
        self._stations = tuple(stations)
        self._flat = np.array([ELEVATION not in s.codes for s in stations])
        angles = [math.radians(s.config.sigma["azimuth_deg"]) for s in stations if s.angles_only]
        self.used = bool(angles)
        # Over a sigma of range a direction bends by half its square: a first-order update bears that.
        self.known_share = min(KNOWN_SHARE, math.sqrt(min(angles, default=1.0)))
        if self.used:
            self.undetected.cover([(s, s.placement) for s in stations if s.placement is not None])

    def copy(self) -> Lines:
        """Lines that go their own way."""
        other = object.__new__(Lines)
        other.__dict__.update(self.__dict__)
        other.hypotheses, other.undetected = self.hypotheses.copy(), self.undetected.copy()
        return other

    def relax(self, look: Look) -> None:
        """Take in where the sensor looks from, and what may have arrived unseen by now."""
        if self.used:
            self.undetected.cover([(look.station, look.placement)])
            self.undetected.relax(look.frame.time_ns)

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
        rows: Ints = np.flatnonzero(np.isin(store.id[: store.size], self.id))  # both in the order of their begin
        self.keep(np.isin(self.id, store.id[rows]))
        return rows

    def among(self, store: TrackStore, rows: Ints) -> Bools:
        """Which `rows` of the store are lines: (rows,)."""
        return np.isin(store.id[rows], self.id)

    def vague(self, store: TrackStore, rows: Ints) -> Bools:
        """Of which `rows` nobody knows how far they are: (rows,)."""
        return np.isin(store.id[rows], self.id[self.vagueness > VAGUE_SHARE])

    def keep(self, lines: Bools) -> None:
        """Drop the hypotheses of the tracks that are False in `lines`."""
        if lines.all():
            return
        self.hypotheses.keep(np.repeat(lines, self.count))
        self.id, self.count, self.station = self.id[lines], self.count[lines], self.station[lines]
        self.origin, self.vagueness = self.origin[lines], self.vagueness[lines]

    def take(self, hypotheses: TrackStore, count: Ints) -> None:
        """These hypotheses instead, `count` of each line, but for the faint ones; shares sum to 1."""
        owner = np.repeat(np.arange(len(count)), count)
        share = hypotheses.existence[: hypotheses.size]
        share = share / np.maximum(np.bincount(owner, share, len(count)), 1e-300)[owner]
        order = np.lexsort((-share, owner))
        rank = np.empty(len(share), np.int64)
        rank[order] = np.arange(len(share)) - np.repeat(np.cumsum(count) - count, count)
        stays = (rank == 0) | ((share >= FAINT) & (rank < MOST_HYPOTHESES))
        owner, share = owner[stays], share[stays]
        self.hypotheses, self.count = hypotheses.take(np.flatnonzero(stays)), np.bincount(owner, minlength=len(count))
        self.hypotheses.existence[:] = share / np.bincount(owner, share, len(count))[owner]

    def split(self, position: Floats) -> None:
        """Cut the hypotheses that are long for their distance from `position`: directions from there bend too much."""
        store, n = self.hypotheses, self.hypotheses.size
        owner = np.repeat(np.arange(len(self.id)), self.count)
        centre = (store.weight[:n, :, None] * store.mean[:n]).sum(axis=1)[:, :3]
        along, view = centre - self.origin[owner], centre - position
        along /= np.sqrt((along**2).sum(axis=1))[:, None]
        distance = np.sqrt((view**2).sum(axis=1))
        spread = (store.weight[:n, :, None, None] * store.covariance[:n, :, :3, :3]).sum(axis=1)
        variance = (along[:, :, None] * along[:, None, :] * spread).sum(axis=(1, 2))
        across = 1.0 - (along * view).sum(axis=1) ** 2 / np.maximum(distance, 1e-3) ** 2
        long = variance * across > (LONGEST_RAD * distance) ** 2
        if not long.any():
            return
        parts, g = np.where(long, len(SPLIT_AT), 1), len(SPLIT_AT)
        new = store.take(np.repeat(np.arange(n), parts))
        cut = np.flatnonzero(np.repeat(long, parts))
        step = np.tile(SPLIT_AT, int(long.sum()))
        new.existence[cut] *= np.tile(SPLIT_SHARE, int(long.sum()))
        way = np.repeat(along[long], g, axis=0)[:, None, :]
        carried = (new.covariance[cut, :, :, :3] * way[:, :, None, :]).sum(axis=3)  # P u, (cut, m, 6)
        sigma = np.sqrt((carried[:, :, :3] * way).sum(axis=2))[:, :, None]
        carried /= sigma
        new.mean[cut] += carried * step[:, None, None]
        new.outline[:] = 0.0
        new.covariance[cut] -= (1.0 - SPLIT_SIGMA**2) * carried[:, :, :, None] * carried[:, :, None, :]
        self.take(new, np.bincount(owner, parts, len(self.id)).astype(np.int64))

    def begin(self, store: TrackStore, new: Births | None, chosen: Ints, look: Look, prior: Floats) -> None:
        """Hypotheses for the births `chosen`, whose tracks are the last ones of the store."""
        if not isinstance(new, LineBirths) or not len(chosen):
            return
        ids, times_ns = (column[store.size - len(chosen) : store.size] for column in (store.id, store.time_ns))
        h = new.share.shape[1]
        at = self.hypotheses.extend(len(chosen) * h)
        self.hypotheses.existence[at] = new.share[chosen].ravel()
        self.hypotheses.time_ns[at] = np.repeat(times_ns, h)
        self.hypotheses.weight[at] = prior
        self.hypotheses.mean[at] = new.part_mean[chosen].reshape(-1, 1, 6)
        self.hypotheses.covariance[at] = new.part_covariance[chosen].reshape(-1, 1, 6, 6)
        self.id, self.count = np.concatenate([self.id, ids]), np.concatenate([self.count, np.full(len(ids), h)])
        self.station = np.concatenate([self.station, np.full(len(ids), look.station.index)])
        self.origin = np.concatenate([self.origin, np.tile(look.placement.position, (len(ids), 1))])
        self.vagueness = np.concatenate([self.vagueness, np.full(len(ids), np.inf)])
        self.take(self.hypotheses.copy(), self.count)

    def settle(self, look: Look, store: TrackStore) -> None:
        """Measure how well each range is known, and let go of the hypotheses where one Gaussian will do."""
        rows, n = self.rows(store), self.hypotheses.size
        if not len(rows):
            return
        owner, share = np.repeat(np.arange(len(rows)), self.count), self.hypotheses.existence[:n]
        centre = (store.weight[rows, :, None] * store.mean[rows, :, :3]).sum(axis=1)
        offset = centre - self.origin
        slant = np.maximum(np.sqrt((offset**2).sum(axis=1)), 1e-3)
        way = (offset / slant[:, None])[owner]
        mean, own = self._along(way)
        off = mean - (centre[owner] * way).sum(axis=1)
        within, between = np.bincount(owner, share * own, len(rows)), np.bincount(owner, share * off**2, len(rows))
        self.vagueness = np.sqrt(within + between) / slant
        known = (self.vagueness < self.known_share) & (between < within)
        store.birthplace[rows[known]] = centre[known]  # from now on it can be told whether it moves
        ghostly = known & self._flat[self.station] & ~witnessed(look, store, rows, self._stations)
        ghostly &= store.status[rows] == TENTATIVE
        store.existence[rows[ghostly]] = np.minimum(store.existence[rows[ghostly]], UNWITNESSED)
        self.keep(~known)

    def _along(self, way: Floats) -> tuple[Floats, Floats]:
        """Each hypothesis' mean and variance along unit vectors (h, 3)."""
        store, n = self.hypotheses, self.hypotheses.size
        weight, mean = store.weight[:n], (store.mean[:n, :, :3] * way[:, None, :]).sum(axis=2)
        spread = (store.covariance[:n, :, :3, :3] * way[:, None, :, None] * way[:, None, None, :]).sum(axis=(2, 3))
        centre = (weight * mean).sum(axis=1)
        return centre, (weight * (spread + (mean - centre[:, None]) ** 2)).sum(axis=1)

    def hold(self, look: Look, store: TrackStore, rows: Ints, said: Ints) -> Ints:
        """What the evidence says of `rows`, of lines as well: (rows,) codes.

        None is proven of which nobody knows how far it is, nor one of azimuths without a witness; and one that
        nobody can see, at no known place, is not waited for.
        """
        from fusion.kernels.evidence import DOUBTED_TENTATIVE

        vague = self.vague(store, rows) & (store.status[rows] == TENTATIVE)
        looks = look.frame.time_ns - store.covered_ns[rows] <= round(SILENT_S * SECOND_NS)
        seen = 1.0 - np.where(looks, 1.0 - store.visible[rows], 1.0).prod(axis=1)
        flat = np.isin(store.id[rows], self.id[self._flat[self.station]])
        unsure = vague | (flat & ~witnessed(look, store, rows, self._stations))
        said = np.where(unsure & (said == PROVEN), NOTHING, said)
        return np.where(vague & (store.existence[rows] * seen < DOUBTED_TENTATIVE), DOUBTED, said)
