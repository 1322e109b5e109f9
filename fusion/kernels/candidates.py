"""Which detections are worth a track's look: a grid over two sensor coordinates, never tracks × detections.

Detections are sorted into the cells of a grid (azimuth × range, or east × north). Each track visits only the
cells that its own uncertainty reaches. The exact gate comes later, in `evaluate`; this one only errs on the wide
side. The slow and obvious twin, every pair looked at, is in the tests.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.grid import bin_of, extremes, keys, layout, sort
from fusion.kernels.jit import apart, entry, inner
from fusion.kernels.measure import along, aspect, bend, is_angle, rate_of, slope, value_of, wrap
from fusion.kernels.reach import FRESH, along_all, bounds, carry, elsewhere, moments, place_at, sector, sketch
from fusion.types import AZIMUTH, RANGE, RANGE_RATE

MOST_PAIRS = 400_000  # in a frame: half a gigabyte of updated states
MOST_LIST, LEAST_LIST = 64, 4  # detections that one track may be paired with, the nearest ones: quiet sky, full sky


@apart
def _has(codes, code):  # type: ignore[no-untyped-def]
    for c in range(codes.size):  # noqa: SIM110 (any() is slower in numba)
        if codes[c] == code:
            return True
    return False


@apart
def _reached(box, value, sigma, drift, span_s, gate):  # type: ignore[no-untyped-def]
    """Whether the track may have been inside the swept box."""
    for code in range(8):
        if math.isnan(box[code, 0]):
            continue
        reach = gate * sigma[code] + abs(drift[code]) * span_s
        if code == AZIMUTH:
            if abs(wrap(value[code] - box[code, 0])) > box[code, 1] + reach:
                return False
        elif value[code] + reach < box[code, 0] or value[code] - reach > box[code, 1]:
            return False
    return True


@apart
def _distance(codes, values, sigmas, d, value, sigma, drift, offset_s, gate):  # type: ignore[no-untyped-def]
    """Sum of squared standardised residuals; -1 where one component alone is out of the gate."""
    total = 0.0
    for c in range(codes.size):
        if math.isnan(values[d, c]):
            continue
        code = codes[c]
        residual = values[d, c] - value[code] - drift[code] * offset_s
        if is_angle(code):
            residual = wrap(residual)
        part = residual * residual / (sigma[code] * sigma[code] + sigmas[d, c] * sigmas[d, c])
        if part > gate * gate:
            return -1.0
        total += part
    return total


@apart
def _offer(nearest, far, count, d, distance):  # type: ignore[no-untyped-def]
    """Put a detection on a track's list, instead of the farthest where the list is full; returns the new count."""
    for i in range(count):  # a window wider than the circle meets a detection twice
        if nearest[i] == d:
            return count
    if count < nearest.size:
        nearest[count], far[count] = d, distance
        return count + 1
    worst = 0
    for i in range(1, count):
        if far[i] > far[worst]:
            worst = i
    if distance < far[worst]:
        nearest[worst], far[worst] = d, distance
    return count


@apart
def _append(tracks, detections, pairs, row, nearest, count):  # type: ignore[no-untyped-def]
    """One track's list at the end of all pairs, in arrays twice as long where these are full."""
    if pairs + count > tracks.size:
        more_tracks, more_detections = np.empty(2 * tracks.size, np.int64), np.empty(2 * tracks.size, np.int64)
        for i in range(pairs):
            more_tracks[i], more_detections[i] = tracks[i], detections[i]
        tracks, detections = more_tracks, more_detections
    for i in range(count):  # insertion sort by detection: mostly there is one
        at = pairs + i
        while at > pairs and detections[at - 1] > nearest[i]:
            detections[at] = detections[at - 1]
            at -= 1
        tracks[pairs + i], detections[at] = row, nearest[i]
    return tracks, detections


@inner
def _expect(codes, box, position, axes, earth, place, spread, extra, value, sigma, drift):  # type: ignore[no-untyped-def]
    """What the sensor would see of a track: value, sigma and rate of each component that it measures or is bound by.

    place, spread: of `place_at`. The range rate, which needs more, is left to `_expect_rate`.
    """
    x, y, z, vx, vy, vz = place
    seen = aspect(position, axes, x, y, z)
    for code in range(8):
        if code == RANGE_RATE or (math.isnan(box[code, 0]) and not _has(codes, code)):
            continue
        value[code] = value_of(code, seen, earth, x, y, z)
        gx, gy, gz = slope(code, seen, axes, earth, x, y, z)
        variance = along(gx, gy, gz, spread)
        if code == RANGE:
            shift, bent = bend(value[code], gx, gy, gz, spread)
            variance += bent + shift * shift
        sigma[code] = math.sqrt(max(variance, 0.0) + extra * (gx * gx + gy * gy + gz * gz))
        drift[code] = gx * vx + gy * vy + gz * vz


@apart
def _expect_rate(position, weight, mean, covariance, row, dt, extra, value, sigma, drift):  # type: ignore[no-untyped-def]
    """The same of the range rate, from the whole state."""
    centre, spread, gradient = np.empty(6), np.empty((6, 6)), np.empty(6)
    moments(weight, mean, covariance, row, centre, spread)
    carry(centre, spread, dt)
    value[RANGE_RATE] = rate_of(position, centre, gradient)
    gx, gy, gz = gradient[0], gradient[1], gradient[2]
    variance = along_all(gradient, spread) + extra * (gx * gx + gy * gy + gz * gz)
    sigma[RANGE_RATE] = math.sqrt(max(variance, 0.0))
    drift[RANGE_RATE] = gx * centre[3] + gy * centre[4] + gz * centre[5]


