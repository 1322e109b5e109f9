"""Four objects that meet in one point and stay near each other: where soft association coalesces.

Williams (2015), "Marginal multi-Bernoulli filters", section V: 81 steps of 1 s in 300 m × 300 m. At the middle
step all stand at N([150, 0, 150, 0], 0.1 I); nearly constant velocity (q = 0.02 m²/s³) leads from there both
ways. One ends at that step. Positions with R = I, detection 0.9, 10 false alarms a scan, evenly spread.
"""

from __future__ import annotations

import numpy as np

from benchmarks.cases.case import ORIGIN, PLANE, START_NS, Case, pose_at
from fusion.config import AltitudePrior, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.types import SECOND_NS, Coverage, Floats, Frame, Truth
from replay.scoring.results import ScoreOptions

STEPS, MIDDLE = 81, 40  # the issue counts from 1: its step 41
OBJECTS = 4
SIDE_M = 300.0
SPREAD = 0.1  # variance at the middle step, m² and m²/s²
DENSITY = 0.02  # m²/s³
DETECTION, FALSE_ALARMS, SIGMA_M = 0.9, 10.0, 1.0
STEP = np.array([[1.0, 1.0], [0.0, 1.0]])  # of one axis over 1 s
NOISE = DENSITY * np.array([[1.0 / 3.0, 0.5], [0.5, 1.0]])


def williams(seed: int, duration_s: float = STEPS) -> Case:
    """One seed; shorter ones end early."""
    rng = np.random.default_rng([2015, seed])
    states = _states(rng)
    steps = min(round(duration_s), STEPS)
    site = _site()
    frames, truth = [], []
    for k in range(steps):
        alive = states[:, k] if k <= MIDDLE else states[1:, k]
        time_ns = START_NS + k * SECOND_NS
        truth.append(_truth(time_ns, alive, range(OBJECTS - len(alive), OBJECTS)))
        rows = alive[rng.random(len(alive)) < DETECTION][:, 0]
        seen = rows + rng.normal(0.0, SIGMA_M, rows.shape)
        false = rng.uniform(0.0, SIDE_M, (rng.poisson(FALSE_ALARMS), 2))
        values = rng.permutation(np.concatenate([seen, false]))
        times = np.full(len(values), time_ns, np.int64)
        frames.append(Frame("case", "scan", k, "case", time_ns, values, np.full(values.shape, SIGMA_M), times))
    return Case("williams", seed, site, frames, truth, ScoreOptions(c_m=10.0, dims=2))


def _states(rng: np.random.Generator) -> Floats:
    """(objects, steps, 2: position and velocity, 2: east and north)."""
    states = np.zeros((OBJECTS, STEPS, 2, 2))
    states[:, MIDDLE, 0] = SIDE_M / 2.0
    states[:, MIDDLE] += rng.normal(0.0, SPREAD**0.5, (OBJECTS, 2, 2))
    back = np.linalg.inv(STEP)
    for k in range(MIDDLE, STEPS - 1):
        states[:, k + 1] = np.einsum("ij,njk->nik", STEP, states[:, k]) + _noise(rng)
    for k in range(MIDDLE, 0, -1):
        states[:, k - 1] = np.einsum("ij,njk->nik", back, states[:, k] - _noise(rng))
    return states


def _noise(rng: np.random.Generator) -> Floats:
    return np.swapaxes(rng.multivariate_normal(np.zeros(2), NOISE, (OBJECTS, 2)), 1, 2)


def _truth(time_ns: int, alive: Floats, names: range) -> Truth:
    position = np.concatenate([alive[:, 0], np.zeros((len(alive), 1))], axis=1)
    lat, lon, alt = PLANE.to_geodetic(position)
    none = np.zeros(len(alive))
    told = tuple(str(k) for k in names)
    return Truth(time_ns, told, lat, lon, alt, alive[:, 1, 0], alive[:, 1, 1], none, none.astype(bool))


def _site() -> SiteConfig:
    """Births: 1 object at the start (births × survival), 0.002 a step; the MATLAB collection has 3 and 0.005.

    confirmed at 0.9: what ends or begins is scored at once, and false alarms are exactly as registered.
    agility: such that cruise has the objects' own spectral density, 2 (0.02 × agility)² = 0.02.
    """
    tracker = TrackerConfig(
        lateness_s=0.0,
        initial_speed_mps=1.0,
        initial_climb_mps=0.1,
        altitude_m=AltitudePrior(0.0, 1.0),
        births_per_s=0.002,
        survival_s=500.0,
        motions=("cruise",),
        confirmed_existence=0.9,
        confirmed_hits=2,
        ended_existence=0.2,
        agility_mps2=5.0,
    )
    scan = SensorConfig(
        "scan",
        "position",
        ("east_m", "north_m"),
        {"east_m": SIGMA_M, "north_m": SIGMA_M},
        Coverage(east_m=(0.0, SIDE_M), north_m=(0.0, SIDE_M)),
        pose=pose_at(0.0, 0.0),
        detection_probability=DETECTION,
        false_alarms=FALSE_ALARMS,
        period_s=1.0,
    )
    return SiteConfig(ServiceConfig(ORIGIN, report_period_s=1.0), tracker, (scan,))
