"""One Gaussian a track, turned into east, north, up at the object."""

from __future__ import annotations

import numpy as np

from fusion.kernels.jit import entry
from fusion.kernels.reach import moments


@entry("void(f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,:,::1])")
def summarise(weight, mean, covariance, centre, spread):  # type: ignore[no-untyped-def]
    """Mean (n, 6) and covariance (n, 6, 6) of each track's mixture over modes, in plane axes."""
    for row in range(weight.shape[0]):
        moments(weight, mean, covariance, row, centre[row], spread[row])
        for a in range(1, 6):
            for b in range(a):
                spread[row, a, b] = spread[row, b, a]


@entry("void(f8[:,:,::1], f8[:,:,::1], f8[:,::1])")
def turn(spread, axes, triangle):  # type: ignore[no-untyped-def]
    """(n, 6, 6) in plane axes to the upper triangle (n, 21) in `axes` (n, 3, 3), rows east, north, up."""
    half, turned = np.empty((6, 6)), np.empty((6, 6))
    for row in range(spread.shape[0]):
        for a in range(6):
            for b in range(6):
                value = 0.0
                for k in range(3):
                    value += axes[row, a % 3, k] * spread[row, 3 * (a // 3) + k, b]
                half[a, b] = value
        for a in range(6):
            for b in range(6):
                value = 0.0
                for k in range(3):
                    value += half[a, 3 * (b // 3) + k] * axes[row, b % 3, k]
                turned[a, b] = value
        place = 0
        for a in range(6):
            for b in range(a, 6):
                triangle[row, place] = turned[a, b]
                place += 1
