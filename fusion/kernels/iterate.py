"""Pairs of a detection with something far from where the detection puts it: linearised at the answer, not before it.

A range hypothesis is a fifth of its range long. Seen from a second place, a direction bends over such a length by
hundreds of sigmas, so the update is iterated: Bell and Cathey (1993), "The iterated Kalman filter update as a
Gauss-Newton method". The twin in filterpy is `fusion.reference.iterate`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fusion.kernels.evaluate import LOG_2PI, VAGUE_RAD2, _innovation_variance, update_scalar
from fusion.kernels.measure import bend, is_angle, measure, wrap
from fusion.motion import DENSITY
from fusion.types import RANGE

MOST_PASSES = 12  # Gauss-Newton on two crossing directions needs three or four
SETTLED_SIGMA = 0.01  # a step that moves no component by more than this many of its sigmas is the last


@njit
def _linearise(codes, position, axes, earth, point, dt, wanted, expected, gradient):  # type: ignore[no-untyped-def]
    """h and its gradient at `point` carried on by `dt`, for the components that are `wanted`."""
    moved = point.copy()
    for a in range(3):
        moved[a] += dt * point[3 + a]
    for c in range(codes.size):
        if wanted[c]:
            expected[c] = measure(codes[c], position, axes, earth, moved, gradient[c])
            for a in range(3):
                gradient[c, 3 + a] += dt * gradient[c, a]


@njit
def iterated(  # type: ignore[no-untyped-def]
    codes, value, sigma, dt, density, position, axes, earth, mean, covariance, state, spread
):  # fmt: skip
    """One mode's Gaussian, updated; writes `state` (6,) and `spread` (6, 6).

    Returns the log likelihood by Laplace's rule, the normalised innovation squared, both at the answer x̂:
    (x̂ - x)ᵀP⁻¹(x̂ - x) + (z - h(x̂))ᵀR⁻¹(z - h(x̂)), and the degrees of freedom.
    """
    k = codes.size
    expected, gradient, wanted = np.empty(k), np.zeros((k, 6)), np.empty(k, np.bool_)
    point, left, gain = mean.copy(), covariance.copy(), np.empty(6)
    vague, freedom, log, nis = 0, 0, 0.0, 0.0
    for c in range(k):
        wanted[c] = not math.isnan(value[c])
    _linearise(codes, position, axes, earth, point, dt, wanted, expected, gradient)
    for c in range(k):
        if wanted[c] and is_angle(codes[c]) and _innovation_variance(covariance, gradient[c]) > VAGUE_RAD2:
            wanted[c] = False
            vague += 1
        elif wanted[c]:
            freedom += 1
    damping, before = 1.0, np.inf
    for turn in range(MOST_PASSES):
        if turn:
            _linearise(codes, position, axes, earth, point, dt, wanted, expected, gradient)
        state[:] = mean
        spread[:, :] = covariance
        log, nis = -vague * LOG_2PI, 0.0
        for c in range(k):
            if not wanted[c]:
                continue
            square, residual = 0.0, value[c] - expected[c]
            for a in range(3):
                square += gradient[c, a] ** 2
            variance = sigma[c] ** 2 + density * abs(dt) ** 3 / 3.0 * square
            if codes[c] == RANGE:
                shift, bent = bend(expected[c], gradient[c], left)
                residual -= shift
                variance += bent
            if is_angle(codes[c]):
                residual = wrap(residual)
            for a in range(6):
                residual -= gradient[c, a] * (state[a] - point[a])
            innovation = update_scalar(state, spread, gradient[c], residual, variance, gain)
            nis += residual * residual / innovation
            log -= 0.5 * (residual * residual / innovation + math.log(innovation) + LOG_2PI)
        step = 0.0
        for c in range(k):
            if wanted[c]:
                along = 0.0
                for a in range(6):
                    along += gradient[c, a] * (state[a] - point[a])
                step = max(step, abs(along) / sigma[c])
        if step < SETTLED_SIGMA:
            break
        if step > 0.5 * before:  # Gauss-Newton overshoots where the bend is stronger than the pull
            damping *= 0.5
        before = step
        for a in range(6):
            point[a] += damping * (state[a] - point[a])
        left[:, :] = spread
    return log, nis, freedom


@njit(
    "void(i8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], i8[::1],"
    " f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1])",
    cache=True,
)
def iterate(  # type: ignore[no-untyped-def]
    pair_track, pair_detection, rows, codes, values, sigmas, detected_ns, position, axes, earth, time_ns, mean,
    covariance, parameters, gates, log_likelihood, post_mean, post_covariance,
):  # fmt: skip
    """As `fusion.kernels.evaluate.evaluate`, each pair and mode linearised at its own answer."""
    for p in range(pair_track.size):
        row, d = rows[pair_track[p]], pair_detection[p]
        dt = (detected_ns[d] - time_ns[row]) * 1e-9
        nearest = np.inf
        for j in range(mean.shape[1]):
            log_likelihood[p, j], nis, freedom = iterated(
                codes, values[d], sigmas[d], dt, parameters[j, DENSITY], position, axes, earth, mean[row, j],
                covariance[row, j], post_mean[p, j], post_covariance[p, j],
            )  # fmt: skip
            nearest = min(nearest, nis - gates[freedom])
        if nearest > 0.0:
            log_likelihood[p, :] = -np.inf
