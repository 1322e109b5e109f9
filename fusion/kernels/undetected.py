"""The loops of `fusion.undetected`: a plan grid of intensities, relaxed, looked at, and read."""

from __future__ import annotations

import math

from fusion.kernels.jit import entry
from fusion.kernels.measure import wrap


@entry("void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8[::1])")
def density(position, low, step, intensity, resting, found):  # type: ignore[no-untyped-def]
    """Writes the intensity at plan positions (n, 3), objects a square metre: the resting one outside the grid."""
    side = int(math.sqrt(intensity.size))
    for i in range(position.shape[0]):
        a = math.floor((position[i, 0] - low[0]) / step[0])
        b = math.floor((position[i, 1] - low[1]) / step[1])
        found[i] = resting
        if 0 <= a < side and 0 <= b < side:
            found[i] = intensity[int(a) * side + int(b)]


@entry("void(f8[::1], f8[::1], f8, f8, f8, f8, f8, b1, f8[::1])")
def look(first, second, centre, half, low, high, missed, polar, intensity):  # type: ignore[no-untyped-def]
    """Multiply by `missed` what a look swept, in place.

    first, second: (cells,) azimuth and distance of each cell from the sensor, or right and forward where not polar.
    centre, half: of the swept azimuths, or their lowest and highest value; low, high: of the swept distances.
    """
    for c in range(intensity.size):
        if second[c] < low or second[c] > high:
            continue
        off = abs(wrap(first[c] - centre)) <= half if polar else centre <= first[c] <= half
        if off:
            intensity[c] *= missed
