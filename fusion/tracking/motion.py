"""How objects move: every motion mode, defined once, from physical parameters.

A mode moves the state x = [position, velocity] over dt by

    position += A velocity,  velocity = B velocity,
    A = a1 (I - u uᵀ) + a2 [u]× + a3 u uᵀ,   B = b1 (I - u uᵀ) + b2 [u]× + b3 u uᵀ

with u the vertical at the object: horizontally a nearly constant velocity or a coordinated turn, vertically a
climb rate that relaxes to level flight. What falls moves in the same form about another axis, the direction of its
flight, and is pushed by gravity besides. `coefficients` and `fall` give the scalars; the compiled kernels compile
these very functions, so there is no second definition.
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
TURN_NOISE_SHARE = 0.2  # turns are flown at banks from 15 to 60°: one rate, and noise for all others
NOISE_TIME_S = 1.0  # over which the disturbing acceleration stays correlated: q = 2 sigma² tau
MAX_TURN_RATE_RADPS = math.radians(30.0)  # the design's cap; slower objects turn no faster
CLIMB_TIME_S = 60.0  # a climb lasts about so long
SWITCH_TIME_S = 20.0  # the memory of the mode chain: 1 / beta of the equal-input chain below
CRUISE_PRIOR = 0.8  # the part of the time an object spends in cruise
FALL_NOISE_SHARE = 0.05  # what falls steers no more: it tumbles, and its drag is known roughly
FALL_PRIOR = 0.01  # an object falls once, at the end, and for half a minute of an hour
GRAVITY_MPS2 = 9.80665  # standard; normal gravity is within 0.3 % at any latitude: a tenth of the mode's own noise

# Columns of `Motions.parameters`.
DENSITY, LATERAL, CLIMB_SIGMA, CLIMB_TIME, GRAVITY, DRAG = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class Motions:
    """The modes in use.

    names: (m,).  prior: (m,) stationary probabilities.  rate_per_s: beta of the mode chain.
    parameters: (m, 6): horizontal spectral density (m²/s³), lateral acceleration (m/s², left positive),
    stationary climb sigma (m/s), climb relaxation time (s), gravity (m/s², 0 for what flies), drag (1/m).
    """

    names: tuple[str, ...]
    prior: Floats
    rate_per_s: float
    parameters: Floats

    @classmethod
    def of(cls, config: TrackerConfig) -> Motions:
        agility, climb = config.agility_mps2, config.initial_climb_mps
        names: list[str] = []
        rows: list[tuple[float, ...]] = []
        for motion in config.motions:
            for name, share, lateral in {
                "cruise": [("cruise", CRUISE_SHARE, 0.0)],
                "manoeuvre": [("manoeuvre", MANOEUVRE_SHARE, 0.0)],
                "turn": [
                    ("turn_left", TURN_NOISE_SHARE, TURN_SHARE * agility),
                    ("turn_right", TURN_NOISE_SHARE, -TURN_SHARE * agility),
                ],
                "ballistic": [("ballistic", FALL_NOISE_SHARE, 0.0)],
            }[motion]:
                falls = (GRAVITY_MPS2, config.ballistic_drag_per_m) if motion == "ballistic" else (0.0, 0.0)
                names.append(name)
                rows.append((2.0 * (share * agility) ** 2 * NOISE_TIME_S, lateral, climb, CLIMB_TIME_S, *falls))
        return cls(tuple(names), _prior(names), 1.0 / SWITCH_TIME_S, np.array(rows))

    def transition(self, dt: float) -> Floats:
        """P(mode j after dt | mode i now), (m, m).

        The equal-input chain (Felsenstein 1981, eq. 3): on leaving, the next mode is drawn from the prior. Its
        matrices compose exactly, so the frame interval does not change the model.
        """
        keep = math.exp(-self.rate_per_s * dt)
        return keep * np.eye(len(self.names)) + (1.0 - keep) * self.prior[None, :]

    def matrices(self, mode: int, state: Floats, up: Floats, dt: float) -> tuple[Floats, Floats, Floats]:
        """F, Q and c of one mode over `dt`, x' = F x + c: (n, 6, 6), (n, 6, 6), (n, 6).

        For (n, 6) states and (n, 3) verticals, plane axes. c is what gravity and drag do beyond F.
        """
        n = len(state)
        transition, noise, push = np.zeros((n, 6, 6)), np.zeros((n, 6, 6)), np.zeros((n, 6))
        density, lateral, climb_sigma, climb_time, gravity, drag = self.parameters[mode].tolist()
        for i in range(n):
            vx, vy, vz = state[i, 3:].tolist()
            ux, uy, uz = up[i].tolist()
            if gravity:
                axis, (a1, a3, b1, b3), (h11, h12, h22), carried, pulled = fall(
                    density, gravity, drag, vx, vy, vz, ux, uy, uz, dt
                )
                a2, b2, v11, v12, v22 = 0.0, 0.0, h11, h12, h22
            else:
                climb = vx * ux + vy * uy + vz * uz
                speed = math.sqrt(max(vx * vx + vy * vy + vz * vz - climb * climb, 0.0))
                axis = ux, uy, uz
                a1, a2, a3, b1, b2, b3, h11, h12, h22, v11, v12, v22 = coefficients(
                    density, lateral, climb_sigma, climb_time, speed, dt
                )
            along = np.multiply.outer(axis, axis)
            flat = np.eye(3) - along
            cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
            transition[i, :3, :3] = np.eye(3)
            transition[i, :3, 3:] = a1 * flat + a2 * cross + a3 * along
            transition[i, 3:, 3:] = b1 * flat + b2 * cross + b3 * along
            noise[i, :3, :3] = h11 * flat + v11 * along
            noise[i, :3, 3:] = noise[i, 3:, :3] = h12 * flat + v12 * along
            noise[i, 3:, 3:] = h22 * flat + v22 * along
            if gravity:
                moved = (transition[i, :, 3:] * state[i, 3:]).sum(axis=1)
                push[i] = np.array([*carried, *pulled]) - moved
        return transition, noise, push


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


def fall(
    density: float, gravity: float, drag: float, vx: float, vy: float, vz: float, ux: float, uy: float, uz: float,
    dt: float,
) -> tuple[
    tuple[float, float, float], tuple[float, float, float, float], tuple[float, float, float],
    tuple[float, float, float], tuple[float, float, float],
]:  # fmt: skip
    """A body with velocity v under gravity g along -u and the drag -k |v| v, over `dt`.

    Returns the axis of F; a1, a3, b1, b3 of F; pp, pv, vv of Q, alike in every direction; by how much the position
    changes, and the velocity afterwards. With the speed s of the middle of the step taken for the whole of it (the
    midpoint method: an error of third order in dt; none without drag), v' = -k s v - g u has the closed solution
    that moves the mean. F is the derivative of the true drag, d(|v| v)/dv = |v| (I + w wᵀ) with w = v / |v|: along
    the flight it slows twice as fast. Plain scalars and branches only: the kernels compile this function.
    """
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    slow, half = math.exp(-0.5 * dt * drag * speed), 0.5 * dt * gravity
    wx, wy, wz = slow * vx - half * ux, slow * vy - half * uy, slow * vz - half * uz
    speed = math.sqrt(wx * wx + wy * wy + wz * wz)
    if speed > 0.0:
        wx, wy, wz = wx / speed, wy / speed, wz / speed
    else:
        wx, wy, wz = ux, uy, uz
    x = drag * speed * dt
    b1, b3 = math.exp(-x), math.exp(-2.0 * x)
    if x < 0.01:  # the closed forms lose their digits to cancellation here; the series are within 1e-11
        a1 = dt * (1.0 - x * (1.0 / 2.0 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x / 120.0))))
        y = 2.0 * x
        a3 = dt * (1.0 - y * (1.0 / 2.0 - y * (1.0 / 6.0 - y * (1.0 / 24.0 - y / 120.0))))
        drop = gravity * dt * dt * (1.0 / 2.0 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x / 120.0)))
    else:
        a1, a3 = dt * (1.0 - b1) / x, 0.5 * dt * (1.0 - b3) / x
        drop = gravity * dt * (dt - a1) / x
    pull = gravity * a1
    return (
        (wx, wy, wz),
        (a1, a3, b1, b3),
        (density * dt * dt * dt / 3.0, density * dt * dt / 2.0, density * dt),
        (a1 * vx - drop * ux, a1 * vy - drop * uy, a1 * vz - drop * uz),
        (b1 * vx - pull * ux, b1 * vy - pull * uy, b1 * vz - pull * uz),
    )


def _prior(names: list[str]) -> Floats:
    flying = [name for name in names if name != "ballistic"]
    if not flying:
        return np.ones(1)
    if "cruise" not in flying or len(flying) == 1:
        share = dict.fromkeys(flying, 1.0 / len(flying))
    else:
        others = (1.0 - CRUISE_PRIOR) / (len(flying) - 1)
        share = {name: CRUISE_PRIOR if name == "cruise" else others for name in flying}
    left = 1.0 - FALL_PRIOR if "ballistic" in names else 1.0
    return np.array([left * share[name] if name in share else FALL_PRIOR for name in names])
