"""How many of a few sampled ways of a track come near a zone at all: one look for all zones of a track."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.chance import U64, four, mixed
from fusion.kernels.futures import (
    CHANGES,
    MOST_FLOWN,
    PER_CHANGE,
    TOUCH,
    bridged,
    first_mode,
    lasting,
    spread,
    start,
    steady,
    step_time,
    turning,
)  # fmt: skip
from fusion.kernels.jit import entry, inner
from fusion.tracking.motion import DENSITY, LATERAL

MOST_PIECES = 96  # of one way: what comes after counts as near
FLAT = (1e300,)  # no curvature: heights are not asked for here
EARTH_M = 6.3e6  # radius, rather too small


@inner
def _keep(pieces, count, outer, ax, ay, bx, by, time, wide):  # type: ignore[no-untyped-def]
    """Add a straight piece, its end's time and how far the way may be off it; grow the box `outer`."""
    at = min(count, MOST_PIECES - 1)
    pieces[at, 0], pieces[at, 1], pieces[at, 2], pieces[at, 3] = ax, ay, bx, by
    pieces[at, 4], pieces[at, 5] = time, wide if count < MOST_PIECES else math.inf
    outer[0], outer[1] = min(outer[0], min(ax, bx) - wide), max(outer[1], max(ax, bx) + wide)
    outer[2], outer[3] = min(outer[2], min(ay, by) - wide), max(outer[3], max(ay, by) + wide)
    return at + 1


@inner
def _way(  # type: ignore[no-untyped-def]
    s, row, share, mean, root, points, normals, parameters, prior, rate, horizon, ends, flown, z, state, pieces, outer,
):  # fmt: skip
    """The `s`th way of track `row` as straight pieces, as `kernels.entries` draws it. Returns how many."""
    mode, seed = first_mode(share[row], points[s, 0]), mixed(U64(s), 1)
    start(s, 0, mode, points, mean[row], root[row], FLAT, z, state)
    x, y, vx, vy = state[0], state[1], state[2], state[3]
    outer[0], outer[1], outer[2], outer[3] = x, x, y, y
    time, change, count = 0.0, 0, 0
    while time < horizon:
        key, at, steps = mixed(seed, change), CHANGES + PER_CHANGE * change, 0
        until, follows, change = lasting(
            s, mode, change, time, horizon, points, parameters, prior, rate, seed, ends, flown
        )
        density, straight = parameters[mode, DENSITY], steady(parameters, mode)
        while time < until:
            dt = until - time if straight else step_time(time, until)
            z0, z1, z2, z3 = four(mixed(key, 64 + 2 * steps), normals)
            if straight and at < points.shape[1]:
                z0, z1, z2, z3 = points[s, at + 2], points[s, at + 3], points[s, at + 4], points[s, at + 5]
            drive, shared, alone = spread(dt, density)
            nx, ny, nvx, nvy = turning(x, y, vx, vy, density, parameters[mode, LATERAL], dt)
            nx, ny = nx + shared * z0 + alone * z2, ny + shared * z1 + alone * z3
            nvx, nvy = nvx + drive * z0, nvy + drive * z1
            wide = TOUCH * bridged(dt, density)[0] + 0.25 * dt * max(abs(nvx - vx), abs(nvy - vy))
            count = _keep(pieces, count, outer, x, y, nx, ny, time + dt, wide)
            x, y, vx, vy = nx, ny, nvx, nvy
            time, steps = time + dt, steps + 1
        time, mode = until, follows
    return count


@entry(
    "void(i8[::1], i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,::1], f8[::1], f8[::1], "
    "f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8, i8[::1])"
)
def screen(  # type: ignore[no-untyped-def]
    rows, zones, share, mean, root, centre, turn, radii, ahead, points, normals, parameters, prior, rate, hits
):  # fmt: skip
    """For each pair of `rows` and `zones`, sorted by row, how many of the track's ways pass within the zone's ball.

    share: (n, m), mean: (n, m, 6), root: (n, m, 6, 6), as `kernels.entries` takes them, of all tracks.  centre: (p, 3)
    of each pair's ball, from the track's foot, in the plane.  turn: (n * 3, 3) along the heading, across it, and up, in
    plane axes.  radii, ahead: (p,) m, s.  hits: (p,), filled.
    """
    pieces, outer, z, state = np.empty((MOST_PIECES, 6)), np.empty(4), np.empty(6), np.empty(6)
    ends, flown = np.empty(MOST_FLOWN + 1), np.empty(MOST_FLOWN + 1, dtype=np.int64)
    begin = 0
    while begin < rows.size:
        row, end, horizon = rows[begin], begin, 0.0
        while end < rows.size and rows[end] == row:
            horizon, hits[end] = max(horizon, ahead[end]), 0
            end += 1
        for s in range(points.shape[0]):
            count = _way(
                s, row, share, mean, root, points, normals, parameters, prior, rate, horizon, ends, flown, z, state,
                pieces, outer,
            )  # fmt: skip
            for p in range(begin, end):
                cx, cy = 0.0, 0.0
                for c in range(3):
                    cx, cy = cx + turn[3 * row, c] * centre[p, c], cy + turn[3 * row + 1, c] * centre[p, c]
                far = cx * cx + cy * cy  # the plane falls off the ground by the cube of the distance
                radius = radii[p] + far * math.sqrt(far) / (4.0 * EARTH_M * EARTH_M)
                if cx + radius < outer[0] or cx - radius > outer[1] or cy + radius < outer[2] or cy - radius > outer[3]:
                    continue
                begun = 0.0
                for k in range(count):
                    if begun > ahead[p]:
                        break
                    begun = pieces[k, 4]
                    dx, dy = pieces[k, 2] - pieces[k, 0], pieces[k, 3] - pieces[k, 1]
                    ox, oy = cx - pieces[k, 0], cy - pieces[k, 1]
                    length = dx * dx + dy * dy
                    part = min(max((ox * dx + oy * dy) / length, 0.0), 1.0) if length > 0.0 else 0.0
                    ox, oy = ox - part * dx, oy - part * dy
                    if ox * ox + oy * oy <= (radius + pieces[k, 5]) ** 2:
                        hits[p] += 1
                        break
        begin = end
