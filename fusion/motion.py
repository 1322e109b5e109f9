"""How objects move: every motion mode, defined once, from physical parameters.

A mode moves the state x = [position, velocity] over dt by

    position += A velocity,  velocity = B velocity,
    A = a1 (I - u uᵀ) + a2 [u]× + a3 u uᵀ,   B = b1 (I - u uᵀ) + b2 [u]× + b3 u uᵀ

with u the vertical at the object: horizontally a nearly constant velocity or a coordinated turn, vertically a
climb rate that relaxes to level flight. `coefficients` gives the scalars; the compiled kernels compile that
very function, so there is no second definition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fusion.config import TrackerConfig
from fusion.types import Floats

CRUISE_SHARE = 0.02  # cruise is disturbed by this part of the agility: gusts and small corrections
MANOEUVRE_SHARE = 0.5  # an unsteered mode wide enough to hold any manoeuvre up to about twice this
TURN_SHARE = 0.7  # a hard turn is flown near what the object can do; gentler ones lie between it and cruise
TURN_NOISE_SHARE = 0.06  # real turns are not flown at one rate
NOISE_TIME_S = 1.0  # over which the disturbing acceleration stays correlated: q = 2 sigma² tau
MAX_TURN_RATE_RADPS = math.radians(30.0)  # the design's cap; slower objects turn no faster
CLIMB_TIME_S = 60.0  # a climb lasts about so long
SWITCH_TIME_S = 20.0  # the memory of the mode chain: 1 / beta of the equal-input chain below
CRUISE_PRIOR = 0.8  # the part of the time an object spends in cruise

# Columns of `Motions.parameters`.
DENSITY, LATERAL, CLIMB_SIGMA, CLIMB_TIME = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class Motions:
    """The modes in use.

    names: (m,).  prior: (m,) stationary probabilities.  rate_per_s: beta of the mode chain.
    parameters: (m, 4): horizontal spectral density (m²/s³), lateral acceleration (m/s², left positive),
    stationary climb sigma (m/s), climb relaxation time (s).
    """

    names: tuple[str, ...]
    prior: Floats
    rate_per_s: float
    parameters: Floats

    @classmethod
    def of(cls, config: TrackerConfig) -> Motions:
        agility, climb = config.agility_mps2, config.initial_climb_mps
        names: list[str] = []
        rows: list[tuple[float, float, float, float]] = []
        for motion in config.motions:
            for name, share, lateral in {
                "cruise": [("cruise", CRUISE_SHARE, 0.0)],
                "manoeuvre": [("manoeuvre", MANOEUVRE_SHARE, 0.0)],
                "turn": [
                    ("turn_left", TURN_NOISE_SHARE, TURN_SHARE * agility),
                    ("turn_right", TURN_NOISE_SHARE, -TURN_SHARE * agility),
                ],
            }[motion]:
                names.append(name)
                rows.append((2.0 * (share * agility) ** 2 * NOISE_TIME_S, lateral, climb, CLIMB_TIME_S))
        return cls(tuple(names), _prior(names), 1.0 / SWITCH_TIME_S, np.array(rows))

    def transition(self, dt: float) -> Floats:
        """P(mode j after dt | mode i now), (m, m).

        The equal-input chain (Felsenstein 1981, eq. 3): on leaving, the next mode is drawn from the prior. Its
        matrices compose exactly, so the frame interval does not change the model.
        """
        keep = math.exp(-self.rate_per_s * dt)
        return keep * np.eye(len(self.names)) + (1.0 - keep) * self.prior[None, :]

    def matrices(self, mode: int, state: Floats, up: Floats, dt: float) -> tuple[Floats, Floats]:
        """F and Q of one mode over `dt`: (n, 6, 6) each, for (n, 6) states and (n, 3) verticals, plane axes."""
        n = len(state)
        transition, noise = np.zeros((n, 6, 6)), np.zeros((n, 6, 6))
        parameters = self.parameters[mode]
        for i in range(n):
            vx, vy, vz = state[i, 3], state[i, 4], state[i, 5]
            ux, uy, uz = up[i]
            climb = vx * ux + vy * uy + vz * uz
            speed = math.sqrt(max(vx * vx + vy * vy + vz * vz - climb * climb, 0.0))
            a1, a2, a3, b1, b2, b3, h11, h12, h22, v11, v12, v22 = coefficients(
                parameters[0], parameters[1], parameters[2], parameters[3], speed, dt
            )
            vertical = np.multiply.outer(up[i], up[i])
            flat = np.eye(3) - vertical
            cross = np.array([[0.0, -uz, uy], [uz, 0.0, -ux], [-uy, ux, 0.0]])
            transition[i, :3, :3] = np.eye(3)
            transition[i, :3, 3:] = a1 * flat + a2 * cross + a3 * vertical
            transition[i, 3:, 3:] = b1 * flat + b2 * cross + b3 * vertical
            noise[i, :3, :3] = h11 * flat + v11 * vertical
            noise[i, :3, 3:] = noise[i, 3:, :3] = h12 * flat + v12 * vertical
            noise[i, 3:, 3:] = h22 * flat + v22 * vertical
        return transition, noise


def coefficients(
    density: float, lateral: float, climb_sigma: float, climb_time: float, speed: float, dt: float
) -> tuple[float, float, float, float, float, float, float, float, float, float, float, float]:
    """The scalars of F (a1 a2 a3 b1 b2 b3) and Q (horizontal and vertical: pp, pv, vv) of one mode over `dt`.

    Turn at a known rate: Bar-Shalom, Li, Kirubarajan (2001), eq. 11.7.1-2. White-noise acceleration: eq. 6.2.2-4.
    Relaxing climb rate: the Ornstein-Uhlenbeck process, Singer (1970), eq. 17, one order lower.
    Plain scalars and branches only: the kernels compile this function.
    """
    if lateral == 0.0 or dt == 0.0:
        a1, a2, b1, b2 = dt, 0.0, 1.0, 0.0
    else:
        rate = abs(lateral) / max(speed, 1e-3)
        rate = math.copysign(min(rate, MAX_TURN_RATE_RADPS), lateral)
        angle = rate * dt
        b1, b2 = math.cos(angle), math.sin(angle)
        a1, a2 = b2 / rate, (1.0 - b1) / rate
    step = dt / climb_time
    b3 = math.exp(-step)
    a3 = climb_time * (1.0 - b3)
    variance = climb_sigma * climb_sigma
    v22 = variance * (1.0 - b3 * b3)
    v12 = variance * climb_time * (1.0 - b3) * (1.0 - b3)
    if step < 0.01:  # the closed form loses its digits to cancellation here; the series is within 1e-9
        series = 2.0 / 3.0 - step * (0.5 - step * (7.0 / 30.0 - step / 12.0))
        v11 = variance * climb_time * climb_time * step**3 * series
    else:
        v11 = variance * climb_time * climb_time * (2.0 * step - 3.0 + 4.0 * b3 - b3 * b3)
    h11, h12, h22 = density * dt * dt * dt / 3.0, density * dt * dt / 2.0, density * dt
    return a1, a2, a3, b1, b2, b3, h11, h12, h22, v11, v12, v22


def _prior(names: list[str]) -> Floats:
    if "cruise" not in names or len(names) == 1:
        return np.full(len(names), 1.0 / len(names))
    others = (1.0 - CRUISE_PRIOR) / (len(names) - 1)
    return np.array([CRUISE_PRIOR if name == "cruise" else others for name in names])
