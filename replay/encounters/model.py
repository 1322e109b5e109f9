"""How objects fly in an encounter: a Markov process of their noise-free state, advanced for many states at once.

Nothing is laid out beforehand. Whatever an object will do is drawn when it does it, from what its state says then:
so the same function that makes the truth makes, from the state at any instant, as many of its futures as one likes,
and their share that enter is what nobody can know better (the oracle of `benchmarks.alerts`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.types import Bools, Floats, Ints
from replay.encounters.region import Region

# Columns of a state: chart metres, height above the ellipsoid, heading (rad, clockwise from north), speed over the
# ground, climb; what is left of a turn (rad, right positive) and how fast it goes; the speed and height aimed at, how
# fast it climbs to it; how long it hovers once it stands; its cruising speed; the distance to the zone's outline
# along the ground; and what it has decided at the zone's edge.
COLUMNS: Final = 16
X, Y, HEIGHT, HEADING, SPEED, CLIMB, TURN, RATE, AIM_SPEED, AIM_HEIGHT, CLIMB_RATE, HOVER, CRUISE, DISTANCE, DECIDED = (
    range(15)
)
ACCELERATION: Final = 15  # of the present change of speed, m/s²

UNDECIDED, GOES_IN, LEAVES = 0.0, 1.0, 2.0  # who leaves aims at the zone no more

LOWEST_M: Final = 30.0  # above the ground: nobody flies into it
VERTICAL_ACCELERATION_MPS2: Final = 2.0  # 0.2 g, as `adapters.simulated.course` has it
LEVEL_OFF_S: Final = 4.0  # a climb ends as its height is neared: at so many seconds' worth of it
FORGETS: Final = 2.0  # farther from the edge than so many times where it decides, an object may decide anew


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of object. Pairs are ranges, drawn evenly; `…_every_s`: mean times between events (exponential).

    edge_s: how long before the edge, at its speed, an object decides whether it goes in.
    """

    name: str
    speed_mps: tuple[float, float]
    height_m: tuple[float, float]
    turn_every_s: float
    turn_rate_dps: tuple[float, float]
    climb_every_s: float
    climb_mps: tuple[float, float]
    speed_every_s: float
    acceleration_mps2: float
    hover_every_s: float
    hover_s: tuple[float, float]
    edge_s: float


NEVER: Final = math.inf
DRONE: Final = Kind(
    "drone", speed_mps=(15.0, 50.0), height_m=(60.0, 500.0),
    turn_every_s=80.0, turn_rate_dps=(6.0, 30.0), climb_every_s=240.0, climb_mps=(1.0, 5.0),
    speed_every_s=240.0, acceleration_mps2=2.0, hover_every_s=400.0, hover_s=(15.0, 60.0), edge_s=45.0,
)  # fmt: skip
LIGHT: Final = Kind(
    "light", speed_mps=(50.0, 90.0), height_m=(200.0, 3000.0),
    turn_every_s=70.0, turn_rate_dps=(2.0, 6.0), climb_every_s=240.0, climb_mps=(2.0, 8.0),
    speed_every_s=240.0, acceleration_mps2=1.0, hover_every_s=NEVER, hover_s=(0.0, 0.0), edge_s=40.0,
)  # fmt: skip
JET: Final = Kind(
    "jet", speed_mps=(150.0, 250.0), height_m=(600.0, 9000.0),
    turn_every_s=90.0, turn_rate_dps=(1.0, 4.0), climb_every_s=240.0, climb_mps=(5.0, 25.0),
    speed_every_s=240.0, acceleration_mps2=2.0, hover_every_s=NEVER, hover_s=(0.0, 0.0), edge_s=30.0,
)  # fmt: skip
KINDS: Final = (DRONE, LIGHT, JET)

