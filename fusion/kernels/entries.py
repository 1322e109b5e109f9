"""When sampled futures of a track first enter a volume, each followed only as finely as that takes.

A path is drawn from one change of its motion along the ground to the next. Where that is linear (x'' = white noise),
the state at the end of the whole stretch is drawn first, and states between by the bridge of that process, only where
the volume could be touched: halving costs one draw and is exact. Turns and falls, whose rates depend on the speed, go
in steps. The height of what flies is independent of its way along the ground, given its modes: it is drawn when the
ground track is over the volume, several times for each, from the exact transitions of its Ornstein-Uhlenbeck climb
rate.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.chance import U64, four, mixed
from fusion.kernels.charts import affine, bounds_of, ground
from fusion.kernels.crossing import AT, DRAWS, HEIGHT, MODE, OUT, RATE, calm_time, climbed, over
from fusion.kernels.futures import (
    CHANGES,
    MOST_FLOWN,
    PER_CHANGE,
    TOUCH,
    bridged,
    dots_of,
    first_mode,
    lasting,
    spread,
    start,
    steady,
    step_time,
    turning,
)  # fmt: skip
from fusion.kernels.jit import bare, leaf
from fusion.kernels.mesh import EMPTY_IN, EMPTY_OUT
from fusion.kernels.predict import fall
from fusion.tracking.motion import DENSITY, DRAG, GRAVITY, LATERAL
from fusion.types import Floats, Ints

DEEP = 64  # of the stack of halvings: a stretch is halved at most once a bit
CUTS = 64  # crossings of one straight piece that are looked at
STRAIGHT_M, STRAIGHT_PART = 1.0, 0.002  # off its chord, one sigma: below every sensor, or this part of the width
BENT = 4.0  # of the former, that a piece may bend by the change of its velocity
GROWS = 0.25  # of the time passed, a piece may last: it is off its chord by 1/64 of the spread by then


def room(heights: int, modes: int) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Arrays for `entries` to work in: a kernel without reference counting allocates nothing."""
    return (
        np.empty(28 + MOST_FLOWN + CUTS + modes), np.empty((3, 3)), np.empty((heights, 6)), np.empty((DEEP, 10)),
        np.empty((2, MOST_FLOWN + 1), dtype=np.int64),
    )  # fmt: skip


@leaf
def _halved(  # type: ignore[no-untyped-def]
    s, head, time, until, density, motion, longest, straight, opens, key, seed, left, bounds, flat, stack, nodes,
    limits, ends, flown, parameters, dots, curvature, radii, edges, mesh, first, listed, kind, spans, heights, found,
    points, normals, times, places,
):  # fmt: skip
    """Follow path `s` over a linear stretch. `motion` (4,), place and velocity, is brought to its end. Returns how many
    heights are still out.
    """
    x, y, vx, vy, dt = motion[0], motion[1], motion[2], motion[3], until - time
    row = CHANGES + PER_CHANGE * head
    z0, z1, z2, z3 = four(mixed(key, 7), normals)
    if row < points.shape[1]:
        z0, z1, z2, z3 = points[s, row + 2], points[s, row + 3], points[s, row + 4], points[s, row + 5]
    drive, shared, alone = spread(dt, density)
    motion[0], motion[1] = x + vx * dt + shared * z0 + alone * z2, y + vy * dt + shared * z1 + alone * z3
    motion[2], motion[3] = vx + drive * z0, vy + drive * z1
    depth = 1
    stack[0, 0], stack[0, 1], nodes[0] = time, dt, 1
    stack[0, 2], stack[0, 3], stack[0, 4], stack[0, 5] = x, y, vx, vy
    stack[0, 6], stack[0, 7], stack[0, 8], stack[0, 9] = motion[0], motion[1], motion[2], motion[3]
    while depth > 0 and left > 0:
        depth -= 1
        t0, length, node = stack[depth, 0], stack[depth, 1], nodes[depth]
        if t0 + length < opens:
            continue
        x0, y0, p0, q0 = stack[depth, 2], stack[depth, 3], stack[depth, 4], stack[depth, 5]
        x1, y1, p1, q1 = stack[depth, 6], stack[depth, 7], stack[depth, 8], stack[depth, 9]
        off, fast = bridged(length, density)
        third, wide = length / 3.0, TOUCH * off  # the mean of the bridge is a cubic within its control points
        a, b = x0 + p0 * third, x1 - p1 * third
        xa, xb = min(min(x0, x1), min(a, b)) - wide, max(max(x0, x1), max(a, b)) + wide
        if xb < bounds[0] or xa > bounds[1]:
            continue
        a, b = y0 + q0 * third, y1 - q1 * third
        ya, yb = min(min(y0, y1), min(a, b)) - wide, max(max(y0, y1), max(a, b)) + wide
        if yb < bounds[2] or ya > bounds[3]:
            continue
        under = ground(xa, xb, ya, yb, flat, mesh, kind)
        if under == EMPTY_OUT:
            continue
        bend = 0.125 * length * max(abs(p1 - p0), abs(q1 - q0))
        brief = length <= GROWS * t0 or (off <= straight and bend <= BENT * straight)
        if (length <= longest and (brief or under == EMPTY_IN)) or depth > DEEP - 3:
            left -= over(
                t0, t0 + length, x0, y0, x1, y1, math.nan, under == EMPTY_IN, limits, ends, flown, parameters, flat,
                dots, curvature, radii, edges, mesh, first, listed, kind, spans, heights, found, points, seed, normals,
                times, places, s,
            )  # fmt: skip
            continue
        z0, z1, z2, z3 = four(mixed(key, 64 + node), normals)
        half = 0.5 * length
        xm = 0.5 * (x0 + x1) + 0.125 * length * (p0 - p1) + off * z0
        ym = 0.5 * (y0 + y1) + 0.125 * length * (q0 - q1) + off * z1
        pm = 1.5 * (x1 - x0) / length - 0.25 * (p0 + p1) + fast * z2
        qm = 1.5 * (y1 - y0) / length - 0.25 * (q0 + q1) + fast * z3
        stack[depth, 0], stack[depth, 1], nodes[depth] = t0 + half, half, 2 * node + 1
        stack[depth, 2], stack[depth, 3], stack[depth, 4], stack[depth, 5] = xm, ym, pm, qm
        depth += 1  # the end of the second half stands there already
        stack[depth, 0], stack[depth, 1], nodes[depth] = t0, half, 2 * node
        stack[depth, 2], stack[depth, 3], stack[depth, 4], stack[depth, 5] = x0, y0, p0, q0
        stack[depth, 6], stack[depth, 7], stack[depth, 8], stack[depth, 9] = xm, ym, pm, qm
        depth += 1
    return left


