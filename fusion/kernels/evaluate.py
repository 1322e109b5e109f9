"""How well each pair fits, and what the track would become; in filterpy: `fusion.tracking.reference.evaluate`."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry, inner
from fusion.kernels.measure import along, aspect, bend, is_angle, rate_of, slope, value_near, value_of, wrap
from fusion.kernels.reach import place_at
from fusion.kernels.sound import DOUBTFUL, repair
from fusion.tracking.motion import DENSITY
from fusion.types import AZIMUTH, RANGE, RANGE_RATE

LOG_2PI = math.log(2.0 * math.pi)
VAGUE_RAD2 = 1.0  # an angle less certain than this says nothing that a linear update could use
SURE_SIGMAS = 6.0  # the error function is 1 to the last bit from there on


@inner
def _place(covariance, row, j):  # type: ignore[no-untyped-def]
    """The position's covariance of one mode: xx, xy, xz, yy, yz, zz."""
    p = covariance[row, j]
    return p[0, 0], p[0, 1], p[0, 2], p[1, 1], p[1, 2], p[2, 2]


@inner
def _linearise(codes, position, axes, earth, mean, covariance, row, predicted, gradient, bent):  # type: ignore[no-untyped-def]
    """What the sensor would measure of each mode of a track, (m, k), with gradients (m, k, 6) and bends (m, k)."""
    near = aspect(position, axes, mean[row, 0, 0], mean[row, 0, 1], mean[row, 0, 2])
    for j in range(mean.shape[1]):
        x, y, z = mean[row, j, 0], mean[row, j, 1], mean[row, j, 2]
        seen = aspect(position, axes, x, y, z)
        for c in range(codes.size):
            code = codes[c]
            if code == RANGE_RATE:
                predicted[j, c] = rate_of(position, mean[row, j], gradient[j, c])
                continue
            gx, gy, gz = slope(code, seen, axes, earth, x, y, z)
            gradient[j, c, 0], gradient[j, c, 1], gradient[j, c, 2] = gx, gy, gz
            if j == 0:
                predicted[j, c] = value_of(code, seen, earth, x, y, z)
            else:
                predicted[j, c] = value_near(code, seen, earth, x, y, z, near, predicted[0, c])
            if code == RANGE:
                shift, bent[j, c] = bend(predicted[j, c], gx, gy, gz, _place(covariance, row, j))
                predicted[j, c] += shift


@inner
def _take(spread, p, j, source, s, a, part, inverse, k):  # type: ignore[no-untyped-def]
    """Row a of P - K Sᵀ; the product in this order is the same for a, b as for b, a: P stays symmetric to the bit."""
    old, new = source[s, j, a], spread[p, j, a]
    new[0], new[1], new[2], new[3], new[4], new[5] = (
        old[0] - part * k[0] * inverse, old[1] - part * k[1] * inverse, old[2] - part * k[2] * inverse,
        old[3] - part * k[3] * inverse, old[4] - part * k[4] * inverse, old[5] - part * k[5] * inverse,
    )  # fmt: skip


@inner
def _absorb(state, spread, p, j, source, s, carried, innovation, residual):  # type: ignore[no-untyped-def]
    """Kalman update of mode j of pair p by one scalar, with P from `source`[s, j]. carried: P Hᵀ, six numbers."""
    inverse = 1.0 / innovation
    k, step = carried, residual * inverse
    mean = state[p, j]
    mean[0], mean[1], mean[2] = mean[0] + k[0] * step, mean[1] + k[1] * step, mean[2] + k[2] * step
    mean[3], mean[4], mean[5] = mean[3] + k[3] * step, mean[4] + k[4] * step, mean[5] + k[5] * step
    _take(spread, p, j, source, s, 0, k[0], inverse, k)
    _take(spread, p, j, source, s, 1, k[1], inverse, k)
    _take(spread, p, j, source, s, 2, k[2], inverse, k)
    _take(spread, p, j, source, s, 3, k[3], inverse, k)
    _take(spread, p, j, source, s, 4, k[4], inverse, k)
    _take(spread, p, j, source, s, 5, k[5], inverse, k)


@inner
def _weighed(source, s, j, a, weight):  # type: ignore[no-untyped-def]
    row = source[s, j, a]
    return (
        weight * row[0], weight * row[1], weight * row[2], weight * row[3], weight * row[4], weight * row[5],
    )  # fmt: skip


@inner
def _plus(one, other):  # type: ignore[no-untyped-def]
    return (
        one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] + other[4],
        one[5] + other[5],
    )  # fmt: skip


@inner
def _product(source, s, j, slopes, still):  # type: ignore[no-untyped-def]
    """P Hᵀ, six numbers. slopes: H.  still: whether its last three entries are zero."""
    first = _plus(_weighed(source, s, j, 0, slopes[0]), _weighed(source, s, j, 1, slopes[1]))
    first = _plus(first, _weighed(source, s, j, 2, slopes[2]))
    if still:
        return first
    second = _plus(_weighed(source, s, j, 3, slopes[3]), _weighed(source, s, j, 4, slopes[4]))
    return _plus(first, _plus(second, _weighed(source, s, j, 5, slopes[5])))


@inner
def _trace(covariance, row, j, still):  # type: ignore[no-untyped-def]
    """The sum of the variances that a component meets: of the position, and, unless it is still, of the velocity."""
    p = covariance[row, j]
    place = p[0, 0] + p[1, 1] + p[2, 2]
    return place if still else place + p[3, 3] + p[4, 4] + p[5, 5]


@inner
def _dot(one, other):  # type: ignore[no-untyped-def]
    return (
        one[0] * other[0] + one[1] * other[1] + one[2] * other[2] + one[3] * other[3] + one[4] * other[4]
        + one[5] * other[5]
    )  # fmt: skip


