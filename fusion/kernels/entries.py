"""When sampled futures of a track first enter a volume, each followed only as finely as that takes.

A path is drawn from one change of mode to the next. Where the mode moves linearly (x'' = white noise), the state at
the end of the whole stretch is drawn first, and states between by the bridge of that process, only where the volume
could be touched: halving costs one draw and is exact. Turns and falls, whose rates depend on the speed, go in steps.
The height of what flies is independent of its way along the ground: it is drawn when the ground track is over the
volume, several times for each ground track, from the exact transition of its Ornstein-Uhlenbeck climb rate.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.chance import U64, four, fraction, mixed
from fusion.kernels.jit import entry, inner
from fusion.kernels.mesh import EMPTY_IN, EMPTY_OUT, MIXED, cuts, within
from fusion.kernels.paths import FAR_M, _next_mode
from fusion.kernels.predict import coefficients, fall
from fusion.motion import CLIMB_SIGMA, CLIMB_TIME, DENSITY, DRAG, GRAVITY, LATERAL

# Columns of the points: mode, six of the state, two of the first climb, then of each change of mode wait, jump, four of
# the noise.
STATE, FIRST_CLIMB, CHANGES, PER_CHANGE = 1, 7, 9, 6
DEEP = 64  # of the stack of halvings: a stretch is halved at most once a bit
CUTS = 64  # crossings of one straight piece that are looked at
STRAIGHT_M, STRAIGHT_PART = 1.0, 0.002  # off its chord, one sigma: below every sensor, or this part of the width
BENT = 4.0  # of the former, that a piece may bend by the change of its velocity
GROWS = 0.25  # of the time passed, a piece may last: it is off its chord by 1/64 of the spread by then
CALM = 0.25  # of the relaxation time of the climb, a piece may last
TOUCH = 4.0  # sigmas of the bridge within which a stretch is taken to run
TURN_S, TURN_GROWS, TURN_MOST_S = 1.5, 1.0 / 16.0, 12.0  # a step of a turn or fall; part of the time passed; at most
MOST_UNDER = 16.0  # cells, half-width times half-height, that are looked through at once
FLAT_M = 0.5  # by which the affine map may be off to be used for the exact one
TINY = 1e-12  # of a piece: crossings nearer each other are one
# Columns of what is kept of each height: itself, its rate, the time they are of, whether it is still out, draws so far.
HEIGHT, RATE, AT, OUT, DRAWS = range(5)


@inner
def _bridged(dt, density):  # type: ignore[no-untyped-def]
    """Sigmas of position and velocity in the middle of a stretch of white-noise acceleration, given both ends.

    Of the integrated Wiener process, conditioned on both ends: q dt³ / 192 and q dt / 16, uncorrelated.
    """
    root = math.sqrt(density * dt)
    return root * dt * 0.07216878364870322, root * 0.25


@inner
def _place(x, y, dots, curvature, radii):  # type: ignore[no-untyped-def]
    """A point along the ground on the volume's map: `kernels.paths.chart`, for one, along and across the heading."""
    east, north = curvature[2] * x - curvature[3] * y, curvature[3] * x + curvature[2] * y
    east, north = east / curvature[0], north / curvature[1]
    q = east * east + north * north
    if q > 1.0:
        return FAR_M, FAR_M
    cos = 1.0 - q * (1 / 2) * (1.0 - q * (1 / 12) * (1.0 - q * (1 / 30) * (1.0 - q * (1 / 56))))
    arc = 1.0 - q * (1 / 6) * (1.0 - q * (1 / 20) * (1.0 - q * (1 / 42) * (1.0 - q * (1 / 72))))
    east, north = arc * east, arc * north
    u = dots[0, 0] * east + dots[0, 1] * north + dots[0, 2] * cos
    v = dots[1, 0] * east + dots[1, 1] * north + dots[1, 2] * cos
    w = dots[2, 0] * east + dots[2, 1] * north + dots[2, 2] * cos
    stretch = math.sqrt(2.0 / max(1.0 + w, 1e-6))
    return radii[0] * stretch * u, radii[1] * stretch * v


