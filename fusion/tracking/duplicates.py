"""Two tracks of one object become one; two objects in formation do not.

Tracks of one object share its detections: no look gives both of them one. Objects in formation are told apart by
every look that detects both. So two tracks are one object where their places agree and, look after look, no sensor
detected both in one sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fusion.tracking import lifecycle
from fusion.tracking.sensors import Station
from fusion.tracking.tracks import TrackStore
from fusion.types import SECOND_NS, TENTATIVE, Bools, Ints

GATE = 7.81  # chi-square of three degrees of freedom, 0.95: of one object, places agree better than by chance
LOOKS = 8  # of one sensor: two objects seen with probability 0.7 are both seen in all but 0.5 % of so many
LATELY_PERIODS = 2.0  # a sensor looks where a track is, if it did within so many of its periods
ONE_SWEEP = 0.5  # a sensor detects an object once a period: two detections nearer than this share are two objects
FEWEST_HITS = 2  # of each: a lone detection is not a track yet
NEVER_NS = 2**60


class Duplicates:
    """Pairs of tracks that may be one object, and since when."""

    def __init__(self, stations: Sequence[Station]) -> None:
        self._period_ns = np.array([round(SECOND_NS * s.config.period_s) for s in stations], np.int64)
        self._began: dict[tuple[int, int], int] = {}

    def copy(self) -> Duplicates:
        """A memory that goes its own way."""
        other = object.__new__(Duplicates)
        other._period_ns, other._began = self._period_ns, dict(self._began)
        return other

    def found(self, store: TrackStore, now_ns: int, lines: Ints) -> Ints:
        """Rows of the younger tracks of those pairs that are one object: in order, each once.

        lines: ids of tracks of unknown range: they agree with everything along their line.
        """
        from fusion.kernels.near import near

        live = lifecycle.shown(store) & (store.hits[: store.size] >= FEWEST_HITS)
        live &= ~np.isin(store.id[: store.size], lines)
        rows = np.flatnonzero(live)
        pairs = rows[near(rows, now_ns, store.time_ns, store.weight, store.mean, store.covariance, GATE)]
        pairs = pairs[~self._seen_apart(store, pairs)]
        began, gone = {}, []
        for (i, j), enough_ns in zip(pairs.tolist(), self._enough(store, pairs, now_ns), strict=True):
            key = int(store.id[i]), int(store.id[j])
            began[key] = self._began.get(key, now_ns)
            if now_ns - began[key] >= enough_ns:
                gone.append(j if _older(store, i, j) else i)
        self._began = began
        return np.unique(np.array(gone, np.int64))

    def _seen_apart(self, store: TrackStore, pairs: Ints) -> Bools:
        """Whether a sensor detected both in one sweep, the last time: (pairs,)."""
        first, second = store.hit_ns[pairs[:, 0]], store.hit_ns[pairs[:, 1]]
        seen = (first > 0) & (second > 0) & (np.abs(first - second) < ONE_SWEEP * self._period_ns)
        return np.asarray(seen.any(axis=1))

    def _enough(self, store: TrackStore, pairs: Ints, now_ns: int) -> list[int]:
        """How long each pair has to stay one, ns: so many looks of the quickest sensor that looks at both."""
        looked_ns = np.minimum(store.covered_ns[pairs[:, 0]], store.covered_ns[pairs[:, 1]])
        looks = now_ns - looked_ns <= (LATELY_PERIODS * self._period_ns).astype(np.int64)
        period_ns = np.where(looks, self._period_ns, NEVER_NS).min(axis=1, initial=NEVER_NS)
        enough: list[int] = np.where(period_ns < NEVER_NS, LOOKS * period_ns, NEVER_NS).tolist()
        return enough


def _older(store: TrackStore, i: int, j: int) -> bool:
    """Whether i is to be kept: a confirmed one before a tentative one, then the one that began first."""
    first, second = ((store.status[k] == TENTATIVE, store.created_ns[k]) for k in (i, j))
    return bool(first <= second)
