"""Mixing and prediction of the motion modes, in place. The twin in filterpy is `fusion.reference.predict`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fusion.kernels.earth import up_at
from fusion.motion import coefficients as _coefficients

coefficients = njit(_coefficients)


@njit
def mix(weight, mean, covariance, prior, keep):  # type: ignore[no-untyped-def]
    """IMM interaction (Blom and Bar-Shalom 1988, eqs. 6-8) for the equal-input chain, in place.

    Because every jump draws from `prior`, mode j's mixture has two parts: itself, and all modes together.
    weight: (m,), mean: (m, 6), covariance: (m, 6, 6), prior: (m,), keep: P(no jump).
    """
    m = weight.size
    if m == 1:
        return
    centre = np.zeros(6)
    for j in range(m):
        for a in range(6):
            centre[a] += weight[j] * mean[j, a]
    spread = np.zeros((6, 6))
    for j in range(m):
        for a in range(6):
            da = mean[j, a] - centre[a]
            for b in range(a, 6):
                spread[a, b] += weight[j] * (covariance[j, a, b] + da * (mean[j, b] - centre[b]))
    for j in range(m):
        total = keep * weight[j] + (1.0 - keep) * prior[j]
        own = keep * weight[j] / total
        other = 1.0 - own
        weight[j] = total
        for a in range(6):
            da = mean[j, a] - centre[a]
            for b in range(a, 6):
                value = own * covariance[j, a, b] + other * spread[a, b]
                value += own * other * da * (mean[j, b] - centre[b])
                covariance[j, a, b] = value
                covariance[j, b, a] = value
        for a in range(6):
            mean[j, a] = own * mean[j, a] + other * centre[a]


@njit
def _transform(mean, covariance, shift, turn):  # type: ignore[no-untyped-def]
    """x' = F x, P' = F P Fᵀ with F = [[I, shift], [0, turn]], in place."""
    velocity = (mean[3], mean[4], mean[5])
    for i in range(3):
        mean[i] += shift[i, 0] * velocity[0] + shift[i, 1] * velocity[1] + shift[i, 2] * velocity[2]
        mean[3 + i] = turn[i, 0] * velocity[0] + turn[i, 1] * velocity[1] + turn[i, 2] * velocity[2]
    moved, carried = np.empty((3, 3)), np.empty((3, 3))  # shift Pvv, and Ppv + shift Pvv
    for i in range(3):
        for j in range(3):
            value = 0.0
            for k in range(3):
                value += shift[i, k] * covariance[3 + k, 3 + j]
            moved[i, j] = value
            carried[i, j] = covariance[i, 3 + j] + value
    for i in range(3):
        for j in range(i, 3):
            value = covariance[i, j]
            for k in range(3):
                value += carried[i, k] * shift[j, k] + shift[i, k] * covariance[j, 3 + k]
            covariance[i, j] = value
            covariance[j, i] = value
    turned = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            value = 0.0
            for k in range(3):
                value += turn[i, k] * covariance[3 + k, 3 + j]
            turned[i, j] = value
    for i in range(3):
        for j in range(3):
            value = 0.0
            for k in range(3):
                value += carried[i, k] * turn[j, k]
            covariance[i, 3 + j] = value
            covariance[3 + j, i] = value
    for i in range(3):
        for j in range(i, 3):
            value = 0.0
            for k in range(3):
                value += turned[i, k] * turn[j, k]
            covariance[3 + i, 3 + j] = value
            covariance[3 + j, 3 + i] = value


@njit
def propagate(mean, covariance, parameters, earth, dt):  # type: ignore[no-untyped-def]
    """One mode over `dt`, in place: x' = F x, P' = F P Fᵀ + Q with the F and Q of `fusion.motion`."""
    ux, uy, uz = up_at(earth, mean[0], mean[1], mean[2])
    climb = mean[3] * ux + mean[4] * uy + mean[5] * uz
    square = mean[3] * mean[3] + mean[4] * mean[4] + mean[5] * mean[5]
    speed = math.sqrt(max(square - climb * climb, 0.0))
    a1, a2, a3, b1, b2, b3, h11, h12, h22, v11, v12, v22 = coefficients(
        parameters[0], parameters[1], parameters[2], parameters[3], speed, dt
    )
    up = (ux, uy, uz)
    cross = ((0.0, -uz, uy), (uz, 0.0, -ux), (-uy, ux, 0.0))
    shift, turn = np.empty((3, 3)), np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            vertical = up[i] * up[j]
            flat = (1.0 if i == j else 0.0) - vertical
            shift[i, j] = a1 * flat + a2 * cross[i][j] + a3 * vertical
            turn[i, j] = b1 * flat + b2 * cross[i][j] + b3 * vertical
    _transform(mean, covariance, shift, turn)
    for i in range(3):
        for j in range(3):
            vertical = up[i] * up[j]
            flat = (1.0 if i == j else 0.0) - vertical
            covariance[i, j] += h11 * flat + v11 * vertical
            covariance[i, 3 + j] += h12 * flat + v12 * vertical
            covariance[3 + j, i] = covariance[i, 3 + j]
            covariance[3 + i, 3 + j] += h22 * flat + v22 * vertical


@njit(
    "void(i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[::1], f8, f8[:,::1])",
    cache=True,
)
def predict(rows, until_ns, time_ns, weight, mean, covariance, parameters, prior, rate, earth):  # type: ignore[no-untyped-def]
    """Advance the tracks in `rows` to their `until_ns`, in place. A track already there, or past it, stays."""
    for k in range(rows.size):
        row = rows[k]
        dt = (until_ns[k] - time_ns[row]) * 1e-9
        if dt <= 0.0:
            continue
        mix(weight[row], mean[row], covariance[row], prior, math.exp(-rate * dt))
        for j in range(weight.shape[1]):
            propagate(mean[row, j], covariance[row, j], parameters[j], earth, dt)
        time_ns[row] = until_ns[k]
