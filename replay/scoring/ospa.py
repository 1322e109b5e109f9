"""OSPA(2): how far two sets of tracks are apart over a window of time, lengths and identities included.

Beard, Vo, Vo, "A solution for large-scale multi-object tracking" (2020), section II-E: the distance of an object f and
a track g over a window is the mean of

    min(c, |f(t) - g(t)|) where both are there, c where one is

over the instants at which any is; OSPA (Schuhmacher, Vo, Vo 2008) of order 1 with that distance compares the sets. A
window of one instant is OSPA itself. Pairs that are never nearer than c in a window are exactly c apart, so that only
the others are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import Floats, Ints
from replay.scoring.gospa import best_pairs, check_cutoff

ROWS_AT_ONCE = 2_000_000  # instants of pairs of one batch: 50 MB at work


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """When objects (or tracks) are there: (k,) owners, small numbers from 0, and instants, each once."""

    owner: Ints
    instant: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Every object and track nearer than the cut-off, (p,) rows: numbers as in `Lives`, instant, distance."""

    truth: Ints
    track: Ints
    instant: Ints
    distance: Floats


def ospa2(truths: Lives, tracks: Lives, near: Near, c: float, instants: int, window: int) -> Floats:
    """The distance over the `window` instants that end at each: (t,). 0 where nothing is there at all."""
    check_cutoff(c)
    many = np.maximum(_alive(truths, instants, window), _alive(tracks, instants, window))
    pair, end, saved = _windows(near, c, instants, window)
    gain: Floats = np.zeros(instants)
    if len(pair):
        truth, track = _owners(near)
        either = _there(truths, truth[pair], end, instants, window) + _there(tracks, track[pair], end, instants, window)
        either -= _both(truths, tracks, truth, track, pair, end, instants, window)
        distance = c - saved / either
        made = best_pairs(_apart(truth[pair], end, instants), _apart(track[pair], end, instants), distance, c, 1.0)
        gain = np.bincount(end[made], weights=c - distance[made], minlength=instants).astype(float)
    share: Floats = np.divide(gain, many, out=np.full(instants, float(c)), where=many > 0)
    return c - share


def ospa2_of(estimates: Floats, truths: Floats, c: float, window: int) -> Floats:
    """The same of (m, t, d) and (n, t, d) trajectories by Euclidean distance, NaN where one is not there: (t,)."""
    difference = truths[:, None] - estimates[None]
    distance = np.sqrt((difference * difference).sum(axis=3))
    truth, track, instant = np.nonzero(distance < c)
    lives = [Lives(*np.nonzero(np.isfinite(each).all(axis=2))) for each in (truths, estimates)]
    near = Near(truth, track, instant, distance[truth, track, instant])
    return ospa2(lives[0], lives[1], near, c, truths.shape[1], window)


def _alive(lives: Lives, instants: int, window: int) -> Ints:
    """How many owners are there at any instant of each window: (t,)."""
    order = np.lexsort((lives.instant, lives.owner))
    owner, begin = lives.owner[order], lives.instant[order]
    end = _until(owner, begin, instants, window)
    change = np.bincount(begin, minlength=instants + 1) - np.bincount(end, minlength=instants + 1)
    return np.asarray(np.cumsum(change)[:instants])


def _until(owner: Ints, instant: Ints, instants: int, window: int) -> Ints:
    """Up to which window each row is the newest of its owner's: the next row, or the window's length later."""
    following = np.full(len(owner), instants)
    following[:-1] = np.where(np.diff(owner) == 0, instant[1:], instants)
    until: Ints = np.minimum(np.minimum(following, instant + window), instants)
    return until


def _windows(near: Near, c: float, instants: int, window: int) -> tuple[Ints, Ints, Floats]:
    """Each pair and window in which it is ever near: (pair, last instant, sum of c - distance over the window)."""
    _, number = np.unique(_key(near), return_inverse=True)
    order = np.lexsort((near.instant, number))
    number, instant = number[order], near.instant[order]
    counts = _until(number, instant, instants, window) - instant
    newest = np.repeat(np.arange(len(number)), counts)
    first = np.cumsum(counts) - counts
    end = instant[newest] + np.arange(len(newest)) - first[newest]
    key = number * (instants + 1) + instant
    oldest = np.searchsorted(key, number[newest] * (instants + 1) + np.maximum(end - window + 1, 0), side="left")
    spans = np.column_stack([oldest, newest + 1]).ravel()
    saved = np.add.reduceat(np.append(c - near.distance[order], 0.0), spans)[::2] if len(spans) else np.zeros(0)
    return number[newest], end, saved


def _key(near: Near) -> Ints:
    return near.truth * (int(near.track.max(initial=0)) + 1) + near.track


def _owners(near: Near) -> tuple[Ints, Ints]:
    """Object and track of each pair, in the order of `_windows`."""
    _, first = np.unique(_key(near), return_index=True)
    return near.truth[first], near.track[first]


def _there(lives: Lives, owner: Ints, end: Ints, instants: int, window: int) -> Ints:
    """At how many instants of windows owners are there."""
    keys = np.sort(lives.owner * (instants + 1) + lives.instant)
    return _count(keys, owner, end, instants, window)


def _count(keys: Ints, owner: Ints, end: Ints, instants: int, window: int) -> Ints:
    base = owner * (instants + 1)
    low = np.searchsorted(keys, base + np.maximum(end - window + 1, 0), side="left")
    return np.asarray(np.searchsorted(keys, base + end, side="right") - low)


def _both(
    truths: Lives, tracks: Lives, truth: Ints, track: Ints, pair: Ints, end: Ints, instants: int, window: int
) -> Ints:
    """At how many instants of windows both of a pair are there. pair, end: of the windows, by ascending pair."""
    mine = np.sort(truths.owner * (instants + 1) + truths.instant)
    theirs = np.sort(tracks.owner * (instants + 1) + tracks.instant)
    low = np.searchsorted(mine, truth * (instants + 1))
    counts = np.searchsorted(mine, (truth + 1) * (instants + 1)) - low
    found = np.zeros(len(pair), dtype=np.int64)
    batch = np.cumsum(counts) // ROWS_AT_ONCE
    for number in np.unique(batch):
        pairs = np.flatnonzero(batch == number)
        own = np.repeat(pairs, counts[pairs])
        begin = np.cumsum(counts[pairs]) - counts[pairs]
        instant = mine[np.arange(len(own)) - np.repeat(begin - low[pairs], counts[pairs])] % (instants + 1)
        wanted = track[own] * (instants + 1) + instant
        place = np.minimum(np.searchsorted(theirs, wanted), len(theirs) - 1)
        there = theirs[place] == wanted
        rows = slice(*np.searchsorted(pair, [pairs[0], pairs[-1] + 1]).tolist())
        keys = own[there] * (instants + 1) + instant[there]
        found[rows] = _count(keys, pair[rows], end[rows], instants, window)
    return found


def _apart(owner: Ints, end: Ints, instants: int) -> Ints:
    """Numbers that keep the owners of each window apart."""
    return np.asarray(np.unique(owner * instants + end, return_inverse=True)[1])
