"""Track ids: a hash of the detection that began the track, so that a replay gives the same."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from numpy.typing import NDArray

from fusion.types import Bools, Ints

FEW = 8  # ids that are faster made one by one than as arrays
ID_BITS = 53  # an integer that JSON's doubles hold
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of SplitMix64
WORD = 2**64 - 1


def track_ids(picture: int, sensor: str, detected_ns: Ints, rows: Ints, taken: Ints) -> Ints:
    """Ids from the detections that began the tracks, below 2⁵³, none of `taken` and no two alike: (b,).

    picture: number of the air picture in its data directory: a recording that is replayed into the same
    directory begins other tracks.
    """
    seed = _seed(picture, sensor)
    if len(rows) <= FEW:
        return _few(seed, detected_ns.tolist(), rows.tolist(), taken)
    ids, attempt = np.zeros(len(rows), np.int64), 0
    again = np.ones(len(rows), bool)
    while again.any():
        mixed = np.full(int(again.sum()), (seed + attempt) & WORD, np.uint64)
        for part in (detected_ns[again], rows[again]):
            mixed = _scrambled(mixed ^ part.astype(np.uint64))
        ids[again] = (mixed >> np.uint64(64 - ID_BITS)).astype(np.int64)
        again, attempt = _stands_twice(ids, taken) | (ids == 0), attempt + 1
    return ids


@functools.lru_cache(maxsize=1024)
def _seed(picture: int, sensor: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{picture}|{sensor}".encode(), digest_size=8).digest(), "big")


def _few(seed: int, detected_ns: list[int], rows: list[int], taken: Ints) -> Ints:
    """The same, one after the other."""
    ids: list[int] = []
    for time_ns, row in zip(detected_ns, rows, strict=True):
        attempt, found = 0, 0
        while not found or found in ids or (taken == found).any():
            found = _mixed(_mixed(((seed + attempt) & WORD) ^ (time_ns & WORD)) ^ row) >> (64 - ID_BITS)
            attempt += 1
        ids.append(found)
    return np.array(ids, np.int64)


def _stands_twice(ids: Ints, taken: Ints) -> Bools:
    """Which of `ids` (b,) stand among `taken`, or earlier among themselves."""
    order = np.argsort(ids, kind="stable")
    twice = np.zeros(len(ids), bool)
    twice[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    known: Bools = np.isin(ids, taken)
    return twice | known


def _mixed(value: int) -> int:
    """The finaliser of SplitMix64: Steele, Lea, Flood (2014), figure 16. Arithmetic is modulo 2⁶⁴."""
    value = (value + STEP) & WORD
    value = ((value ^ (value >> 30)) * FIRST) & WORD
    value = ((value ^ (value >> 27)) * SECOND) & WORD
    return value ^ (value >> 31)


def _scrambled(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`_mixed`, of an array."""
    value = value + np.uint64(STEP)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(31))
