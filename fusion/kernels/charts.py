"""From the ground round a track to the map of a volume and to the cells of its mesh."""

from __future__ import annotations

import math

from fusion.kernels.jit import leaf
from fusion.kernels.mesh import EMPTY_OUT, MIXED
from fusion.kernels.paths import FAR_M

MOST_UNDER = 16.0  # cells, half-width times half-height, that are looked through at once


@leaf
def placed(x, y, dots, curvature, radii):  # type: ignore[no-untyped-def]
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


@leaf
def bounds_of(box, axes, radii, frame, curvature, out):  # type: ignore[no-untyped-def]
    """The box of a volume's map as a box along the ground from the track's foot: out (4,), least and greatest.

    Sixteen points of its rim, Snyder (1987), eqs. 20-14, 20-15 and 24-16; between them the rim bulges by less than the
    margin. Infinite where a part lies so far off that `placed` puts it nowhere.
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


@leaf
def affine(bounds, mesh, dots, curvature, radii, flat):  # type: ignore[no-untyped-def]
    """The way from the ground to the cells of the mesh as an affine map about the middle of `bounds`: flat (7,).

    Its matrix (4), its offset (2), and by how many cells it is off at most within the bounds, with twice the error
    seen at their corners.
    """
    flat[6] = math.inf
    if not bounds[1] - bounds[0] < math.inf:
        return
    x, y = 0.5 * (bounds[0] + bounds[1]), 0.5 * (bounds[2] + bounds[3])
    dx, dy = 0.5 * (bounds[1] - bounds[0]), 0.5 * (bounds[3] - bounds[2])
    ax, ay = placed(x - dx, y, dots, curvature, radii)
    bx, by = placed(x + dx, y, dots, curvature, radii)
    cx, cy = placed(x, y - dy, dots, curvature, radii)
    ex, ey = placed(x, y + dy, dots, curvature, radii)
    mx, my = placed(x, y, dots, curvature, radii)
    flat[0], flat[1] = mesh[2] * (bx - ax) / (2.0 * dx), mesh[2] * (ex - cx) / (2.0 * dy)
    flat[2], flat[3] = mesh[3] * (by - ay) / (2.0 * dx), mesh[3] * (ey - cy) / (2.0 * dy)
    flat[4] = mesh[2] * (mx - mesh[0]) - flat[0] * x - flat[1] * y
    flat[5] = mesh[3] * (my - mesh[1]) - flat[2] * x - flat[3] * y
    worst = 0.0
    for i in range(4):
        px, py = x + (dx if i % 2 else -dx), y + (dy if i // 2 else -dy)
        ux, uy = placed(px, py, dots, curvature, radii)
        worst = max(worst, abs(flat[0] * px + flat[1] * py + flat[4] - mesh[2] * (ux - mesh[0])))
        worst = max(worst, abs(flat[2] * px + flat[3] * py + flat[5] - mesh[3] * (uy - mesh[1])))
    flat[6] = 2.0 * worst


@leaf
def ground(west, east, south, north, flat, mesh, kind):  # type: ignore[no-untyped-def]
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
