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
from fusion.types import AZIMUTH, RANGE

MOST_PAIRS = 400_000  # in a frame: half a gigabyte of updated states
MOST_LIST, LEAST_LIST = 64, 4  # detections that one track may be paired with, the nearest ones: quiet sky, full sky


@njit
def moments(weight, mean, covariance, centre, spread):  # type: ignore[no-untyped-def]
    """Mean (6,) and covariance (6, 6) of one track's mixture over modes, into `centre` and `spread`."""
    centre[:] = 0.0
    spread[:, :] = 0.0
    m = weight.size
    for j in range(m):
        for a in range(6):
            centre[a] += weight[j] * mean[j, a]
    for j in range(m):
        for a in range(6):
            da = mean[j, a] - centre[a]
            for b in range(a, 6):
                spread[a, b] += weight[j] * (covariance[j, a, b] + da * (mean[j, b] - centre[b]))
    for a in range(6):
        for b in range(a):
            spread[a, b] = spread[b, a]


@njit
def _carry(centre, spread, dt):  # type: ignore[no-untyped-def]
    """Move mean and covariance straight on by `dt`, in place."""
    for a in range(3):
        centre[a] += dt * centre[3 + a]
    for a in range(3):
        for b in range(3):
            spread[a, b] += dt * (spread[a, 3 + b] + spread[3 + a, b]) + dt * dt * spread[3 + a, 3 + b]
    for a in range(3):
        for b in range(3):
            spread[a, 3 + b] += dt * spread[3 + a, 3 + b]
            spread[3 + b, a] = spread[a, 3 + b]


@njit
def _elsewhere(  # type: ignore[no-untyped-def]
    weight, mean, covariance, dt, extra, position, axes, box, first, low, high, noise, span_s, gate
):  # fmt: skip
    """Whether a track is, beyond doubt, in another direction than the swept sector and all detections.

    A bound that costs a tenth of the exact one: most tracks are elsewhere for most sector frames.
    noise: the largest azimuth sigma of the frame, rad.  low, high: its detections' azimuths.
    """
    if math.isnan(box[AZIMUTH, 0]) or box[AZIMUTH, 1] >= math.pi or first < 0:
        return False
    x, y, z, vx, vy, vz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(weight.size):
        w, state = weight[j], mean[j]
        x, y, z = x + w * state[0], y + w * state[1], z + w * state[2]
        vx, vy, vz = vx + w * state[3], vy + w * state[4], vz + w * state[5]
    variance = extra
    for j in range(weight.size):
        part = 0.0
        for a in range(3):
            part += covariance[j, a, a] + dt * (2.0 * covariance[j, a, 3 + a] + dt * covariance[j, 3 + a, 3 + a])
        state = mean[j]
        part += (state[0] - x + dt * (state[3] - vx)) ** 2
        part += (state[1] - y + dt * (state[4] - vy)) ** 2
        part += (state[2] - z + dt * (state[5] - vz)) ** 2
        variance += weight[j] * part
    x, y, z = x + dt * vx - position[0], y + dt * vy - position[1], z + dt * vz - position[2]
    right = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z
    forward = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z
    level = math.sqrt(right * right + forward * forward)
    reach = gate * math.sqrt(variance) + math.sqrt(vx * vx + vy * vy + vz * vz) * span_s
    if reach >= 0.5 * level:
        return False
    # asin(t) < 1.05 t up to a half. The exact gate adds variances, so the sum of both sigmas bounds it.
    turn, azimuth = 1.05 * reach / level, math.atan2(right, forward)
    if abs(wrap(azimuth - box[AZIMUTH, 0])) <= box[AZIMUTH, 1] + turn:
        return False
    turn += gate * noise
    for shift in (-2.0 * math.pi, 0.0, 2.0 * math.pi):
        if azimuth + shift + turn >= low and azimuth + shift - turn <= high:
            return False
    return True


@njit
def _bounds(parameters, dt):  # type: ignore[no-untyped-def]
    """The variance that any mode may add to a position over `dt`, m²."""
    density, lateral = 0.0, 0.0
    for j in range(parameters.shape[0]):
        density = max(density, parameters[j, 0])
        lateral = max(lateral, abs(parameters[j, 1]))
    return density * abs(dt) ** 3 / 3.0 + (0.5 * lateral * dt * dt) ** 2


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
        extra = _bounds(parameters, dt)
        reference_ns[row] = frame_ns
        if loose.size == 0 and _elsewhere(
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
        _carry(centre, spread, dt)
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
        best, count = np.inf, 0
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
                        if far < best:
                            best = far
                            reference_ns[row] = detected_ns[d]
        for j in range(loose.size):
            d = loose[j]
            offset_s = (detected_ns[d] - frame_ns) * 1e-9
            far = _distance(codes, values[d], sigmas[d], value, sigma, drift, offset_s, gate)
            if far >= 0.0:
                count = _offer(nearest, distances, count, d, far)
                if far < best:
                    best = far
                    reference_ns[row] = detected_ns[d]
        if count:
            touched[row] = True
            pair_track, pair_detection = _append(pair_track, pair_detection, pairs, row, nearest, count)
            pairs += count
    return pair_track[:pairs].copy(), pair_detection[:pairs].copy(), reference_ns, touched
