"""The metric on sets of trajectories, and the assignment behind it: who is whose track, over a whole recording.

García-Fernández, Rahmathullah, Svensson, "A metric on the space of finite sets of trajectories for evaluation of
multi-target tracking algorithms" (2020), eq. 23: over weights W(k) of objects i and tracks j at the instants k,

    d^p = min  sum over k of  [ sum W_ij d^p  +  c^p / 2 x (objects + tracks without a pair) ]
               + gamma^p / 2 x sum over k, i, j of |W_ij(k) - W_ij(k - 1)|

so that a change from one track to another costs gamma^p, to no track half of it, and a pair that is not there or
farther apart than c may be held for nothing. With the weights between 0 and 1 it is a linear program, and a metric.

It is solved exactly, in parts. Where an object and a track are each other's only neighbours for so long that they
save more than 3 gamma^p, they are a pair there in some best solution: to make them one changes at most three pairs at
either end, gamma^p / 2 each. What is left open falls into small parts round crossings, each a program of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import Bools, Floats, Ints
from replay.scoring.chains import Chains, bridged, changed, weigh_any
from replay.scoring.gospa import check_cutoff

CERTAIN_SWITCHES = 3.0  # see above
ONE_PROGRAM = 5_000  # variables up to which small parts are solved together: calling the solver costs as much


@dataclass(frozen=True, slots=True, eq=False)
class Whose:
    """weight: (n,) of each possible pair and instant. chosen: (n,) the same as a whole assignment.

    switch: (t,) what changes cost at each instant, by `weight`.  lower, upper: of the cost less what pairs save: of the
    linear program, and of the whole assignment.  bounded: parts that were cut in time, so that `weight` is `chosen`.
    """

    weight: Floats
    chosen: Bools
    switch: Floats
    lower: float
    upper: float
    bounded: int


def whose(instant: Ints, truth: Ints, track: Ints, gain: Floats, instants: int, switch: float) -> Whose:
    """Who is whose track. (n,) each: every instant, object and track (small numbers from 0) that could be a pair.

    gain: c^p - d^p, above 0: what it saves to pair them.  switch: gamma^p, in the same unit.
    """
    weight, chosen, cost = np.zeros(len(gain)), np.zeros(len(gain), dtype=bool), np.zeros(instants + 1)
    if not len(gain):
        return Whose(weight, chosen, cost[:-1], 0.0, 0.0, 0)
    half = switch / 2.0
    certain, runs = _runs(instant, truth, track, gain, switch)
    weight[certain], chosen[certain] = 1.0, True
    left = np.flatnonzero(~certain)
    open_ = _open(instant[left], truth[left], track[left], gain[left], runs, instants)
    chains = open_.chains
    np.add.at(cost, open_.until, half * bridged(chains))
    lower = upper = float(cost.sum()) - float(gain[certain].sum())
    bounded = 0
    for begin, end in _parts(chains, open_.part):
        some = chains.between(begin, end)
        found = weigh_any(some, half)
        place = open_.place[chains.first[begin] : chains.first[end]]
        weight[left[place[place >= 0]]] = found.weight[place >= 0]
        chosen[left[place[place >= 0]]] = found.chosen[place >= 0]
        lower, upper, bounded = lower + found.relaxed_cost, upper + found.whole_cost, bounded + found.cut
        inside, before, after = changed(some, found.weight)
        np.add.at(cost, some.instant[inside[0]], half * inside[1])
        np.add.at(cost, some.instant[some.first[before[0]]], half * before[1])
        np.add.at(cost, open_.until[begin:end][after[0]], half * after[1])
    return Whose(weight, chosen, cost[:-1], lower, upper, bounded)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Stretches in which a pair is certain, (r,) each: its object and track, its first and last instant."""

    truth: Ints
    track: Ints
    first: Ints
    last: Ints


def _runs(instant: Ints, truth: Ints, track: Ints, gain: Floats, switch: float) -> tuple[Bools, _Runs]:
    """Which rows (n,) are certain, and the runs that they make."""
    by_truth, by_track = np.lexsort((instant, truth)), np.lexsort((instant, track))
    alone = _alone(by_truth, truth, instant) & _alone(by_track, track, instant)
    following = np.full(len(instant), -1)
    following[by_track[:-1]] = by_track[1:]
    row, after = by_truth[:-1], by_truth[1:]
    # the next neighbour of the object and that of the track are each other again
    linked = alone[row] & alone[after] & (following[row] == after) & (truth[row] == truth[after])
    linked &= track[row] == track[after]
    label = np.cumsum(np.append(True, ~linked)) - 1
    certain = (np.bincount(label, weights=gain[by_truth]) >= CERTAIN_SWITCHES * switch)[label] & alone[by_truth]
    rows, label = by_truth[certain], label[certain]
    first = np.flatnonzero(np.append(True, np.diff(label) > 0)) if len(rows) else np.zeros(0, dtype=np.int64)
    last = np.append(first[1:], len(rows)) - 1 if len(rows) else first
    mask = np.zeros(len(instant), dtype=bool)
    mask[rows] = True
    return mask, _Runs(truth[rows[first]], track[rows[first]], instant[rows[first]], instant[rows[last]])


def _alone(order: Ints, owner: Ints, instant: Ints) -> Bools:
    """Which rows are the only ones of their owner and instant. order: rows by owner, then instant."""
    same = (np.diff(owner[order]) == 0) & (np.diff(instant[order]) == 0)
    alone = np.ones(len(order), dtype=bool)
    alone[order] = ~(np.append(same, False) | np.append(False, same))
    return alone


@dataclass(frozen=True, slots=True, eq=False)
class _Gaps:
    """What lies open of each object (or track): before, between and after its certain runs.

    before, after: (r,) the gaps on both sides of each run.  begin, end: (g,) last instant of the run before and first
    of the run after, -1 and the number of instants where there is none.  previous, following: (g,) those runs, or -1.
    """

    before: Ints
    after: Ints
    begin: Ints
    end: Ints
    previous: Ints
    following: Ints
    starts: Ints  # (r,) ascending: owner, then first instant
    instants: int

    @classmethod
    def of(cls, owner: Ints, runs: _Runs, owners: int, instants: int) -> _Gaps:
        order = np.lexsort((runs.first, owner))
        many = len(order) + owners
        before, begin, end = np.empty_like(order), np.full(many, -1), np.full(many, instants)
        previous, following = np.full(many, -1), np.full(many, -1)
        before[order] = np.arange(len(order)) + owner[order]
        following[before] = previous[before + 1] = np.arange(len(order))
        end[before], begin[before + 1] = runs.first, runs.last
        starts = owner[order] * (instants + 1) + runs.first[order]
        return cls(before, before + 1, begin, end, previous, following, starts, instants)

    def at(self, owner: Ints, instant: Ints) -> Ints:
        """The gap in which each of (n,) instants of owners lies."""
        return np.searchsorted(self.starts, owner * (self.instants + 1) + instant, side="right") + owner


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """What has to be weighed: chains, those of one part together.

    part: (m,) ascending.  until: (m,) the instant at which what comes after each chain is.  place: (v,) which of the
    rows each variable is, -1: none, the pair is too far apart there or not there.
    """

    chains: Chains
    part: Ints
    until: Ints
    place: Ints


def _open(instant: Ints, truth: Ints, track: Ints, gain: Floats, runs: _Runs, instants: int) -> _Open:
    """The chains of what is not certain: (n,) rows, and what certain runs leave on both sides of them."""
    rows = _Gaps.of(runs.truth, runs, int(max(truth.max(initial=-1), runs.truth.max(initial=-1))) + 1, instants)
    columns = _Gaps.of(runs.track, runs, int(max(track.max(initial=-1), runs.track.max(initial=-1))) + 1, instants)
    many = len(columns.begin)
    i = np.concatenate([rows.at(truth, instant), rows.before, rows.after])
    j = np.concatenate([columns.at(track, instant), columns.before, columns.after])
    key, chain = np.unique(i * many + j, return_inverse=True)
    i, j = key // many, key % many
    part = _connected(i, j, len(rows.begin), many)
    order = np.argsort(part, kind="stable")
    i, j, part = i[order], j[order], part[order]
    chain = np.argsort(order, kind="stable")[chain[: len(instant)]]
    # all chains of a part have a variable at each instant at which the part has a row, as far as they reach
    times = np.unique(part[chain] * (instants + 1) + instant)
    begin, until = np.maximum(rows.begin[i], columns.begin[j]), np.minimum(rows.end[i], columns.end[j])
    low = np.searchsorted(times, part * (instants + 1) + begin, side="right")
    counts = np.maximum(np.searchsorted(times, part * (instants + 1) + until, side="left") - low, 0)
    first = np.append(0, np.cumsum(counts))
    own = np.repeat(np.arange(len(i)), counts)
    when = times[np.arange(first[-1]) - first[own] + low[own]] % (instants + 1)
    place, saved = np.full(first[-1], -1), np.zeros(first[-1])
    found = np.searchsorted(own * (instants + 1) + when, chain * (instants + 1) + instant)
    place[found], saved[found] = np.arange(len(instant)), gain
    left = _given(rows.previous[i], columns.previous[j])
    right = _given(rows.following[i], columns.following[j])
    return _Open(Chains(left, right, first, i, j, when, saved), part, until, place)


def _given(row: Ints, column: Ints) -> Floats:
    """What a pair is in the runs beside its chain: 1 in its own, 0 in others, NaN where there is none."""
    return np.where(row != column, 0.0, np.where(row < 0, np.nan, 1.0))


def _connected(i: Ints, j: Ints, rows: int, columns: int) -> Ints:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = rows + columns
    _, label = connected_components(coo_array((np.ones(len(i)), (i, rows + j)), shape=(size, size)), directed=False)
    return np.asarray(label, dtype=np.int64)[i]


def _parts(chains: Chains, part: Ints) -> list[tuple[int, int]]:
    """Spans of chains, whole parts each, to be solved at once; those without a variable are left out."""
    edges = np.append(np.flatnonzero(np.append(True, np.diff(part) > 0)), len(part)) if len(part) else np.zeros(1, int)
    sizes = np.diff(chains.first[edges])
    spans: list[tuple[int, int]] = []
    begin, total = 0, 0
    for k, size in enumerate(sizes.tolist()):
        if total and total + size > ONE_PROGRAM:
            spans.append((int(edges[begin]), int(edges[k])))
            begin, total = k, 0
        total += size
    return [*spans, (int(edges[begin]), int(edges[-1]))] if total else spans


@dataclass(frozen=True, slots=True)
class TrajectoryDistance:
    """Of two sets of trajectories. Each part is already rooted: the p-th powers of the parts add up to the total's."""

    total: float
    localisation: float
    missed: float
    false: float
    switch: float


def trajectory_gospa(estimates: Floats, truths: Floats, c: float, switch: float, p: float = 2.0) -> TrajectoryDistance:
    """Compare (m, t, d) with (n, t, d) trajectories by Euclidean distance; NaN where one is not there.

    c: the cut-off.  switch: gamma.  Raises ValueError.
    """
    check_cutoff(c)
    if not (np.isfinite(switch) and switch > 0.0):
        raise ValueError(f"switch is {switch}; allowed is a finite number above 0")
    difference = truths[:, None] - estimates[None]
    distance = np.sqrt((difference * difference).sum(axis=3))
    truth, track, instant = np.nonzero(distance < c)  # NaN is not near
    gain = c**p - distance[truth, track, instant] ** p
    found = whose(instant, truth, track, gain, truths.shape[1], switch**p)
    made = float(found.weight.sum())
    there = [float(np.isfinite(each).all(axis=2).sum()) for each in (truths, estimates)]
    parts = (
        float(((c**p - gain) * found.weight).sum()),
        (there[0] - made) * c**p / 2.0,
        (there[1] - made) * c**p / 2.0,
        float(found.switch.sum()),
    )
    return TrajectoryDistance(*(float(max(term, 0.0) ** (1.0 / p)) for term in (sum(parts), *parts)))
