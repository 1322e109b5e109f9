"""F, Q and the moved mean of many states at once: what `fusion.kernels.predict` does, written out for a smoother."""

from __future__ import annotations

import math

from fusion.kernels.earth import up_at
from fusion.kernels.jit import entry
from fusion.kernels.predict import _apply, _shape, coefficients, fall
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, DENSITY, DRAG, GRAVITY, LATERAL


@entry("void(f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[:,:,::1], f8[:,:,::1], f8[:,::1])")
def transitions(state, mode, dt, parameters, earth, matrix, noise, moved):  # type: ignore[no-untyped-def]
    """x' = F x + c and Q of `fusion.tracking.motion`, each of n states with its own mode and time.

    state: (n, 6) in the plane.  mode: (n,).  dt: (n,) s, not negative.  parameters: `Motions`.  earth: `Setting`.
    Fills matrix (n, 6, 6) with F, noise (n, 6, 6) with Q, moved (n, 6) with x'.
    """
    for k in range(state.shape[0]):
        j, step = mode[k], dt[k]
        vx, vy, vz = state[k, 3], state[k, 4], state[k, 5]
        ux, uy, uz = up_at(earth, state[k, 0], state[k, 1], state[k, 2])
        if parameters[j, GRAVITY] != 0.0:
            axis, (a1, a3, b1, b3), (h11, h12, h22), carried, pulled = fall(
                parameters[j, DENSITY], parameters[j, GRAVITY], parameters[j, DRAG], vx, vy, vz, ux, uy, uz, step
            )
            ux, uy, uz = axis
            shift, turn = _shape(a1, 0.0, a3, ux, uy, uz), _shape(b1, 0.0, b3, ux, uy, uz)
            v11, v12, v22 = h11, h12, h22
        else:
            climb = vx * ux + vy * uy + vz * uz
            speed = math.sqrt(max(vx * vx + vy * vy + vz * vz - climb * climb, 0.0))
            a1, a2, a3, b1, b2, b3, h11, h12, h22, v11, v12, v22 = coefficients(
                parameters[j, DENSITY], parameters[j, LATERAL], parameters[j, CLIMB_SIGMA], parameters[j, CLIMB_TIME],
                speed, step,
            )  # fmt: skip
            shift, turn = _shape(a1, a2, a3, ux, uy, uz), _shape(b1, b2, b3, ux, uy, uz)
            carried, pulled = _apply(shift, vx, vy, vz), _apply(turn, vx, vy, vz)
        near, shared, rates = _shape(h11, 0.0, v11, ux, uy, uz), _shape(h12, 0.0, v12, ux, uy, uz), _shape(
            h22, 0.0, v22, ux, uy, uz
        )  # fmt: skip
        for a in range(3):
            moved[k, a], moved[k, 3 + a] = state[k, a] + carried[a], pulled[a]
            for b in range(3):
                matrix[k, a, b], matrix[k, 3 + a, b] = 1.0 if a == b else 0.0, 0.0
                matrix[k, a, 3 + b], matrix[k, 3 + a, 3 + b] = shift[3 * a + b], turn[3 * a + b]
                noise[k, a, b], noise[k, 3 + a, 3 + b] = near[3 * a + b], rates[3 * a + b]
                noise[k, a, 3 + b] = noise[k, 3 + a, b] = shared[3 * a + b]
