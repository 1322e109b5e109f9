"""A part of trajectory GOSPA that has to be weighed: which pairs hold when, as one linear program.

A chain is one pair of an object and a track over the instants at which both are open to choice. Its variables are how
far the pair holds at each, 0 to 1; what holds saves its gain, and every change costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion.types import Bools, Floats, Ints
from replay.scoring.gospa import cheapest

NEAR_WHOLE = 1e-6  # from 0 or 1: the solver's own tolerance
HOLD = 0.5  # of a weight: what rounding prefers a pair by that held the instant before
LARGEST_PROGRAM = 30_000  # variables of one linear program: seconds; what is larger is cut in time
LARGEST_CUT = 300_000  # variables of one part: what is larger, a swarm of hundreds, goes instant by instant


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Chains, one after another. left, right: (m,) what the pair is before and after: 0, 1, or NaN, no cost.

    first: (m + 1,) where the variables of each begin.  row, column: (m,) its object and its track, as they are open
    there: at one instant each may be in one pair.  instant, gain: (v,) of the variables, ascending in each chain.
    """

    left: Floats
    right: Floats
    first: Ints
    row: Ints
    column: Ints
    instant: Ints
    gain: Floats

    @property
    def owner(self) -> Ints:
        """The chain of each variable: (v,)."""
        return np.repeat(np.arange(len(self.row)), np.diff(self.first))

    def between(self, begin: int, end: int) -> Chains:
        """The chains from `begin` up to `end`, without it."""
        a, b = int(self.first[begin]), int(self.first[end])
        chosen = slice(begin, end)
        return Chains(
            self.left[chosen],
            self.right[chosen],
            self.first[begin : end + 1] - a,
            self.row[chosen],
            self.column[chosen],
            self.instant[a:b],
            self.gain[a:b],
        )

    def part(self, keep: Bools, left: Floats, right: Floats) -> Chains:
        """The variables (v,) that are kept, a stretch of each chain, with (m,) other ends; empty ones are left out."""
        counts = np.bincount(self.owner[keep], minlength=len(self.row))
        there = counts > 0
        return Chains(
            left[there],
            right[there],
            np.append(0, np.cumsum(counts[there])),
            self.row[there],
            self.column[there],
            self.instant[keep],
            self.gain[keep],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """weight: (v,) of the relaxed program. chosen: (v,) a whole assignment, the best found. Costs: less what is saved.

    cut: it was too large, and was solved one stretch of time after another.
    """

    weight: Floats
    chosen: Bools
    relaxed_cost: float
    whole_cost: float
    cut: bool = False


def weigh(chains: Chains, half_switch: float) -> Weighed:
    """The cheapest weights: min  sum of half_switch x |change|  -  sum of gain x weight.

    García-Fernández, Rahmathullah, Svensson (2020), the linear program of section IV: one object or track alone makes
    it a shortest path, whose solution is whole.  half_switch: gamma^p / 2.
    """
    if not len(chains.gain):
        none = np.zeros(0)
        return Weighed(none, none.astype(bool), 0.0, 0.0)
    weight = _relaxed(chains, half_switch)
    if np.abs(weight - np.rint(weight)).max() <= NEAR_WHOLE:
        weight = np.rint(weight)
        chosen = weight > 0.5
    else:
        chosen = _rounded(chains, weight)
    return Weighed(weight, chosen, cost(chains, weight, half_switch), cost(chains, chosen.astype(float), half_switch))


def weigh_any(chains: Chains, half_switch: float) -> Weighed:
    """The same for any size: what is too large for one program is solved in stretches of time.

    From below: each stretch by itself, changes between them for nothing. From above: each with what the one before it
    left. `weight` is then the whole assignment.
    """
    if len(chains.gain) <= LARGEST_PROGRAM:
        return weigh(chains, half_switch)
    if len(chains.gain) > LARGEST_CUT:
        return _one_by_one(chains, half_switch)
    owner, previous = chains.owner, np.full(len(chains.row), np.nan)
    chosen, lower = np.zeros(len(chains.gain), dtype=bool), 0.0
    for begin, end in _stretches(chains.instant, LARGEST_PROGRAM):
        keep = (chains.instant >= begin) & (chains.instant < end)
        started = np.bincount(owner[chains.instant < begin], minlength=len(previous)) > 0
        goes_on = np.bincount(owner[chains.instant >= end], minlength=len(previous)) > 0
        right = np.where(goes_on, np.nan, chains.right)
        lower += weigh(chains.part(keep, np.where(started, np.nan, chains.left), right), half_switch).relaxed_cost
        found = weigh(chains.part(keep, np.where(started, previous, chains.left), right), half_switch)
        chosen[keep] = found.chosen
        previous[owner[keep]] = found.chosen  # ascending in time: the last one stays
    weight = chosen.astype(float)
    return Weighed(weight, chosen, lower, cost(chains, weight, half_switch), cut=True)


def _stretches(instant: Ints, most: int) -> list[tuple[int, int]]:
    """Spans of instants [first, last) with at most `most` variables, or of one instant."""
    each, counts = np.unique(instant, return_counts=True)
    spans, begin, total = [], 0, 0
    for k, count in enumerate(counts.tolist()):
        if total and total + count > most:
            spans.append((int(each[begin]), int(each[k])))
            begin, total = k, 0
        total += count
    return [*spans, (int(each[begin]), int(each[-1]) + 1)]


def cost(chains: Chains, weight: Floats, half_switch: float) -> float:
    """What weights cost: (v,) to one number."""
    changes = sum(float(change.sum()) for _, change in changed(chains, weight))
    return half_switch * changes - float((chains.gain * weight).sum())


def changed(chains: Chains, weight: Floats) -> tuple[tuple[Ints, Floats], tuple[Ints, Floats], tuple[Ints, Floats]]:
    """How far weights change: inside chains, at their beginnings, at their ends. Each: where, and how far.

    Inside: the later variable of two; at ends: the chain. Chains without a variable are left out: `bridged` has them.
    """
    owner = chains.owner
    inside = np.flatnonzero(np.diff(owner) == 0) + 1
    full = np.flatnonzero(np.diff(chains.first) > 0)
    begin, end = weight[chains.first[full]], weight[chains.first[full + 1] - 1]
    return (
        (inside, np.abs(weight[inside] - weight[inside - 1])),
        (full, np.nan_to_num(np.abs(begin - chains.left[full]))),
        (full, np.nan_to_num(np.abs(chains.right[full] - end))),
    )


def bridged(chains: Chains) -> Floats:
    """How far chains without a variable change from what is before them to what is after: (m,), 0 for others."""
    empty = np.diff(chains.first) == 0
    return np.where(empty, np.nan_to_num(np.abs(chains.right - chains.left)), 0.0)


def _one_by_one(chains: Chains, half_switch: float) -> Weighed:
    """Each instant assigned for itself and for what held before it: one assignment problem each."""
    owner, lower = chains.owner, 0.0
    held = chains.left.copy()
    chosen = np.zeros(len(chains.gain), dtype=bool)
    last = chains.first[1:] - 1
    for now in _instants(chains.instant):
        chain = owner[now]
        row, column, gain = chains.row[chain], chains.column[chain], chains.gain[now]
        saving = np.flatnonzero(gain > 0.0)
        lower -= float(gain[saving][cheapest(row[saving], column[saving], -gain[saving])].sum())
        after = np.where(now == last[chain], chains.right[chain], np.nan)
        price = half_switch * (np.nan_to_num(1.0 - 2.0 * held[chain]) + np.nan_to_num(1.0 - 2.0 * after)) - gain
        worth = np.flatnonzero(price < 0.0)
        chosen[now[worth[cheapest(row[worth], column[worth], price[worth])]]] = True
        held[chain] = chosen[now]
    weight = chosen.astype(float)
    return Weighed(weight, chosen, lower, cost(chains, weight, half_switch), cut=True)


def _rounded(chains: Chains, weight: Floats) -> Bools:
    """A whole assignment near relaxed weights: at each instant those that sum to the most, what holds before others."""
    owner, chosen = chains.owner, np.zeros(len(weight), dtype=bool)
    held = np.nan_to_num(chains.left)
    for now in _instants(chains.instant):
        worth = now[weight[now] > NEAR_WHOLE]
        chain = owner[worth]
        chosen[worth[cheapest(chains.row[chain], chains.column[chain], -weight[worth] - HOLD * held[chain])]] = True
        held[owner[now]] = chosen[now]
    return chosen


def _instants(instant: Ints) -> list[Ints]:
    """The variables of each instant, in order of time."""
    order = np.argsort(instant, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(instant[order])) + 1)


