"""Pairs of a detection with something far from where the detection puts it: linearised at the answer, not before it.

A range hypothesis is a sixth of its range long. Seen from a second place, a direction bends over such a length by
hundreds of sigmas, so the update is iterated: Bell and Cathey (1993), "The iterated Kalman filter update as a
Gauss-Newton method". The twin in filterpy is `fusion.tracking.iterated`.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.evaluate import LOG_2PI, VAGUE_RAD2
from fusion.kernels.jit import apart, entry
from fusion.kernels.measure import bend, is_angle, measure, wrap
from fusion.kernels.sound import DOUBTFUL, repair
from fusion.tracking.motion import DENSITY
from fusion.types import RANGE

MOST_PASSES = 12  # Gauss-Newton on two crossing directions needs three or four
SETTLED_SIGMA = 0.03  # a step that moves no component by more than this many of its sigmas is the last
LEAST_STEP = 0.125  # of Gauss-Newton's, where steps grow: it overshoots
BEND_STEP = 1e-3  # of the distance, over which a gradient's change is its second derivative's: rounding is far below


@apart
def _linearise(codes, position, axes, earth, point, dt, wanted, moved, expected, gradient):  # type: ignore[no-untyped-def]
    """h and its gradient at `point` carried on by `dt`, for the components that are `wanted`."""
    for a in range(3):
        moved[a], moved[3 + a] = point[a] + dt * point[3 + a], point[3 + a]
    for c in range(codes.size):
        if wanted[c]:
            expected[c] = measure(codes[c], position, axes, earth, moved, gradient[c])
            for a in range(3):
                gradient[c, 3 + a] += dt * gradient[c, a]


@apart
def _carried(covariance, p, j, slope, gain):  # type: ignore[no-untyped-def]
    """P Hᵀ of covariance[p, j] into `gain` (6,); returns H P Hᵀ."""
    total = 0.0
    for a in range(6):
        gain[a] = 0.0
        for b in range(6):
            gain[a] += covariance[p, j, a, b] * slope[b]
        total += slope[a] * gain[a]
    return max(total, 0.0)


@apart
def _absorb(mean, covariance, p, j, gain, innovation, residual):  # type: ignore[no-untyped-def]
    """Kalman update of mode j of pair p by one scalar, in place. gain: P Hᵀ."""
    for a in range(6):
        mean[p, j, a] += gain[a] * residual / innovation
        for b in range(a, 6):
            covariance[p, j, a, b] -= gain[a] * gain[b] / innovation
            covariance[p, j, b, a] = covariance[p, j, a, b]


@apart
def _pass(  # type: ignore[no-untyped-def]
    codes, value, sigma, drifted, wanted, expected, gradient, point, left, prior_mean, prior_covariance, row, j, p,
    mean, covariance, gain,
):  # fmt: skip
    """Mode j of pair p, updated from its prior as linearised at `point`; left: (6,) place covariance for the bend.

    Returns the normalised innovation squared, the logarithm of all innovation variances' product, by how many sigmas
    the answer moves any component from `point`, and the largest ratio of what was known to what is measured.
    """
    for a in range(6):
        mean[p, j, a] = prior_mean[row, j, a]
        for b in range(6):
            covariance[p, j, a, b] = prior_covariance[row, j, a, b]
    nis, product, step, doubt = 0.0, 0.0, 0.0, 0.0
    for c in range(codes.size):
        if not wanted[c]:
            continue
        gx, gy, gz = gradient[c, 0], gradient[c, 1], gradient[c, 2]
        residual = value[c] - expected[c]
        variance = sigma[c] * sigma[c] + drifted * (gx * gx + gy * gy + gz * gz)
        if codes[c] == RANGE:
            shift, bent = bend(expected[c], gx, gy, gz, (left[0], left[1], left[2], left[3], left[4], left[5]))
            residual -= shift
            variance += bent
        if is_angle(codes[c]):
            residual = wrap(residual)
        square, trace = 0.0, 0.0
        for a in range(6):
            residual -= gradient[c, a] * (mean[p, j, a] - point[a])
            square += gradient[c, a] * gradient[c, a]
            trace += prior_covariance[row, j, a, a]
        innovation = variance + _carried(covariance, p, j, gradient[c], gain)
        _absorb(mean, covariance, p, j, gain, innovation, residual)
        nis += residual * residual / innovation
        product += math.log(innovation)
        doubt = max(doubt, square * trace / variance)
    for c in range(codes.size):
        if wanted[c]:
            along = 0.0
            for a in range(6):
                along += gradient[c, a] * (mean[p, j, a] - point[a])
            step = max(step, abs(along) / sigma[c])
    return nis, product, step, doubt


@apart
def _centre(codes, drifted, sigma, dt, position, axes, earth, wanted, gradient, moved, mean, covariance, p, j, scratch):  # type: ignore[no-untyped-def]
    """Move mode j of pair p from the peak of its posterior to its mean, in place, as far as angles bend.

    The first-order term of Tierney and Kadane (1986), eq. 2.6:  x += -P Σ (h'' : P h' + 2 h'' P h'ᵀ / 2) / R, with
    h'' by differences of gradients. A direction pulls the peak to the near end of a long Gaussian, look after look,
    where a smaller offset in metres is the same angle: without this a line's range runs away at some per cent a second.
    """
    bent, pulled, ahead, gain = scratch[0], scratch[1], scratch[2], scratch[3]
    for a in range(6):
        bent[a] = 0.0
    slant = math.sqrt((moved[0] - position[0]) ** 2 + (moved[1] - position[1]) ** 2 + (moved[2] - position[2]) ** 2)
    step = BEND_STEP * max(slant, 1.0)
    for c in range(codes.size):
        if not wanted[c] or not is_angle(codes[c]):
            continue
        gx, gy, gz = gradient[c, 0], gradient[c, 1], gradient[c, 2]
        variance = sigma[c] * sigma[c] + drifted * (gx * gx + gy * gy + gz * gz)
        _carried(covariance, p, j, gradient[c], gain)
        for k in range(3):
            for a in range(6):
                ahead[a] = moved[a]
            ahead[k] += step
            measure(codes[c], position, axes, earth, ahead, pulled)
            up = (pulled[0], pulled[1], pulled[2])
            ahead[k] -= 2.0 * step
            measure(codes[c], position, axes, earth, ahead, pulled)
            trace, along = 0.0, 0.0
            for a in range(3):
                second = (up[a] - pulled[a]) / (2.0 * step)
                spread = covariance[p, j, k, a] + dt * (covariance[p, j, k, 3 + a] + covariance[p, j, 3 + k, a])
                trace += second * (spread + dt * dt * covariance[p, j, 3 + k, 3 + a])
                along += second * (gain[a] + dt * gain[3 + a])
            for a in range(6):
                bent[a] += 0.5 * trace * gradient[c, a] / variance
            bent[k] += along / variance
            bent[3 + k] += dt * along / variance
    size = _carried(covariance, p, j, bent, gain)
    for a in range(6):
        mean[p, j, a] -= gain[a] / max(math.sqrt(size), 1.0)


@apart
def _place(covariance, p, j, left):  # type: ignore[no-untyped-def]
    """The position's covariance, xx, xy, xz, yy, yz, zz, into `left`."""
    for k, (a, b) in enumerate(((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))):
        left[k] = covariance[p, j, a, b]


