"""Sampled futures of one track, and where they run on a zone's map."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry, inner, leaf
from fusion.kernels.predict import coefficients, fall
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, DENSITY, DRAG, GRAVITY, LATERAL

SCALARS = 12  # what `coefficients` returns
FAR_M = 1e9  # off every map


@leaf
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


@inner
def _spread(pp, pv, vv):  # type: ignore[no-untyped-def]
    """Lower Cholesky factor of the noise of one axis, driven through the velocity: (v), (p with v), (p alone)."""
    if vv <= 0.0:
        return 0.0, 0.0, math.sqrt(max(pp, 0.0))
    drive = math.sqrt(vv)
    shared = pv / drive
    return drive, shared, math.sqrt(max(pp - shared * shared, 0.0))


@inner
def _scalars(parameters, mode, speed, dt):  # type: ignore[no-untyped-def]
    return coefficients(
        parameters[mode, DENSITY], parameters[mode, LATERAL], parameters[mode, CLIMB_SIGMA],
        parameters[mode, CLIMB_TIME], speed, dt,
    )  # fmt: skip


@entry("void(f8[:,::1], i8[::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8[:,::1], f8[::1], f8, f8, f8[:,:,::1])")
def walk(start, first, wait, jump, noise, parameters, prior, rate, dt, path):  # type: ignore[no-untyped-def]
    """Move s sampled states over k steps of `dt` with the modes of `fusion.tracking.motion`, noise and switching
    included.

    start: (s, 6) east, north, height and their rates, along the ground and up from it.  first: (s,) modes.
    wait, jump, noise: `fusion.prediction.samples.Samples`.  parameters, prior, rate: `Motions`.  path: (s, k + 1, 3),
    filled with east, north, height. The mode of a step is that at its middle.
    """
    modes, jumps = prior.size, wait.shape[1]
    scalars, spread = np.empty((modes, SCALARS)), np.empty((modes, 6))
    for i in range(modes):
        row = _scalars(parameters, i, 1.0, dt)
        for j in range(SCALARS):
            scalars[i, j] = row[j]
        spread[i, 0], spread[i, 1], spread[i, 2] = _spread(row[6], row[7], row[8])
        spread[i, 3], spread[i, 4], spread[i, 5] = _spread(row[9], row[10], row[11])
        if parameters[i, GRAVITY] != 0.0:  # what falls is disturbed alike in every direction
            spread[i, 3], spread[i, 4], spread[i, 5] = spread[i, 0], spread[i, 1], spread[i, 2]
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
            if parameters[mode, GRAVITY] != 0.0:
                _, _, _, moved, (vx, vy, vh) = fall(
                    parameters[mode, DENSITY], parameters[mode, GRAVITY], parameters[mode, DRAG], vx, vy, vh,
                    0.0, 0.0, 1.0, dt,
                )  # fmt: skip
                x, y, h = x + moved[0], y + moved[1], h + moved[2]
            else:
                a1, a2, b1, b2 = scalars[mode, 0], scalars[mode, 1], scalars[mode, 3], scalars[mode, 4]
                if parameters[mode, LATERAL] != 0.0:  # how fast it turns depends on how fast it flies
                    row = _scalars(parameters, mode, math.sqrt(vx * vx + vy * vy), dt)
                    a1, a2, b1, b2 = row[0], row[1], row[3], row[4]
                x, y, h = x + a1 * vx - a2 * vy, y + a1 * vy + a2 * vx, h + scalars[mode, 2] * vh
                vx, vy, vh = b1 * vx - b2 * vy, b1 * vy + b2 * vx, scalars[mode, 5] * vh
            z = noise[s, k]
            drive, shared, alone = spread[mode, 0], spread[mode, 1], spread[mode, 2]
            x += shared * z[0] + alone * z[2]
            y += shared * z[1] + alone * z[3]
            h += spread[mode, 4] * z[4] + spread[mode, 5] * z[5]
            vx, vy, vh = vx + drive * z[0], vy + drive * z[1], vh + spread[mode, 3] * z[4]
            path[s, k + 1, 0], path[s, k + 1, 1], path[s, k + 1, 2] = x, y, h


@entry("void(f8[:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8[:,:,::1])")
def chart(path, frame, curvature, axes, radii, out):  # type: ignore[no-untyped-def]
    """Put paths on a zone's map: the twin, for many points, of `fusion.airspace.volumes.Volume.on_map`.

    path: (s, k, 3) east and north along the ground from the track's foot, and height.  frame: (3, 3) east, north, up
    there, earth-centred.  curvature: (2,) radii of the path's sphere, m.  axes, radii: of the volume. out: (3, s, k),
    filled with x and y on the map, and height. The cosine and the sine over its arc are series, within 3e-7 to 1 rad;
    what goes farther is put off the map.
    """
    dots = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            dots[i, j] = axes[i, 0] * frame[j, 0] + axes[i, 1] * frame[j, 1] + axes[i, 2] * frame[j, 2]
    per_east, per_north = 1.0 / curvature[0], 1.0 / curvature[1]
    for s in range(path.shape[0]):
        for k in range(path.shape[1]):
            east, north = path[s, k, 0] * per_east, path[s, k, 1] * per_north
            q = east * east + north * north
            if q > 1.0:  # a sixth of the way round the earth: no zone is asked about what goes there
                out[0, s, k], out[1, s, k], out[2, s, k] = FAR_M, FAR_M, path[s, k, 2]
                continue
            cos = 1.0 - q * (1 / 2) * (1.0 - q * (1 / 12) * (1.0 - q * (1 / 30) * (1.0 - q * (1 / 56))))
            arc = 1.0 - q * (1 / 6) * (1.0 - q * (1 / 20) * (1.0 - q * (1 / 42) * (1.0 - q * (1 / 72))))
            east, north = arc * east, arc * north
            x = dots[0, 0] * east + dots[0, 1] * north + dots[0, 2] * cos
            y = dots[1, 0] * east + dots[1, 1] * north + dots[1, 2] * cos
            w = dots[2, 0] * east + dots[2, 1] * north + dots[2, 2] * cos
            stretch = math.sqrt(2.0 / max(1.0 + w, 1e-6))
            out[0, s, k] = radii[0] * stretch * x
            out[1, s, k] = radii[1] * stretch * y
            out[2, s, k] = path[s, k, 2]
