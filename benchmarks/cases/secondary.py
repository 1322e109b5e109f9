"""Eight secondary radars on sixteen aircraft that fly legs of 20 NM and turn by 175° at 15 to 60° of bank.

Radars: range 44 to 77 m, azimuth 0.11 to 0.18°, altitude in 100 ft, one turn in 6 to 12 s, detection 0.95 to 0.98,
200 NM. Not worded, so chosen: one false reply a turn, level flight between 5500 and 11 500 m, and that scores leave
out the first minute. Transponder addresses are in the frames, and nobody uses them to associate.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.constants import g

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.course import Course, Heights
from adapters.simulated.flights import Path
from benchmarks.cases.case import FULL_CIRCLE, ORIGIN, Case, Pilot, case_of, polar, pose_at
from fusion.config import AltitudePrior, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.types import Frame
from replay.scoring.results import ScoreOptions

KNOT_MPS, NAUTICAL_MILE_M, FOOT_M = 1852.0 / 3600.0, 1852.0, 0.3048
HEIGHT_SIGMA_M = 100.0 * FOOT_M / math.sqrt(12.0)
ENCODER_M = 1.0  # noise before the rounding
RADARS = 8
SPEEDS_KT, BANKS_DEG = (240.0, 360.0, 480.0, 600.0), (15.0, 30.0, 45.0, 60.0)
LEG_M, TURN_RAD = 20.0 * NAUTICAL_MILE_M, math.radians(175.0)
RINGS_M = (60_000.0, 180_000.0)  # how far the radars stand from the middle, in turn
SPREAD_M = 120_000.0  # aircraft begin this far from the middle at most, east and north
START_UP_S = 60.0  # left out of the score: five turns of the slowest radar


def secondary(seed: int, duration_s: float = 3600.0) -> Case:
    rng = np.random.default_rng([1993, seed])
    sensors = tuple(_radar(k, rng) for k in range(RADARS))
    tracker = TrackerConfig(
        initial_speed_mps=200.0,
        initial_climb_mps=5.0,
        altitude_m=AltitudePrior(8500.0, 3000.0),
        births_per_s=0.005,
        survival_s=3600.0,
        agility_mps2=g * math.tan(math.radians(BANKS_DEG[-1])),
    )
    site = SiteConfig(ServiceConfig(ORIGIN, report_period_s=2.0), tracker, sensors)
    behaviours = {
        sensor.id: Behaviour(
            secondary=True, altitude_step_m=100.0 * FOOT_M, phase_s=float(rng.uniform(0.0, sensor.period_s))
        )
        for sensor in sensors
    }
    paths = [_flight(k, duration_s, rng) for k in range(len(SPEEDS_KT) * len(BANKS_DEG))]
    options = ScoreOptions(c_m=2000.0, dims=2, from_s=START_UP_S)
    exact = replace(site, sensor=tuple(replace(s, sigma={**s.sigma, "altitude_m": ENCODER_M}) for s in sensors))
    case = case_of("secondary", seed, duration_s, exact, paths, options, behaviours=behaviours)
    return replace(case, site=site, frames=[_as_registered(frame) for frame in case.frames])


def _as_registered(frame: Frame) -> Frame:
    """Rounding is most of the error of a height; the simulator rounds what has its noise already."""
    sigmas = frame.sigmas.copy()
    sigmas[:, 2] = HEIGHT_SIGMA_M
    return replace(frame, sigmas=sigmas)


def _radar(k: int, rng: np.random.Generator) -> SensorConfig:
    angle, ring = 2.0 * math.pi * k / RADARS, RINGS_M[k % 2]
    return SensorConfig(
        f"ssr-{k}",
        "radar",
        ("range_m", "azimuth_deg", "altitude_m"),
        {
            "range_m": float(rng.uniform(44.0, 77.0)),
            "azimuth_deg": float(rng.uniform(0.11, 0.18)),
            "altitude_m": HEIGHT_SIGMA_M,
        },
        polar((1000.0, 200.0 * NAUTICAL_MILE_M), FULL_CIRCLE, (-1.0, 60.0)),
        pose=pose_at(ring * math.sin(angle), ring * math.cos(angle), 300.0),
        detection_probability=float(rng.uniform(0.95, 0.98)),
        false_alarms=1.0,
        period_s=float(rng.uniform(6.0, 12.0)),
    )


def _flight(k: int, duration_s: float, rng: np.random.Generator) -> Path:
    """Each pair of speed and bank once; place and height by chance; turns towards the middle, to stay in sight."""
    speed = SPEEDS_KT[k % len(SPEEDS_KT)] * KNOT_MPS
    lateral = g * math.tan(math.radians(BANKS_DEG[k // len(SPEEDS_KT)]))
    east, north = rng.uniform(-SPREAD_M, SPREAD_M, 2)
    course = Course(0.0, float(east), float(north), float(rng.uniform(-math.pi, math.pi)))
    pilot = Pilot(f"aircraft-{k:02}", course, Heights(5500.0 + 400.0 * k), speed, identity=f"A{k:02}")
    pilot.straight(float(rng.uniform(0.2, 1.0)) * LEG_M / speed)
    while course.time < duration_s:
        left = course.x * math.cos(course.heading) - course.y * math.sin(course.heading) > 0.0
        pilot.turn(-TURN_RAD if left else TURN_RAD, lateral)
        pilot.straight(LEG_M / speed)
    return pilot.path()
