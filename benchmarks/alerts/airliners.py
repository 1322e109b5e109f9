"""Airliners past the danger, prohibited and restricted areas of a whole country, under secondary radars.

Aircraft fly legs at 180 to 250 m/s, turn as airliners do (3°/s or 25° of bank, whichever is less: ICAO Doc 8168,
part I, 3.1) and climb or descend at 5 to 12 m/s between level flights, from 600 m to 9 km, where the areas are.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path as File
from typing import Final

import numpy as np
from scipy.constants import g

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.chart import Chart
from adapters.simulated.course import Course, Heights
from adapters.simulated.flights import Path
from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.zones import read_zones
from benchmarks.cases.case import FULL_CIRCLE, START_NS, Case, case_of, polar
from fusion.config import AltitudePrior, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, AlertStep, Picture, Place, Pose
from replay.alerts.calibration import Forecasts, calibration
from replay.alerts.judge import Verdict, judge
from replay.alerts.model import core_steps
from replay.alerts.score import pool
from replay.encounters.campaign import spread
from replay.encounters.results import figures
from replay.scoring.results import ScoreOptions
from replay.scoring.truths import collect

VOLUMES: Final = File(__file__).parents[3] / "shared" / "data" / "airspace" / "CZ-ASP-National-XCSoar.txt"
SETTINGS: Final = AirspaceConfig(kinds=("D", "P", "R"), qnh_hpa=1013.25, ground_m=400.0)
ORIGIN: Final = Place(49.8, 15.5, 0.0)
BOX_M: Final = (200_000.0, 100_000.0)  # from the origin, east and north: the country
AIRCRAFT, DURATION_S, LOOKAHEAD_S = 10, 1800.0, 180.0  # of one run; what is told in the last look-ahead is not judged
SPEED_MPS, HEIGHT_M = (180.0, 250.0), (600.0, 9000.0)
LEG_S: Final = (60.0, 300.0)
TURN_DEG: Final = 40.0  # standard deviation
TURNS, CLIMBS = 0.6, 0.4  # of the legs begin with one
CLIMB_MPS, CLIMB_M = (5.0, 12.0), (300.0, 2500.0)
BANK_RAD, RATE_RADPS = math.radians(25.0), math.radians(3.0)
PERIOD_S, SECTORS = 5.0, 4
HEIGHT_SIGMA_M: Final = 9.0  # altitudes in hundreds of feet
RADARS: Final = {"praha": (50.1, 14.26, 400.0), "brno": (49.15, 16.69, 260.0)}


def volumes() -> tuple[ZoneConfig, ...]:
    """The areas that the file has, above the ellipsoid."""
    return read_zones(VOLUMES, SETTINGS).zones


def site_of(zones: Sequence[ZoneConfig]) -> SiteConfig:
    """Two secondary radars that see the country, each in 5 s."""
    sensors = tuple(
        SensorConfig(
            name,
            "radar",
            ("range_m", "azimuth_deg", "altitude_m"),
            {"range_m": 50.0, "azimuth_deg": 0.1, "altitude_m": HEIGHT_SIGMA_M},
            polar((500.0, 400_000.0), FULL_CIRCLE, (-1.0, 80.0)),
            pose=Pose(*place),
            detection_probability=0.97,
            false_alarms=1.0,
            period_s=PERIOD_S,
        )
        for name, place in RADARS.items()
    )
    tracker = TrackerConfig(
        initial_climb_mps=8.0, altitude_m=AltitudePrior(5000.0, 3000.0), births_per_s=0.02, survival_s=3600.0
    )
    return SiteConfig(ServiceConfig(ORIGIN, name="airliners"), tracker, sensors, tuple(zones))


def flight(name: str, rng: np.random.Generator, duration_s: float, *, steady: bool = False) -> Path:
    """One airliner's way. steady: straight on at one speed, level or climbing at one rate."""
    speed, box = float(rng.uniform(*SPEED_MPS)), np.array(BOX_M)
    east, north = (float(v) for v in rng.uniform(-box, box))
    course = Course(0.0, east, north, float(rng.uniform(-math.pi, math.pi)))
    heights = Heights(float(rng.uniform(*HEIGHT_M)))
    heights.change(0.0, heights.height, 1.0)
    free = 0.0
    rate = min(RATE_RADPS, g * math.tan(BANK_RAD) / speed)
    while course.time < duration_s:
        outside = bool((np.abs([course.x, course.y]) > box).any())
        if not steady and outside:
            course.turn(_turned(math.atan2(-course.x, -course.y) - course.heading), speed, rate)
        elif not steady and rng.random() < TURNS:
            course.turn(math.radians(TURN_DEG) * float(rng.standard_normal()), speed, rate)
        if not steady and rng.random() < CLIMBS and course.time >= free:
            rise = float(rng.uniform(*CLIMB_M)) * float(rng.choice([-1.0, 1.0]))
            to = min(max(heights.height + rise, HEIGHT_M[0]), HEIGHT_M[1])
            free = heights.change(course.time, to, float(rng.uniform(*CLIMB_MPS)))
        course.straight(float(rng.uniform(*LEG_S)) * speed, speed, speed, speed, 1.0)
    chart = Chart.at(ORIGIN.lat_deg, ORIGIN.lon_deg, 0.0)
    return Path(name, name, False, 0.0, duration_s, chart, np.array(course.pieces), np.array(heights.pieces))


