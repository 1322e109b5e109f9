"""Entries on one straight piece of a path: its ground track over the walls, its heights through floor and ceiling."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.chance import four, mixed
from fusion.kernels.charts import placed
from fusion.kernels.futures import quarter_turned
from fusion.kernels.jit import leaf
from fusion.kernels.mesh import cuts, within
from fusion.kernels.predict import coefficients
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME

FIRST_CLIMB = 7  # the first of two columns of the points
CALM, STEEP_M, CALM_MOST_S = 0.25, 2.0, 15.0  # of the relaxation time of the climb, a piece may last, or until its
# height is off the chord by so much, one sigma; at most
FLAT_M = 0.5  # by which the affine map may be off to be used for the exact one
TINY = 1e-12  # of a piece: crossings nearer each other are one
# Columns of what is kept of each height: itself, its rate, the time they are of, whether it is still out, draws so far,
# which of the modes flown it is in.
HEIGHT, RATE, AT, OUT, DRAWS, MODE = range(6)


@leaf
def climbed(heights, j, time, ends, flown, parameters, points, s, key, normals):  # type: ignore[no-untyped-def]
    """Bring height `j` to `time` by the exact transitions of the climbs of the modes flown until then.

    flown: the modes in order, ends: until when each lasts. Nothing where it is there already.
    """
    while heights[j, AT] < time:
        at = int(heights[j, MODE])
        if ends[at] <= heights[j, AT]:
            heights[j, MODE] += 1.0
            continue
        until = min(ends[at], time)
        _, _, a3, _, _, b3, _, _, _, pp, pv, vv = coefficients(
            1.0, 0.0, parameters[flown[at], CLIMB_SIGMA], parameters[flown[at], CLIMB_TIME], 1.0, until - heights[j, AT]
        )
        drive = math.sqrt(max(vv, 0.0))
        shared = pv / drive if drive > 0.0 else 0.0
        if heights[j, DRAWS] == 0.0:
            z0, z1 = quarter_turned(points[s, FIRST_CLIMB], points[s, FIRST_CLIMB + 1], j)
        else:
            z0, z1, _, _ = four(mixed(key, 4096 * (j + 1) + np.int64(heights[j, DRAWS])), normals)
        heights[j, HEIGHT] += a3 * heights[j, RATE] + shared * z0 + math.sqrt(max(pp - shared * shared, 0.0)) * z1
        heights[j, RATE] = b3 * heights[j, RATE] + drive * z0
        heights[j, AT] = until
        heights[j, DRAWS] += 1.0


@leaf
def calm_time(parameters, mode):  # type: ignore[no-untyped-def]
    """How long a piece may last for the climb of a mode to be straight enough, s."""
    relaxing, sigma = parameters[mode, CLIMB_TIME], parameters[mode, CLIMB_SIGMA]
    noise = 2.0 * sigma * sigma / relaxing
    quiet = math.sqrt(192.0 * STEEP_M * STEEP_M / noise) ** (2.0 / 3.0) if noise > 0.0 else math.inf
    return min(max(CALM * relaxing, quiet), CALM_MOST_S)


@leaf
def over(  # type: ignore[no-untyped-def]
    ta, tb, ax, ay, bx, by, fell, sure, limits, ends, flown, parameters, flat, dots, curvature, radii, edges, mesh,
    first, listed, kind, spans, heights, found, points, key, normals, times, places, s,
):  # fmt: skip
    """Look for entries on a straight piece of a path, from a at `ta` to b at `tb`. Returns how many heights enter.

    fell: the height at b of what falls, NaN where it flies by `ends`, `flown` (see `climbed`).  sure: it is known to
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
            ux, uy = placed(ax, ay, dots, curvature, radii)
            vx, vy = placed(bx, by, dots, curvature, radii)
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
                        climbed(heights, j, begin, ends, flown, parameters, points, s, key, normals)
                        h0 = heights[j, HEIGHT]
                        h1 = h0
                        if not limits[0] <= h0 <= limits[1]:
                            climbed(heights, j, end, ends, flown, parameters, points, s, key, normals)
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