@leaf
def _balanced(s, head, time, until, key, points, normals):  # type: ignore[no-untyped-def]
    """What to add to the first two deviates of each step of a turn, for each root of its seconds, so that their sums
    over all steps are the tabled deviates of the stretch: how fast and where it comes out, evenly over all paths.
    """
    row = CHANGES + PER_CHANGE * head
    if row >= points.shape[1]:
        return 0.0, 0.0
    along, aside, now, steps = 0.0, 0.0, time, 0
    while now < until:
        dt = step_time(now, until)
        z0, z1, _, _ = four(mixed(key, 64 + 2 * steps), normals)
        along, aside = along + math.sqrt(dt) * z0, aside + math.sqrt(dt) * z1
        now, steps = now + dt, steps + 1
    whole = math.sqrt(until - time)
    return (points[s, row + 2] - along / whole) / whole, (points[s, row + 3] - aside / whole) / whole


@leaf
def _stepped(  # type: ignore[no-untyped-def]
    s, head, mode, time, until, motion, opens, key, seed, left, bounds, flat, limits, ends, flown, parameters, dots,
    curvature, radii, edges, mesh, first, listed, kind, spans, heights, found, points, normals, times, places,
):  # fmt: skip
    """Follow path `s` over a turn or a fall; otherwise as `_halved`."""
    falls, density, fell = parameters[mode, GRAVITY] != 0.0, parameters[mode, DENSITY], math.nan
    if falls:
        climbed(heights, 0, time, ends, flown, parameters, points, s, seed, normals)
    along, aside = _balanced(s, head, time, until, key, points, normals)
    steps = 0
    while time < until and left > 0:
        x, y, dt = motion[0], motion[1], step_time(time, until)
        z0, z1, z2, z3 = four(mixed(key, 64 + 2 * steps), normals)
        z0, z1 = z0 + along * math.sqrt(dt), z1 + aside * math.sqrt(dt)
        drive, shared, alone = spread(dt, density)
        if falls:
            _, _, _, moved, (vx, vy, rises) = fall(
                density, parameters[mode, GRAVITY], parameters[mode, DRAG], motion[2], motion[3], heights[0, RATE],
                0.0, 0.0, 1.0, dt,
            )  # fmt: skip
            z4, z5, _, _ = four(mixed(key, 65 + 2 * steps), normals)
            nx, ny, fell = x + moved[0], y + moved[1], heights[0, HEIGHT] + moved[2]
            fell, rises = fell + shared * z4 + alone * z5, rises + drive * z4
        else:
            nx, ny, vx, vy = turning(x, y, motion[2], motion[3], density, parameters[mode, LATERAL], dt)
        speed = math.sqrt(vx * vx + vy * vy)
        if speed > 0.0:  # along the way and across it
            z0, z1 = (vx * z0 - vy * z1) / speed, (vy * z0 + vx * z1) / speed
        nx, ny = nx + shared * z0 + alone * z2, ny + shared * z1 + alone * z3
        under = EMPTY_OUT
        if max(x, nx) >= bounds[0] and min(x, nx) <= bounds[1] and max(y, ny) >= bounds[2] and min(y, ny) <= bounds[3]:
            under = ground(min(x, nx), max(x, nx), min(y, ny), max(y, ny), flat, mesh, kind)
        if under != EMPTY_OUT and time + dt >= opens:
            left -= over(
                time, time + dt, x, y, nx, ny, fell, under == EMPTY_IN, limits, ends, flown, parameters, flat, dots,
                curvature, radii, edges, mesh, first, listed, kind, spans, heights, found, points, seed, normals, times,
                places, s,
            )  # fmt: skip
        if falls:
            heights[0, HEIGHT], heights[0, RATE], heights[0, AT] = fell, rises, time + dt
        motion[0], motion[1], motion[2], motion[3] = nx, ny, vx + drive * z0, vy + drive * z1
        time, steps = time + dt, steps + 1
    return left


