"""A path over the ground and in height, put together piece by piece; each piece is in closed form.

Over the ground a piece is a stretch of line or arc at constant acceleration; in height one of constant
vertical acceleration. Joined end to end, position and velocity are continuous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

VERTICAL_ACCELERATION_MPS2 = 2.0  # 0.2 g: a climb that passengers and multirotors alike begin with

GroundPiece = tuple[float, float, float, float, float, float, float, float]
HeightPiece = tuple[float, float, float, float]
# Columns of a ground piece: when it begins, where, heading there (rad, clockwise from north), speed there,
# acceleration, curvature (1/m, right positive), and spin on the spot (rad/s).
TIME, X, Y, HEADING, SPEED, ACCELERATION, CURVATURE, SPIN = range(8)
# Columns of a height piece: when it begins, height, climb, vertical acceleration.
HEIGHT, CLIMB, CLIMB_ACCELERATION = 1, 2, 3


@dataclass(slots=True)
class Course:
    """Where the path has got to, and the pieces so far. Times in s, places in chart metres, angles in rad."""

    time: float
    x: float
    y: float
    heading: float
    pieces: list[GroundPiece] = field(default_factory=list)

    def stand(self, seconds: float) -> None:
        self._add(seconds, 0.0, 0.0, 0.0, 0.0)

    def spin_to(self, heading: float, rate: float) -> None:
        """Turn on the spot at `rate` rad/s."""
        angle = wrap(heading - self.heading)
        self._add(abs(angle) / rate, 0.0, 0.0, 0.0, math.copysign(rate, angle))

    def turn(self, angle: float, speed: float, rate: float) -> None:
        """A round turn by `angle` (right positive) at `rate` rad/s."""
        self._add(abs(angle) / rate, speed, 0.0, math.copysign(rate / speed, angle), 0.0)

    def straight(self, length: float, entry: float, cruise: float, leave: float, acceleration: float) -> None:
        """A line of `length`, from speed `entry` to `cruise`, or as near as it fits, and on to `leave`.

        Needs |leave² − entry²| ≤ 2 acceleration length, and `cruise` at least both.
        """
        fitting = math.sqrt(max(acceleration * length + (entry * entry + leave * leave) / 2.0, 0.0))
        peak = max(min(cruise, fitting), entry, leave)
        first = (peak * peak - entry * entry) / (2.0 * acceleration)
        last = (peak * peak - leave * leave) / (2.0 * acceleration)
        self._add((peak - entry) / acceleration, entry, acceleration, 0.0, 0.0)
        if peak > 0.0:
            self._add(max(length - first - last, 0.0) / peak, peak, 0.0, 0.0, 0.0)
        self._add((peak - leave) / acceleration, peak, -acceleration, 0.0, 0.0)

    def _add(self, seconds: float, speed: float, acceleration: float, curvature: float, spin: float) -> None:
        if seconds <= 0.0:
            return
        self.pieces.append((self.time, self.x, self.y, self.heading, speed, acceleration, curvature, spin))
        length = speed * seconds + acceleration * seconds * seconds / 2.0
        half = curvature * length / 2.0
        chord = length * (math.sin(half) / half if half else 1.0)
        self.x += chord * math.sin(self.heading + half)
        self.y += chord * math.cos(self.heading + half)
        self.heading += 2.0 * half + spin * seconds
        self.time += seconds


@dataclass(slots=True)
class Heights:
    """The height reached, and the pieces so far."""

    height: float
    pieces: list[HeightPiece] = field(default_factory=list)

    def change(self, time: float, to: float, rate: float) -> float:
        """From level flight at `time` to level flight at `to`, at most at `rate`. Returns the end."""
        rise, push = to - self.height, math.copysign(VERTICAL_ACCELERATION_MPS2, to - self.height)
        begin = self.height
        self.height = to
        if rise == 0.0:
            self.pieces.append((time, to, 0.0, 0.0))
            return time
        climb = min(rate, math.sqrt(abs(rise) * VERTICAL_ACCELERATION_MPS2))
        ramp = climb / VERTICAL_ACCELERATION_MPS2
        steady = max(abs(rise) / climb - ramp, 0.0)
        signed, bend = math.copysign(climb, rise), math.copysign(climb * ramp / 2.0, rise)
        self.pieces += [
            (time, begin, 0.0, push),
            (time + ramp, begin + bend, signed, 0.0),
            (time + ramp + steady, to - bend, signed, -push),
            (time + 2.0 * ramp + steady, to, 0.0, 0.0),
        ]
        return time + 2.0 * ramp + steady


def rise_time(rise: float, rate: float) -> float:
    """How long `Heights.change` takes over `rise`."""
    return Heights(0.0).change(0.0, rise, rate)


def wrap(angle: float) -> float:
    """Into [-pi, pi)."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi
