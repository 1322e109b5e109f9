"""How a sampled future is drawn: what its deviates are for, how long a motion lasts, one step of it."""

from __future__ import annotations

import math

from fusion.kernels.chance import fraction, mixed
from fusion.kernels.jit import leaf
from fusion.kernels.paths import _next_mode
from fusion.kernels.predict import coefficients
from fusion.tracking.motion import DENSITY, GRAVITY, LATERAL

# Columns of the points: mode, six of the state, two of the first climb, then of each change of mode wait, jump, four of
# the noise.
STATE, CHANGES, PER_CHANGE = 1, 9, 6
MOST_FLOWN = 512  # modes of one path: in an hour at the usual rate 180
TOUCH = 4.0  # sigmas of the bridge within which a stretch is taken to run
TURN_S, TURN_GROWS, TURN_MOST_S = 1.5, 1.0 / 16.0, 12.0  # a step of a turn or fall; part of the time passed; at most


@leaf
def bridged(dt, density):  # type: ignore[no-untyped-def]
    """Sigmas of position and velocity in the middle of a stretch of white-noise acceleration, given both ends.

    Of the integrated Wiener process, conditioned on both ends: q dt³ / 192 and q dt / 16, uncorrelated.
    """
    root = math.sqrt(density * dt)
    return root * dt * 0.07216878364870322, root * 0.25


@leaf
def spread(dt, density):  # type: ignore[no-untyped-def]
    """What unit deviates of a stretch do: to the velocity, with it to the position, and to the position alone."""
    drive = math.sqrt(density * dt)
    return drive, drive * dt * 0.5, drive * dt * 0.28867513459481287  # half, and the root of a twelfth


@leaf
def step_time(time, until):  # type: ignore[no-untyped-def]
    """How long the next step of a turn or fall lasts, s."""
    return min(min(max(TURN_S, TURN_GROWS * time), TURN_MOST_S), until - time)


@leaf
def steady(parameters, mode):  # type: ignore[no-untyped-def]
    """Whether a mode moves linearly along the ground."""
    return parameters[mode, LATERAL] == 0.0 and parameters[mode, GRAVITY] == 0.0


@leaf
def first_mode(share, uniform):  # type: ignore[no-untyped-def]
    """The mode of now, from cumulated probabilities."""
    mode = 0
    while mode < share.size - 1 and share[mode] <= uniform:
        mode += 1
    return mode


@leaf
def lasting(s, mode, change, time, closes, points, parameters, prior, rate, seed, ends, flown):  # type: ignore[no-untyped-def]
    """Until when path `s` goes on along the ground as it does in `mode`, however it climbs. Returns that, the mode
    then, and which change of mode that is. The modes flown until then and their `ends` are filled in.
    """
    tabled, until, follows = (points.shape[1] - CHANGES) // PER_CHANGE, time, mode
    while until < closes:
        stretch, at = math.inf, CHANGES + PER_CHANGE * min(change, tabled - 1)
        if prior.size > 1 and change < MOST_FLOWN - 1:
            wait = points[s, at] if change < tabled else -math.log1p(-fraction(mixed(seed, 1000 + change)))
            stretch = wait / (rate * (1.0 - prior[follows]))
        until = min(until + stretch, closes)
        ends[change], flown[change] = until, follows
        if until >= closes:
            break
        jump = points[s, at + 1] if change < tabled else fraction(mixed(seed, 2000 + change))
        follows = _next_mode(follows, jump, prior)
        change += 1
        if (
            parameters[follows, DENSITY] != parameters[mode, DENSITY]
            or parameters[follows, LATERAL] != parameters[mode, LATERAL]
            or parameters[follows, GRAVITY] != parameters[mode, GRAVITY]
        ):
            break
    after = change + 1 if until >= closes else change
    ends[after], flown[after] = math.inf, follows  # a piece may end by a rounding error later than its stretch
    return until, follows, change


@leaf
def turning(x, y, vx, vy, density, lateral, dt):  # type: ignore[no-untyped-def]
    """A step of a turn, without noise."""
    speed = math.sqrt(vx * vx + vy * vy)
    a1, a2, _, b1, b2, _, _, _, _, _, _, _ = coefficients(density, lateral, 0.0, 1.0, speed, dt)
    return x + a1 * vx - a2 * vy, y + a1 * vy + a2 * vx, b1 * vx - b2 * vy, b1 * vy + b2 * vx


@leaf
def start(s, j, mode, points, mean, root, curvature, z, state):  # type: ignore[no-untyped-def]
    """Fill `state` (6,) with where path `s` begins: along the heading, across, their rates, height `j` and its rate.

    Heights of one path have the same two deviates, turned by quarters: they balance each other.
    """
    for c in range(6):
        z[c] = points[s, STATE + c]
    z[4], z[5] = quarter_turned(z[4], z[5], j)
    for c in range(6):
        value = mean[mode, c]
        for d in range(c + 1):
            value += root[mode, c, d] * z[d]
        state[c] = value
    state[4] += 0.5 * (state[0] * state[0] + state[1] * state[1]) / curvature[0]  # the plane lies above the ground


@leaf
def quarter_turned(a, b, quarters):  # type: ignore[no-untyped-def]
    """Two normal deviates as a vector, turned by quarters: again two."""
    return (a, b) if quarters % 4 == 0 else (-a, -b) if quarters % 4 == 1 else (b, -a) if quarters % 4 == 2 else (-b, a)


@leaf
def dots_of(axes, frame, dots):  # type: ignore[no-untyped-def]
    """Fill `dots` (3, 3), from the track's east, north, up to the volume's: `charts.placed` takes it."""
    for i in range(3):
        for j in range(3):
            dots[i, j] = axes[i, 0] * frame[j, 0] + axes[i, 1] * frame[j, 1] + axes[i, 2] * frame[j, 2]
