"""Track ids: a hash of the detection that began the track, so that a replay gives the same."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from numpy.typing import NDArray

from fusion.types import Bools, Ints

FEW = 64  # ids that are faster made one by one than as arrays


def track_ids(picture: int, sensor: str, detected_ns: Ints, rows: Ints, taken: Ints) -> Ints:
    """Ids from the detections that began the tracks, below 2⁵³, none of `taken` and no two alike: (b,).

    picture: number of the air picture in its data directory: a recording that is replayed into the same
    directory begins other tracks.
    """
    from fusion.kernels.ids import ID_BITS, one_by_one

    seed = _seed(picture, sensor)
    if len(rows) <= FEW:
        few = np.empty(len(rows), np.int64)
        one_by_one(seed, detected_ns, rows, taken, few)
        return few
    ids, attempt = np.zeros(len(rows), np.int64), 0
    again = np.ones(len(rows), bool)
    while again.any():
        mixed = np.full(int(again.sum()), (int(seed) + attempt) % 2**64, np.uint64)
        for part in (detected_ns[again], rows[again]):
            mixed = _scrambled(mixed ^ part.astype(np.uint64))
        ids[again] = (mixed >> np.uint64(64 - ID_BITS)).astype(np.int64)
        again, attempt = _stands_twice(ids, taken) | (ids == 0), attempt + 1
    return ids


@functools.lru_cache(maxsize=1024)
def _seed(picture: int, sensor: str) -> np.uint64:
    digest = hashlib.blake2b(f"{picture}|{sensor}".encode(), digest_size=8)
    return np.uint64(int.from_bytes(digest.digest(), "big"))


def _stands_twice(ids: Ints, taken: Ints) -> Bools:
    """Which of `ids` (b,) stand among `taken`, or earlier among themselves."""
    order = np.argsort(ids, kind="stable")
    twice = np.zeros(len(ids), bool)
    twice[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    known: Bools = np.isin(ids, taken)
    return twice | known


def _scrambled(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: Steele, Lea, Flood (2014), figure 16. The compiled twin is in `kernels.ids`."""
    from fusion.kernels.ids import FIRST, SECOND, STEP

    value = value + np.uint64(STEP)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(31))


def rows_of(known: Ints, wanted: Ints) -> tuple[Bools, Ints]:
    """Which of `wanted` (n,) stand in `known` (k,), which is sorted, and in which row (any, where not): (n,), (n,)."""
    if not len(known):
        return np.zeros(len(wanted), bool), np.zeros(len(wanted), np.int64)
    rows = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return known[rows] == wanted, rows