@inner
def _turned(a, b, quarters):  # type: ignore[no-untyped-def]
    """Two normal deviates as a vector, turned by quarters: again two, that balance the first."""
    return (a, b) if quarters % 4 == 0 else (-a, -b) if quarters % 4 == 1 else (b, -a) if quarters % 4 == 2 else (-b, a)


@inner
def _climbed(heights, j, time, sigma, relaxing, points, s, key, normals):  # type: ignore[no-untyped-def]
    """Bring height `j` to `time` by the exact transition of its climb. Nothing where it is there already."""
    dt = time - heights[j, AT]
    if dt > 0.0:
        _, _, a3, _, _, b3, _, _, _, pp, pv, vv = coefficients(1.0, 0.0, sigma, relaxing, 1.0, dt)
        drive = math.sqrt(max(vv, 0.0))
        shared = pv / drive if drive > 0.0 else 0.0
        if heights[j, DRAWS] == 0.0:
            z0, z1 = _turned(points[s, FIRST_CLIMB], points[s, FIRST_CLIMB + 1], j)
        else:
            z0, z1, _, _ = four(mixed(key, 4096 * (j + 1) + np.int64(heights[j, DRAWS])), normals)
        heights[j, HEIGHT] += a3 * heights[j, RATE] + shared * z0 + math.sqrt(max(pp - shared * shared, 0.0)) * z1
        heights[j, RATE] = b3 * heights[j, RATE] + drive * z0
        heights[j, AT] = time
        heights[j, DRAWS] += 1.0


@inner
def _over(  # type: ignore[no-untyped-def]
    ta, tb, ax, ay, bx, by, fell, sure, limits, climb, flat, dots, curvature, radii, edges, mesh, first, listed, kind,
    spans, heights, found, points, key, normals, times, places, s,
):  # fmt: skip
    """Look for entries on a straight piece of a path, from a at `ta` to b at `tb`. Returns how many heights enter.

    fell: the height at b of what falls, NaN where it climbs by `climb` (sigma, relaxation time).  sure: it is known to
    be within the walls.  limits: floor and ceiling.  Where height j enters, times[j] and places[j] are filled.
    """
    count, entered, low = 0, 0, 0.0
    ux, uy, vx, vy = 0.0, 0.0, 0.0, 0.0
    if not sure:
        if flat[6] <= FLAT_M * mesh[2]:
            ux = mesh[0] + (flat[0] * ax + flat[1] * ay + flat[4]) / mesh[2]
            uy = mesh[1] + (flat[2] * ax + flat[3] * ay + flat[5]) / mesh[3]
            vx = mesh[0] + (flat[0] * bx + flat[1] * by + flat[4]) / mesh[2]
            vy = mesh[1] + (flat[2] * bx + flat[3] * by + flat[5]) / mesh[3]
        else:
            ux, uy = _place(ax, ay, dots, curvature, radii)
            vx, vy = _place(bx, by, dots, curvature, radii)
        count = cuts(ux, uy, vx, vy, edges, mesh, first, listed, kind, found)
    for i in range(count + 1):
        high = found[i] if i < count else 1.0
        if high - low <= TINY and count > 0:
            low = high
            continue
        middle = 0.5 * (low + high)
        if sure or within(ux + middle * (vx - ux), uy + middle * (vy - uy), edges, mesh, first, listed, kind):
            for k in range(spans.shape[0]):
                begin = max(ta + low * (tb - ta), spans[k, 0])
                end = min(ta + high * (tb - ta), spans[k, 1])
                if begin > end:
                    continue
                for j in range(heights.shape[0]):
                    if heights[j, OUT] == 0.0:
                        continue
                    part = -1.0
                    if math.isnan(fell):
                        _climbed(heights, j, begin, climb[0], climb[1], points, s, key, normals)
                        h0 = heights[j, HEIGHT]
                        h1 = h0
                        if not limits[0] <= h0 <= limits[1]:
                            _climbed(heights, j, end, climb[0], climb[1], points, s, key, normals)
                            h1 = heights[j, HEIGHT]
                    else:
                        slope = (fell - heights[j, HEIGHT]) / (tb - ta)
                        h0 = heights[j, HEIGHT] + slope * (begin - ta)
                        h1 = heights[j, HEIGHT] + slope * (end - ta)
                    if limits[0] <= h0 <= limits[1]:
                        part = 0.0
                    elif h0 < limits[0] <= h1:
                        part = (limits[0] - h0) / (h1 - h0)
                    elif h0 > limits[1] >= h1:
                        part = (limits[1] - h0) / (h1 - h0)
                    if part >= 0.0:
                        time = begin + part * (end - begin)
                        way = (time - ta) / (tb - ta) if tb > ta else 0.0
                        times[s, j], heights[j, OUT] = time, 0.0
                        places[s, j, 0], places[s, j, 1] = ax + way * (bx - ax), ay + way * (by - ay)
                        places[s, j, 2] = h0 + part * (h1 - h0)
                        entered += 1
        low = high
    return entered