@entry(
    "i8(i8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], i8[::1],"
    " f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1])",
)
def evaluate(  # type: ignore[no-untyped-def]
    pair_track, pair_detection, rows, codes, values, sigmas, detected_ns, position, axes, earth, time_ns, mean,
    covariance, parameters, gates, log_likelihood, post_mean, post_covariance,
):  # fmt: skip
    """Each mode of each pair, updated with the detection's components one after another.

    All components are linearised once, at the prediction, so that one after another equals jointly. A detection
    at another time than its track's meets h(p + v dt), with what the mode may do in dt added to the noise.
    pair_track: places in `rows`, ascending.  gates: chi-square limits by degrees of freedom.
    Writes log_likelihood (pairs, m), -inf where no mode's summed normalised innovation squared lies inside the
    gate; post_mean (pairs, m, 6) and post_covariance (pairs, m, 6, 6). Returns how many covariances were repaired.
    """
    k, m = codes.size, mean.shape[1]
    predicted, gradient, bent = np.empty((m, k)), np.zeros((m, k, 6)), np.zeros((m, k))
    lower = np.empty((6, 6))
    last, repaired = -1, 0
    for p in range(pair_track.size):
        row, d = rows[pair_track[p]], pair_detection[p]
        if pair_track[p] != last:
            last = pair_track[p]
            _linearise(codes, position, axes, earth, mean, covariance, row, predicted, gradient, bent)
        dt = (detected_ns[d] - time_ns[row]) * 1e-9
        nearest = np.inf
        for j in range(m):
            for a in range(6):
                post_mean[p, j, a] = mean[row, j, a]
            source, s = covariance, row  # until the first component is taken in
            vx, vy, vz = mean[row, j, 3], mean[row, j, 4], mean[row, j, 5]
            drifted = parameters[j, DENSITY] * abs(dt * dt * dt) / 3.0
            nis, freedom, product, quiet, doubtful = 0.0, 0, 1.0, 0, False
            for c in range(k):
                if math.isnan(values[d, c]):
                    continue
                gx, gy, gz = gradient[j, c, 0], gradient[j, c, 1], gradient[j, c, 2]
                residual = values[d, c] - predicted[j, c] - (gx * vx + gy * vy + gz * vz) * dt
                square = gx * gx + gy * gy + gz * gz
                variance = sigmas[d, c] * sigmas[d, c] + drifted * square + bent[j, c]
                hx, hy, hz = gradient[j, c, 3] + gx * dt, gradient[j, c, 4] + gy * dt, gradient[j, c, 5] + gz * dt
                slopes, still = (gx, gy, gz, hx, hy, hz), dt == 0.0 and codes[c] != RANGE_RATE
                if is_angle(codes[c]):
                    residual = wrap(residual)
                    if _dot(slopes, _product(covariance, row, j, slopes, still)) > VAGUE_RAD2:
                        quiet += 1
                        continue
                for a in range(6):
                    residual -= slopes[a] * (post_mean[p, j, a] - mean[row, j, a])
                square += hx * hx + hy * hy + hz * hz
                doubtful = doubtful or not square * _trace(covariance, row, j, still) < DOUBTFUL * variance
                carried = _product(source, s, j, slopes, still)
                innovation = variance + max(_dot(slopes, carried), 0.0)
                _absorb(post_mean, post_covariance, p, j, source, s, carried, innovation, residual)
                source, s = post_covariance, p
                nis += residual * residual / innovation
                product *= innovation
                freedom += 1
            if freedom == 0:
                for a in range(6):
                    for b in range(6):
                        post_covariance[p, j, a, b] = covariance[row, j, a, b]
            if doubtful:
                repaired += repair(post_covariance, p, covariance, row, j, lower)
            nearest = min(nearest, nis - gates[freedom])
            log_likelihood[p, j] = -0.5 * (nis + math.log(product) + (freedom + 2 * quiet) * LOG_2PI)
        if nearest > 0.0:
            log_likelihood[p, :] = -np.inf
    return repaired


@inner
def _share(low, high, sigma):  # type: ignore[no-untyped-def]
    """P(a standard normal error of spread `sigma` lies between `low` and `high`)."""
    if low <= -SURE_SIGMAS * math.sqrt(2.0) * sigma and high >= SURE_SIGMAS * math.sqrt(2.0) * sigma:
        return 1.0
    scale = math.sqrt(2.0) * sigma
    return 0.5 * (math.erf(high / scale) - math.erf(low / scale))


@entry("void(i8[::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[::1])")
def inside(rows, box, position, axes, earth, weight, mean, covariance, probability):  # type: ignore[no-untyped-def]
    """P(a track was inside the swept box), component by component, into `probability` (rows,).

    box: as in `candidates`, never on the range rate. Components are taken as independent Gaussians at the track's own
    time.
    """
    for i in range(rows.size):
        (x, y, z, _, _, _), spread = place_at(weight, mean, covariance, rows[i], 0.0)
        seen = aspect(position, axes, x, y, z)
        total = 1.0
        for code in range(8):
            if math.isnan(box[code, 0]) or (code == AZIMUTH and box[code, 1] >= math.pi):
                continue
            value = value_of(code, seen, earth, x, y, z)
            gx, gy, gz = slope(code, seen, axes, earth, x, y, z)
            low, high = box[code, 0] - value, box[code, 1] - value
            if code == AZIMUTH:
                off = wrap(value - box[code, 0])
                low, high = -box[code, 1] - off, box[code, 1] - off
            total *= _share(low, high, math.sqrt(max(along(gx, gy, gz, spread), 1e-18)))
        probability[i] = total