def case(
    name: str, seed: int, number: int, zones: Sequence[ZoneConfig], aircraft: int, duration_s: float, *, steady: bool
) -> Case:
    """Aircraft over the country, and what the radars see of them."""
    rng = np.random.default_rng([5, seed, number])
    paths = [flight(f"A{k:03}", rng, duration_s, steady=steady) for k in range(aircraft)]
    behaviours = {
        sensor: Behaviour(secondary=True, sectors=SECTORS, phase_s=float(rng.uniform(0.0, PERIOD_S)))
        for sensor in RADARS
    }
    return case_of(name, seed * 1000 + number, duration_s, site_of(zones), paths, ScoreOptions(), behaviours=behaviours)


def past_volumes(seed: int, number: int) -> Verdict:
    """One run past the areas, judged."""
    zones = volumes()
    flown = case("airliners", seed, number, zones, AIRCRAFT, DURATION_S, steady=False)
    pipeline = Pipeline(flown.site, rewind=False)
    steps: list[AlertStep] = []
    owners: dict[int, str] = {}
    events = [event for frame in flown.frames for event in pipeline.receive(frame)] + pipeline.finish()
    for event in events:
        if isinstance(event, Picture):
            said = zip(event.id.tolist(), event.identity, strict=True)
            owners.update({track: name for track, name in said if name is not None})
        else:
            steps.append(event)
    begin_ns, end_ns = START_NS, START_NS + round((DURATION_S - LOOKAHEAD_S) * SECOND_NS)
    return judge(
        collect(flown.truth), zones, core_steps(steps), span_ns=(begin_ns, end_ns), trackable_ns=_trackable(flown),
        owner=lambda track, time_ns: owners.get(track),
    )  # fmt: skip


def diversions(seed: int, number: int) -> tuple[int, float]:
    """Unmanoeuvring traffic: how often a track is told to have left its corridor, and for how many object-hours."""
    aircraft, duration_s = 100, 1800.0
    flown = case("steady", seed, number, (), aircraft, duration_s, steady=True)
    pipeline = Pipeline(flown.site, rewind=False)
    told: set[tuple[int, int]] = set()
    tracked_s = 0.0
    for frame in flown.frames:
        for event in pipeline.receive(frame):
            if isinstance(event, Picture):
                found = zip(event.id.tolist(), event.diverted_ns, strict=True)
                told.update({(track, when) for track, when in found if when is not None})
                tracked_s += event.status.count("confirmed")
    return len(told), tracked_s / 3600.0


def _trackable(flown: Case) -> dict[str, int]:
    """When each aircraft was detected for the third time."""
    seen: dict[str, list[int]] = {}
    for frame in flown.frames:
        for name, time_ns in zip(frame.identity or (), frame.times_ns.tolist(), strict=True):
            if name is not None:
                seen.setdefault(name, []).append(time_ns)
    return {name: sorted(times)[2] for name, times in seen.items() if len(times) > 2}


def _turned(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def main() -> None:
    """`python -m benchmarks.alerts.airliners [--runs N] [--seed S] [--workers W] [--diversions]`"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts.airliners", description=__doc__)
    parser.add_argument("--runs", type=int, default=4, help=f"of {AIRCRAFT} aircraft for {DURATION_S / 60:.0f} min")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--diversions", action="store_true", help="of steady traffic, 50 object-hours a run, instead")
    arguments = parser.parse_args()
    begun, runs = time.perf_counter(), range(arguments.runs)
    if arguments.diversions:
        counts = list(spread(diversions, arguments.seed, runs, arguments.workers))
        told, hours = sum(count for count, _ in counts), sum(spent for _, spent in counts)
        print(f"{told} false diversions in {hours:.0f} object-hours: {10.0 * told / hours:.3f} in 10 (below 1)")
    else:
        score = pool(spread(past_volumes, arguments.seed, runs, arguments.workers))
        for name, value in figures(score, calibration(Forecasts.of(()))).items():
            print(f"   {name}: {value}")
    print(f"   ({time.perf_counter() - begun:.0f} s)")


if __name__ == "__main__":
    main()
