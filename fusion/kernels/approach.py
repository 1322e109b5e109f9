"""How near drawn paths come to a volume, and where most of them enter."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry, inner
from fusion.kernels.paths import chart

FINER = 8  # parts of the two steps beside the nearest point that are looked at


@inner
def _away(x, y, height, limits, box, edges, best):  # type: ignore[no-untyped-def]
    """From a point of the map to the volume, m, 0 inside; `best` where it is not less."""
    gap = max(max(limits[0] - height, height - limits[1]), 0.0)
    dx, dy = max(max(box[0] - x, x - box[1]), 0.0), max(max(box[2] - y, y - box[3]), 0.0)
    if gap * gap + dx * dx + dy * dy >= best * best:
        return best
    least, inside = math.inf, False
    for e in range(edges.shape[0]):
        ex, ey = edges[e, 2] - edges[e, 0], edges[e, 3] - edges[e, 1]
        ox, oy = x - edges[e, 0], y - edges[e, 1]
        part = min(max((ox * ex + oy * ey) / (ex * ex + ey * ey), 0.0), 1.0)
        px, py = ox - part * ex, oy - part * ey
        least = min(least, px * px + py * py)
        if (edges[e, 1] > y) != (edges[e, 3] > y) and ox < oy / ey * ex:
            inside = not inside
    return min(best, math.sqrt((0.0 if inside else least) + gap * gap))


@entry("void(f8[:,:,::1], f8, f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8[::1], f8[::1], f8[:,::1], f8[:,::1])")
def approach(path, dt, frame, curvature, axes, radii, limits, box, edges, out):  # type: ignore[no-untyped-def]
    """The least distance of each path to a volume, m, and when that is, s: out (2, s).

    path: (s, k + 1, 3), points `dt` apart.  frame, curvature: `fusion.prediction.paths.Fan`.  axes, radii, limits
    (floor, ceiling), box, edges: of the volume.
    """
    points = np.empty((3, path.shape[0], path.shape[1]))
    chart(path, frame, curvature, axes, radii, points)
    last = path.shape[1] - 1
    for s in range(path.shape[0]):
        best, at = math.inf, 0
        for k in range(last + 1):
            away = _away(points[0, s, k], points[1, s, k], points[2, s, k], limits, box, edges, best)
            if away < best:
                best, at = away, k
        time = at * dt
        for i in range(2 * FINER):
            k, part = max(at - 1, 0) + i // FINER, (i % FINER) / FINER
            if k >= last or best == 0.0:
                break
            x = points[0, s, k] + part * (points[0, s, k + 1] - points[0, s, k])
            y = points[1, s, k] + part * (points[1, s, k + 1] - points[1, s, k])
            height = points[2, s, k] + part * (points[2, s, k + 1] - points[2, s, k])
            away = _away(x, y, height, limits, box, edges, best)
            if away < best:
                best, time = away, (k + part) * dt
        out[0, s], out[1, s] = best, time


@entry("i8(f8[:,::1], f8)")
def densest(points, width):  # type: ignore[no-untyped-def]
    """Which of points (n, 3) has most others round it, by Cauchy kernels of the square `width`."""
    best, most = 0, -1.0
    for i in range(points.shape[0]):
        density = 0.0
        for j in range(points.shape[0]):
            dx, dy, dz = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            density += width / (width + dx * dx + dy * dy + dz * dz)
        if density > most:
            best, most = i, density
    return best