def _relaxed(chains: Chains, half_switch: float) -> Floats:
    """Weights (v,) by HiGHS. Beside them stand, for each step in a chain, how far it goes up and how far down."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    v, later = len(chains.gain), np.flatnonzero(np.diff(chains.owner) == 0) + 1
    s, step, one = len(later), np.arange(len(later)), np.ones(len(later))
    equal: Any = coo_array(
        (
            np.concatenate([one, -one, -one, one]),
            (np.tile(step, 4), np.concatenate([later, later - 1, v + step, v + s + step])),
        ),
        shape=(s, v + 2 * s),
    )
    rule, variable = _shared(chains)
    most: Any = coo_array((np.ones(len(rule)), (rule, variable)), shape=(_count(rule), v + 2 * s))
    full = np.flatnonzero(np.diff(chains.first) > 0)
    objective = np.concatenate([-chains.gain, np.full(2 * s, half_switch)])
    for ends, variables in ((chains.left[full], chains.first[full]), (chains.right[full], chains.first[full + 1] - 1)):
        # |w - 0| is w, |w - 1| is 1 - w: a cost of the variable itself
        np.add.at(objective, variables, half_switch * np.nan_to_num(1.0 - 2.0 * ends))
    found = linprog(
        objective,
        A_ub=most.tocsr() if len(rule) else None,
        b_ub=np.ones(most.shape[0]) if len(rule) else None,
        A_eq=equal.tocsr() if s else None,
        b_eq=np.zeros(s) if s else None,
        bounds=(0.0, 1.0),
        method="highs-ds",  # ends at a corner, where the weights of nearly all programs are whole
    )
    weight: Floats = np.clip(np.asarray(found.x, dtype=float)[:v], 0.0, 1.0)
    return weight


def _shared(chains: Chains) -> tuple[Ints, Ints]:
    """Which variables may hold 1 in all: (rule, variable), where an object or track has several at one instant."""
    owner, rules, variables, many = chains.owner, [], [], 0
    for node in (chains.row, chains.column):
        key = np.stack([node[owner], chains.instant])
        _, group, size = np.unique(key, axis=1, return_inverse=True, return_counts=True)
        group = group.reshape(-1)
        several = np.flatnonzero(size[group] > 1)
        _, rule = np.unique(group[several], return_inverse=True)
        rules.append(rule + many)
        variables.append(several)
        many += _count(rule)
    return np.concatenate(rules), np.concatenate(variables)


def _count(numbers: Ints) -> int:
    return int(numbers.max()) + 1 if len(numbers) else 0
