"""What a sensor measures of a state, and the gradient. The numpy twin is `fusion.sensors.measure`.

Component codes are places in `fusion.types.COMPONENTS`. axes: (3, 3), rows right, forward, up of the sensor in
plane axes. Azimuth runs clockwise from forward, elevation up from the right-forward plane.
"""

from __future__ import annotations

import math

from numba import njit

from fusion.kernels.earth import height_at, up_at
from fusion.types import ALTITUDE, AZIMUTH, EAST, ELEVATION, RANGE, RANGE_RATE

NEAREST_M = 0.1  # closer to the sensor, or to its zenith, direction means nothing: gradients stay finite


@njit
def wrap(angle):  # type: ignore[no-untyped-def]
    """An angle difference, into [-pi, pi)."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@njit
def measure(code, position, axes, earth, state, gradient):  # type: ignore[no-untyped-def]
    """The value of one component for `state` (6,); writes d value / d state into `gradient` (6,)."""
    gradient[:] = 0.0
    ox, oy, oz = state[0] - position[0], state[1] - position[1], state[2] - position[2]
    if code >= EAST:
        k = code - EAST
        for i in range(3):
            gradient[i] = axes[k, i]
        return axes[k, 0] * ox + axes[k, 1] * oy + axes[k, 2] * oz
    if code == ALTITUDE:
        gradient[0], gradient[1], gradient[2] = up_at(earth, state[0], state[1], state[2])
        return height_at(earth, state[0], state[1], state[2])
    slant = max(math.sqrt(ox * ox + oy * oy + oz * oz), NEAREST_M)
    if code == RANGE:
        gradient[0], gradient[1], gradient[2] = ox / slant, oy / slant, oz / slant
        return slant
    if code == RANGE_RATE:
        rate = (ox * state[3] + oy * state[4] + oz * state[5]) / slant
        for i, offset in enumerate((ox, oy, oz)):
            gradient[i] = (state[3 + i] - rate * offset / slant) / slant
            gradient[3 + i] = offset / slant
        return rate
    right = axes[0, 0] * ox + axes[0, 1] * oy + axes[0, 2] * oz
    forward = axes[1, 0] * ox + axes[1, 1] * oy + axes[1, 2] * oz
    up = axes[2, 0] * ox + axes[2, 1] * oy + axes[2, 2] * oz
    level = max(math.sqrt(right * right + forward * forward), NEAREST_M)
    if code == AZIMUTH:
        a, b = forward / (level * level), -right / (level * level)
        for i in range(3):
            gradient[i] = a * axes[0, i] + b * axes[1, i]
        return math.atan2(right, forward)
    square = level * level + up * up
    a, b, c = -up * right / (level * square), -up * forward / (level * square), level / square
    for i in range(3):
        gradient[i] = a * axes[0, i] + b * axes[1, i] + c * axes[2, i]
    return math.atan2(up, level)


@njit
def bend(slant, gradient, covariance):  # type: ignore[no-untyped-def]
    """How far range bends over an uncertain position: its mean shift, m, and its variance, m².

    The second-order terms of the extended Kalman filter: Bar-Shalom, Li, Kirubarajan (2001), eqs. 10.3.3-7, with the
    Hessian of a distance, (I - u uᵀ) / slant. Without them a plan radar grows sure of a height that it never saw.
    """
    trace, along, square, carried = 0.0, 0.0, 0.0, 0.0
    for a in range(3):
        part = 0.0
        for b in range(3):
            part += covariance[a, b] * gradient[b]
            square += covariance[a, b] * covariance[b, a]
        trace += covariance[a, a]
        along += gradient[a] * part
        carried += part * part
    shift = 0.5 * (trace - along) / slant
    variance = 0.5 * (square - 2.0 * carried + along * along) / (slant * slant)
    return min(shift, math.sqrt(trace)), min(max(variance, 0.0), trace)


@njit
def is_angle(code):  # type: ignore[no-untyped-def]
    """Whether differences of this component wrap."""
    return code in (AZIMUTH, ELEVATION)
