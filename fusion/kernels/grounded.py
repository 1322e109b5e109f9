"""Tracks as seen from their own feet, with roots of their covariances."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry


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
