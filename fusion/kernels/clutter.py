"""The loops of `fusion.tracking.clutter`: a Gamma-Poisson map of false alarms over two of a sensor's coordinates."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import apart, entry
from fusion.kernels.measure import wrap

LEAST_SHARE = 0.1  # of the registered density: a cell that was quiet is not quiet for ever


@apart
def _cell(row, columns, frame, side):  # type: ignore[no-untyped-def]
    """The cell of one detection, -1 where it lacks a coordinate; what lies outside goes into the nearest."""
    place = 0
    for axis in range(2):
        value = row[columns[axis]] - frame[axis, 0]
        if math.isnan(value):
            return -1
        if frame[axis, 2]:
            value -= 2.0 * math.pi * math.floor(value / (2.0 * math.pi))
        place = place * side + int(min(max(value / frame[axis, 1] * side, 0.0), side - 1.0))
    return place


@apart
def _mean(seen, swept, registered, strength):  # type: ignore[no-untyped-def]
    """The rate of an average cell, by sweep: the registered one, and what came."""
    total, looks = 0.0, 0.0
    for c in range(seen.size):
        total += seen[c]
        looks += swept[c]
    return (registered * strength + total / seen.size) / (strength + looks / seen.size)


@entry("void(f8[:,::1], i8[::1], f8[:,::1], f8[::1], f8[::1], f8[::1], f8[::1], f8, f8, f8[::1])")
def factor(values, columns, frame, seen, swept, merit, beliefs, registered, strength, found):  # type: ignore[no-untyped-def]
    """Writes the density of false alarms at each detection, (n,), by the registered one: 1 where its cell is unknown.

    The posterior mean of a cell's rate under each belief, Gelman et al. (2013), eq. 2.15, weighed by their merits.
    """
    side, mean = int(math.sqrt(seen.size)), _mean(seen, swept, registered, strength)
    highest = merit.max()
    weight = np.exp(merit - highest)
    total = weight.sum()
    for d in range(values.shape[0]):
        c = _cell(values[d], columns, frame, side)
        if c < 0:
            found[d] = 1.0
            continue
        rate = 0.0
        for b in range(beliefs.size):
            rate += weight[b] / total * (mean * beliefs[b] + seen[c]) / (beliefs[b] + swept[c])
        found[d] = max(rate / registered, LEAST_SHARE)


@apart
def _covered(place, frame, limits, axis, side):  # type: ignore[no-untyped-def]
    """Whether the middle of a row or column of cells was swept."""
    if math.isnan(limits[axis, 0]):
        return True
    middle = frame[axis, 0] + (place + 0.5) / side * frame[axis, 1]
    if frame[axis, 2]:
        return abs(wrap(middle - limits[axis, 0])) <= limits[axis, 1]
    return limits[axis, 0] <= middle <= limits[axis, 1]


@entry("void(f8[:,::1], f8[::1], i8[::1], f8[:,::1], f8[:,::1], f8, f8[::1], f8[::1], f8[::1], f8[::1], f8, f8)")
def learn(  # type: ignore[no-untyped-def]
    values, false, columns, frame, limits, age, seen, swept, merit, beliefs, registered, strength
):
    """One look, in place in `seen`, `swept` and `merit`.

    frame: (2, 3) lowest value, width and whether it wraps, of both coordinates.  limits: (2, 2) what the look swept.
    false: (n,) P(no confirmed track made it).  age: time since the last look in parts of the map's memory.
    merit: log of how well each belief foretold the looks so far: Poisson, with the rate that it expected.
    """
    side, mean, keep = int(math.sqrt(seen.size)), _mean(seen, swept, registered, strength), math.exp(-age)
    for b in range(beliefs.size):
        merit[b] *= keep
    cells = np.empty(values.shape[0], np.int64)
    for d in range(values.shape[0]):
        cells[d] = _cell(values[d], columns, frame, side)
        if cells[d] >= 0:
            for b in range(beliefs.size):
                rate = (mean * beliefs[b] + seen[cells[d]]) / (beliefs[b] + swept[cells[d]])
                merit[b] += false[d] * math.log(rate / registered)
    for i in range(side):
        first = _covered(i, frame, limits, 0, side)
        for j in range(side):
            c = i * side + j
            if first and _covered(j, frame, limits, 1, side):
                for b in range(beliefs.size):
                    merit[b] -= (mean * beliefs[b] + seen[c]) / (beliefs[b] + swept[c])
                swept[c] = swept[c] * keep + 1.0
            else:
                swept[c] *= keep
            seen[c] *= keep
    for d in range(values.shape[0]):
        if cells[d] >= 0:
            seen[cells[d]] += false[d]