@inner
def _bounds(box, axes, radii, frame, curvature, out):  # type: ignore[no-untyped-def]
    """The box of a volume's map as a box along the ground from the track's foot: out (4,), least and greatest.

    Sixteen points of its rim, Snyder (1987), eqs. 20-14, 20-15 and 24-16; between them the rim bulges by less than the
    margin. Infinite where a part lies so far off that `_place` puts it nowhere.
    """
    out[0], out[1], out[2], out[3] = math.inf, -math.inf, math.inf, -math.inf
    far = False
    for i in range(16):
        side, part = i // 4, (i % 4) / 4.0
        if side >= 2:
            part = 1.0 - part
        across = part if side % 2 == 0 else (1.0 if side == 1 else 0.0)
        up = part if side % 2 == 1 else (0.0 if side == 0 else 1.0)
        u = (box[0] + across * (box[1] - box[0])) / radii[0]
        v = (box[2] + up * (box[3] - box[2])) / radii[1]
        square = min(u * u + v * v, 4.0)
        shrink = math.sqrt(1.0 - square / 4.0)
        u, v, w = u * shrink, v * shrink, 1.0 - square / 2.0
        east, north, top = 0.0, 0.0, 0.0
        for c in range(3):
            normal = axes[0, c] * u + axes[1, c] * v + axes[2, c] * w
            east += frame[0, c] * normal
            north += frame[1, c] * normal
            top += frame[2, c] * normal
        sine = math.sqrt(east * east + north * north)
        arc = math.atan2(sine, top)
        far = far or arc > 0.9
        stretch = arc / sine if sine > 0.0 else 1.0
        east, north = curvature[0] * stretch * east, curvature[1] * stretch * north
        x, y = curvature[2] * east + curvature[3] * north, curvature[2] * north - curvature[3] * east
        out[0], out[1], out[2], out[3] = min(out[0], x), max(out[1], x), min(out[2], y), max(out[3], y)
    size = max(out[1] - out[0], out[3] - out[2])
    margin = 1.0 + size * (0.01 + size / (4.0 * curvature[0]))
    if far or size > 2.0 * curvature[0]:
        margin = math.inf
    out[0], out[1], out[2], out[3] = out[0] - margin, out[1] + margin, out[2] - margin, out[3] + margin


