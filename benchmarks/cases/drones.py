"""Drones: twelve under two plan radars and two cameras, and six under three cameras alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.course import Course, Heights
from adapters.simulated.flights import Path
from benchmarks.cases.case import FULL_CIRCLE, ORIGIN, Case, Pilot, case_of, polar, pose_at
from fusion.config import AltitudePrior, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from replay.scoring.results import ScoreOptions

SPEEDS_MPS, HEIGHTS_M = (15.0, 40.0), (50.0, 300.0)
APART_M = 40.0  # of two in formation
LATERAL_MPS2 = 4.0  # how hard they turn
CLIMB_MPS = 3.0
OUTAGES_S = {"west": ((30.0, 45.0), (180.0, 195.0)), "east": ((110.0, 125.0), (240.0, 255.0))}
CROSSINGS_S = (25.0, 55.0)  # when the two crossing pairs meet; the first again and again
Box = tuple[tuple[float, float], tuple[float, float]]  # east, north, m

TRACKER = TrackerConfig(
    lateness_s=1.0,
    initial_speed_mps=20.0,
    initial_climb_mps=CLIMB_MPS,
    altitude_m=AltitudePrior(175.0, 75.0),
    births_per_s=0.02,
    survival_s=600.0,
    agility_mps2=8.0,
)


def drones(seed: int, duration_s: float = 300.0) -> Case:
    """Two pairs in formation, two pairs that cross, four alone; two radars (with outages) and two cameras."""
    rng = np.random.default_rng([12, seed])
    box = ((-4500.0, 4500.0), (-4500.0, 4500.0))
    paths: list[Path] = []
    for k in range(2):
        leader = wander(f"pair-{k}-a", duration_s, box, rng)
        paths += [leader, _beside(leader, f"pair-{k}-b")]
    for k, meeting_s in enumerate(CROSSINGS_S):
        paths += _crossing(k, meeting_s, duration_s, box, rng)
    paths += [wander(f"alone-{k}", duration_s, box, rng) for k in range(4)]
    sensors = (
        _radar("west", -3000.0, -1000.0),
        _radar("east", 3000.0, 1000.0),
        camera("camera-west", -4000.0, -4000.0, 45.0),
        camera("camera-east", 4000.0, -4000.0, -45.0),
    )
    site = SiteConfig(ServiceConfig(ORIGIN, report_period_s=1.0), TRACKER, sensors)
    behaviours = {name: Behaviour(outages_s=spans, phase_s=0.3) for name, spans in OUTAGES_S.items()}
    return case_of(
        "drones",
        seed,
        duration_s,
        site,
        paths,
        ScoreOptions(c_m=100.0, dims=2),
        behaviours=behaviours,
        truth_period_s=0.5,
        also=(ScoreOptions(c_m=100.0, dims=3),),
    )


def cameras(seed: int, duration_s: float = 60.0) -> Case:
    """Six drones in the common field of three cameras, 1 to 4.5 km away; no radar."""
    rng = np.random.default_rng([3, seed])
    box = ((-1500.0, 1500.0), (1500.0, 3800.0))
    paths = [wander(f"drone-{k}", duration_s, box, rng) for k in range(6)]
    sensors = (
        camera("camera-0", -1500.0, 0.0, 20.0),
        camera("camera-1", 0.0, -500.0, 0.0),
        camera("camera-2", 1500.0, 0.0, -20.0),
    )
    site = SiteConfig(ServiceConfig(ORIGIN, report_period_s=1.0), TRACKER, sensors)
    options = ScoreOptions(c_m=100.0, dims=3)
    return case_of("cameras", seed, duration_s, site, paths, options, truth_period_s=0.5)


def camera(name: str, east_m: float, north_m: float, yaw_deg: float) -> SensorConfig:
    """0.03°, 10 Hz, a field of 90°, 1 false alarm a frame; detection 0.9 and 10 km are not worded."""
    return SensorConfig(
        name,
        "infrared",
        ("azimuth_deg", "elevation_deg"),
        {"azimuth_deg": 0.03, "elevation_deg": 0.03},
        polar((50.0, 10_000.0), (-45.0, 45.0), (-2.0, 40.0)),
        pose=pose_at(east_m, north_m, 10.0, yaw_deg),
        detection_probability=0.9,
        false_alarms=1.0,
        period_s=0.1,
    )


def _radar(name: str, east_m: float, north_m: float) -> SensorConfig:
    """8 m, 0.4°, 2 s, detection 0.7, 60 false alarms a scan, 10 km."""
    return SensorConfig(
        name,
        "radar",
        ("range_m", "azimuth_deg"),
        {"range_m": 8.0, "azimuth_deg": 0.4},
        polar((100.0, 10_000.0), FULL_CIRCLE, (-2.0, 80.0)),
        pose=pose_at(east_m, north_m, 15.0),
        detection_probability=0.7,
        false_alarms=60.0,
        period_s=2.0,
    )


def wander(name: str, duration_s: float, box: Box, rng: np.random.Generator) -> Path:
    """Legs of 10 to 40 s with turns between them, inside the box; now and then to another height."""
    course = Course(0.0, *_within(box, rng), float(rng.uniform(-math.pi, math.pi)))
    pilot = Pilot(name, course, Heights(float(rng.uniform(*HEIGHTS_M))), float(rng.uniform(*SPEEDS_MPS)))
    _roam(pilot, duration_s, box, rng)
    return pilot.path()


def _roam(pilot: Pilot, duration_s: float, box: Box, rng: np.random.Generator) -> None:
    course, free = pilot.course, pilot.course.time
    while course.time < duration_s:
        seconds = float(rng.uniform(10.0, 40.0))
        east, north = _within(box, rng)
        bearing = math.atan2(east - course.x, north - course.y)
        angle = (bearing - course.heading + math.pi) % (2.0 * math.pi) - math.pi
        pilot.turn(angle, LATERAL_MPS2)
        if rng.random() < 0.4 and course.time >= free:
            free = pilot.heights.change(course.time, float(rng.uniform(*HEIGHTS_M)), CLIMB_MPS)
        pilot.straight(min(seconds, math.hypot(east - course.x, north - course.y) / pilot.speed))


def _crossing(k: int, meeting_s: float, duration_s: float, box: Box, rng: np.random.Generator) -> list[Path]:
    """Two at one height whose straight ways meet at one place and time, at 20 to 90°."""
    small = (tuple(0.5 * v for v in box[0]), tuple(0.5 * v for v in box[1]))
    east, north = _within(small, rng)  # type: ignore[arg-type]
    heading, height = float(rng.uniform(-math.pi, math.pi)), float(rng.uniform(*HEIGHTS_M))
    paths = []
    for side, angle in (("a", 0.0), ("b", math.radians(float(rng.uniform(20.0, 90.0))))):
        speed, way = float(rng.uniform(*SPEEDS_MPS)), heading + angle
        back = speed * meeting_s
        course = Course(0.0, east - back * math.sin(way), north - back * math.cos(way), way)
        pilot = Pilot(f"cross-{k}-{side}", course, Heights(height), speed)
        pilot.straight(2.0 * meeting_s)
        _roam(pilot, duration_s, box, rng)
        paths.append(pilot.path())
    return paths


def _beside(leader: Path, name: str) -> Path:
    """The same way, `APART_M` to the right of where the leader's begins."""
    ground = leader.ground.copy()
    heading = float(ground[0, 3])
    ground[:, 1] += APART_M * math.cos(heading)
    ground[:, 2] -= APART_M * math.sin(heading)
    return replace(leader, id=name, ground=ground)


def _within(box: Box, rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(*box[0])), float(rng.uniform(*box[1]))