# How hard the campaign is, and how that was chosen: docs/encounters.md.
HOMING: Final = 0.2  # of the turns lead towards the zone
HOMING_SPREAD: Final = 1.5  # radii round the zone's centre, among whose points such a turn aims
FREE_TURN_DEG: Final = 60.0  # standard deviation of any other turn
TURNS_AWAY: Final = 0.4  # of the objects at the edge
AWAY_DEG: Final = 60.0  # from straight away, at most
INTO_BAND: Final = 0.4  # of the climbs and descents lead to a height of the zone
BAND_SPREAD: Final = 1.5  # of the band's height, round its middle, for any other


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of object near one zone."""

    kind: Kind
    region: Region

    def advance(self, states: Floats, rng: np.random.Generator, dt: float) -> Floats:
        """Move states (COLUMNS, n) on by `dt` s, and draw what they begin to do. Returns new ones.

        Events come at the end of the step, so what a state says of its next step is certain; `dt` far below the mean
        times between events (a few seconds at most).
        """
        after = self._moved(states, dt)
        self._at_edge(states, after, rng)
        self._events(after, rng, dt)
        return after

    def _moved(self, states: Floats, dt: float) -> Floats:
        """Flown on: a turn at its rate, speed and climb towards what is aimed at."""
        after = states.copy()
        most = states[RATE] * dt
        angle = np.minimum(np.maximum(states[TURN], -most), most)
        angle = np.where(states[SPEED] > 0.0, angle, 0.0)
        step = states[ACCELERATION] * dt
        speed = states[SPEED] + np.minimum(np.maximum(states[AIM_SPEED] - states[SPEED], -step), step)
        length, half = (states[SPEED] + speed) / 2.0 * dt, angle / 2.0
        chord = length * np.sinc(half / math.pi)
        way = states[HEADING] + half
        after[X] += chord * np.sin(way)
        after[Y] += chord * np.cos(way)
        after[HEADING] += angle
        after[TURN] -= angle
        after[SPEED] = speed
        wished = (states[AIM_HEIGHT] - states[HEIGHT]) / LEVEL_OFF_S
        wished = np.minimum(np.maximum(wished, -states[CLIMB_RATE]), states[CLIMB_RATE])
        push = VERTICAL_ACCELERATION_MPS2 * dt
        climb = states[CLIMB] + np.minimum(np.maximum(wished - states[CLIMB], -push), push)
        after[HEIGHT] += (states[CLIMB] + climb) / 2.0 * dt
        after[CLIMB] = climb
        after[DISTANCE] = self.region.distance(after[X], after[Y])
        if self.kind.hover_every_s < NEVER:
            self._hover(after, dt)
        return after

    def _hover(self, after: Floats, dt: float) -> None:
        """Who stands waits; who has waited goes on."""
        stands = np.flatnonzero((after[AIM_SPEED] == 0.0) & (after[SPEED] == 0.0))
        after[HOVER, stands] -= dt
        ready = stands[after[HOVER, stands] <= 0.0]
        after[AIM_SPEED, ready] = after[CRUISE, ready]

    def _at_edge(self, before: Floats, after: Floats, rng: np.random.Generator) -> None:
        """Whoever comes near the outline from outside, at a height of the zone, decides once whether it goes in; and
        whoever comes out of it has done with it.
        """
        reach = self.kind.edge_s * after[CRUISE]
        after[DECIDED, (after[DISTANCE] > FORGETS * reach) & (after[DECIDED] == GOES_IN)] = UNDECIDED
        after[DECIDED, (before[DISTANCE] <= 0.0) & (after[DISTANCE] > 0.0)] = LEAVES
        near = (after[DISTANCE] < reach) & (after[DISTANCE] > 0.0) & (after[DECIDED] == UNDECIDED)
        near &= (after[DISTANCE] < before[DISTANCE]) & self.region.level(after[HEIGHT])
        rows = np.flatnonzero(near)
        if not len(rows):
            return
        leaves = rng.random(len(rows)) < TURNS_AWAY
        after[DECIDED, rows] = np.where(leaves, LEAVES, GOES_IN)
        rows = rows[leaves]
        away = self.region.outward(after[X, rows], after[Y, rows])
        off = np.radians(AWAY_DEG) * rng.uniform(-1.0, 1.0, len(rows))
        self._turn(after, rows, _wrapped(away + off - after[HEADING, rows]), rng)

    def _events(self, after: Floats, rng: np.random.Generator, dt: float) -> None:
        """Draw who begins to turn, to climb, to change speed or to hover: one number each, as events are rare."""
        kind = self.kind
        every = np.array([kind.turn_every_s, kind.climb_every_s, kind.speed_every_s, kind.hover_every_s])
        edges: Floats = np.asarray(np.cumsum(dt / every))
        drawn = rng.random((after.shape[1],))
        rows = np.flatnonzero(drawn < edges[-1])
        which = np.searchsorted(edges, drawn[rows], side="right")
        self._begin_turn(after, rows[which == 0], rng)
        self._begin_climb(after, rows[which == 1], rng)
        self._begin_speed(after, rows[which == 2], rng)
        self._begin_hover(after, rows[which == 3], rng)

    def _begin_turn(self, after: Floats, rows: Ints, rng: np.random.Generator) -> None:
        radius = self.region.radius_m * HOMING_SPREAD * np.sqrt(rng.random(len(rows)))
        round_ = rng.uniform(-math.pi, math.pi, len(rows))
        bearing = np.arctan2(radius * np.sin(round_) - after[X, rows], radius * np.cos(round_) - after[Y, rows])
        free = np.radians(FREE_TURN_DEG) * rng.standard_normal(len(rows))
        homing: Bools = (rng.random(len(rows)) < HOMING) & (after[DECIDED, rows] != LEAVES)
        self._turn(after, rows, np.where(homing, _wrapped(bearing - after[HEADING, rows]), free), rng)

    def _turn(self, after: Floats, rows: Ints, angle: Floats, rng: np.random.Generator) -> None:
        after[TURN, rows] = angle
        after[RATE, rows] = np.radians(rng.uniform(*self.kind.turn_rate_dps, len(rows)))

    def _begin_climb(self, after: Floats, rows: Ints, rng: np.random.Generator) -> None:
        region = self.region
        low, high = region.floor_m, region.ceiling_m
        off = rng.uniform(-0.5, 0.5, len(rows))
        off *= np.where(rng.random(len(rows)) < INTO_BAND, 1.0, 2.0 * BAND_SPREAD)
        after[AIM_HEIGHT, rows] = np.maximum((low + high) / 2.0 + off * (high - low), LOWEST_M)
        after[CLIMB_RATE, rows] = rng.uniform(*self.kind.climb_mps, len(rows))

    def _begin_speed(self, after: Floats, rows: Ints, rng: np.random.Generator) -> None:
        after[CRUISE, rows] = rng.uniform(*self.kind.speed_mps, len(rows))
        going = rows[after[AIM_SPEED, rows] > 0.0]
        after[AIM_SPEED, going] = after[CRUISE, going]
        after[ACCELERATION, rows] = self.kind.acceleration_mps2

    def _begin_hover(self, after: Floats, rows: Ints, rng: np.random.Generator) -> None:
        after[AIM_SPEED, rows] = 0.0
        after[HOVER, rows] = rng.uniform(*self.kind.hover_s, len(rows))


def _wrapped(angle: Floats) -> Floats:
    """Into [-pi, pi)."""
    return np.asarray(np.mod(angle + math.pi, 2.0 * math.pi) - math.pi)
