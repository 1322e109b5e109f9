"""Which detections are worth a track's look: a grid over two sensor coordinates, never tracks × detections.

Detections are sorted into the cells of a grid (azimuth × range, or east × north). Each track visits only the
cells that its own uncertainty reaches. The exact gate comes later, in `evaluate`; this one only errs on the wide
side. The slow and obvious twin, every pair looked at, is in the tests.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fusion.kernels.grid import extremes, keys, layout, place, sort
from fusion.kernels.measure import bend, is_angle, measure, wrap
from fusion.kernels.reach import bounds, carry, elsewhere, moments
from fusion.types import AZIMUTH, RANGE

MOST_PAIRS = 400_000  # in a frame: half a gigabyte of updated states
MOST_LIST, LEAST_LIST = 64, 4  # detections that one track may be paired with, the nearest ones: quiet sky, full sky


@njit
def _has(codes, code):  # type: ignore[no-untyped-def]
    for c in range(codes.size):  # noqa: SIM110 (any() is slower in numba)
        if codes[c] == code:
            return True
    return False


@njit
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


@njit
def _distance(codes, row, noise, value, sigma, drift, offset_s, gate):  # type: ignore[no-untyped-def]
    """Sum of squared standardised residuals; -1 where one component alone is out of the gate."""
    total = 0.0
    for c in range(codes.size):
        if math.isnan(row[c]):
            continue
        code = codes[c]
        residual = row[c] - value[code] - drift[code] * offset_s
        if is_angle(code):
            residual = wrap(residual)
        part = residual * residual / (sigma[code] ** 2 + noise[c] ** 2)
        if part > gate * gate:
            return -1.0
        total += part
    return total


@njit
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


@njit
def _append(tracks, detections, pairs, row, nearest, count):  # type: ignore[no-untyped-def]
    """One track's list at the end of all pairs, in arrays twice as long where these are full."""
    if pairs + count > tracks.size:
        more_tracks, more_detections = np.empty(2 * tracks.size, np.int64), np.empty(2 * tracks.size, np.int64)
        more_tracks[:pairs] = tracks[:pairs]
        more_detections[:pairs] = detections[:pairs]
        tracks, detections = more_tracks, more_detections
    nearest[:count].sort()
    for i in range(count):
        tracks[pairs + i], detections[pairs + i] = row, nearest[i]
    return tracks, detections


