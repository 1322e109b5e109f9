"""What a sensor measures of a state, and the gradient. The numpy twin is `fusion.tracking.sensors.measure`.

Component codes are places in `fusion.types.COMPONENTS`. axes: (3, 3), rows right, forward, up of the sensor in
plane axes. Azimuth runs clockwise from forward, elevation up from the right-forward plane.
"""

from __future__ import annotations

import math

from fusion.kernels.earth import height_at, up_at
from fusion.kernels.jit import apart, inner
from fusion.types import ALTITUDE, AZIMUTH, EAST, ELEVATION, RANGE, RANGE_RATE

NEAREST_M = 0.1  # closer to the sensor, or to its zenith, direction means nothing: gradients stay finite
NEAR = 0.02  # tangent of a turn for which the series of the arc tangent is exact to rounding


@inner
def wrap(angle):  # type: ignore[no-untyped-def]
    """An angle difference, into [-pi, pi)."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@inner
def is_angle(code):  # type: ignore[no-untyped-def]
    """Whether differences of this component wrap."""
    return code in (AZIMUTH, ELEVATION)


@inner
def aspect(position, axes, x, y, z):  # type: ignore[no-untyped-def]
    """A point as the sensor sees it: right, forward, up of it, distance in that level and distance, m."""
    x, y, z = x - position[0], y - position[1], z - position[2]
    right = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z
    forward = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z
    up = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
    flat = right * right + forward * forward
    level = max(math.sqrt(flat), NEAREST_M)
    return right, forward, up, level, max(math.sqrt(flat + up * up), NEAREST_M)


@inner
def _along(axes, right, forward, up):  # type: ignore[no-untyped-def]
    """Sensor axes to plane axes."""
    return (
        right * axes[0, 0] + forward * axes[1, 0] + up * axes[2, 0],
        right * axes[0, 1] + forward * axes[1, 1] + up * axes[2, 1],
        right * axes[0, 2] + forward * axes[1, 2] + up * axes[2, 2],
    )


@inner
def slope(code, seen, axes, earth, x, y, z):  # type: ignore[no-untyped-def]
    """d value / d position of every component but the range rate: a vector in plane axes. seen: as `aspect`."""
    right, forward, up, level, slant = seen
    if code == RANGE:
        return _along(axes, right / slant, forward / slant, up / slant)
    if code == AZIMUTH:
        square = level * level
        return _along(axes, forward / square, -right / square, 0.0)
    if code == ELEVATION:
        square = level * level + up * up
        part = -up / (level * square)
        return _along(axes, part * right, part * forward, level / square)
    if code == ALTITUDE:
        return up_at(earth, x, y, z)
    return axes[code - EAST, 0], axes[code - EAST, 1], axes[code - EAST, 2]


@inner
def value_of(code, seen, earth, x, y, z):  # type: ignore[no-untyped-def]
    """The value of every component but the range rate at a point. seen: as `aspect`."""
    right, forward, up, level, slant = seen
    if code == RANGE:
        return slant
    if code == AZIMUTH:
        return math.atan2(right, forward)
    if code == ELEVATION:
        return math.atan2(up, level)
    if code == ALTITUDE:
        return height_at(earth, x, y, z)
    if code == EAST:
        return right
    return forward if code == EAST + 1 else up


@inner
def value_near(code, seen, earth, x, y, z, other, known):  # type: ignore[no-untyped-def]
    """The same, where the value `known` of a point with the aspect `other` is at hand: mostly no arc tangent.

    An azimuth may come out beyond ±pi: differences are wrapped anyway.
    """
    if code == AZIMUTH:
        rise, run, rise0, run0 = seen[0], seen[1], other[0], other[1]
    elif code == ELEVATION:
        rise, run, rise0, run0 = seen[2], seen[3], other[2], other[3]
    else:
        return value_of(code, seen, earth, x, y, z)
    along, turn = run * run0 + rise * rise0, rise * run0 - run * rise0
    if abs(turn) >= NEAR * along:
        return math.atan2(rise, run)
    tangent = turn / along
    s = tangent * tangent
    return known + tangent * (1.0 - s * (1.0 / 3.0 - s * (1.0 / 5.0 - s * (1.0 / 7.0 - s * (1.0 / 9.0)))))


@apart
def rate_of(position, state, gradient):  # type: ignore[no-untyped-def]
    """Range rate for `state` (6,); writes d rate / d state into `gradient` (6,)."""
    ox, oy, oz = state[0] - position[0], state[1] - position[1], state[2] - position[2]
    slant = max(math.sqrt(ox * ox + oy * oy + oz * oz), NEAREST_M)
    ox, oy, oz = ox / slant, oy / slant, oz / slant
    rate = ox * state[3] + oy * state[4] + oz * state[5]
    gradient[0], gradient[3] = (state[3] - rate * ox) / slant, ox
    gradient[1], gradient[4] = (state[4] - rate * oy) / slant, oy
    gradient[2], gradient[5] = (state[5] - rate * oz) / slant, oz
    return rate


@inner
def measure(code, position, axes, earth, state, gradient):  # type: ignore[no-untyped-def]
    """The value of one component for `state` (6,); writes d value / d state into `gradient` (6,)."""
    if code == RANGE_RATE:
        return rate_of(position, state, gradient)
    x, y, z = state[0], state[1], state[2]
    seen = aspect(position, axes, x, y, z)
    gradient[0], gradient[1], gradient[2] = slope(code, seen, axes, earth, x, y, z)
    gradient[3], gradient[4], gradient[5] = 0.0, 0.0, 0.0
    return value_of(code, seen, earth, x, y, z)


@inner
def along(gx, gy, gz, spread):  # type: ignore[no-untyped-def]
    """gᵀ P g. spread: P as xx, xy, xz, yy, yz, zz."""
    xx, xy, xz, yy, yz, zz = spread
    return gx * gx * xx + gy * gy * yy + gz * gz * zz + 2.0 * (gx * (gy * xy + gz * xz) + gy * gz * yz)


@inner
def bend(slant, ux, uy, uz, spread):  # type: ignore[no-untyped-def]
    """How far range bends over an uncertain position: its mean shift, m, and its variance, m².

    The second-order terms of the extended Kalman filter: Bar-Shalom, Li, Kirubarajan (2001), eqs. 10.3.3-7, with the
    Hessian of a distance, (I - u uᵀ) / slant. Without them a plan radar grows sure of a height that it never saw.
    u: the gradient.  spread: of the position, as in `along`.
    """
    xx, xy, xz, yy, yz, zz = spread
    px, py, pz = xx * ux + xy * uy + xz * uz, xy * ux + yy * uy + yz * uz, xz * ux + yz * uy + zz * uz
    trace, straight, carried = xx + yy + zz, ux * px + uy * py + uz * pz, px * px + py * py + pz * pz
    square = xx * xx + yy * yy + zz * zz + 2.0 * (xy * xy + xz * xz + yz * yz)
    shift = 0.5 * (trace - straight) / slant
    variance = 0.5 * (square - 2.0 * carried + straight * straight) / (slant * slant)
    return min(shift, math.sqrt(trace)), min(max(variance, 0.0), trace)
