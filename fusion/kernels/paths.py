"""Sampled futures of one track, and where they run on a zone's map."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fusion.kernels.predict import coefficients

SCALARS = 12  # what `coefficients` returns


@njit
def _next_mode(mode, u, prior):  # type: ignore[no-untyped-def]
    """The mode after a change, drawn from the prior of the others by the uniform `u`."""
    left = u * (1.0 - prior[mode])
    last = mode
    for j in range(prior.size):
        if j != mode:
            last = j
            left -= prior[j]
            if left < 0.0:
                break
    return last


@njit
def _spread(pp, pv, vv):  # type: ignore[no-untyped-def]
    """Lower Cholesky factor of the noise of one axis, driven through the velocity: (v), (p with v), (p alone)."""
    if vv <= 0.0:
        return 0.0, 0.0, math.sqrt(max(pp, 0.0))
    drive = math.sqrt(vv)
    shared = pv / drive
    return drive, shared, math.sqrt(max(pp - shared * shared, 0.0))


@njit(
    "void(f8[:,::1], i8[::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8[:,::1], f8[::1], f8, f8, f8[:,:,::1])",
    cache=True,
)
def walk(start, first, wait, jump, noise, parameters, prior, rate, dt, path):  # type: ignore[no-untyped-def]
    """Move s sampled states over k steps of `dt` with the modes of `fusion.motion`, noise and switching included.

    start: (s, 6) east, north, height and their rates, along the ground and up from it.  first: (s,) modes.
    wait, jump, noise: `fusion.samples.Samples`.  parameters, prior, rate: `Motions`.  path: (s, k + 1, 3), filled
    with east, north, height. The mode of a step is that at its middle.
    """
    modes, jumps = prior.size, wait.shape[1]
    scalars = np.empty((modes, SCALARS))
    for i in range(modes):
        row = coefficients(parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3], 1.0, dt)
        for j in range(SCALARS):
            scalars[i, j] = row[j]
    for s in range(start.shape[0]):
        x, y, h = start[s, 0], start[s, 1], start[s, 2]
        vx, vy, vh = start[s, 3], start[s, 4], start[s, 5]
        path[s, 0, 0], path[s, 0, 1], path[s, 0, 2] = x, y, h
        mode, changes = first[s], 0
        change = wait[s, 0] / (rate * (1.0 - prior[mode])) if modes > 1 else math.inf
        for k in range(noise.shape[1]):
            while change <= (k + 0.5) * dt:
                mode = _next_mode(mode, jump[s, changes % jumps], prior)
                changes += 1
                change += wait[s, changes % jumps] / (rate * (1.0 - prior[mode]))
            a1, a2, b1, b2 = scalars[mode, 0], scalars[mode, 1], scalars[mode, 3], scalars[mode, 4]
            if parameters[mode, 1] != 0.0:  # how fast it turns depends on how fast it flies
                speed = math.sqrt(vx * vx + vy * vy)
                row = coefficients(
                    parameters[mode, 0], parameters[mode, 1], parameters[mode, 2], parameters[mode, 3], speed, dt
                )
                a1, a2, b1, b2 = row[0], row[1], row[3], row[4]
            z = noise[s, k]
            drive, shared, alone = _spread(scalars[mode, 6], scalars[mode, 7], scalars[mode, 8])
            x += a1 * vx - a2 * vy + shared * z[0] + alone * z[2]
            y += a1 * vy + a2 * vx + shared * z[1] + alone * z[3]
            vx, vy = b1 * vx - b2 * vy + drive * z[0], b1 * vy + b2 * vx + drive * z[1]
            drive, shared, alone = _spread(scalars[mode, 9], scalars[mode, 10], scalars[mode, 11])
            h += scalars[mode, 2] * vh + shared * z[4] + alone * z[5]
            vh = scalars[mode, 5] * vh + drive * z[4]
            path[s, k + 1, 0], path[s, k + 1, 1], path[s, k + 1, 2] = x, y, h


@njit("void(f8[:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8[:,:,::1])", cache=True)
def chart(path, frame, curvature, axes, radii, out):  # type: ignore[no-untyped-def]
    """Put paths on a zone's map: the twin, for many points, of `fusion.volumes.Volume.on_map`.

    path: (s, k, 3) east and north along the ground from the track's foot, and height.  frame: (3, 3) east, north, up
    there, earth-centred.  curvature: (2,) radii of the path's sphere, m.  axes, radii: of the volume.
    out: (s, k, 3), filled with x, y on the map, and height. The cosine and the sine over its arc are series, within 2e-8 to
    0.5 rad (3000 km).
    """
    dots = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            dots[i, j] = (
                axes[i, 0] * frame[j, 0] + axes[i, 1] * frame[j, 1] + axes[i, 2] * frame[j, 2]
            )
    for s in range(path.shape[0]):
        for k in range(path.shape[1]):
            east, north = path[s, k, 0] / curvature[0], path[s, k, 1] / curvature[1]
            q = east * east + north * north
            cos = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0)))
            arc = 1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0)))
            east, north = arc * east, arc * north
            x = dots[0, 0] * east + dots[0, 1] * north + dots[0, 2] * cos
            y = dots[1, 0] * east + dots[1, 1] * north + dots[1, 2] * cos
            w = dots[2, 0] * east + dots[2, 1] * north + dots[2, 2] * cos
            stretch = math.sqrt(2.0 / max(1.0 + w, 1e-6))
            out[s, k, 0], out[s, k, 1], out[s, k, 2] = radii[0] * stretch * x, radii[1] * stretch * y, path[s, k, 2]
