"""Randomness by name: each sensor and flight has a stream of its own, so that one more changes no other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from fusion.types import Floats, Ints

BLOCK = 32  # sweeps drawn at once for each flight: opening a generator costs as much as some hundred numbers


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """The stream that belongs to these names under this seed; the same on every machine."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


class Draws:
    """For one sensor, what each flight draws in each pass: a uniform number and `columns` normal ones."""

    def __init__(self, seed: int, sensor: str, flights: Sequence[str], columns: int) -> None:
        self._seed, self._sensor, self._flights, self._columns = seed, sensor, flights, columns
        self._block = -1
        self._uniform = np.empty((len(flights), BLOCK))
        self._normal = np.empty((len(flights), BLOCK, columns))

    def of(self, index: Ints, sweep: int, turn: Ints) -> tuple[Floats, Floats]:
        """For flights `index` (n,): (n,) in [0, 1) and (n, columns) of mean 0, sigma 1.

        turn: 0 for the first pass in this sweep, 1 for another. Depends on seed, names and these alone.
        """
        block, place = divmod(sweep, BLOCK)
        if block != self._block:
            self._block = block
            for i in range(len(self._flights)):
                self._uniform[i], self._normal[i] = self._fresh(i, BLOCK, "block", block)
        uniform, normal = self._uniform[index, place], self._normal[index, place]
        for row in np.flatnonzero(turn):
            (uniform[row],), (normal[row],) = self._fresh(int(index[row]), 1, "again", sweep)
        return uniform, normal

    def _fresh(self, flight: int, count: int, *names: str | int) -> tuple[Floats, Floats]:
        stream = generator(self._seed, "detection", self._sensor, self._flights[flight], *names)
        return stream.random(count), stream.standard_normal((count, self._columns))
