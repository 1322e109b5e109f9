"""Transponder addresses: evidence for association, kept by majority, and watched for what cannot be.

An address is wrong now and then: garbled, mistyped, copied, exchanged. So it weighs, where a sensor's configuration
says so, and never rules: a pair that disagrees is less likely by the rate of such errors, and the kinematic fit
decides where it is far better. A track keeps the address that most of about its last fifty hits told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fusion.config import TrackerConfig
from fusion.tracking.sensors import Look
from fusion.tracking.tracks import TrackStore
from fusion.types import SECOND_NS, TENTATIVE, Floats, Ints

WRONG = 0.01  # P(the address of a reply is not its object's): mostly garbled replies, about so often in busy air
MEMORY = 0.98  # of each earlier hit: about the last fifty decide, so that an address that was changed is taken over
LEAST_WEIGHT = 0.01  # of an address: forgotten below
SEVERAL = 3  # times in a row that a track tells another address: one or two may be garbled
UNDECIDED = 6  # times after which who held that address before is not waited for any longer
TWICE = 2  # back and forth between two tracks: an address that went over once has moved, and not doubled
FAR_SIGMA = 6.0  # standard deviations of both places
FASTEST = 4.0  # times the configured speed sigma: no object is faster
MOST_EVENTS = 50  # the last ones

Kind = Literal["duplicated", "changed", "swapped"]


@dataclass(frozen=True, slots=True)
class Oddity:
    """What was noticed, once. identity: the address that the first of `tracks` tells now."""

    identity: str
    kind: Kind
    tracks: tuple[int, ...]
    time_ns: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one track. other: an address told `run` times since the kept one was last told, first at since_ns."""

    kept: str
    weights: dict[str, float]
    last: str
    last_ns: int
    other: str | None = None
    run: int = 0
    since_ns: int = 0

    def heard(self, told: str, now_ns: int) -> Memory:
        """What is remembered after one more hit."""
        weights = {name: w * MEMORY for name, w in self.weights.items() if w * MEMORY > LEAST_WEIGHT}
        weights[told] = weights.get(told, 0.0) + 1.0
        kept = told if weights[told] > weights.get(self.kept, 0.0) else self.kept
        if told == kept:
            return Memory(kept, weights, told, now_ns)
        if told == self.other:
            return Memory(kept, weights, told, now_ns, told, self.run + 1, self.since_ns)
        return Memory(kept, weights, told, now_ns, told, 1, now_ns)


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """The last one with an address by one sensor. spread: m, standard deviation of the place."""

    track: int
    time_ns: int
    place: Floats
    spread: float


