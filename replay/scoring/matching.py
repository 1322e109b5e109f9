"""Which track is which object, at every instant of a recording at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.geodesy import axes_at, to_ecef
from fusion.types import Floats, Ints, Picture
from replay.scoring.gospa import best_pairs
from replay.scoring.instants import Instants
from replay.scoring.truths import ALT, EAST, LAT, LON, UP, Presence

SHOWN = ("confirmed", "coasting")  # the statuses that a person is shown
UPPER_TRIANGLE = np.triu_indices(6)  # the order of the 21 numbers of a covariance on the wire
PAIRS_AT_ONCE = 1_000_000  # possible pairs of one batch: about 150 MB at work
GATE_SLACK = 1.02  # the coarse gate measures at height 0, in chords: longer than the plane's by less than this


@dataclass(frozen=True, slots=True, eq=False)
class TrackPoints:
    """Shown tracks at instants, one row each, in order of instant.

    instant: (n,) index.  id: (n,).  values: (n, 6) lat_deg, lon_deg, alt_m, east, north, up velocity m/s.
    covariance: (n, 6, 6) of position and velocity, east, north, up.  mode: (n,) names of the most likely motions.
    """

    instant: Ints
    id: Ints
    values: Floats
    covariance: Floats
    mode: NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """truth, track: (k,) rows of `Presence` and `TrackPoints` that are one pair.  distance: (k,) m.

    offset: (k, 3) track less truth, m, and velocity: (k, 3) m/s, both east, north, up at the truth.
    unasked: (j, 2) such rows too: every track point that is near an object that nobody asks for, with that object.
    false, ignored: (n,) of the track points: neither in a pair; ignored: near an object that nobody asks for.
    near_truth, near_track, near_m: (p,) every possible pair, that is nearer than the cut-off, and how near.
    overlooked: (n,) of the track points: near an object that nobody asks for, in a pair or not.
    """

    truth: Ints
    track: Ints
    distance: Floats
    offset: Floats
    velocity: Floats
    unasked: Ints
    false: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    near_truth: Ints
    near_track: Ints
    near_m: Floats
    overlooked: NDArray[np.bool_]


def track_points(pictures: tuple[Picture, ...], instants: Instants) -> TrackPoints:
    """The rows of the pictures that are scored."""
    used = np.flatnonzero(instants.picture >= 0)
    chosen = [pictures[k] for k in instants.picture[used]]
    shown = [np.array([status in SHOWN for status in picture.status], dtype=bool) for picture in chosen]
    if not chosen:
        empty = np.zeros(0, dtype=np.int64)
        return TrackPoints(empty, empty, np.zeros((0, 6)), np.zeros((0, 6, 6)), np.zeros(0, dtype=object))
    values = [
        np.stack([p.lat_deg, p.lon_deg, p.alt_m, p.east_mps, p.north_mps, p.up_mps], axis=1)[keep]
        for p, keep in zip(chosen, shown, strict=True)
    ]
    triangle = np.concatenate([p.covariance[keep] for p, keep in zip(chosen, shown, strict=True)])
    covariance = np.zeros((len(triangle), 6, 6))
    covariance[:, UPPER_TRIANGLE[0], UPPER_TRIANGLE[1]] = triangle
    covariance[:, UPPER_TRIANGLE[1], UPPER_TRIANGLE[0]] = triangle
    return TrackPoints(
        instant=np.repeat(used, [int(keep.sum()) for keep in shown]),
        id=np.concatenate([p.id[keep] for p, keep in zip(chosen, shown, strict=True)]),
        values=np.concatenate(values),
        covariance=covariance,
        mode=np.concatenate([np.array(p.mode, dtype=object)[keep] for p, keep in zip(chosen, shown, strict=True)]),
    )


def match(points: TrackPoints, present: Presence, instants: int, c: float, dims: int) -> Matches:
    """Assign at every instant, for the least GOSPA over the objects asked for.

    A track without a pair but nearer than `c` to an object with `ignore` is neither right nor false.
    """
    pairs, possible, unasked_pairs, near = [], [], [], np.zeros(len(points.instant), dtype=bool)
    for first, last in _batches(points.instant, present.instant, instants):
        rows = np.arange(*np.searchsorted(present.instant, [first, last]))
        columns = np.arange(*np.searchsorted(points.instant, [first, last]))
        truth, track, distance = _possible(points, present, rows, columns, c, dims)
        unasked = present.ignore[truth]
        near[track[unasked]] = True
        unasked_pairs.append(np.stack([truth[unasked], track[unasked]], axis=1))
        truth, track, distance = truth[~unasked], track[~unasked], distance[~unasked]
        made = best_pairs(truth, track, distance, c)
        pairs.append((truth[made], track[made], distance[made]))
        possible.append((truth, track, distance))
    truth, track, distance = (np.concatenate(part) for part in zip(*pairs, strict=True))
    near_truth, near_track, near_m = (np.concatenate(part) for part in zip(*possible, strict=True))
    order = np.argsort(truth, kind="stable")
    truth, track, distance = truth[order], track[order], distance[order]
    free = np.ones(len(points.instant), dtype=bool)
    free[track] = False
    offset, velocity = differences(points, present, truth, track)
    return Matches(
        truth,
        track,
        distance,
        offset,
        velocity,
        np.concatenate(unasked_pairs),
        free & ~near,
        free & near,
        near_truth,
        near_track,
        near_m,
        near,
    )


def differences(points: TrackPoints, present: Presence, truth: Ints, track: Ints) -> tuple[Floats, Floats]:
    """Track less truth of (k,) rows of each, east, north, up at the truth: (k, 3) m and (k, 3) m/s."""
    here, there = present.values[truth], points.values[track]
    return local_offset(here, there), there[:, EAST : UP + 1] - here[:, EAST : UP + 1]


def local_offset(origin: Floats, target: Floats) -> Floats:
    """From `origin` to `target`, (n, 6) values each, in east, north, up at the origin: (n, 3) m."""
    step = _ecef(target) - _ecef(origin)
    axes = axes_at(origin[:, LAT], origin[:, LON])
    return np.stack([(axes[:, i] * step).sum(axis=1) for i in range(3)], axis=1)


def _possible(
    points: TrackPoints, present: Presence, rows: Ints, columns: Ints, c: float, dims: int
) -> tuple[Ints, Ints, Floats]:
    """All pairs of one instant nearer than `c`: a tree finds candidates, the instant is its fourth axis."""
    from scipy.spatial import KDTree

    if not len(rows) or not len(columns):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    gate = GATE_SLACK * c
    left = _gate_points(present.values[rows], present.instant[rows], gate, dims)
    right = _gate_points(points.values[columns], points.instant[columns], gate, dims)
    found = KDTree(left).sparse_distance_matrix(KDTree(right), gate, output_type="coo_matrix")
    truth, track = rows[found.row], columns[found.col]
    offset = local_offset(present.values[truth], points.values[track])[:, :dims]
    distance = np.sqrt((offset * offset).sum(axis=1))
    near = distance < c
    return truth[near], track[near], distance[near]


def _gate_points(values: Floats, instant: Ints, gate: float, dims: int) -> Floats:
    height = values[:, ALT] if dims == 3 else 0.0
    place = to_ecef(values[:, LAT], values[:, LON], height)
    return np.column_stack([place, instant * (2.0 * gate)])


def _batches(a: Ints, b: Ints, instants: int) -> list[tuple[int, int]]:
    """Spans of instants [first, last) with at most `PAIRS_AT_ONCE` conceivable pairs, or of one instant."""
    pairs = np.bincount(a, minlength=instants) * np.bincount(b, minlength=instants)
    spans, first, total = [], 0, 0
    for k, count in enumerate(pairs.tolist()):
        if total and total + count > PAIRS_AT_ONCE:
            spans.append((first, k))
            first, total = k, 0
        total += count
    return [*spans, (first, instants)]


def _ecef(values: Floats) -> Floats:
    return to_ecef(values[:, LAT], values[:, LON], values[:, ALT])