@apart
def _window(column, codes, angle, turn, value, sigma, drift, worst, span_s, gate, low, high, bins):  # type: ignore[no-untyped-def]
    """The bins of one axis that a track's reach touches, the value moved by `turn`: first and one past the last."""
    if column < 0:
        return 0, bins
    code = codes[column]
    width = gate * math.sqrt(sigma[code] ** 2 + worst[column] ** 2) + abs(drift[code]) * span_s
    if angle:
        width = min(width, math.pi)
    at = value[code] + turn
    if at + width < low or at - width > high:
        return 0, 0
    return bin_of(at - width, low, high, bins), bin_of(at + width, low, high, bins) + 1


@entry(
    "Tuple((i8[::1], i8[::1], i8[::1], i8[::1]))(i8[::1], f8[:,::1], f8[:,::1], i8[::1], i8, f8[::1], f8[:,::1],"
    " f8[:,::1], f8[:,::1], i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,::1], f8)",
)
def candidates(  # type: ignore[no-untyped-def]
    codes, values, sigmas, detected_ns, frame_ns, position, axes, earth, box, time_ns, weight, mean, covariance,
    outline, parameters, gate,
):  # fmt: skip
    """Coarse pairs of one frame.

    codes: (k,) components.  values, sigmas: (n, k).  box: (8, 2) swept limits by component code, azimuth as
    (centre, half width), NaN where unbounded.  outline: brought up to date where it is not.  gate: in standard
    deviations, each component by itself.
    Returns the rows that the frame touches, for each of them the time to which to predict it (that of its best
    candidate, else the frame's), and the pairs, ordered by row: places in these rows, and detections.
    """
    n, tracks = values.shape[0], time_ns.size
    first, second = keys(codes)
    bins0, bins1, low0, high0, low1, high1 = layout(codes, values, first, second)
    start, order, loose = sort(values, codes, first, second, bins0, bins1, low0, high0, low1, high1)
    worst, span_s = extremes(sigmas, detected_ns, frame_ns)
    turning = first >= 0 and is_angle(codes[first])
    edges = np.zeros((2, 3))
    wedge, far = sector(box, codes, first, second, values, worst, axes, high1, gate, edges)
    if loose.size:
        wedge, far = 0, np.inf
    density, steady = bounds(parameters)

    pair_place, pair_detection = np.empty(4 * n + MOST_LIST, np.int64), np.empty(4 * n + MOST_LIST, np.int64)
    pairs, longest = 0, min(max(MOST_PAIRS // max(tracks, 1), LEAST_LIST), MOST_LIST)
    nearest, distances = np.empty(longest, np.int64), np.empty(longest)
    rows, reference_ns, touched = np.empty(tracks, np.int64), np.empty(tracks, np.int64), 0
    rated = _has(codes, RANGE_RATE)
    value, sigma, drift = np.empty(8), np.empty(8), np.empty(8)
    for row in range(tracks):
        dt = (frame_ns - time_ns[row]) * 1e-9
        extra = density * abs(dt * dt * dt) / 3.0 + 0.25 * steady * steady * (dt * dt) * (dt * dt)
        if outline[row, FRESH] == 0.0:
            sketch(weight, mean, covariance, row, outline)
        if elsewhere(outline, row, dt, extra, position, wedge, far, edges, span_s, gate):
            continue
        place, spread = place_at(weight, mean, covariance, row, dt)
        _expect(codes, box, position, axes, earth, place, spread, extra, value, sigma, drift)
        if rated:
            _expect_rate(position, weight, mean, covariance, row, dt, extra, value, sigma, drift)
        reached = _reached(box, value, sigma, drift, span_s, gate)
        count = 0
        if n:
            b1, e1 = _window(second, codes, False, 0.0, value, sigma, drift, worst, span_s, gate, low1, high1, bins1)
            for turn in range(-1 if turning else 0, 2 if turning else 1):
                b0, e0 = _window(
                    first, codes, turning, turn * 2.0 * math.pi, value, sigma, drift, worst, span_s, gate, low0,
                    high0, bins0,
                )  # fmt: skip
                for i in range(b0, e0 if e1 > b1 else b0):
                    for j in range(start[i * bins1 + b1], start[i * bins1 + e1]):
                        d = order[j]
                        offset_s = (detected_ns[d] - frame_ns) * 1e-9
                        off = _distance(codes, values, sigmas, d, value, sigma, drift, offset_s, gate)
                        if off >= 0.0:
                            count = _offer(nearest, distances, count, d, off)
            for j in range(loose.size):
                d = loose[j]
                offset_s = (detected_ns[d] - frame_ns) * 1e-9
                off = _distance(codes, values, sigmas, d, value, sigma, drift, offset_s, gate)
                if off >= 0.0:
                    count = _offer(nearest, distances, count, d, off)
        if not (count or reached):
            continue
        rows[touched], reference_ns[touched] = row, frame_ns
        if count:
            best = 0
            for i in range(1, count):
                if distances[i] < distances[best]:
                    best = i
            reference_ns[touched] = detected_ns[nearest[best]]
            pair_place, pair_detection = _append(pair_place, pair_detection, pairs, touched, nearest, count)
            pairs += count
        touched += 1
    return rows[:touched], reference_ns[:touched], pair_place[:pairs], pair_detection[:pairs]
