"""A frame's detections in the cells of a grid over two sensor coordinates: azimuth × range, or east × north."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import apart, inner
from fusion.kernels.measure import is_angle, wrap
from fusion.types import AZIMUTH, EAST, NORTH, RANGE

CELLS_A_DETECTION = 2.0  # finer grids cost more cells a track, coarser ones more detections a cell
MAX_BINS = 512


@apart
def span(values, column, angle):  # type: ignore[no-untyped-def]
    """Lowest and highest measured value of a column; (0, -1) where there is none."""
    low, high = np.inf, -np.inf
    for j in range(values.shape[0]):
        value = values[j, column]
        if not math.isnan(value):
            if angle:
                value = wrap(value)
            low, high = min(low, value), max(high, value)
    if low > high:
        return 0.0, -1.0
    return low, high


@inner
def bin_of(value, low, high, bins):  # type: ignore[no-untyped-def]
    """The bin of a value on one axis; what lies outside goes into the nearest."""
    if bins == 1 or high <= low:
        return 0
    cell = (value - low) / (high - low) * bins
    return int(min(max(cell, 0.0), bins - 1.0))


@apart
def keys(codes):  # type: ignore[no-untyped-def]
    """The columns of the grid's two axes: azimuth or east first, range or north second; -1 where not measured."""
    first, second = -1, -1
    for c in range(codes.size):
        if codes[c] == AZIMUTH or codes[c] == EAST:
            first = c
        if codes[c] == RANGE or codes[c] == NORTH:
            second = c
    return first, second


@apart
def layout(codes, values, first, second):  # type: ignore[no-untyped-def]
    """Number of bins and limits of both axes, from what the frame holds."""
    cells = CELLS_A_DETECTION * values.shape[0] + 1.0
    low0, high0, low1, high1 = 0.0, -1.0, 0.0, -1.0
    if first >= 0:
        low0, high0 = span(values, first, is_angle(codes[first]))
    if second >= 0:
        low1, high1 = span(values, second, False)
    bins0, bins1 = 1, 1
    if first >= 0 and second >= 0:
        bins0 = int(min(max(2.0 * math.sqrt(cells), 1.0), MAX_BINS))
        bins1 = int(min(max(cells / bins0, 1.0), MAX_BINS))
    elif first >= 0:
        bins0 = int(min(cells, MAX_BINS))
    elif second >= 0:
        bins1 = int(min(cells, MAX_BINS))
    return bins0, bins1, low0, high0, low1, high1


@apart
def sort(values, codes, first, second, bins0, bins1, low0, high0, low1, high1):  # type: ignore[no-untyped-def]
    """Counting sort of the detections by cell; those that lack a key are loose: every track looks at them."""
    n = values.shape[0]
    cell = np.empty(n, np.int64)
    start = np.zeros(bins0 * bins1 + 1, np.int64)
    lost = 0
    for d in range(n):
        a = values[d, first] if first >= 0 else 0.0
        b = values[d, second] if second >= 0 else 0.0
        if math.isnan(a) or math.isnan(b) or (first < 0 and second < 0):
            cell[d] = -1
            lost += 1
            continue
        if first >= 0 and is_angle(codes[first]):
            a = wrap(a)
        cell[d] = bin_of(a, low0, high0, bins0) * bins1 + bin_of(b, low1, high1, bins1)
        start[cell[d] + 1] += 1
    for i in range(bins0 * bins1):
        start[i + 1] += start[i]
    free = np.empty(bins0 * bins1, np.int64)
    for i in range(free.size):
        free[i] = start[i]
    order, loose = np.empty(n - lost, np.int64), np.empty(lost, np.int64)
    lost = 0
    for d in range(n):
        if cell[d] < 0:
            loose[lost] = d
            lost += 1
        else:
            order[free[cell[d]]] = d
            free[cell[d]] += 1
    return start, order, loose


@apart
def extremes(sigmas, detected_ns, frame_ns):  # type: ignore[no-untyped-def]
    """The largest sigma of each column, and the longest time between a detection and the frame's end, s."""
    n, k = sigmas.shape
    worst, span_ns = np.zeros(k), 0
    for d in range(n):
        span_ns = max(span_ns, abs(frame_ns - detected_ns[d]))
        for c in range(k):
            worst[c] = max(worst[c], sigmas[d, c])
    return worst, span_ns * 1e-9
