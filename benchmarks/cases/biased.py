"""Three radars on twenty aircraft, one of them wrong by +200 m and +0.5°; and the same with none wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.course import Course, Heights
from adapters.simulated.flights import Path
from benchmarks.cases.case import FULL_CIRCLE, ORIGIN, Case, Pilot, case_of, polar, pose_at
from fusion.config import AltitudePrior, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.pipeline import Pipeline
from replay.scoring.results import ScoreOptions

BIAS = {"range_m": 200.0, "azimuth_deg": 0.5}
BIASED = "wrong"
AIRCRAFT = 20
SPREAD_M = 50_000.0
START_UP_S = 30.0


def biased(seed: int, duration_s: float = 600.0) -> Case:
    return _case("biased", seed, duration_s, Behaviour(bias=dict(BIAS)))  # type: ignore[arg-type]


def registered(seed: int, duration_s: float = 600.0) -> Case:
    """The same with what registration finds applied."""
    case = biased(seed, duration_s)
    tracker = replace(case.site.tracker, registration="apply")
    return replace(case, name="registered", site=replace(case.site, tracker=tracker))


def biases_found(case: Case) -> list[str]:
    """What registration says of the biased radar at the end, in words."""
    pipeline = Pipeline(case.site, rewind=False)
    for frame in case.frames:
        pipeline.receive(frame)
    told = pipeline.registration()[BIASED]
    return [
        f"{case.name}: {name} found {told[name].value:.3f} ± {told[name].sigma:.3f}, is {true}"
        for name, true in BIAS.items()
    ]


def unbiased(seed: int, duration_s: float = 600.0) -> Case:
    """The same draws without the error: what registration has to win back."""
    return _case("unbiased", seed, duration_s, Behaviour())


def _case(name: str, seed: int, duration_s: float, behaviour: Behaviour) -> Case:
    rng = np.random.default_rng([200, seed])
    places = {BIASED: (0.0, -30_000.0), "right": (-40_000.0, 20_000.0), "true": (40_000.0, 20_000.0)}
    sensors = tuple(_radar(name, *place) for name, place in places.items())
    tracker = TrackerConfig(
        altitude_m=AltitudePrior(6000.0, 3000.0), births_per_s=0.02, survival_s=1200.0, agility_mps2=6.0
    )
    site = SiteConfig(ServiceConfig(ORIGIN, report_period_s=2.0), tracker, sensors)
    paths = [_flight(k, duration_s, rng) for k in range(AIRCRAFT)]
    options = ScoreOptions(c_m=1000.0, dims=2, from_s=START_UP_S)
    return case_of(name, seed, duration_s, site, paths, options, behaviours={BIASED: behaviour})


def _radar(name: str, east_m: float, north_m: float) -> SensorConfig:
    return SensorConfig(
        name,
        "radar",
        ("range_m", "azimuth_deg", "elevation_deg"),
        {"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2},
        polar((1000.0, 150_000.0), FULL_CIRCLE, (-1.0, 60.0)),
        pose=pose_at(east_m, north_m, 200.0),
        detection_probability=0.9,
        false_alarms=10.0,
        period_s=4.0,
    )


def _flight(k: int, duration_s: float, rng: np.random.Generator) -> Path:
    """Legs of 1 to 3 minutes and turns of up to 90° at 2 m/s², level."""
    east, north = rng.uniform(-SPREAD_M, SPREAD_M, 2)
    course = Course(0.0, float(east), float(north), float(rng.uniform(-math.pi, math.pi)))
    pilot = Pilot(f"aircraft-{k:02}", course, Heights(float(rng.uniform(3000.0, 9000.0))), float(rng.uniform(120, 250)))
    while course.time < duration_s:
        pilot.straight(float(rng.uniform(60.0, 180.0)))
        inward = math.atan2(-course.x, -course.y) - course.heading
        angle = (inward + math.pi) % (2.0 * math.pi) - math.pi
        pilot.turn(max(-math.pi / 2, min(math.pi / 2, angle * float(rng.uniform(0.3, 1.0)))), 2.0)
    return pilot.path()
