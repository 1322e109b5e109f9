"""The loops of `fusion.tracking.undetected`: a plan grid of intensities, read and thinned.

A cell's intensity is resting + kept × off.
"""

from __future__ import annotations

import math

from fusion.kernels.jit import entry


@entry("void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8, f8[::1])")
def density(position, low, step, off, kept, resting, found):  # type: ignore[no-untyped-def]
    """Writes the intensity at plan positions (n, 3), objects a square metre: the resting one outside the grid."""
    side = int(math.sqrt(off.size))
    for i in range(position.shape[0]):
        a = math.floor((position[i, 0] - low[0]) / step[0])
        b = math.floor((position[i, 1] - low[1]) / step[1])
        found[i] = resting
        if 0 <= a < side and 0 <= b < side:
            found[i] = resting + kept * off[int(a) * side + int(b)]


@entry("void(i8[::1], f8, f8, f8, f8[::1])")
def thin(cells, missed, resting, kept, off):  # type: ignore[no-untyped-def]
    """Multiply the intensity of these cells by `missed`, in place."""
    for c in cells:
        off[c] = ((resting + kept * off[c]) * missed - resting) / kept