@njit(
    "Tuple((i8[::1], i8[::1], i8[::1], b1[::1]))(i8[::1], f8[:,::1], f8[:,::1], i8[::1], i8, f8[::1], f8[:,::1],"
    " f8[:,::1], f8[:,::1], i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8)",
    cache=True,
)
def candidates(  # type: ignore[no-untyped-def]
    codes, values, sigmas, detected_ns, frame_ns, position, axes, earth, box, time_ns, weight, mean, covariance,
    parameters, gate,
):  # fmt: skip
    """Coarse pairs of one frame.

    codes: (k,) components.  values, sigmas: (n, k).  box: (8, 2) swept limits by component code, azimuth as
    (centre, half width), NaN where unbounded.  gate: in standard deviations, each component by itself.
    Returns pair_track and pair_detection, ordered by track; for each track the time to which to predict it (that
    of its best candidate, else the frame's); and whether the frame touches it at all.
    """
    n = values.shape[0]
    tracks = time_ns.size
    first, second = keys(codes)
    bins0, bins1, low0, high0, low1, high1 = layout(codes, values, first, second)
    start, order, loose = sort(values, codes, first, second, bins0, bins1, low0, high0, low1, high1)
    worst, span_s = extremes(sigmas, detected_ns, frame_ns)

    noise = worst[first] if first >= 0 else 0.0
    pair_track, pair_detection = np.empty(4 * n + MOST_LIST, np.int64), np.empty(4 * n + MOST_LIST, np.int64)
    pairs, longest = 0, min(max(MOST_PAIRS // max(tracks, 1), LEAST_LIST), MOST_LIST)
    nearest, distances = np.empty(longest, np.int64), np.empty(longest)
    reference_ns, touched = np.empty(tracks, np.int64), np.zeros(tracks, np.bool_)
    centre, spread, gradient = np.empty(6), np.empty((6, 6)), np.empty(6)
    value, sigma, drift = np.empty(8), np.empty(8), np.empty(8)
    for row in range(tracks):
        dt = (frame_ns - time_ns[row]) * 1e-9
        extra = bounds(parameters, dt)
        reference_ns[row] = frame_ns
        if loose.size == 0 and elsewhere(
            weight[row],
            mean[row],
            covariance[row],
            dt,
            extra,
            position,
            axes,
            box,
            first,
            low0,
            high0,
            noise,
            span_s,
            gate,
        ):
            continue
        moments(weight[row], mean[row], covariance[row], centre, spread)
        carry(centre, spread, dt)
        for code in range(8):
            if not (_has(codes, code) or not math.isnan(box[code, 0])):
                continue
            value[code] = measure(code, position, axes, earth, centre, gradient)
            variance, square, rate = 0.0, 0.0, 0.0
            for a in range(3):
                square += gradient[a] * gradient[a]
                rate += gradient[a] * centre[3 + a]
            for a in range(6):
                for b in range(6):
                    variance += gradient[a] * spread[a, b] * gradient[b]
            if code == RANGE:
                shift, bent = bend(value[code], gradient, spread)
                variance += bent + shift * shift
            sigma[code] = math.sqrt(max(variance, 0.0) + extra * square)
            drift[code] = rate
        touched[row] = _reached(box, value, sigma, drift, span_s, gate)
        if n == 0:
            continue
        count = 0
        w0, w1 = 0.0, 0.0
        if first >= 0:
            c = codes[first]
            w0 = gate * math.sqrt(sigma[c] ** 2 + worst[first] ** 2) + abs(drift[c]) * span_s
        if second >= 0:
            c = codes[second]
            w1 = gate * math.sqrt(sigma[c] ** 2 + worst[second] ** 2) + abs(drift[c]) * span_s
        turns = 1
        if first >= 0 and is_angle(codes[first]):
            w0 = min(w0, math.pi)
            turns = 3
        for turn in range(turns):
            b0, e0, b1, e1 = 0, bins0, 0, bins1
            if first >= 0:
                at = value[codes[first]]
                if turns == 3:
                    at += (turn - 1) * 2.0 * math.pi
                if at + w0 < low0 or at - w0 > high0:
                    continue
                b0, e0 = place(at - w0, low0, high0, bins0), place(at + w0, low0, high0, bins0) + 1
            if second >= 0:
                at = value[codes[second]]
                if at + w1 < low1 or at - w1 > high1:
                    continue
                b1, e1 = place(at - w1, low1, high1, bins1), place(at + w1, low1, high1, bins1) + 1
            for i in range(b0, e0):
                for j in range(start[i * bins1 + b1], start[i * bins1 + e1]):
                    d = order[j]
                    offset_s = (detected_ns[d] - frame_ns) * 1e-9
                    far = _distance(codes, values[d], sigmas[d], value, sigma, drift, offset_s, gate)
                    if far >= 0.0:
                        count = _offer(nearest, distances, count, d, far)
        for j in range(loose.size):
            d = loose[j]
            offset_s = (detected_ns[d] - frame_ns) * 1e-9
            far = _distance(codes, values[d], sigmas[d], value, sigma, drift, offset_s, gate)
            if far >= 0.0:
                count = _offer(nearest, distances, count, d, far)
        if count:
            touched[row] = True
            reference_ns[row] = detected_ns[nearest[np.argmin(distances[:count])]]
            pair_track, pair_detection = _append(pair_track, pair_detection, pairs, row, nearest, count)
            pairs += count
    return pair_track[:pairs].copy(), pair_detection[:pairs].copy(), reference_ns, touched
