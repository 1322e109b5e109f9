"""How well each pair fits, and what the track would become: the twin in filterpy is `fusion.reference.evaluate`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fusion.kernels.measure import bend, is_angle, measure, wrap
from fusion.kernels.reach import moments
from fusion.motion import DENSITY
from fusion.types import AZIMUTH, RANGE

LOG_2PI = math.log(2.0 * math.pi)
VAGUE_RAD2 = 1.0  # an angle less certain than this says nothing that a linear update could use


@njit
def update_scalar(mean, covariance, gradient, residual, variance, gain):  # type: ignore[no-untyped-def]
    """One scalar component, in place: Kalman update with H = `gradient`, y = `residual`, R = `variance`.

    Returns the innovation variance S.  gain: (6,) scratch for P Hᵀ.
    """
    innovation = variance
    for a in range(6):
        value = 0.0
        for b in range(6):
            value += covariance[a, b] * gradient[b]
        gain[a] = value
    for a in range(6):
        innovation += gradient[a] * gain[a]
    for a in range(6):
        step = gain[a] / innovation
        mean[a] += step * residual
        for b in range(a, 6):
            covariance[a, b] -= step * gain[b]
            covariance[b, a] = covariance[a, b]
    return innovation


@njit
def _innovation_variance(covariance, gradient):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(6):
        for b in range(6):
            total += gradient[a] * covariance[a, b] * gradient[b]
    return total


@njit(
    "void(i8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], i8[::1],"
    " f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1])",
    cache=True,
)
def evaluate(  # type: ignore[no-untyped-def]
    pair_track, pair_detection, rows, codes, values, sigmas, detected_ns, position, axes, earth, time_ns, weight, mean,
    covariance, parameters, gates, log_likelihood, post_mean, post_covariance,
):  # fmt: skip
    """Each mode of each pair, updated with the detection's components one after another.

    All components are linearised once, at the prediction, so that one after another equals jointly. A detection
    at another time than its track's meets h(p + v dt), with what the mode may do in dt added to the noise.
    pair_track: places in `rows`, ascending.  gates: chi-square limits by degrees of freedom.
    Writes log_likelihood (pairs, m), -inf where no mode's summed normalised innovation squared lies inside the
    gate; post_mean (pairs, m, 6) and post_covariance (pairs, m, 6, 6).
    """
    k, m = codes.size, weight.shape[1]
    predicted, gradient = np.empty((m, k)), np.empty((m, k, 6))
    row_gradient, gain, bent = np.empty(6), np.empty(6), np.zeros((m, k))
    last = -1
    for p in range(pair_track.size):
        row, d = rows[pair_track[p]], pair_detection[p]
        if pair_track[p] != last:
            last = pair_track[p]
            for j in range(m):
                for c in range(k):
                    predicted[j, c] = measure(codes[c], position, axes, earth, mean[row, j], gradient[j, c])
                    if codes[c] == RANGE:
                        shift, bent[j, c] = bend(predicted[j, c], gradient[j, c], covariance[row, j])
                        predicted[j, c] += shift
        dt = (detected_ns[d] - time_ns[row]) * 1e-9
        nearest = np.inf
        for j in range(m):
            state, spread = post_mean[p, j], post_covariance[p, j]
            state[:] = mean[row, j]
            spread[:, :] = covariance[row, j]
            drifted = parameters[j, DENSITY] * abs(dt) ** 3 / 3.0
            log, nis, freedom = 0.0, 0.0, 0
            for c in range(k):
                if math.isnan(values[d, c]):
                    continue
                drift, square = 0.0, 0.0
                for a in range(3):
                    row_gradient[a] = gradient[j, c, a]
                    row_gradient[3 + a] = gradient[j, c, 3 + a] + gradient[j, c, a] * dt
                    drift += gradient[j, c, a] * mean[row, j, 3 + a]
                    square += gradient[j, c, a] ** 2
                residual = values[d, c] - predicted[j, c] - drift * dt
                if is_angle(codes[c]):
                    residual = wrap(residual)
                    if _innovation_variance(covariance[row, j], row_gradient) > VAGUE_RAD2:
                        log -= LOG_2PI
                        continue
                for a in range(6):
                    residual -= row_gradient[a] * (state[a] - mean[row, j, a])
                variance = sigmas[d, c] ** 2 + drifted * square + bent[j, c]
                innovation = update_scalar(state, spread, row_gradient, residual, variance, gain)
                normalised = residual * residual / innovation
                nis += normalised
                freedom += 1
                log -= 0.5 * (normalised + math.log(innovation) + LOG_2PI)
            nearest = min(nearest, nis - gates[freedom])
            log_likelihood[p, j] = log
        if nearest > 0.0:
            log_likelihood[p, :] = -np.inf


@njit(
    "void(i8[::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[::1])",
    cache=True,
)
def inside(rows, box, position, axes, earth, weight, mean, covariance, probability):  # type: ignore[no-untyped-def]
    """P(a track was inside the swept box), component by component, into `probability` (rows,).

    box: as in `candidates`. Components are taken as independent Gaussians at the track's own time.
    """
    centre, spread, gradient = np.empty(6), np.empty((6, 6)), np.empty(6)
    for i in range(rows.size):
        row = rows[i]
        moments(weight[row], mean[row], covariance[row], centre, spread)
        total = 1.0
        for code in range(8):
            if math.isnan(box[code, 0]) or (code == AZIMUTH and box[code, 1] >= math.pi):
                continue
            value = measure(code, position, axes, earth, centre, gradient)
            scale = math.sqrt(2.0 * max(_innovation_variance(spread, gradient), 1e-18))
            low, high = box[code, 0] - value, box[code, 1] - value
            if code == AZIMUTH:
                off = wrap(value - box[code, 0])
                low, high = -box[code, 1] - off, box[code, 1] - off
            total *= 0.5 * (math.erf(high / scale) - math.erf(low / scale))
        probability[i] = total
