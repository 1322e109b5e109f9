"""How far a track may have come since its own time, and whether a look can have met it at all."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import apart, inner
from fusion.kernels.measure import wrap
from fusion.tracking.motion import DENSITY, GRAVITY, LATERAL
from fusion.types import AZIMUTH, RANGE

# A track's outline, `TrackStore.outline`: its mean state, the traces of the blocks of its covariance, and 1 where
# they stand. Whoever changes a state zeroes the last one.
POSITION_TRACE, SHARED_TRACE, VELOCITY_TRACE, FRESH = range(6, 10)


@apart
def moments(weight, mean, covariance, row, centre, spread):  # type: ignore[no-untyped-def]
    """Mean (6,) and covariance of one track's mixture over modes; of the latter (6, 6) the upper triangle."""
    for a in range(6):
        centre[a] = 0.0
        for b in range(a, 6):
            spread[a, b] = 0.0
    for j in range(weight.shape[1]):
        for a in range(6):
            centre[a] += weight[row, j] * mean[row, j, a]
    for j in range(weight.shape[1]):
        own = weight[row, j]
        for a in range(6):
            part = own * (mean[row, j, a] - centre[a])
            for b in range(a, 6):
                spread[a, b] += own * covariance[row, j, a, b] + part * (mean[row, j, b] - centre[b])


@inner
def place_at(weight, mean, covariance, row, dt):  # type: ignore[no-untyped-def]
    """Position and velocity of one track's mixture carried straight on by `dt`, and the position's covariance.

    Returns (x, y, z, vx, vy, vz) and (xx, xy, xz, yy, yz, zz).
    """
    x, y, z, vx, vy, vz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(weight.shape[1]):
        own = weight[row, j]
        x, y, z = x + own * mean[row, j, 0], y + own * mean[row, j, 1], z + own * mean[row, j, 2]
        vx, vy, vz = vx + own * mean[row, j, 3], vy + own * mean[row, j, 4], vz + own * mean[row, j, 5]
    x, y, z = x + dt * vx, y + dt * vy, z + dt * vz
    xx, xy, xz, yy, yz, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    square, twice = dt * dt, 2.0 * dt
    for j in range(weight.shape[1]):
        own, p = weight[row, j], covariance[row, j]
        dx = mean[row, j, 0] + dt * mean[row, j, 3] - x
        dy = mean[row, j, 1] + dt * mean[row, j, 4] - y
        dz = mean[row, j, 2] + dt * mean[row, j, 5] - z
        xx += own * (p[0, 0] + twice * p[0, 3] + square * p[3, 3] + dx * dx)
        yy += own * (p[1, 1] + twice * p[1, 4] + square * p[4, 4] + dy * dy)
        zz += own * (p[2, 2] + twice * p[2, 5] + square * p[5, 5] + dz * dz)
        xy += own * (p[0, 1] + dt * (p[0, 4] + p[1, 3]) + square * p[3, 4] + dx * dy)
        xz += own * (p[0, 2] + dt * (p[0, 5] + p[2, 3]) + square * p[3, 5] + dx * dz)
        yz += own * (p[1, 2] + dt * (p[1, 5] + p[2, 4]) + square * p[4, 5] + dy * dz)
    return (x, y, z, vx, vy, vz), (xx, xy, xz, yy, yz, zz)


@apart
def sketch(weight, mean, covariance, row, outline):  # type: ignore[no-untyped-def]
    """Bring one track's outline up to date."""
    for a in range(FRESH):
        outline[row, a] = 0.0
    for j in range(weight.shape[1]):
        for a in range(6):
            outline[row, a] += weight[row, j] * mean[row, j, a]
    for j in range(weight.shape[1]):
        own = weight[row, j]
        for a in range(3):
            off, rate = mean[row, j, a] - outline[row, a], mean[row, j, 3 + a] - outline[row, 3 + a]
            outline[row, POSITION_TRACE] += own * (covariance[row, j, a, a] + off * off)
            outline[row, SHARED_TRACE] += own * (covariance[row, j, a, 3 + a] + off * rate)
            outline[row, VELOCITY_TRACE] += own * (covariance[row, j, 3 + a, 3 + a] + rate * rate)
    outline[row, FRESH] = 1.0


