"""Flights from waypoints: corners rounded at a finite turn rate, speed and climb that build up, hovering.

A corner is flown by: the turn begins before the waypoint and ends behind it. A waypoint with `hold_s`, or one
with another straight above or below it, is flown to exactly: the object slows down, stands, turns on the
spot, and goes on. A climb begins at a waypoint and is over before the next one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le, MinLen

from adapters.simulated.chart import Chart
from adapters.simulated.course import Course, Heights, rise_time, wrap
from adapters.simulated.limits import Name, Positive, Seconds, Speed
from adapters.site.checking import CHECKED, Said
from fusion.errors import ConfigError
from fusion.types import Floats, Height, Latitude, Longitude

LARGEST_REACH_M = 1_000_000.0  # from the middle of a flight: beyond, the chart's scale is off by more than 0.6 %
SAME_PLACE_M = 0.001  # closer waypoints are above one another
SHARPEST_TURN_RAD = math.radians(175.0)  # beyond, the rounding of a corner runs off to infinity
SLACK = 1e-9  # relative: what rounding may take from a leg that just fits


@dataclass(frozen=True, slots=True)
class Waypoint:
    __pydantic_config__ = CHECKED

    lat_deg: Latitude
    lon_deg: Longitude
    alt_m: Height
    hold_s: Seconds = 0.0  # hover here so long
    speed_mps: Speed | None = None  # from here on; None: the flight's


@dataclass(frozen=True, slots=True)
class Flight:
    """One object's way. It appears at `start_s` and is gone after its last waypoint."""

    __pydantic_config__ = CHECKED

    id: Name
    waypoints: Annotated[tuple[Waypoint, ...], MinLen(1)]
    speed_mps: Speed
    climb_mps: Speed = 5.0
    turn_rate_dps: Annotated[float, Gt(0), Le(180)] = 3.0
    acceleration_mps2: Positive = 3.0
    start_s: Seconds = 0.0
    identity: Name | None = None  # what its transponder says; None: it has none
    ignore: bool = False  # nobody asks for it: no fault to track it, none not to


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A flight as it is flown, in closed form. ground: (k, 8), height: (m, 4), columns as in `course`."""

    id: str
    identity: str | None
    ignore: bool
    start_s: float
    end_s: float
    chart: Chart
    ground: Floats
    height: Floats


def path_of(flight: Flight) -> Path:
    """Lay out a flight. Raises ConfigError, naming the waypoint, where it cannot be flown."""
    points = flight.waypoints
    chart = Chart.over([p.lat_deg for p in points], [p.lon_deg for p in points], [p.alt_m for p in points])
    places = chart.from_geodetic([p.lat_deg for p in points], [p.lon_deg for p in points])
    layout = _Layout.of(flight, places)
    course = Course(flight.start_s, float(places[0, 0]), float(places[0, 1]), [*layout.headings, 0.0][0])
    heights = Heights(points[0].alt_m)
    heights.change(flight.start_s, points[0].alt_m, flight.climb_mps)
    rate = math.radians(flight.turn_rate_dps)
    for i in range(len(points)):
        if layout.stops[i]:
            course.stand(points[i].hold_s)
            if 0 < i < len(points) - 1:
                course.spin_to(layout.headings[i], rate)
        elif layout.turns[i]:
            course.turn(layout.turns[i], layout.speeds[i], rate)
        if i < len(points) - 1:
            _fly_leg(flight, layout, i, course, heights)
    if course.time <= flight.start_s:
        raise ConfigError("waypoints", Said(f"{len(points)} without way or hold_s"), "at least 2, or one with hold_s")
    return Path(
        flight.id,
        flight.identity,
        flight.ignore,
        flight.start_s,
        course.time,
        chart,
        np.array(course.pieces),
        np.array(heights.pieces),
    )


@dataclass(slots=True)
class _Layout:
    """The geometry of a flight: legs' lengths (m) and headings (rad), waypoints' turns (rad) and speeds."""

    lengths: list[float]
    headings: list[float]
    stops: list[bool]
    turns: list[float]
    speeds: list[float]  # over each waypoint; 0 at a stop
    cruise: list[float]  # on each leg
    cut: list[float]  # what the rounding of each corner takes from the legs beside it

    @classmethod
    def of(cls, flight: Flight, places: Floats) -> _Layout:
        points = flight.waypoints
        reach = float(np.max(np.hypot(places[:, 0], places[:, 1])))
        if reach > LARGEST_REACH_M:
            allowed = f"waypoints up to {LARGEST_REACH_M / 1000:.0f} km from their middle"
            raise ConfigError("waypoints", Said(f"{reach / 1000:.0f} km wide"), allowed)
        steps = np.diff(places, axis=0)
        lengths = [float(d) for d in np.hypot(steps[:, 0], steps[:, 1])]
        headings = _headings(steps, lengths)
        still = [d < SAME_PLACE_M for d in lengths]
        last = len(points) - 1
        stops = [p.hold_s > 0.0 or (i > 0 and still[i - 1]) or (i < last and still[i]) for i, p in enumerate(points)]
        cruise = [p.speed_mps or flight.speed_mps for p in points[:-1]]
        speeds, turns, cut = [0.0] * len(points), [0.0] * len(points), [0.0] * len(points)
        for i in range(len(points)):
            if not stops[i]:
                speeds[i] = min(cruise[max(i - 1, 0) : i + 1], default=0.0)
            if 0 < i < last and not stops[i]:
                turns[i] = wrap(headings[i] - headings[i - 1])
                if abs(turns[i]) > SHARPEST_TURN_RAD:
                    found = Said(f"a turn of {math.degrees(abs(turns[i])):.0f}°")
                    raise ConfigError(f"waypoints[{i}]", found, "a turn of at most 175°, or a stop there with hold_s")
                cut[i] = speeds[i] / math.radians(flight.turn_rate_dps) * math.tan(abs(turns[i]) / 2.0)
        return cls(lengths, headings, stops, turns, speeds, cruise, cut)


def _headings(steps: Floats, lengths: list[float]) -> list[float]:
    """Of each leg; one without length has that of the next that has one, or else of the last."""
    headings = [math.atan2(float(dx), float(dy)) for dx, dy in steps]
    known = [h for h, d in zip(headings, lengths, strict=True) if d >= SAME_PLACE_M]
    following = known[-1] if known else 0.0
    for i in reversed(range(len(headings))):
        if lengths[i] < SAME_PLACE_M:
            headings[i] = following
        following = headings[i]
    return headings


def _fly_leg(flight: Flight, layout: _Layout, i: int, course: Course, heights: Heights) -> None:
    """From behind waypoint `i` to before the next one."""
    goal = flight.waypoints[i + 1]
    departure = course.time
    there = heights.change(departure, goal.alt_m, flight.climb_mps)
    if layout.lengths[i] < SAME_PLACE_M:
        course.stand(there - departure)
        return
    length = layout.lengths[i] - layout.cut[i] - layout.cut[i + 1]
    if length < -SLACK * layout.lengths[i]:
        need = layout.cut[i] + layout.cut[i + 1]
        found = f"{layout.lengths[i]:.0f} m from the one before"
        allowed = f"at least {need:.0f} m, to round its corners at turn_rate_dps {flight.turn_rate_dps:g}"
        raise ConfigError(f"waypoints[{i + 1}]", Said(found), allowed)
    entry, leave = layout.speeds[i], layout.speeds[i + 1]
    room = abs(leave * leave - entry * entry) / (2.0 * flight.acceleration_mps2)
    if room > length * (1.0 + SLACK) + SLACK:
        found = f"{length:.0f} m of straight way from {entry:g} to {leave:g} m/s"
        allowed = f"at least {room:.0f} m at acceleration_mps2 {flight.acceleration_mps2:g}"
        raise ConfigError(f"waypoints[{i + 1}]", Said(found), allowed)
    course.straight(max(length, 0.0), entry, layout.cruise[i], leave, flight.acceleration_mps2)
    if there > course.time * (1.0 + SLACK):
        rise = goal.alt_m - flight.waypoints[i].alt_m
        found = f"{abs(rise):.0f} m {'higher' if rise > 0 else 'lower'}, and {course.time - departure:.0f} s away"
        needed = rise_time(rise, flight.climb_mps)
        allowed = f"what climb_mps {flight.climb_mps:g} reaches in that time (it takes {needed:.0f} s)"
        raise ConfigError(f"waypoints[{i + 1}]", Said(found), allowed)
