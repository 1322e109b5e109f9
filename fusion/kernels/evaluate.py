"""How well each pair fits, and what the track would become: the twin in filterpy is `fusion.reference.evaluate`."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry, inner
from fusion.kernels.measure import aspect, bend, is_angle, rate_of, slope, value_near, value_of, wrap
from fusion.kernels.reach import along, along_all, moments
from fusion.kernels.sound import DOUBTFUL, repair
from fusion.motion import DENSITY
from fusion.types import AZIMUTH, RANGE, RANGE_RATE

LOG_2PI = math.log(2.0 * math.pi)
VAGUE_RAD2 = 1.0  # an angle less certain than this says nothing that a linear update could use
SURE_SIGMAS = 6.0  # the error function is 1 to the last bit from there on


@inner
def _linearise(codes, position, axes, earth, mean, covariance, row, predicted, gradient, bent):  # type: ignore[no-untyped-def]
    """What the sensor would measure of each mode of a track, (m, k), with gradients (m, k, 6) and bends (m, k)."""
    near = aspect(position, axes, mean[row, 0, 0], mean[row, 0, 1], mean[row, 0, 2])
    for j in range(mean.shape[1]):
        x, y, z = mean[row, j, 0], mean[row, j, 1], mean[row, j, 2]
        seen = aspect(position, axes, x, y, z)
        for c in range(codes.size):
            code, slopes = codes[c], gradient[j, c]
            if code == RANGE_RATE:
                predicted[j, c] = rate_of(position, mean[row, j], slopes)
                continue
            slopes[0], slopes[1], slopes[2] = slope(code, seen, axes, earth, x, y, z)
            if j == 0:
                predicted[j, c] = value_of(code, seen, earth, x, y, z)
            else:
                predicted[j, c] = value_near(code, seen, earth, x, y, z, near, predicted[0, c])
            if code == RANGE:
                shift, bent[j, c] = bend(predicted[j, c], slopes, covariance[row, j])
                predicted[j, c] += shift


@inner
def _absorb(state, spread, gradient, width, residual, variance, gain):  # type: ignore[no-untyped-def]
    """One scalar component, in place: Kalman update with H = `gradient`, y = `residual`, R = `variance`.

    Of `spread` the upper triangle is read and written.  width: 3 where the gradient's last three entries are zero,
    else 6.  gain: (6,) scratch for P Hᵀ. Returns the innovation variance S, never below R.
    """
    for a in range(6):
        gain[a] = 0.0
    for a in range(width):
        for b in range(a):
            gain[a] += spread[b, a] * gradient[b]
            gain[b] += spread[b, a] * gradient[a]
        gain[a] += spread[a, a] * gradient[a]
    if width == 3:
        for a in range(3, 6):
            gain[a] = spread[0, a] * gradient[0] + spread[1, a] * gradient[1] + spread[2, a] * gradient[2]
    innovation = 0.0
    for a in range(width):
        innovation += gradient[a] * gain[a]
    innovation = variance + max(innovation, 0.0)
    inverse = 1.0 / innovation
    for a in range(6):
        step = gain[a] * inverse
        state[a] += step * residual
        for b in range(a, 6):
            spread[a, b] -= step * gain[b]
    return innovation


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
    slopes, gain, lower = np.empty(6), np.empty(6), np.empty((6, 6))
    last, repaired = -1, 0
    for p in range(pair_track.size):
        row, d = rows[pair_track[p]], pair_detection[p]
        if pair_track[p] != last:
            last = pair_track[p]
            _linearise(codes, position, axes, earth, mean, covariance, row, predicted, gradient, bent)
        dt = (detected_ns[d] - time_ns[row]) * 1e-9
        nearest = np.inf
        for j in range(m):
            state, spread = post_mean[p, j], post_covariance[p, j]
            for a in range(6):
                state[a] = mean[row, j, a]
                for b in range(6):
                    spread[a, b] = covariance[row, j, a, b]
            drifted = parameters[j, DENSITY] * abs(dt * dt * dt) / 3.0
            nis, freedom, product, quiet, doubtful = 0.0, 0, 1.0, 0, False
            for c in range(k):
                if math.isnan(values[d, c]):
                    continue
                drift, square = 0.0, 0.0
                for a in range(3):
                    slopes[a] = gradient[j, c, a]
                    slopes[3 + a] = gradient[j, c, 3 + a] + gradient[j, c, a] * dt
                    drift += gradient[j, c, a] * mean[row, j, 3 + a]
                    square += gradient[j, c, a] * gradient[j, c, a]
                width = 3 if dt == 0.0 and codes[c] != RANGE_RATE else 6
                residual = values[d, c] - predicted[j, c] - drift * dt
                if is_angle(codes[c]):
                    residual = wrap(residual)
                    if width == 3:
                        vague = along(slopes[0], slopes[1], slopes[2], covariance[row, j])
                    else:
                        vague = along_all(slopes, covariance[row, j])
                    if vague > VAGUE_RAD2:
                        quiet += 1
                        continue
                for a in range(width):
                    residual -= slopes[a] * (state[a] - mean[row, j, a])
                variance = sigmas[d, c] * sigmas[d, c] + drifted * square + bent[j, c]
                trace = spread[0, 0] + spread[1, 1] + spread[2, 2]
                if width == 6:
                    rates = spread[3, 3] + spread[4, 4] + spread[5, 5]
                    trace += rates * (dt * dt + 1.0)
                    square += slopes[3] * slopes[3] + slopes[4] * slopes[4] + slopes[5] * slopes[5]
                doubtful = doubtful or not square * trace < DOUBTFUL * variance
                innovation = _absorb(state, spread, slopes, width, residual, variance, gain)
                nis += residual * residual / innovation
                product *= innovation
                freedom += 1
            for a in range(1, 6):
                for b in range(a):
                    spread[a, b] = spread[b, a]
            if doubtful:
                repaired += repair(post_covariance, p, j, lower)
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

    box: as in `candidates`. Components are taken as independent Gaussians at the track's own time.
    """
    centre, spread, gradient = np.empty(6), np.empty((6, 6)), np.empty(6)
    for i in range(rows.size):
        moments(weight, mean, covariance, rows[i], centre, spread)
        x, y, z = centre[0], centre[1], centre[2]
        seen = aspect(position, axes, x, y, z)
        total = 1.0
        for code in range(8):
            if math.isnan(box[code, 0]) or (code == AZIMUTH and box[code, 1] >= math.pi):
                continue
            if code == RANGE_RATE:
                value = rate_of(position, centre, gradient)
                variance = along_all(gradient, spread)
            else:
                value = value_of(code, seen, earth, x, y, z)
                gx, gy, gz = slope(code, seen, axes, earth, x, y, z)
                variance = along(gx, gy, gz, spread)
            low, high = box[code, 0] - value, box[code, 1] - value
            if code == AZIMUTH:
                off = wrap(value - box[code, 0])
                low, high = -box[code, 1] - off, box[code, 1] - off
            total *= _share(low, high, math.sqrt(max(variance, 1e-18)))
        probability[i] = total
