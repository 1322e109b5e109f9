"""Track ids, made one by one: `fusion.tracking.ids` says of what. Arithmetic is modulo 2⁶⁴."""

from __future__ import annotations

import numpy as np

from fusion.kernels.jit import entry, inner

ID_BITS = 53  # an integer that JSON's doubles hold
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of SplitMix64


@inner
def _mixed(value):  # type: ignore[no-untyped-def]
    """The finaliser of SplitMix64: Steele, Lea, Flood (2014), figure 16."""
    value = value + np.uint64(STEP)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(31))


@entry("void(u8, i8[::1], i8[::1], i8[::1], i8[::1])")
def one_by_one(seed, detected_ns, rows, taken, ids):  # type: ignore[no-untyped-def]
    """Writes `ids` (b,), none of them 0, of `taken`, or there twice: for that, it is tried again with the next seed."""
    for k in range(rows.size):
        attempt, again = np.uint64(0), True
        while again:
            mixed = _mixed(_mixed((seed + attempt) ^ np.uint64(detected_ns[k])) ^ np.uint64(rows[k]))
            found = np.int64(mixed >> np.uint64(64 - ID_BITS))
            again = found == 0
            for i in range(taken.size):
                again |= taken[i] == found
            for i in range(k):
                again |= ids[i] == found
            attempt += np.uint64(1)
        ids[k] = found
