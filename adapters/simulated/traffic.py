"""Random flights by the hundred, for scenarios that need many and name none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from adapters.simulated.chart import Chart
from adapters.simulated.course import Course, Heights, wrap
from adapters.simulated.draws import generator
from adapters.simulated.flights import Path
from adapters.simulated.limits import Name, Positive, Seconds, Speed
from adapters.site.checking import CHECKED
from fusion.errors import ConfigError
from fusion.types import Height, Latitude, Longitude

TRIES = 6  # draws of a turn whose leg stays inside, before the flight turns for the middle
SCATTER_RAD = math.radians(20.0)  # so that those that turn for the middle do not all meet there


@dataclass(frozen=True, slots=True)
class Area:
    __pydantic_config__ = CHECKED

    lat_deg: tuple[Latitude, Latitude]
    lon_deg: tuple[Longitude, Longitude]


@dataclass(frozen=True, slots=True)
class Traffic:
    """`count` flights with straight legs and turns inside `area`, there until the end of the scenario.

    Each [low, high] is drawn from evenly. A flight keeps its speed; at each leg's end it turns by up to
    `turn_deg` and, with probability `climbs`, heads for another height.
    """

    __pydantic_config__ = CHECKED

    id: Name
    count: Annotated[int, Ge(1), Le(100_000)]
    area: Area
    altitude_m: tuple[Height, Height]
    speed_mps: tuple[Speed, Speed]
    leg_s: tuple[Positive, Positive] = (60.0, 240.0)
    turn_deg: Annotated[float, Ge(0), Le(180)] = 90.0
    turn_rate_dps: tuple[Positive, Positive] = (1.0, 3.0)
    climb_mps: Speed = 8.0
    climbs: Annotated[float, Ge(0), Le(1)] = 0.3
    start_s: tuple[Seconds, Seconds] = (0.0, 0.0)
    transponders: bool = False  # each has an identity: its id
    ignore: bool = False

    def __post_init__(self) -> None:
        spans = ("altitude_m", "speed_mps", "leg_s", "turn_rate_dps", "start_s")
        for key, span in [(k, getattr(self, k)) for k in spans] + [("area.lat_deg", self.area.lat_deg)]:
            if span[0] > span[1]:
                raise ConfigError(key, list(span), "[low, high] with low not above high")


def paths_of(traffic: Traffic, seed: int, duration_s: float) -> list[Path]:
    """Its flights, named `id-0000` and on. Each has its own stream: a greater count changes none."""
    west, east = traffic.area.lon_deg
    middle_lon = west + ((east - west) % 360.0) / 2.0
    middle_lat = sum(traffic.area.lat_deg) / 2.0
    chart = Chart.at(middle_lat, middle_lon, sum(traffic.altitude_m) / 2.0)
    half_width = abs(float(chart.from_geodetic(middle_lat, east)[0]))
    half_height = abs(float(chart.from_geodetic(traffic.area.lat_deg[1], middle_lon)[1]))
    digits = max(4, len(str(traffic.count - 1)))
    names = [f"{traffic.id}-{i:0{digits}}" for i in range(traffic.count)]
    paths = (_path(traffic, name, seed, duration_s, chart, (half_width, half_height)) for name in names)
    return [path for path in paths if path is not None]


def _path(
    traffic: Traffic, name: str, seed: int, duration_s: float, chart: Chart, half: tuple[float, float]
) -> Path | None:
    """One flight; None where it would begin after the end."""
    stream = generator(seed, "traffic", name)
    start = stream.uniform(*traffic.start_s)
    if start >= duration_s:
        return None
    speed = stream.uniform(*traffic.speed_mps)
    rate = math.radians(stream.uniform(*traffic.turn_rate_dps))
    x, y = (float(stream.uniform(-side, side)) for side in half)
    course = Course(start, x, y, float(stream.uniform(-math.pi, math.pi)))
    heights = Heights(float(stream.uniform(*traffic.altitude_m)))
    free = heights.change(start, heights.height, traffic.climb_mps)
    while course.time < duration_s:
        seconds = stream.uniform(*traffic.leg_s)
        course.turn(_turn(traffic, stream, course, seconds * speed, half), speed, rate)
        if stream.random() < traffic.climbs and free <= course.time:
            free = heights.change(course.time, stream.uniform(*traffic.altitude_m), traffic.climb_mps)
        course.straight(seconds * speed, speed, speed, speed, 1.0)
    return Path(
        name,
        name if traffic.transponders else None,
        traffic.ignore,
        start,
        duration_s,
        chart,
        np.array(course.pieces),
        np.array(heights.pieces),
    )


def _turn(
    traffic: Traffic, stream: np.random.Generator, course: Course, length: float, half: tuple[float, float]
) -> float:
    """By how much to turn (rad) so that the next leg ends inside; toward the middle where no draw does."""
    most = math.radians(traffic.turn_deg)
    for _ in range(TRIES):
        angle = stream.uniform(-most, most)
        x = course.x + length * math.sin(course.heading + angle)
        y = course.y + length * math.cos(course.heading + angle)
        if abs(x) <= half[0] and abs(y) <= half[1]:
            return float(angle)
    scatter = stream.uniform(-SCATTER_RAD, SCATTER_RAD)
    return wrap(math.atan2(-course.x, -course.y) - course.heading + scatter)
