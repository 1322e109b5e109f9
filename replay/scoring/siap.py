"""The attributes of a single integrated air picture.

Votruba, Nisley, Rothrock, Zombro, "Single Integrated Air Picture (SIAP) Metrics Implementation" (2001). Here a track is
assigned to the object that holds it (`replay.scoring.held`); one that nobody holds, but nearer than the cut-off to
objects, to the nearest of them: it makes that one ambiguous.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.types import SECOND_NS, Floats, Ints
from replay.scoring.held import Held
from replay.scoring.matching import Matches, TrackPoints, differences
from replay.scoring.measures import Siap
from replay.scoring.truths import Presence


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """truth, track: (k,) rows of `Presence` and `TrackPoints`: each track point at most once, an object any number.

    distance: (k,) m.  velocity: (k,) m/s, length of the difference, NaN where unknown.
    """

    truth: Ints
    track: Ints
    distance: Floats
    velocity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SiapOverTime:
    """(t,) each, NaN where there is nothing to divide by."""

    completeness: Floats
    ambiguity: Floats
    spuriousness: Floats


def assigned(points: TrackPoints, present: Presence, matches: Matches, held: Held, dims: int) -> Assigned:
    """Every track point beside an object: those held, and of the others the nearest pair."""
    free = np.ones(len(points.id), dtype=bool)
    free[held.track] = False
    spare = np.flatnonzero(free[matches.near_track])
    spare = spare[np.lexsort((matches.near_m[spare], matches.near_track[spare]))]
    spare = spare[np.append(True, np.diff(matches.near_track[spare]) != 0)] if len(spare) else spare
    truth = np.concatenate([held.truth, matches.near_truth[spare]])
    track = np.concatenate([held.track, matches.near_track[spare]])
    velocity = differences(points, present, truth, track)[1][:, :dims]
    distance = np.concatenate([held.distance, matches.near_m[spare]])
    return Assigned(truth, track, distance, np.sqrt((velocity * velocity).sum(axis=1)))


def siap(
    points: TrackPoints, present: Presence, matches: Matches, pairs: Assigned, times_ns: Ints
) -> tuple[Siap, SiapOverTime]:
    """The attributes over all instants, and at each. times_ns: (t,) of the instants.

    Tracks near an object that nobody asks for, and assigned to none, are not counted.
    """
    n = len(times_ns)
    asked = ~present.ignore
    objects = np.bincount(present.instant[asked], minlength=n)
    with_track = np.bincount(present.instant[np.unique(pairs.truth)], minlength=n)
    on_object = np.bincount(points.instant[pairs.track], minlength=n)
    counts = ~matches.overlooked
    counts[pairs.track] = True
    tracks = np.bincount(points.instant[counts], minlength=n)
    known = pairs.velocity[np.isfinite(pairs.velocity)]
    longest, changes = _continuity(points, present, pairs, times_ns)
    found = Siap(
        completeness=_share(with_track.sum(), objects.sum()),
        ambiguity=_share(on_object.sum(), with_track.sum()),
        spuriousness=_share((tracks - on_object).sum(), tracks.sum()),
        position_m=_share(pairs.distance.sum(), len(pairs.distance)),
        velocity_mps=_share(known.sum(), len(known)),
        longest_segment=longest,
        changes_per_s=changes,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        over_time = SiapOverTime(with_track / objects, on_object / with_track, (tracks - on_object) / tracks)
    return found, over_time


def _continuity(
    points: TrackPoints, present: Presence, pairs: Assigned, times_ns: Ints
) -> tuple[float | None, float | None]:
    """Longest segments by lifetimes, and changes of track by tracked time, over all objects."""
    owner, begin, end = _segments(points, present, pairs)
    asked = ~present.ignore
    names, number = np.unique(present.object[asked], return_inverse=True)
    first, last = np.full(len(names), np.iinfo(np.int64).max), np.full(len(names), np.iinfo(np.int64).min)
    np.minimum.at(first, number, times_ns[present.instant[asked]])
    np.maximum.at(last, number, times_ns[present.instant[asked]])
    longest = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(longest, np.searchsorted(names, owner), times_ns[end] - times_ns[begin])
    needed = tracked_ns = 0
    edges = np.flatnonzero(np.diff(owner)) + 1
    for rows in np.split(np.arange(len(owner)), edges) if len(owner) else []:
        many, spans = _cover(begin[rows].tolist(), end[rows].tolist())
        needed += many - 1
        tracked_ns += sum(int(times_ns[stop] - times_ns[start]) for start, stop in spans)
    life_ns = int((last - first).sum()) if len(names) else 0
    return _share(longest.sum(), life_ns), _share(needed, tracked_ns / SECOND_NS)


def _segments(points: TrackPoints, present: Presence, pairs: Assigned) -> tuple[Ints, Ints, Ints]:
    """Stretches in which a track is on an object without a gap: object, first and last instant, in this order."""
    owner, instant, id_ = present.object[pairs.truth], present.instant[pairs.truth], points.id[pairs.track]
    order = np.lexsort((instant, id_, owner))
    owner, instant, id_ = owner[order], instant[order], id_[order]
    new = (np.diff(owner) != 0) | (np.diff(id_) != 0) | (np.diff(instant) != 1)
    begins = np.flatnonzero(np.append(True, new)) if len(owner) else np.zeros(0, dtype=np.int64)
    ends = np.append(begins[1:], len(owner)) - 1 if len(owner) else begins
    order = np.lexsort((instant[begins], owner[begins]))
    return owner[begins][order], instant[begins][order], instant[ends][order]


def _cover(begin: list[int], end: list[int]) -> tuple[int, list[tuple[int, int]]]:
    """How many of one object's segments, in order of `begin`, cover all that any covers; and their unions."""
    spans: list[tuple[int, int]] = []
    many, now, place, reach = 0, -1, 0, -1
    while True:
        while place < len(begin) and begin[place] <= now:
            reach = max(reach, end[place])
            place += 1
        if reach >= now >= 0:
            many += 1
            now = reach + 1
        elif place < len(begin):
            now = begin[place]
        else:
            break
    for start, stop in zip(begin, end, strict=True):
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], stop)
        else:
            spans.append((start, stop))
    return many, spans


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole > 0 else None
