"""Whose each recorded detection was, by truth: one sensor's looks beside the objects that were there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fusion.config import SensorConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import Placement, box, measure, place, wrapped
from fusion.types import AZIMUTH, COMPONENTS, ELEVATION, RANGE_RATE, SECOND_NS, Bools, Floats, Frame, Ints
from replay.scoring.gospa import best_pairs
from replay.scoring.truths import ALT, EAST, LAT, LON, UP, ObjectRows, at_instants, interpolate

GATE_PROBABILITY = 0.9999  # a true detection falls outside once in 10 000
SEARCHED_SIGMAS = 10.0  # a sensor that is off by more than this is broken, not biased
SURE_SIGMAS = 4.0  # of a median, to be taken as the sensor's bias and not as chance
MEDIAN_SIGMA = 1.2533  # of a median by sigma / sqrt(n): sqrt(pi / 2)
HARDEST_MPS2 = 30.0  # 3 g: how far an object may be beside its straight way while a sensor turns
CODES = range(len(COMPONENTS))
ROWS_AT_ONCE = 500_000  # objects x looks of one batch: 100 MB at work


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """One sensor's frames, in order. codes: of its components. placements, boxes: where each stood, its limits."""

    sensor: SensorConfig
    frames: tuple[Frame, ...]
    codes: tuple[int, ...]
    placements: tuple[Placement, ...]
    boxes: tuple[Floats, ...]

    @classmethod
    def of(cls, sensor: SensorConfig, frames: Sequence[Frame], plane: Plane) -> Looks:
        """Frames without a pose, of a sensor without one, are left out."""
        known = {pose: place(pose, plane) for pose in {f.pose or sensor.pose for f in frames} if pose is not None}
        used = sorted((f for f in frames if (f.pose or sensor.pose) is not None), key=lambda f: f.key)
        return cls(
            sensor,
            tuple(used),
            tuple(COMPONENTS.index(name) for name in sensor.measures),
            tuple(known[pose] for f in used if (pose := f.pose or sensor.pose) is not None),
            tuple(box(sensor.coverage, f.swept) for f in used),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """look: (k,) place in `Looks.frames`, row: (k,) of the frame, of each detection that is an object's, and object.

    time_ns: (k,) its own.  residual, sigma: (k, c) measured less true and what is told of it, SI, NaN: not measured.
    opportunity: (o, 2) every look and object that was inside what it swept.  ignore: (k,) nobody asks for the object.
    detections, false: how many in all, and such as are nobody's.
    """

    look: Ints
    row: Ints
    object: Ints
    time_ns: Ints
    residual: Floats
    sigma: Floats
    ignore: Bools
    opportunity: Ints
    detections: int
    false: int


def sighted(looks: Looks, objects: tuple[ObjectRows, ...], plane: Plane, max_gap_s: float) -> Sighted:
    """Give each object, in each look, the detection that agrees with its true place best.

    A detection agrees within 99.99 % of its sigmas, about what the sensor is off by in the median; the rate of range
    decides nothing.
    """
    parts = [_candidates(looks, span, objects, plane, max_gap_s) for span in _spans(looks, len(objects))]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    look, row, object_, time_ns, residual, sigma, ignore, opportunity = columns
    gated = [k for k, code in enumerate(looks.codes) if code != RANGE_RATE]
    squared, many = _squared(residual[:, gated] - _bias(residual, sigma, look, object_)[gated], sigma[:, gated])
    from scipy.stats import chi2

    share = np.sqrt(squared / chi2.ppf(GATE_PROBABILITY, np.maximum(many, 1)))
    inside = np.flatnonzero((many > 0) & (share < 1.0))
    first = np.append(0, np.cumsum([len(frame.values) for frame in looks.frames]))
    detection = first[look] + row
    _, seen = np.unique(look * max(len(objects), 1) + object_, return_inverse=True)
    made = inside[best_pairs(seen[inside], detection[inside], share[inside], 1.0)]
    return Sighted(
        look[made],
        row[made],
        object_[made],
        time_ns[made],
        residual[made],
        sigma[made],
        ignore[made].astype(bool),
        opportunity,
        int(first[-1]),
        int(first[-1]) - len(np.unique(detection[inside])),
    )


def _spans(looks: Looks, objects: int) -> Iterator[range]:
    step = max(ROWS_AT_ONCE // max(objects, 1), 1)
    for begin in range(0, max(len(looks.frames), 1), step):
        yield range(begin, min(begin + step, len(looks.frames)))


def _candidates(
    looks: Looks, span: range, objects: tuple[ObjectRows, ...], plane: Plane, max_gap_s: float
) -> tuple[Ints, Ints, Ints, Ints, Floats, Floats, Bools, Ints]:
    """Every detection and object that may belong together, and the opportunities, of some looks."""
    times = np.array([looks.frames[k].time_ns for k in span], dtype=np.int64)
    present = at_instants(objects, times, max_gap_s)
    state = plane_states(present.values, plane)
    told_of_all = _told(looks, present.instant + span.start, plane, state)
    edges = np.searchsorted(present.instant, np.arange(len(span) + 1))
    pairs, opportunities = [np.zeros((0, 4), dtype=np.int64)], [np.zeros((0, 2), dtype=np.int64)]
    for k, begin, end in zip(span, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        told = {code: (v[begin:end], r[begin:end], s[begin:end]) for code, (v, r, s) in told_of_all.items()}
        inside = _inside(looks.boxes[k], told) & ~present.ignore[begin:end]
        objects_in = present.object[begin:end]
        opportunities.append(np.column_stack([np.full(inside.sum(), k), objects_in[inside]]))
        row, column = _may_be(looks, k, told)
        pairs.append(
            np.column_stack([np.full(len(row), k), row, objects_in[column], present.ignore[begin:end][column]])
        )
    found = np.concatenate(pairs)
    when = [looks.frames[k].times_ns for k in span]
    times = np.concatenate(when)[
        np.append(0, np.cumsum([len(w) for w in when]))[found[:, 0] - span.start] + found[:, 1]
    ]
    there, exact = _exact(objects, found[:, 2], times, max_gap_s)
    found, times = found[there], times[there]
    residual, sigma = _residuals(looks, found, plane_states(exact, plane), plane)
    look, row, number, ignore = found.T
    return look, row, number, times, residual, sigma, ignore.astype(bool), np.concatenate(opportunities)


def plane_states(values: Floats, plane: Plane) -> Floats:
    """(n, 6) lat_deg, lon_deg, alt_m and velocity east, north, up there, as states in plane axes: (n, 6)."""
    axes = plane.local_axes(values[:, LAT], values[:, LON])
    velocity = values[:, EAST : UP + 1]
    turned = sum(axes[:, i] * velocity[:, i, None] for i in range(3))
    return np.column_stack([plane.to_local(values[:, LAT], values[:, LON], values[:, ALT]), turned])


def _told(looks: Looks, look: Ints, plane: Plane, state: Floats) -> dict[int, tuple[Floats, Floats, Floats]]:
    """Of each component that is measured or bounds a look, for (n, 6) states in (n,) looks.

    True value, its rate, and its change by a metre: (n,) each.
    """
    bounded = np.flatnonzero([any(not np.isnan(limits[code, 0]) for limits in looks.boxes) for code in CODES]).tolist()
    groups = list(by_placement(looks, look))
    found = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for code in dict.fromkeys((*looks.codes, *bounded)):
            value, gradient = np.empty(len(state)), np.empty((len(state), 6))
            for rows, placement in groups:
                value[rows], gradient[rows] = measure(code, placement, plane, state[rows])
            rate = np.nan_to_num((gradient[:, :3] * state[:, 3:]).sum(axis=1))
            found[code] = value, rate, np.sqrt((gradient[:, :3] ** 2).sum(axis=1))
    return found


def _inside(limits: Floats, told: dict[int, tuple[Floats, Floats, Floats]]) -> Bools:
    """As `fusion.tracking.sensors.covers`, of values that are known already."""
    inside = np.ones(len(next(iter(told.values()))[0]), dtype=bool)
    for code in np.flatnonzero(~np.isnan(limits[:, 0])).tolist():
        value = told[code][0]
        if code == AZIMUTH:
            inside &= np.abs(wrapped(value - limits[code, 0])) <= limits[code, 1]
        else:
            inside &= (value >= limits[code, 0]) & (value <= limits[code, 1])
    return inside


def _may_be(looks: Looks, k: int, told: dict[int, tuple[Floats, Floats, Floats]]) -> tuple[Ints, Ints]:
    """Pairs of a detection and a column of `told` that are not too far apart in any component."""
    frame = looks.frames[k]
    dt = (frame.times_ns - frame.time_ns) / SECOND_NS
    row, column = (part.ravel() for part in np.indices((len(dt), len(next(iter(told.values()))[0]))))
    for place_, code in enumerate(looks.codes):
        if code == RANGE_RATE or not len(row):
            continue
        value, rate, slope = (part[column] for part in told[code])
        off = frame.values[row, place_] - value - rate * dt[row]
        off = wrapped(off) if code in (AZIMUTH, ELEVATION) else off
        allowed = SEARCHED_SIGMAS * frame.sigmas[row, place_] + slope * 0.5 * HARDEST_MPS2 * dt[row] ** 2
        near = ~(np.abs(off) > allowed)  # what was not measured is not far
        row, column = row[near], column[near]
    return row, column


def _exact(objects: tuple[ObjectRows, ...], number: Ints, times_ns: Ints, max_gap_s: float) -> tuple[Ints, Floats]:
    """True values of objects at times: which of the (n,) are known, and (k, 6) of these."""
    values, there = np.zeros((len(number), 6)), np.zeros(len(number), dtype=bool)
    order = np.argsort(number, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else []:
        at, own, _ = interpolate(objects[number[rows[0]]], times_ns[rows], max_gap_s)
        values[rows[at]], there[rows[at]] = own, True
    return np.flatnonzero(there), values[there]


def _residuals(looks: Looks, found: Ints, state: Floats, plane: Plane) -> tuple[Floats, Floats]:
    """Measured less true and sigma of (n, 4) pairs, by component: (n, c) each."""
    values = [looks.frames[k].values[row] for k, row, *_ in found.tolist()]
    sigmas = [looks.frames[k].sigmas[row] for k, row, *_ in found.tolist()]
    shape = (len(found), len(looks.codes))
    residual, sigma = np.array(values).reshape(shape), np.array(sigmas).reshape(shape)
    for rows, placement in by_placement(looks, found[:, 0]):
        for place_, code in enumerate(looks.codes):
            residual[rows, place_] -= measure(code, placement, plane, state[rows])[0]
    angles = [k for k, code in enumerate(looks.codes) if code in (AZIMUTH, ELEVATION)]
    residual[:, angles] = wrapped(residual[:, angles])
    return residual, np.where(np.isnan(residual), np.nan, sigma)


def by_placement(looks: Looks, look: Ints) -> Iterator[tuple[Ints, Placement]]:
    """(n,) looks grouped by where the sensor stood: which of them, and its placement."""
    numbers: dict[int, int] = {}
    own = np.array([numbers.setdefault(id(placement), k) for k, placement in enumerate(looks.placements)], dtype=int)
    group = own[look] if len(own) else look
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []:
        yield rows, looks.placements[int(group[rows[0]])]


def _squared(residual: Floats, sigma: Floats) -> tuple[Floats, Ints]:
    """Normalised squares summed over what was measured, and how many that is: (n,) each."""
    known = ~np.isnan(residual)
    return np.where(known, (residual / np.where(known, sigma, 1.0)) ** 2, 0.0).sum(axis=1), known.sum(axis=1)


def _bias(residual: Floats, sigma: Floats, look: Ints, object_: Ints) -> Floats:
    """What the sensor is off by in each component: (c,), 0 where it is not sure.

    The median over the nearest candidate of each object and look: few strangers do not move it.
    """
    squared, many = _squared(residual, sigma)
    order = np.lexsort((squared / np.maximum(many, 1), object_, look))
    first = np.append(True, (np.diff(look[order]) != 0) | (np.diff(object_[order]) != 0))[: len(order)]
    nearest = order[first]
    bias = np.zeros(residual.shape[1])
    for k in range(len(bias)):
        known = nearest[~np.isnan(residual[nearest, k])]
        if not len(known):
            continue
        middle = float(np.median(residual[known, k]))
        chance = MEDIAN_SIGMA * float(np.median(sigma[known, k])) / np.sqrt(len(known))
        bias[k] = middle if abs(middle) > SURE_SIGMAS * chance else 0.0
    return bias
