"""The iterated update in filterpy: the readable twin of `fusion.kernels.iterate`, for the reference engine."""

from __future__ import annotations

import math

import numpy as np
from filterpy.kalman import KalmanFilter

from fusion.geodesy import Plane
from fusion.tracking.sensors import Placement, measure
from fusion.types import AZIMUTH, ELEVATION, RANGE, Floats, Ints

VAGUE_RAD2 = 1.0  # as in kernels.evaluate
MOST_PASSES, SETTLED_SIGMA, LEAST_STEP, BEND_STEP = 12, 0.03, 0.125, 1e-3  # as in kernels.iterate
Told = tuple[int, float, float]  # component, value, sigma


class Meeting:
    """One Gaussian and one detection at another time: ahead carries a state on to it; drifted: m², what it may do."""

    def __init__(self, dt: float, drifted: float, placement: Placement, plane: Plane) -> None:
        self.dt, self.drifted, self.placement, self._plane = dt, drifted, placement, plane
        self.ahead = np.eye(6)
        self.ahead[:3, 3:] = dt * np.eye(3)

    def measure(self, code: int, point: Floats) -> tuple[float, Floats]:
        """h(p + v dt) and its gradient (6,) with respect to the state at its own time."""
        expected, gradient = measure(code, self.placement, self._plane, (self.ahead @ point)[None])
        return float(expected[0]), gradient[0] @ self.ahead

    def noise(self, H: Floats, sigma: float) -> float:
        """Measurement variance, and what the object may have done in dt."""
        return sigma**2 + self.drifted * float((H[:3] ** 2).sum())

    def second(self, code: int, point: Floats) -> Floats:
        """h'' (6, 6), by differences of gradients."""
        away = BEND_STEP * max(float(np.linalg.norm((self.ahead @ point)[:3] - self.placement.position)), 1.0)
        bent = np.zeros((6, 6))
        for k in range(3):
            aside = np.eye(6)[k] * away
            bent[k] = (self.measure(code, point + aside)[1] - self.measure(code, point - aside)[1]) / (2.0 * away)
        bent[3:] = self.dt * bent[:3]
        return bent


def iterated(
    mean: Floats, covariance: Floats, codes: Ints, values: Floats, sigmas: Floats, dt: float, drifted: float,
    placement: Placement, plane: Plane,
) -> tuple[KalmanFilter, float, float, int]:  # fmt: skip
    """One mode of one pair: filter, log likelihood, normalised innovation squared, degrees of freedom."""
    meeting = Meeting(dt, drifted, placement, plane)
    present = [(int(c), float(v), float(s)) for c, v, s in zip(codes, values, sigmas, strict=True) if not math.isnan(v)]
    used = [each for each in present if not _vague(each[0], meeting, mean, covariance)]
    point, left, damping, before = mean.copy(), covariance, 1.0, math.inf
    for _ in range(MOST_PASSES):
        kalman, nis, log, step = _pass(used, meeting, mean, covariance, point, left)
        if step < SETTLED_SIGMA:
            break
        damping, before = max(0.5 * damping, LEAST_STEP) if step > before else min(2.0 * damping, 1.0), step
        point, left = point + damping * (kalman.x[:, 0] - point), kalman.P.copy()
    pull = np.zeros(6)  # Tierney and Kadane (1986), eq. 2.6: from the peak to the mean
    for code, _, sigma in used:
        if code in (AZIMUTH, ELEVATION):
            H, bent = meeting.measure(code, point)[1], meeting.second(code, point)
            pull += (0.5 * float(np.trace(bent @ kalman.P)) * H + bent @ kalman.P @ H) / meeting.noise(H, sigma)
    kalman.x[:, 0] -= kalman.P @ pull / max(math.sqrt(float(pull @ kalman.P @ pull)), 1.0)
    return kalman, log - (len(present) - len(used)) * math.log(2.0 * math.pi), nis, len(used)


def _pass(
    used: list[Told], meeting: Meeting, mean: Floats, covariance: Floats, point: Floats, left: Floats
) -> tuple[KalmanFilter, float, float, float]:
    """The update, linearised at `point`; left: covariance for the bend of range. Filter, normalised innovation
    squared, log likelihood, and by how many sigmas the answer moves any component from `point`."""
    kalman, nis, log, step = filter_of(mean, covariance), 0.0, 0.0, 0.0
    slopes = []
    for code, value, sigma in used:
        expected, H = meeting.measure(code, point)
        slopes.append((H, sigma))
        shift, bent = bend(expected, H, left) if code == RANGE else (0.0, 0.0)
        off = value - expected - shift
        if code in (AZIMUTH, ELEVATION):
            off = (off + math.pi) % (2.0 * math.pi) - math.pi
        noise = meeting.noise(H, sigma) + bent
        kalman.update(np.array([[off + float(H @ point)]]), R=np.array([[noise]]), H=H[None])
        residual, variance = float(kalman.y[0, 0]), float(kalman.S[0, 0])
        nis += residual**2 / variance
        log -= 0.5 * (residual**2 / variance + math.log(2.0 * math.pi * variance))
    for H, sigma in slopes:
        step = max(step, abs(float(H @ (kalman.x[:, 0] - point))) / sigma)
    return kalman, nis, log, step


def _vague(code: int, meeting: Meeting, mean: Floats, covariance: Floats) -> bool:
    """Whether an angle says nothing that an update could use."""
    H = meeting.measure(code, mean)[1]
    return code in (AZIMUTH, ELEVATION) and float(H @ covariance @ H) > VAGUE_RAD2


def bend(slant: float, gradient: Floats, covariance: Floats) -> tuple[float, float]:
    """Mean shift, m, and variance, m², of range over an uncertain position: Bar-Shalom et al. (2001), eqs. 10.3.3-7."""
    spread = covariance[:3, :3]
    hessian = (np.eye(3) - np.multiply.outer(gradient[:3], gradient[:3])) / slant
    turned = hessian @ spread
    trace = float(np.trace(spread))
    return min(0.5 * float(np.trace(turned)), math.sqrt(trace)), min(0.5 * float(np.trace(turned @ turned)), trace)


def filter_of(mean: Floats, covariance: Floats) -> KalmanFilter:
    """filterpy's filter with this state."""
    kalman = KalmanFilter(dim_x=6, dim_z=1)
    kalman.x, kalman.P = mean[:, None].copy(), covariance.copy()
    return kalman
