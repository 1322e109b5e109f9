"""Deviates that depend on nothing but where in the calculation they are asked for: no state, no order.

A key is hashed by the finaliser of SplitMix64 (Steele, Lea and Flood 2014), twelve bits of it at a time choose among
the midpoints of equal slices of the distribution.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels.jit import leaf

U64 = np.uint64
ADD, FIRST, SECOND = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
ONE, TWELVE, TWENTY_SEVEN, THIRTY, THIRTY_ONE = U64(1), U64(12), U64(27), U64(30), U64(31)
FORTY = U64(40)
MASK = U64(4095)


@leaf
def mixed(key, more):  # type: ignore[no-untyped-def]
    """A new key from a key and a number."""
    z = (key ^ U64(more)) + ADD
    z = (z ^ (z >> THIRTY)) * FIRST
    z = (z ^ (z >> TWENTY_SEVEN)) * SECOND
    return z ^ (z >> THIRTY_ONE)


@leaf
def four(key, table):  # type: ignore[no-untyped-def]
    """Four deviates from `table` (4096,), by a key that has been mixed."""
    a = table[key & MASK]
    key = key >> TWELVE
    b = table[key & MASK]
    key = key >> TWELVE
    c = table[key & MASK]
    key = key >> TWELVE
    return a, b, c, table[key & MASK]


@leaf
def fraction(key):  # type: ignore[no-untyped-def]
    """A number inside (0, 1), from the upper 24 bits of a key that has been mixed."""
    return ((key >> FORTY) + 0.5) / 16777216.0