@entry(
    "i8(i8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], i8[::1],"
    " f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1])"
)
def iterate(  # type: ignore[no-untyped-def]
    pair_track, pair_detection, rows, codes, values, sigmas, detected_ns, position, axes, earth, time_ns, mean,
    covariance, parameters, gates, log_likelihood, post_mean, post_covariance,
):  # fmt: skip
    """As `fusion.kernels.evaluate.evaluate`, each pair and mode linearised at its own answer x̂.

    There the normalised innovation squared is (x̂ - x)ᵀP⁻¹(x̂ - x) + (z - h(x̂))ᵀR⁻¹(z - h(x̂)), and the likelihood
    Laplace's; what is written is the posterior's mean, not its peak.
    """
    k, repaired = codes.size, 0
    expected, gradient, wanted = np.empty(k), np.zeros((k, 6)), np.empty(k, np.bool_)
    point, moved, gain, left, lower = np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty((6, 6))
    scratch = np.empty((4, 6))
    for p in range(pair_track.size):
        row, d = rows[pair_track[p]], pair_detection[p]
        dt = (detected_ns[d] - time_ns[row]) * 1e-9
        nearest = np.inf
        for j in range(mean.shape[1]):
            vague, freedom, damping, before = 0, 0, 1.0, np.inf
            for a in range(6):
                point[a] = mean[row, j, a]
            for c in range(k):
                wanted[c] = not math.isnan(values[d, c])
            _linearise(codes, position, axes, earth, point, dt, wanted, moved, expected, gradient)
            for c in range(k):
                if wanted[c] and is_angle(codes[c]) and _carried(covariance, row, j, gradient[c], gain) > VAGUE_RAD2:
                    wanted[c] = False
                    vague += 1
                elif wanted[c]:
                    freedom += 1
            _place(covariance, row, j, left)
            drifted, nis, product, doubt = parameters[j, DENSITY] * abs(dt * dt * dt) / 3.0, 0.0, 0.0, 0.0
            for turn in range(MOST_PASSES):
                if turn:
                    _linearise(codes, position, axes, earth, point, dt, wanted, moved, expected, gradient)
                nis, product, step, doubt = _pass(
                    codes, values[d], sigmas[d], drifted, wanted, expected, gradient, point, left, mean, covariance,
                    row, j, p, post_mean, post_covariance, gain,
                )  # fmt: skip
                if step < SETTLED_SIGMA:
                    break
                damping = max(0.5 * damping, LEAST_STEP) if step > before else min(2.0 * damping, 1.0)
                before = step
                for a in range(6):
                    point[a] += damping * (post_mean[p, j, a] - point[a])
                _place(post_covariance, p, j, left)
            _centre(
                codes, drifted, sigmas[d], dt, position, axes, earth, wanted, gradient, moved, post_mean,
                post_covariance, p, j, scratch,
            )  # fmt: skip
            if not doubt < DOUBTFUL:
                repaired += repair(post_covariance, p, covariance, row, j, lower)
            log_likelihood[p, j] = -0.5 * (nis + product + (freedom + 2 * vague) * LOG_2PI)
            nearest = min(nearest, nis - gates[freedom])
        if nearest > 0.0:
            log_likelihood[p, :] = -np.inf
    return repaired