@bare(
    "void(f8[:,::1], f8[::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8, f8, "
    "f8[:,::1], f8[::1], f8[::1], f8[::1], f8[:,::1], f8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], "
    "f8[::1], f8[:,::1], f8[:,::1], f8[:,::1], i8[:,::1], f8[:,::1], f8[:,:,::1])"
)
def entries(  # type: ignore[no-untyped-def]
    points, normals, share, mean, root, frame, curvature, parameters, prior, rate, horizon, axes, radii, limits, box,
    edges, mesh, first, listed, kind, spans, scratch, dots, heights, stack, whole, times, places,
):  # fmt: skip
    """First entries of n paths, with k heights each, into a volume while it is active.

    points: (n, columns), normals: (4096,), as in `fusion.prediction.samples`.  share: (m,) cumulated mode
    probabilities.  mean: (m, 6), root: (m, 6, 6) lower: along the heading and across it (to the left), their rates,
    height and its rate, along the ground and up from the track's foot.  frame: (3, 3) east, north, up there,
    earth-centred.  curvature: (4,) radii of the path's sphere eastward and northward, m, cosine and sine of the
    heading from east.  parameters, prior, rate: `Motions`.  axes, radii, limits (floor, ceiling), box: of the volume.
    edges … kind: `fusion.airspace.mesh.Mesh`. spans: (s, 2) from, to, s, in order.  times: (n, k), filled with inf or
    the time of entry; places: (n, k, 3), with where that is. k is 1 where a mode falls: its height and way are one.
    The others are room to work in: `room`.
    """
    bounds, flat, motion, state, z = scratch[:4], scratch[4:11], scratch[11:15], scratch[15:21], scratch[21:27]
    ends, found = scratch[27 : 28 + MOST_FLOWN], scratch[28 + MOST_FLOWN : 28 + MOST_FLOWN + CUTS]
    calm = scratch[28 + MOST_FLOWN + CUTS :]
    for i in range(prior.size):
        calm[i] = calm_time(parameters, i)
    flown, nodes = whole[0], whole[1]
    dots_of(axes, frame, dots)
    bounds_of(box, axes, radii, frame, curvature, bounds)
    affine(bounds, mesh, dots, curvature, radii, flat)
    opens, closes = spans[0, 0], min(spans[spans.shape[0] - 1, 1], horizon)
    straight = max(STRAIGHT_M, STRAIGHT_PART * min(box[1] - box[0], box[3] - box[2]))
    for s in range(times.shape[0]):
        seed, mode = mixed(U64(s), 1), first_mode(share, points[s, 0])
        for j in range(times.shape[1]):
            start(s, j, mode, points, mean, root, curvature, z, state)
            times[s, j], heights[j, HEIGHT], heights[j, RATE] = math.inf, state[4], state[5]
            heights[j, AT], heights[j, OUT], heights[j, DRAWS], heights[j, MODE] = 0.0, 1.0, 0.0, 0.0
        motion[0], motion[1], motion[2], motion[3] = state[0], state[1], state[2], state[3]
        time, change, left = 0.0, 0, times.shape[1]
        while time < closes and left > 0:
            key, head = mixed(seed, change), change
            until, follows, change = lasting(
                s, mode, change, time, closes, points, parameters, prior, rate, seed, ends, flown
            )
            if steady(parameters, mode):
                longest = math.inf
                for i in range(head, change + (until >= closes)):
                    longest = min(longest, calm[flown[i]])
                left = _halved(
                    s, head, time, until, parameters[mode, DENSITY], motion, longest, straight, opens, key, seed, left,
                    bounds, flat, stack, nodes, limits, ends, flown, parameters, dots, curvature, radii, edges, mesh,
                    first, listed, kind, spans, heights, found, points, normals, times, places,
                )  # fmt: skip
            else:
                left = _stepped(
                    s, head, mode, time, until, motion, opens, key, seed, left, bounds, flat, limits, ends, flown,
                    parameters, dots, curvature, radii, edges, mesh, first, listed, kind, spans, heights, found,
                    points, normals, times, places,
                )  # fmt: skip
            time, mode = until, follows
