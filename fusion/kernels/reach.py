"""How far a track may have come since its own time, and whether a look can have met it at all."""

from __future__ import annotations

import math

from numba import njit

from fusion.kernels.measure import wrap
from fusion.motion import DENSITY, LATERAL
from fusion.types import AZIMUTH


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
def elsewhere(  # type: ignore[no-untyped-def]
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
def bounds(parameters, dt):  # type: ignore[no-untyped-def]
    """The variance that any mode may add to a position over `dt`, m²."""
    density, lateral = 0.0, 0.0
    for j in range(parameters.shape[0]):
        density = max(density, parameters[j, DENSITY])
        lateral = max(lateral, abs(parameters[j, LATERAL]))
    return density * abs(dt) ** 3 / 3.0 + (0.5 * lateral * dt * dt) ** 2


@njit
def carry(centre, spread, dt):  # type: ignore[no-untyped-def]
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
