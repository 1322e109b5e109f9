"""How objects keep their tracks: switches, fragments, purity, and the score of each object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import SECOND_NS, Bools, Floats, Ints
from replay.scoring.held import Held
from replay.scoring.matching import Matches, TrackPoints
from replay.scoring.measures import Identity
from replay.scoring.results import ObjectScore
from replay.scoring.truths import ObjectRows, Presence


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What happens at each row of `Held`, (k,) each.

    switch: another id than at the object's row before.  swap: and that track was another object's when it was last
    anybody's.  fragment: a segment of one id without a gap begins.
    """

    switch: Bools
    swap: Bools
    fragment: Bools


def changes(held: Held, present: Presence) -> Changes:
    """Where objects change their tracks. A gap is an instant at which the object is there and has none."""
    n = len(held.id)
    same = np.append(False, np.diff(held.object) == 0)[:n]
    other = np.append(False, np.diff(held.id) != 0)[:n]
    order = np.lexsort((present.instant, present.object))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))  # counts an object's own instants
    gap = np.append(False, np.diff(place[held.truth]) != 1)[:n]
    switch = same & other
    return Changes(switch, switch & _taken(held), ~same | other | gap)


def _taken(held: Held) -> Bools:
    """Whether the row's track was another object's at its row before."""
    order = np.lexsort((held.instant, held.id))
    before = (np.diff(held.id[order]) == 0) & (np.diff(held.object[order]) != 0)
    taken = np.zeros(len(order), dtype=bool)
    taken[order[1:]] = before
    return taken


def identity(held: Held, found: Changes, each: tuple[ObjectScore, ...]) -> Identity:
    """The figures of all objects together."""
    return Identity(
        switches=int(found.switch.sum()),
        swaps=int(found.swap.sum()),
        flips=sum(one.flips or 0 for one in each),
        breaks=sum(one.breaks for one in each),
        fragments=int(found.fragment.sum()) - len(np.unique(held.object)),
        track_purity=_purity(held.id, held.object),
        object_purity=_purity(held.object, held.id),
    )


def _purity(owner: Ints, other: Ints) -> float | None:
    """Share of rows that are with their owner's main other."""
    if not len(owner):
        return None
    pairs, counts = np.unique(np.stack([owner, other]), axis=1, return_counts=True)
    _, number = np.unique(pairs[0], return_inverse=True)
    most = np.zeros(number.max() + 1, dtype=np.int64)
    np.maximum.at(most, number.reshape(-1), counts)
    return float(most.sum()) / len(owner)


def object_scores(
    objects: tuple[ObjectRows, ...],
    times_ns: Ints,
    points: TrackPoints,
    present: Presence,
    matches: Matches,
    held: Held,
    found: Changes,
) -> tuple[ObjectScore, ...]:
    """One for each object that is asked for and was there, by their numbers. times_ns: (t,) of the instants."""
    track = np.full(len(present.instant), -1, dtype=np.int64)
    track[matches.truth] = matches.track
    distance = np.zeros(len(present.instant))
    distance[matches.truth] = matches.distance
    rows = np.flatnonzero(~present.ignore)
    rows = rows[np.argsort(present.object[rows], kind="stable")]
    groups = np.split(rows, np.flatnonzero(np.diff(present.object[rows])) + 1) if len(rows) else []
    scores = []
    for group in groups:
        number = present.object[group[0]]
        own = slice(*np.searchsorted(held.object, [number, number + 1]).tolist())
        tracked = track[group] >= 0
        scores.append(
            _one(
                objects[number].id,
                times_ns[present.instant[group]],
                tracked,
                points.id[track[group][tracked]],
                distance[group],
                held.id[own],
                times_ns[held.instant[own]],
                found.switch[own],
                found.fragment[own],
            )
        )
    return tuple(scores)


def _one(
    name: str,
    times_ns: Ints,
    tracked: Bools,
    by_instant: Ints,
    distance: Floats,
    ids: Ints,
    held_ns: Ints,
    switch: Bools,
    fragment: Bools,
) -> ObjectScore:
    flips = int((np.diff(by_instant) != 0).sum())
    if not len(by_instant):
        return ObjectScore(name, len(times_ns), 0, 0, 0, 0, None, None, flips, 0, None, None)
    first = int(np.argmax(tracked))
    regained = ~tracked[first:-1] & tracked[first + 1 :]
    begins = np.flatnonzero(fragment)
    spans = held_ns[np.append(begins[1:], len(ids))[: len(begins)] - 1] - held_ns[begins]
    counts = np.unique(ids, return_counts=True)[1]
    return ObjectScore(
        id=name,
        instants=len(times_ns),
        tracked=len(by_instant),
        tracks=len(counts),
        switches=int(switch.sum()),
        breaks=int(regained.sum()),
        first_track_s=float(times_ns[first] - times_ns[0]) / SECOND_NS,
        position_rmse_m=float(np.sqrt((distance[tracked] ** 2).mean())),
        flips=flips,
        fragments=len(begins),
        purity=float(counts.max()) / len(ids) if len(ids) else None,
        longest_s=float(spans.max(initial=0)) / SECOND_NS if len(spans) else None,
    )