@apart
def sector(box, codes, first, second, values, worst, axes, high1, gate, edges):  # type: ignore[no-untyped-def]
    """The wedge that holds the swept azimuths and all detections: how many of its edges a track beyond must be behind
    (0: there is no such wedge), and how far it reaches, m.

    first, second: columns of the grid's keys.  worst: the largest sigma of each column.  high1: of the second key.
    edges: (2, 3), filled with the inward normals of its edges in plane axes.
    """
    far = np.inf
    if second >= 0 and codes[second] == RANGE and not math.isnan(box[RANGE, 1]):
        far = max(box[RANGE, 1], high1 + gate * worst[second])
    if first < 0 or codes[first] != AZIMUTH or math.isnan(box[AZIMUTH, 0]):
        return 0, far
    centre, low, high = box[AZIMUTH, 0], -box[AZIMUTH, 1], box[AZIMUTH, 1]
    for d in range(values.shape[0]):
        off = wrap(values[d, first] - centre)
        low, high = min(low, off - gate * worst[first]), max(high, off + gate * worst[first])
    if not high - low < 2.0 * math.pi:
        return 0, far
    left, right = centre + low, centre + high
    for a in range(3):
        edges[0, a] = math.cos(left) * axes[0, a] - math.sin(left) * axes[1, a]
        edges[1, a] = math.sin(right) * axes[1, a] - math.cos(right) * axes[0, a]
    return (1 if high - low < math.pi else 2), far


@inner
def elsewhere(outline, row, dt, extra, position, wedge, far, edges, span_s, gate):  # type: ignore[no-untyped-def]
    """Whether a track is, beyond doubt, outside the swept sector and away from all detections.

    A bound that costs a hundredth of the exact one: most tracks are elsewhere for most sector frames. Within the ball
    of `gate` standard deviations of all its coordinates together lies every component's own reach.
    wedge, far, edges: of `sector`.  extra: m², from `bounds`.  span_s: how far detections' times lie apart.
    """
    variance = outline[row, SHARED_TRACE] + outline[row, SHARED_TRACE] + dt * outline[row, VELOCITY_TRACE]
    variance = max(outline[row, POSITION_TRACE] + dt * variance, 0.0) + extra
    vx, vy, vz = outline[row, 3], outline[row, 4], outline[row, 5]
    x = outline[row, 0] + dt * vx - position[0]
    y = outline[row, 1] + dt * vy - position[1]
    z = outline[row, 2] + dt * vz - position[2]
    reach = gate * math.sqrt(variance) + (abs(vx) + abs(vy) + abs(vz)) * span_s
    limit = far + 1.75 * reach  # the bend of the range adds at most twice its variance: sqrt(3)
    if x * x + y * y + z * z > limit * limit:
        return True
    behind = 0
    if edges[0, 0] * x + edges[0, 1] * y + edges[0, 2] * z < -reach:
        behind += 1
    if edges[1, 0] * x + edges[1, 1] * y + edges[1, 2] * z < -reach:
        behind += 1
    return wedge > 0 and behind >= wedge


@apart
def bounds(parameters):  # type: ignore[no-untyped-def]
    """The largest spectral density, m²/s³, and the largest steady acceleration, m/s², of any mode."""
    density, steady = 0.0, 0.0
    for j in range(parameters.shape[0]):
        density = max(density, parameters[j, DENSITY])
        steady = max(steady, max(abs(parameters[j, LATERAL]), parameters[j, GRAVITY]))
    return density, steady


@apart
def carry(centre, spread, dt):  # type: ignore[no-untyped-def]
    """Move mean and covariance (its upper triangle) straight on by `dt`, in place."""
    for a in range(3):
        centre[a] += dt * centre[3 + a]
    for a in range(3):
        for b in range(a, 3):
            spread[a, b] += dt * (spread[a, 3 + b] + spread[b, 3 + a] + dt * spread[3 + a, 3 + b])
    for a in range(3):
        for b in range(3):
            spread[a, 3 + b] += dt * spread[3 + min(a, b), 3 + max(a, b)]


@inner
def along_all(gradient, spread):  # type: ignore[no-untyped-def]
    """gᵀ P g for a direction in state space, (6,), from the upper triangle."""
    total = 0.0
    for a in range(6):
        total += gradient[a] * gradient[a] * spread[a, a]
        for b in range(a + 1, 6):
            total += 2.0 * gradient[a] * gradient[b] * spread[a, b]
    return total
