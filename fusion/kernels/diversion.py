"""Where tracks were expected, had they gone on as they flew, and how far off that they are."""

from __future__ import annotations

import numpy as np

from fusion.kernels.jit import entry
from fusion.kernels.predict import coefficients
from fusion.kernels.whitened import squared


@entry("void(f8[:,::1], f8[:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,:,::1], f8, f8, f8, f8, f8[::1])")
def departure(mean, spread, up, density, place, present, climb_sigma, climb_time, radius, dt, square):  # type: ignore[no-untyped-def]
    """Normalised distance squared of where tracks are from where they were expected `dt` seconds ago.

    mean (n, 6), spread (n, 6, 6), up (n, 3), density (n,): then, and the noise of the mode it was in.  place (n, 3),
    present (n, 6, 6): now.  radius: m, of the earth, which who flies level follows.  square: (n,), filled.
    """
    a1, _, a3, _, _, _, _, _, _, v11, _, _ = coefficients(0.0, 0.0, climb_sigma, climb_time, 1.0, dt)
    off, total, carried = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    for n in range(mean.shape[0]):
        climb = mean[n, 3] * up[n, 0] + mean[n, 4] * up[n, 1] + mean[n, 5] * up[n, 2]
        along = 0.0
        for i in range(3):
            along += (mean[n, 3 + i] - climb * up[n, i]) ** 2
        drop = along * dt * dt / (2.0 * radius)
        level = density[n] * dt * dt * dt / 3.0
        for i in range(3):
            moved = a1 * (mean[n, 3 + i] - climb * up[n, i]) + (a3 * climb - drop) * up[n, i]
            off[i] = place[n, i] - mean[n, i] - moved
            for j in range(3):
                carried[i, j] = a1 * (1.0 if i == j else 0.0) + (a3 - a1) * up[n, i] * up[n, j]
        for i in range(3):
            for j in range(3):
                across = up[n, i] * up[n, j]
                total[i, j] = spread[n, i, j] + present[n, i, j]
                total[i, j] += level * ((1.0 if i == j else 0.0) - across) + v11 * across
                for k in range(3):
                    total[i, j] += carried[i, k] * spread[n, 3 + k, j] + spread[n, i, 3 + k] * carried[j, k]
                    for m in range(3):
                        total[i, j] += carried[i, k] * spread[n, 3 + k, 3 + m] * carried[j, m]
        square[n] = squared(off, total)
