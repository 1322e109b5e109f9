"""What may become of a track: one table, and the evidence that moves through it."""

from __future__ import annotations

from typing import Final

import numpy as np

from fusion.config import TrackerConfig
from fusion.tracking.tracks import TrackStore
from fusion.types import COASTING, CONFIRMED, ENDED, SECOND_NS, TENTATIVE, Bools, Ints

NOTHING, PROVEN, UNSEEN, SEEN, DOUBTED, LEFT, SILENT, DOUBLE = range(8)  # the first five as in `kernels.evidence`

NEXT: Final = {
    # (now,      evidence) -> next
    (TENTATIVE, PROVEN): CONFIRMED,
    (TENTATIVE, DOUBTED): ENDED,
    (TENTATIVE, LEFT): ENDED,
    (CONFIRMED, UNSEEN): COASTING,
    (CONFIRMED, DOUBTED): ENDED,
    (CONFIRMED, LEFT): ENDED,
    (COASTING, SEEN): CONFIRMED,
    (COASTING, DOUBTED): ENDED,
    (COASTING, LEFT): ENDED,
    (TENTATIVE, SILENT): ENDED,
    (CONFIRMED, SILENT): ENDED,
    (COASTING, SILENT): ENDED,
    (TENTATIVE, DOUBLE): ENDED,
    (CONFIRMED, DOUBLE): ENDED,
    (COASTING, DOUBLE): ENDED,
}
REASONS: Final = {
    DOUBTED: "not detected where it should have been",
    LEFT: "outside every coverage",
    SILENT: "no sensor has looked there any more",
    DOUBLE: "the same object as another track",
}

LEFT_PERIODS = 3.0  # design decision 4
SILENT_S = 60.0  # a sensor's outage is survived for so long: beyond it a prediction says next to nothing
CANDIDATE_HITS = 2  # a lone detection is a candidate, not yet a track that is shown
CANDIDATE_EXISTENCE = 0.5  # unless it is more likely an object than not

_TABLE = np.tile(np.arange(4)[:, None], (1, 8))
for (_now, _evidence), _next in NEXT.items():
    _TABLE[_now, _evidence] = _next


def evidence(store: TrackStore, rows: Ints, now_ns: int, config: TrackerConfig) -> Ints:
    """What the numbers of `rows` say after a look at `now_ns`: (rows,) codes; the gravest wins."""
    from fusion.kernels.evidence import evidence

    said = np.empty(len(rows), np.int64)
    evidence(
        rows, now_ns, store.status, store.existence, store.owed, store.hits, store.created_ns, store.moved,
        store.covered_ns, store.visible, config.confirmed_existence, config.confirmed_hits, config.ended_existence,
        config.still_objects, said,
    )  # fmt: skip
    return said


def absence(store: TrackStore, rows: Ints, now_ns: int, longest_period_s: float, outside: Bools) -> Ints:
    """What time alone says of `rows` at `now_ns`: (rows,) codes.

    outside: (rows,), beyond every sensor's registered coverage.
    """
    unwatched_ns = now_ns - store.covered_ns[rows].max(axis=1, initial=0)
    said = np.full(len(rows), NOTHING)
    said[unwatched_ns > int(SILENT_S * SECOND_NS)] = SILENT
    said[outside & (unwatched_ns > int(LEFT_PERIODS * longest_period_s * SECOND_NS))] = LEFT
    return said


def follow(store: TrackStore, rows: Ints, said: Ints) -> None:
    """Move `rows` through the table, in place."""
    store.status[rows] = _TABLE[store.status[rows], said]


def shown(store: TrackStore) -> Bools:
    """Which rows are tracks to the outside: (n,)."""
    n = store.size
    known = (store.hits[:n] >= CANDIDATE_HITS) | (store.existence[:n] >= CANDIDATE_EXISTENCE)
    live: Bools = (known | (store.published[:n] == 1)) & (store.status[:n] != ENDED)
    return live