class Identities:
    """The addresses of all tracks. What it holds is replaced, never changed: copies share it."""

    def __init__(self, config: TrackerConfig) -> None:
        self._fastest_mps = FASTEST * config.initial_speed_mps
        self._memories: dict[int, Memory] = {}
        self._hits: dict[tuple[str, int], Hit] = {}  # (address, sensor)
        self._returns: dict[tuple[str, int, int], int] = {}  # (address, two tracks) -> times that it went over
        self._told: dict[tuple[Kind, str, tuple[int, ...]], None] = {}
        self.oddities: tuple[Oddity, ...] = ()

    def copy(self) -> Identities:
        """A memory that goes its own way."""
        other = object.__new__(Identities)
        other.__dict__.update(self.__dict__)
        other._memories, other._hits = dict(self._memories), dict(self._hits)
        other._returns, other._told = dict(self._returns), dict(self._told)
        return other

    def agreement(self, look: Look, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints]) -> Floats:
        """By how much less likely each pair is for its two addresses: (pairs,), or none where they do not count.

        A track agrees with the address that it told last too: one that was changed stays so, and is no error twice.
        """
        names = look.frame.identity
        if not look.station.config.use_identity or names is None:
            return np.empty(0)
        weight = np.ones(len(pairs[1]))
        for p, (row, detection) in enumerate(zip(rows[pairs[0]].tolist(), pairs[1].tolist(), strict=True)):
            mine, told = store.identity[row], names[detection]
            if mine is None or told is None or mine == told:
                continue
            memory = self._memories.get(int(store.id[row]))
            if memory is None or memory.last != told:
                weight[p] = WRONG
        return weight

    def hear(self, look: Look, store: TrackStore, rows: Sequence[int], detections: Sequence[int]) -> None:
        """Take in what these rows of the store told at their hits, and set the addresses that they keep."""
        if look.frame.identity is None:
            return
        if len(self._memories) > 2 * store.size + MOST_EVENTS:
            self._forget(set(store.id[: store.size].tolist()))
        for row, detection in zip(rows, detections, strict=True):
            told = look.frame.identity[detection]
            if told is None:
                continue
            track, first, time_ns = int(store.id[row]), store.identity[row], int(look.frame.times_ns[detection])
            memory = self._memories.get(track)
            if memory is None:  # its first detection may have told one
                memory = Memory(first or told, {first: 1.0} if first else {}, first or told, time_ns)
            self._memories[track] = memory = memory.heard(told, time_ns)
            store.identity[row] = memory.kept
            if store.status[row] != TENTATIVE:
                if memory.run >= SEVERAL:
                    self._changed(track, memory, time_ns)
                self._doubled(track, told, look.station.index, time_ns, store, row)

    def _changed(self, track: int, memory: Memory, time_ns: int) -> None:
        """A track tells another address than it keeps: a new one, or exchanged with a track's, or one that two tell."""
        assert memory.other is not None  # there was a run of it
        holders = [(t, m) for t, m in sorted(self._memories.items()) if t != track and m.kept == memory.other]
        exchanged = [t for t, m in holders if m.last == memory.kept]
        still = any(m.last == memory.other and m.last_ns >= memory.since_ns for _, m in holders)
        if exchanged:
            self._tell(Oddity(memory.other, "swapped", (track, exchanged[0]), time_ns))
            # Neither is a change besides, when one of them keeps its new address before the other.
            self._told["changed", memory.other, (track,)] = self._told["changed", memory.kept, (exchanged[0],)] = None
        elif not holders or (memory.run >= UNDECIDED and not still):
            self._tell(Oddity(memory.other, "changed", (track,), time_ns))

    def _doubled(self, track: int, told: str, sensor: int, time_ns: int, store: TrackStore, row: int) -> None:
        """One sensor hears one address from two tracks in turn, too far apart for one object."""
        mean = (store.weight[row, :, None] * store.mean[row, :, :3]).sum(axis=0)
        spread = float(np.sqrt(sum(store.covariance[row, 0, i, i] for i in range(3))))
        before = self._hits.get((told, sensor))
        self._hits[told, sensor] = Hit(track, time_ns, mean, spread)
        if before is None or before.track == track:
            return
        apart = float(np.sqrt(((mean - before.place) ** 2).sum()))
        elapsed_s = abs(time_ns - before.time_ns) / SECOND_NS
        if apart <= FAR_SIGMA * (spread + before.spread) + self._fastest_mps * elapsed_s:
            return
        one, other = sorted((track, before.track))
        times = self._returns.get((told, one, other), 0) + 1
        self._returns[told, one, other] = times
        if times >= TWICE:
            self._tell(Oddity(told, "duplicated", (one, other), time_ns))

    def _tell(self, oddity: Oddity) -> None:
        """Once for the same tracks and address; of an exchange once for both."""
        key = (oddity.kind, "" if oddity.kind == "swapped" else oddity.identity, tuple(sorted(oddity.tracks)))
        if key in self._told:
            return
        self._told[key] = None
        self.oddities = (*self.oddities, oddity)[-MOST_EVENTS:]

    def _forget(self, live: set[int]) -> None:
        """Ids never come again: what is known of tracks that ended can go."""
        self._memories = {track: memory for track, memory in self._memories.items() if track in live}
        self._hits = {key: hit for key, hit in self._hits.items() if hit.track in live}
        self._returns = {key: times for key, times in self._returns.items() if key[1] in live and key[2] in live}
        self._told = {key: None for key in self._told if live.issuperset(key[2])}
