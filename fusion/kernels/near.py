"""Which tracks are so near each other that they may be one object: a sweep from west to east."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import apart, entry
from fusion.kernels.reach import place_at

SHARPEST_M = 0.01  # standard deviation, each axis: two tracks may agree to the last bit


@apart
def _distance(place, spread, i, j, gate):  # type: ignore[no-untyped-def]
    """Normalised distance squared by the sum of both covariances, L D Lᵀ; infinite where one axis alone is beyond."""
    x, y, z = place[j, 0] - place[i, 0], place[j, 1] - place[i, 1], place[j, 2] - place[i, 2]
    xx, yy, zz = spread[i, 0] + spread[j, 0], spread[i, 3] + spread[j, 3], spread[i, 5] + spread[j, 5]
    if x * x > gate * xx or y * y > gate * yy or z * z > gate * zz:
        return math.inf
    xy, xz, yz = spread[i, 1] + spread[j, 1], spread[i, 2] + spread[j, 2], spread[i, 4] + spread[j, 4]
    d1 = max(yy - xy * xy / xx, 1e-12 * yy)
    l21 = (yz - xy * xz / xx) / d1
    d2 = max(zz - xz * xz / xx - l21 * l21 * d1, 1e-12 * zz)
    u = y - xy / xx * x
    v = z - xz / xx * x - l21 * u
    return x * x / xx + u * u / d1 + v * v / d2


@entry("i8[:,::1](i8[::1], i8, i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8)")
def near(rows, now_ns, time_ns, weight, mean, covariance, gate):  # type: ignore[no-untyped-def]
    """Pairs of places in `rows` (p, 2) whose normalised distance squared is at most `gate`, at `now_ns`.

    Places carried straight on; their difference by the sum of their covariances, as of two tracks that know nothing of
    each other: what two tracks of one object know in common makes it smaller than that, never larger.
    """
    n = rows.size
    place, spread, reach = np.empty((n, 3)), np.empty((n, 6)), np.empty(n)
    for i in range(n):
        dt = (now_ns - time_ns[rows[i]]) * 1e-9
        (x, y, z, _, _, _), (xx, xy, xz, yy, yz, zz) = place_at(weight, mean, covariance, rows[i], dt)
        place[i, 0], place[i, 1], place[i, 2] = x, y, z
        sharpest = SHARPEST_M**2
        spread[i, 0], spread[i, 3], spread[i, 5] = xx + sharpest, yy + sharpest, zz + sharpest
        spread[i, 1], spread[i, 2], spread[i, 4] = xy, xz, yz
        reach[i] = math.sqrt(gate * spread[i, 0])
    order = np.argsort(place[:, 0] - reach, kind="mergesort")
    found, count = np.empty((n, 2), np.int64), 0
    for a in range(n):
        i = order[a]
        for b in range(a + 1, n):
            j = order[b]
            if place[j, 0] - reach[j] > place[i, 0] + reach[i]:
                break
            if _distance(place, spread, i, j, gate) > gate:
                continue
            if count == found.shape[0]:
                more = np.empty((2 * count + 2, 2), np.int64)
                for k in range(count):
                    more[k, 0], more[k, 1] = found[k, 0], found[k, 1]
                found = more
            found[count, 0], found[count, 1] = min(i, j), max(i, j)
            count += 1
    return found[:count].copy()
