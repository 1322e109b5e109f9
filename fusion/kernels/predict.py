"""Mixing and prediction of the motion modes, in place. The twin in filterpy is `fusion.tracking.reference.predict`.

3 × 3 matrices are tuples of nine, row by row: they live in registers, and nothing is allocated for them.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.earth import up_at
from fusion.kernels.jit import entry, inner
from fusion.kernels.reach import FRESH
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, DENSITY, DRAG, GRAVITY, LATERAL
from fusion.tracking.motion import coefficients as _coefficients
from fusion.tracking.motion import fall as _fall

coefficients, fall = inner(_coefficients), inner(_fall)


@inner
def mix(weight, mean, covariance, row, prior, keep, centre, spread):  # type: ignore[no-untyped-def]
    """IMM interaction (Blom and Bar-Shalom 1988, eqs. 6-8) for the equal-input chain, in place.

    Because every jump draws from `prior`, mode j's mixture has two parts: itself, and all modes together.
    Leaves the covariances' lower triangles as they were: `propagate` writes them.
    keep: P(no jump).  centre: (6,), spread: (6, 6) scratch.
    """
    m = weight.shape[1]
    if m == 1:
        return
    for a in range(6):
        centre[a] = 0.0
        for b in range(a, 6):
            spread[a, b] = 0.0
    for j in range(m):
        for a in range(6):
            centre[a] += weight[row, j] * mean[row, j, a]
    for j in range(m):
        own = weight[row, j]
        for a in range(6):
            part = own * (mean[row, j, a] - centre[a])
            for b in range(a, 6):
                spread[a, b] += own * covariance[row, j, a, b] + part * (mean[row, j, b] - centre[b])
    for j in range(m):
        total = keep * weight[row, j] + (1.0 - keep) * prior[j]
        own = keep * weight[row, j] / total
        other = 1.0 - own
        weight[row, j] = total
        for a in range(6):
            part = own * other * (mean[row, j, a] - centre[a])
            for b in range(a, 6):
                value = own * covariance[row, j, a, b] + other * spread[a, b]
                covariance[row, j, a, b] = value + part * (mean[row, j, b] - centre[b])
        for a in range(6):
            mean[row, j, a] = own * mean[row, j, a] + other * centre[a]


@inner
def _shape(first, second, third, ux, uy, uz):  # type: ignore[no-untyped-def]
    """first (I - u uᵀ) + second [u]× + third u uᵀ."""
    more = third - first
    xy, xz, yz = more * ux * uy, more * ux * uz, more * uy * uz
    return (
        first + more * ux * ux, xy - second * uz, xz + second * uy,
        xy + second * uz, first + more * uy * uy, yz - second * ux,
        xz - second * uy, yz + second * ux, first + more * uz * uz,
    )  # fmt: skip


@inner
def _times(a, b):  # type: ignore[no-untyped-def]
    return (
        a[0] * b[0] + a[1] * b[3] + a[2] * b[6],
        a[0] * b[1] + a[1] * b[4] + a[2] * b[7],
        a[0] * b[2] + a[1] * b[5] + a[2] * b[8],
        a[3] * b[0] + a[4] * b[3] + a[5] * b[6],
        a[3] * b[1] + a[4] * b[4] + a[5] * b[7],
        a[3] * b[2] + a[4] * b[5] + a[5] * b[8],
        a[6] * b[0] + a[7] * b[3] + a[8] * b[6],
        a[6] * b[1] + a[7] * b[4] + a[8] * b[7],
        a[6] * b[2] + a[7] * b[5] + a[8] * b[8],
    )


@inner
def _transposed(a):  # type: ignore[no-untyped-def]
    return a[0], a[3], a[6], a[1], a[4], a[7], a[2], a[5], a[8]


@inner
def _apply(a, x, y, z):  # type: ignore[no-untyped-def]
    return a[0] * x + a[1] * y + a[2] * z, a[3] * x + a[4] * y + a[5] * z, a[6] * x + a[7] * y + a[8] * z


@inner
def _transform(covariance, row, j, shift, turn, position, shared, velocity):  # type: ignore[no-untyped-def]
    """P' = F P Fᵀ + Q with F = [[I, shift], [0, turn]], from the upper triangle of P; writes both triangles.

    position, shared, velocity: the three blocks of Q, symmetric.
    """
    p = covariance[row, j]
    pv = (p[0, 3], p[0, 4], p[0, 5], p[1, 3], p[1, 4], p[1, 5], p[2, 3], p[2, 4], p[2, 5])
    vv = (p[3, 3], p[3, 4], p[3, 5], p[3, 4], p[4, 4], p[4, 5], p[3, 5], p[4, 5], p[5, 5])
    back = _transposed(shift)
    moved = _times(shift, vv)
    carried = (
        pv[0] + moved[0], pv[1] + moved[1], pv[2] + moved[2], pv[3] + moved[3], pv[4] + moved[4], pv[5] + moved[5],
        pv[6] + moved[6], pv[7] + moved[7], pv[8] + moved[8],
    )  # fmt: skip
    there, here = _times(carried, back), _times(pv, back)  # (Ppv + S Pvv) Sᵀ, and the transpose of S Pvp
    p[0, 0] += there[0] + here[0] + position[0]
    p[1, 1] += there[4] + here[4] + position[4]
    p[2, 2] += there[8] + here[8] + position[8]
    p[0, 1] += there[1] + here[3] + position[1]
    p[0, 2] += there[2] + here[6] + position[2]
    p[1, 2] += there[5] + here[7] + position[5]
    turned = _transposed(turn)
    across, rates = _times(carried, turned), _times(_times(turn, vv), turned)
    p[0, 3], p[0, 4], p[0, 5] = across[0] + shared[0], across[1] + shared[1], across[2] + shared[2]
    p[1, 3], p[1, 4], p[1, 5] = across[3] + shared[3], across[4] + shared[4], across[5] + shared[5]
    p[2, 3], p[2, 4], p[2, 5] = across[6] + shared[6], across[7] + shared[7], across[8] + shared[8]
    p[3, 3], p[3, 4], p[3, 5] = rates[0] + velocity[0], rates[1] + velocity[1], rates[2] + velocity[2]
    p[4, 4], p[4, 5], p[5, 5] = rates[4] + velocity[4], rates[5] + velocity[5], rates[8] + velocity[8]
    for a in range(1, 6):
        for b in range(a):
            p[a, b] = p[b, a]


@inner
def propagate(mean, covariance, row, j, parameters, earth, dt):  # type: ignore[no-untyped-def]
    """One mode over `dt`, in place: x' = F x + c, P' = F P Fᵀ + Q with the F, Q and c of `fusion.tracking.motion`."""
    state = mean[row, j]
    vx, vy, vz = state[3], state[4], state[5]
    ux, uy, uz = up_at(earth, state[0], state[1], state[2])
    if parameters[j, GRAVITY] != 0.0:
        axis, (a1, a3, b1, b3), (h11, h12, h22), carried, pulled = fall(
            parameters[j, DENSITY], parameters[j, GRAVITY], parameters[j, DRAG], vx, vy, vz, ux, uy, uz, dt
        )
        ux, uy, uz = axis
        shift, turn = _shape(a1, 0.0, a3, ux, uy, uz), _shape(b1, 0.0, b3, ux, uy, uz)
        v11, v12, v22 = h11, h12, h22
    else:
        climb = vx * ux + vy * uy + vz * uz
        speed = math.sqrt(max(vx * vx + vy * vy + vz * vz - climb * climb, 0.0))
        a1, a2, a3, b1, b2, b3, h11, h12, h22, v11, v12, v22 = coefficients(
            parameters[j, DENSITY], parameters[j, LATERAL], parameters[j, CLIMB_SIGMA], parameters[j, CLIMB_TIME],
            speed, dt,
        )  # fmt: skip
        shift, turn = _shape(a1, a2, a3, ux, uy, uz), _shape(b1, b2, b3, ux, uy, uz)
        carried, pulled = _apply(shift, vx, vy, vz), _apply(turn, vx, vy, vz)
    state[0], state[1], state[2] = state[0] + carried[0], state[1] + carried[1], state[2] + carried[2]
    state[3], state[4], state[5] = pulled
    _transform(
        covariance, row, j, shift, turn, _shape(h11, 0.0, v11, ux, uy, uz), _shape(h12, 0.0, v12, ux, uy, uz),
        _shape(h22, 0.0, v22, ux, uy, uz),
    )  # fmt: skip


@entry(
    "void(i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,::1], f8[::1], f8,"
    " f8[:,::1])",
)
def predict(rows, until_ns, time_ns, weight, mean, covariance, outline, parameters, prior, rate, earth):  # type: ignore[no-untyped-def]
    """Advance the tracks in `rows` to their `until_ns`, in place. A track already there, or past it, stays."""
    centre, spread = np.empty(6), np.empty((6, 6))
    for k in range(rows.size):
        row = rows[k]
        dt = (until_ns[k] - time_ns[row]) * 1e-9
        if dt <= 0.0:
            continue
        mix(weight, mean, covariance, row, prior, math.exp(-rate * dt), centre, spread)
        for j in range(weight.shape[1]):
            propagate(mean, covariance, row, j, parameters, earth, dt)
        time_ns[row] = until_ns[k]
        outline[row, FRESH] = 0.0