@inner
def _affine(bounds, mesh, dots, curvature, radii, flat):  # type: ignore[no-untyped-def]
    """The way from the ground to the cells of the mesh as an affine map about the middle of `bounds`: flat (7,).

    Its matrix (4), its offset (2), and by how many cells it is off at most within the bounds, with twice the error
    seen at their corners.
    """
    flat[6] = math.inf
    if not bounds[1] - bounds[0] < math.inf:
        return
    x, y = 0.5 * (bounds[0] + bounds[1]), 0.5 * (bounds[2] + bounds[3])
    dx, dy = 0.5 * (bounds[1] - bounds[0]), 0.5 * (bounds[3] - bounds[2])
    ax, ay = _place(x - dx, y, dots, curvature, radii)
    bx, by = _place(x + dx, y, dots, curvature, radii)
    cx, cy = _place(x, y - dy, dots, curvature, radii)
    ex, ey = _place(x, y + dy, dots, curvature, radii)
    mx, my = _place(x, y, dots, curvature, radii)
    flat[0], flat[1] = mesh[2] * (bx - ax) / (2.0 * dx), mesh[2] * (ex - cx) / (2.0 * dy)
    flat[2], flat[3] = mesh[3] * (by - ay) / (2.0 * dx), mesh[3] * (ey - cy) / (2.0 * dy)
    flat[4] = mesh[2] * (mx - mesh[0]) - flat[0] * x - flat[1] * y
    flat[5] = mesh[3] * (my - mesh[1]) - flat[2] * x - flat[3] * y
    worst = 0.0
    for i in range(4):
        px, py = x + (dx if i % 2 else -dx), y + (dy if i // 2 else -dy)
        ux, uy = _place(px, py, dots, curvature, radii)
        worst = max(worst, abs(flat[0] * px + flat[1] * py + flat[4] - mesh[2] * (ux - mesh[0])))
        worst = max(worst, abs(flat[2] * px + flat[3] * py + flat[5] - mesh[3] * (uy - mesh[1])))
    flat[6] = 2.0 * worst


@inner
def _ground(west, east, south, north, flat, mesh, kind):  # type: ignore[no-untyped-def]
    """What lies under a box along the ground: `EMPTY_OUT`, `EMPTY_IN`, or `MIXED` where it is both or not known."""
    cells = mesh[4]
    x, y, dx, dy = 0.5 * (west + east), 0.5 * (south + north), 0.5 * (east - west), 0.5 * (north - south)
    u, v = flat[0] * x + flat[1] * y + flat[4], flat[2] * x + flat[3] * y + flat[5]
    du, dv = abs(flat[0]) * dx + abs(flat[1]) * dy + flat[6], abs(flat[2]) * dx + abs(flat[3]) * dy + flat[6]
    if u + du < 0.0 or u - du > cells or v + dv < 0.0 or v - dv > cells:
        return EMPTY_OUT
    if not (du * dv <= MOST_UNDER):
        return MIXED
    found = EMPTY_OUT if u - du < 0.0 or u + du > cells or v - dv < 0.0 or v + dv > cells else -1
    begin, end = max(int(u - du), 0), min(int(u + du), int(cells) - 1)
    for row in range(max(int(v - dv), 0), min(int(v + dv), int(cells) - 1) + 1):
        for column in range(begin, end + 1):
            each = kind[row * int(cells) + column]
            if each == MIXED or (found >= 0 and each != found):
                return MIXED
            found = each
    return found


@entry(
    "void(f8[:,::1], f8[::1], f8[::1], f8[:,::1], f8[:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8, f8, "
    "f8[:,::1], f8[::1], f8[::1], f8[::1], f8[:,::1], f8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], i8, "
    "f8[:,::1], f8[:,:,::1])"
)
def entries(  # type: ignore[no-untyped-def]
    points, normals, share, mean, root, frame, curvature, parameters, prior, rate, horizon, axes, radii, limits, box,
    edges, mesh, first, listed, kind, spans, begin, times, places,
):  # fmt: skip
    """First entries of n paths, with k heights each, into a volume while it is active; those from `begin` on.

    points: (n, columns), normals: (4096,), as in `fusion.samples`.  share: (m,) cumulated mode probabilities.  mean:
    (m, 6), root: (m, 6, 6) lower: along the heading and across it (to the left), their rates, height and its rate,
    along the ground and up from the track's foot.  frame: (3, 3) east, north, up there, earth-centred.  curvature: (4,)
    radii of the path's sphere eastward and northward, m, cosine and sine of the heading from east.  parameters, prior,
    rate: `Motions`.  axes, radii, limits (floor, ceiling), box: of the volume.  edges … kind: `fusion.mesh.Mesh`.
    spans: (s, 2) from, to, s, in order.  times: (n, k), filled with inf or the time of entry; places: (n, k, 3), with
    where that is. k is 1 where a mode falls: its height and way are one.
    """
    modes, columns = prior.size, points.shape[1]
    tabled = (columns - CHANGES) // PER_CHANGE
    dots, bounds, found = np.empty((3, 3)), np.empty(4), np.empty(CUTS)
    for i in range(3):
        for j in range(3):
            dots[i, j] = axes[i, 0] * frame[j, 0] + axes[i, 1] * frame[j, 1] + axes[i, 2] * frame[j, 2]
    _bounds(box, axes, radii, frame, curvature, bounds)
    flat = np.empty(7)
    _affine(bounds, mesh, dots, curvature, radii, flat)
    west, east, south, north = bounds[0], bounds[1], bounds[2], bounds[3]
    opens, closes = spans[0, 0], min(spans[spans.shape[0] - 1, 1], horizon)
    count = times.shape[1]
    heights, stack, nodes = np.empty((count, 5)), np.empty((DEEP, 10)), np.empty(DEEP, dtype=np.int64)
    climb, state, z = np.array([1.0, 1.0]), np.empty(6), np.empty(6)
    for i in range(modes):
        if parameters[i, GRAVITY] == 0.0:
            climb[0], climb[1] = parameters[i, CLIMB_SIGMA], parameters[i, CLIMB_TIME]
    longest, straight = CALM * climb[1], max(STRAIGHT_M, STRAIGHT_PART * min(box[1] - box[0], box[3] - box[2]))
    for s in range(begin, times.shape[0]):
        mode = 0
        while mode < modes - 1 and share[mode] <= points[s, 0]:
            mode += 1
        seed = mixed(U64(s), 1)
        for j in range(count):
            times[s, j], heights[j, AT], heights[j, OUT], heights[j, DRAWS] = math.inf, 0.0, 1.0, 0.0
            for c in range(6):
                z[c] = points[s, STATE + c]
            if j > 0:
                z[4], z[5] = _turned(z[4], z[5], j)
            for c in range(6):
                value = mean[mode, c]
                for d in range(c + 1):
                    value += root[mode, c, d] * z[d]
                state[c] = value
            heights[j, HEIGHT] = state[4] + 0.5 * (
                state[0] * state[0] / curvature[0] + state[1] * state[1] / curvature[1]
            )
            heights[j, RATE] = state[5]
        x, y, vx, vy = state[0], state[1], state[2], state[3]
        time, change, left = 0.0, 0, count
        while time < closes and left > 0:
            key = mixed(seed, change)
            row = CHANGES + PER_CHANGE * change
            stretch = math.inf
            if modes > 1:
                wait = points[s, row] if change < tabled else -math.log1p(-fraction(key))
                stretch = wait / (rate * (1.0 - prior[mode]))
            until = min(time + stretch, closes)
            density = parameters[mode, DENSITY]
            if parameters[mode, LATERAL] == 0.0 and parameters[mode, GRAVITY] == 0.0:
                dt = until - time
                if change < tabled:
                    z0, z1, z2, z3 = points[s, row + 2], points[s, row + 3], points[s, row + 4], points[s, row + 5]
                else:
                    z0, z1, z2, z3 = four(mixed(key, 7), normals)
                drive = math.sqrt(density * dt)
                shared, alone = drive * dt * 0.5, drive * dt * 0.28867513459481287
                nx, ny = x + vx * dt + shared * z0 + alone * z2, y + vy * dt + shared * z1 + alone * z3
                nvx, nvy = vx + drive * z0, vy + drive * z1
                depth = 1
                stack[0, 0], stack[0, 1], nodes[0] = time, dt, 1
                stack[0, 2], stack[0, 3], stack[0, 4], stack[0, 5] = x, y, vx, vy
                stack[0, 6], stack[0, 7], stack[0, 8], stack[0, 9] = nx, ny, nvx, nvy
                while depth > 0:
                    depth -= 1
                    t0, length, node = stack[depth, 0], stack[depth, 1], nodes[depth]
                    if t0 + length < opens:
                        continue
                    x0, y0, p0, q0 = stack[depth, 2], stack[depth, 3], stack[depth, 4], stack[depth, 5]
                    x1, y1, p1, q1 = stack[depth, 6], stack[depth, 7], stack[depth, 8], stack[depth, 9]
                    off, fast = _bridged(length, density)
                    third, wide = length / 3.0, TOUCH * off
                    a, b = x0 + p0 * third, x1 - p1 * third
                    xa, xb = min(min(x0, x1), min(a, b)) - wide, max(max(x0, x1), max(a, b)) + wide
                    if xb < west or xa > east:
                        continue
                    a, b = y0 + q0 * third, y1 - q1 * third
                    ya, yb = min(min(y0, y1), min(a, b)) - wide, max(max(y0, y1), max(a, b)) + wide
                    if yb < south or ya > north:
                        continue
                    under = _ground(xa, xb, ya, yb, flat, mesh, kind)
                    if under == EMPTY_OUT:
                        continue
                    bend = 0.125 * length * max(abs(p1 - p0), abs(q1 - q0))
                    brief = length <= GROWS * t0 or (off <= straight and bend <= BENT * straight)
                    if (length <= longest and (brief or under == EMPTY_IN)) or depth > DEEP - 3:
                        left -= _over(
                            t0, t0 + length, x0, y0, x1, y1, math.nan, under == EMPTY_IN, limits, climb, flat, dots,
                            curvature, radii, edges, mesh, first, listed, kind, spans, heights, found, points, seed,
                            normals, times, places, s,
                        )  # fmt: skip
                        if left == 0:
                            break
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
                x, y, vx, vy = nx, ny, nvx, nvy
            else:
                falls = parameters[mode, GRAVITY] != 0.0
                if falls:
                    _climbed(heights, 0, time, climb[0], climb[1], points, s, seed, normals)
                steps, along, aside = 0, 0.0, 0.0
                if change < tabled:
                    begun = time
                    while begun < until:
                        dt = min(min(max(TURN_S, TURN_GROWS * begun), TURN_MOST_S), until - begun)
                        z0, z1, _, _ = four(mixed(key, 64 + 2 * steps), normals)
                        along, aside = along + math.sqrt(dt) * z0, aside + math.sqrt(dt) * z1
                        begun, steps = begun + dt, steps + 1
                    root_t, steps = math.sqrt(until - time), 0
                    along, aside = (
                        (points[s, row + 2] - along / root_t) / root_t,
                        (points[s, row + 3] - aside / root_t) / root_t,
                    )
                while time < until and left > 0:
                    dt = min(min(max(TURN_S, TURN_GROWS * time), TURN_MOST_S), until - time)
                    z0, z1, z2, z3 = four(mixed(key, 64 + 2 * steps), normals)
                    drive = math.sqrt(density * dt)
                    shared, alone = drive * dt * 0.5, drive * dt * 0.28867513459481287
                    fell, root_dt = math.nan, math.sqrt(dt)
                    z0, z1 = z0 + along * root_dt, z1 + aside * root_dt
                    if falls:
                        _, _, _, moved, (nvx, nvy, rises) = fall(
                            density, parameters[mode, GRAVITY], parameters[mode, DRAG], vx, vy, heights[0, RATE],
                            0.0, 0.0, 1.0, dt,
                        )  # fmt: skip
                        z4, z5, _, _ = four(mixed(key, 65 + 2 * steps), normals)
                        nx, ny, fell = x + moved[0], y + moved[1], heights[0, HEIGHT] + moved[2]
                        fell, rises = fell + shared * z4 + alone * z5, rises + drive * z4
                    else:
                        a1, a2, _, b1, b2, _, _, _, _, _, _, _ = coefficients(
                            density, parameters[mode, LATERAL], 0.0, 1.0, math.sqrt(vx * vx + vy * vy), dt
                        )
                        nx, ny = x + a1 * vx - a2 * vy, y + a1 * vy + a2 * vx
                        nvx, nvy = b1 * vx - b2 * vy, b1 * vy + b2 * vx
                    speed = math.sqrt(nvx * nvx + nvy * nvy)
                    if speed > 0.0:  # along the way and across it
                        cx, cy = nvx / speed, nvy / speed
                        z0, z1 = cx * z0 - cy * z1, cy * z0 + cx * z1
                    nx, ny = nx + shared * z0 + alone * z2, ny + shared * z1 + alone * z3
                    nvx, nvy = nvx + drive * z0, nvy + drive * z1
                    meets = max(x, nx) >= west and min(x, nx) <= east and max(y, ny) >= south and min(y, ny) <= north
                    under = EMPTY_OUT
                    if meets and time + dt >= opens:
                        under = _ground(min(x, nx), max(x, nx), min(y, ny), max(y, ny), flat, mesh, kind)
                    if under != EMPTY_OUT:
                        left -= _over(
                            time, time + dt, x, y, nx, ny, fell, under == EMPTY_IN, limits, climb, flat, dots,
                            curvature, radii, edges, mesh, first, listed, kind, spans, heights, found, points, seed,
                            normals, times, places, s,
                        )  # fmt: skip
                    if falls:
                        heights[0, HEIGHT], heights[0, RATE], heights[0, AT] = fell, rises, time + dt
                    x, y, vx, vy = nx, ny, nvx, nvy
                    time, steps = time + dt, steps + 1
            time = until
            jump = points[s, row + 1] if change < tabled else fraction(mixed(key, 3))
            mode = _next_mode(mode, jump, prior)
            change += 1


@entry("void(f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1])")
def grounded(mean, covariance, centre, turn, out_mean, out_root):  # type: ignore[no-untyped-def]
    """States of n tracks in m modes along the ground and up from their feet, and lower roots of their covariances.

    mean: (n, m, 6), covariance: (n, m, 6, 6), in the plane.  centre: (n, 3).  turn: (n * 3, 3), east, north, up there
    in plane axes. Order of what comes out: east, north, their rates, height above the foot, its rate. A direction
    without variance, or with one below zero by rounding, gets none.
    """
    part, axis = (0, 0, 1, 1, 0, 1), (0, 1, 0, 1, 2, 2)
    half, local = np.empty((6, 6)), np.empty((6, 6))
    for n in range(mean.shape[0]):
        for m in range(mean.shape[1]):
            for i in range(6):
                value = 0.0
                for c in range(3):
                    at = mean[n, m, 3 * part[i] + c] - (centre[n, c] if part[i] == 0 else 0.0)
                    value += turn[3 * n + axis[i], c] * at
                out_mean[n, m, i] = value
                for j in range(6):
                    value = 0.0
                    for c in range(3):
                        value += turn[3 * n + axis[i], c] * covariance[n, m, 3 * part[i] + c, j]
                    half[i, j] = value
            for i in range(6):
                for j in range(6):
                    value = 0.0
                    for c in range(3):
                        value += half[i, 3 * part[j] + c] * turn[3 * n + axis[j], c]
                    local[i, j] = value
            for j in range(6):
                for i in range(j):
                    out_root[n, m, i, j] = 0.0
                for i in range(j, 6):
                    value = local[i, j]
                    for k in range(j):
                        value -= out_root[n, m, i, k] * out_root[n, m, j, k]
                    if i == j:
                        out_root[n, m, j, j] = math.sqrt(max(value, 0.0))
                    else:
                        diagonal = out_root[n, m, j, j]
                        out_root[n, m, i, j] = value / diagonal if diagonal > 0.0 else 0.0
