"""What one encounter is: a zone, the radars, an object and where it begins. It follows from a seed and a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from adapters.simulated.chart import Chart
from adapters.simulated.draws import generator
from fusion.config import SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.types import SECOND_NS, Coverage, Floats, Place, Pose
from replay.encounters.model import (
    ACCELERATION,
    AIM_HEIGHT,
    AIM_SPEED,
    COLUMNS,
    CRUISE,
    DISTANCE,
    DRONE,
    HEADING,
    HEIGHT,
    JET,
    KINDS,
    LIGHT,
    SPEED,
    Kind,
    Model,
    X,
    Y,
)
from replay.encounters.region import Region

ORIGIN: Final = Place(48.0, 14.0, 0.0)
START_NS: Final = 1_750_000_000 * SECOND_NS
ZONE: Final = "zone"
OBJECT: Final = "object"

DURATION_S: Final = (300, 420)
ENTRY_S: Final = (120.0, 330.0)  # when the object would reach the zone if it flew on as it begins
LOOKAHEADS_S: Final = ((180.0, 0.6), (60.0, 0.1), (120.0, 0.15), (300.0, 0.15))  # with their shares
SHARES: Final = {DRONE.name: 0.4, LIGHT.name: 0.3, JET.name: 0.3}
RADIUS_M: Final = {DRONE.name: (1000.0, 3000.0), LIGHT.name: (1500.0, 6000.0), JET.name: (3000.0, 8000.0)}
BAND_M: Final = {DRONE.name: (300.0, 800.0), LIGHT.name: (1000.0, 3000.0), JET.name: (3000.0, 8000.0)}  # how high
RADAR_AWAY_M: Final = {DRONE.name: (500.0, 4000.0), LIGHT.name: (1000.0, 10_000.0), JET.name: (2000.0, 20_000.0)}
AIMED: Final = 0.85  # of the objects begin on a way into the zone ...
PASSES_M: Final = (0.0, 2000.0)  # ... the others on one that passes it at such a distance
LEVEL: Final = 0.85  # of the objects begin at a height of the zone
PREDICTED: Final = 0.3  # early rather than quiet: what manoeuvres is seldom likelier to enter than not a minute before
WITH_MARGIN: Final = 0.3  # of the zones have one ...
MARGIN_M: Final = (100.0, 500.0)
MARGIN_VERTICAL_M: Final = (15.0, 60.0)  # ... of so much
GROUND: Final = 0.6  # of the zones begin at the ground
POLYGONS: Final = 0.5  # of the zones; the others are circles
CORNERS: Final = (4, 7)
TWO_RADARS: Final = 0.5  # of the encounters, the others have one
STATION_ALT_M: Final = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Encounter:
    """One encounter, before it is flown. state: (COLUMNS, 1), at its start."""

    seed: int
    number: int
    kind: Kind
    region: Region
    zone: ZoneConfig
    site: SiteConfig
    duration_s: int
    state: Floats

    @property
    def model(self) -> Model:
        return Model(self.kind, self.region)

    def stream(self, *names: str) -> np.random.Generator:
        """The random numbers of one of its parts: no part changes those of another."""
        return generator(self.seed, "encounter", self.number, *names)


def chart() -> Chart:
    """The chart round the zone's centre, on which objects fly."""
    return Chart.at(ORIGIN.lat_deg, ORIGIN.lon_deg, ORIGIN.alt_m)


def lay_out(seed: int, number: int) -> Encounter:
    """Encounter `number` (from 0) of the campaign with this seed."""
    rng = generator(seed, "encounter", number, "layout")
    kind = KINDS[int(rng.choice(len(KINDS), p=[SHARES[each.name] for each in KINDS]))]
    region = _region(kind, rng)
    lookahead = float(rng.choice([s for s, _ in LOOKAHEADS_S], p=[share for _, share in LOOKAHEADS_S]))
    zone = _zone(region, lookahead)
    sensors = tuple(_radar(k, kind, rng) for k in range(1 + int(rng.random() < TWO_RADARS)))
    site = SiteConfig(ServiceConfig(ORIGIN, name="encounter"), TrackerConfig(births_per_s=0.01), sensors, (zone,))
    duration = int(rng.integers(DURATION_S[0], DURATION_S[1] + 1))
    return Encounter(seed, number, kind, region, zone, site, duration, _state(kind, region, rng))


def _region(kind: Kind, rng: np.random.Generator) -> Region:
    radius, thick = rng.uniform(*RADIUS_M[kind.name]), rng.uniform(*BAND_M[kind.name])
    low, high = kind.height_m
    floor = 0.0 if rng.random() < GROUND else float(rng.uniform(low, max(high - thick, low + 1.0)))
    margins = (float(rng.uniform(*MARGIN_M)), float(rng.uniform(*MARGIN_VERTICAL_M)))
    if rng.random() >= WITH_MARGIN:
        margins = (0.0, 0.0)
    corners = None
    if rng.random() < POLYGONS:
        count = int(rng.integers(CORNERS[0], CORNERS[1] + 1))
        turns = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2.0 * math.pi / count
        corners = radius * np.stack([np.sin(turns), np.cos(turns)], axis=1)
    return Region(float(radius), corners, floor, floor + float(thick), *margins)


def _zone(region: Region, lookahead_s: float) -> ZoneConfig:
    shape: dict[str, object] = {"circle": (ORIGIN.lon_deg, ORIGIN.lat_deg, region.radius_m)}
    if region.corners is not None:
        lat, lon = chart().to_geodetic(region.corners[:, 0], region.corners[:, 1])
        shape = {"polygons": ((tuple(zip(lon.tolist(), lat.tolist(), strict=True)),),)}
    return ZoneConfig(
        ZONE,
        region.floor_m,
        region.ceiling_m,
        lookahead_s=lookahead_s,
        predicted_probability=PREDICTED,
        margin_m=region.margin_m,
        margin_vertical_m=region.margin_vertical_m,
        **shape,  # type: ignore[arg-type]
    )


def _radar(k: int, kind: Kind, rng: np.random.Generator) -> SensorConfig:
    """3-D, as the issue's campaign has it: 30 m, 0.1°, 0.2°, 4 s, detection 0.9, 80 km."""
    away, bearing = rng.uniform(*RADAR_AWAY_M[kind.name]), rng.uniform(-math.pi, math.pi)
    lat, lon = chart().to_geodetic(np.array(away * math.sin(bearing)), np.array(away * math.cos(bearing)))
    return SensorConfig(
        f"radar-{k}",
        "radar",
        ("range_m", "azimuth_deg", "elevation_deg"),
        {"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2},
        Coverage(range_m=(200.0, 80_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-1.0, 60.0)),
        pose=Pose(float(lat), float(lon), STATION_ALT_M),
        detection_probability=0.9,
        false_alarms=3.0,
        period_s=4.0,
    )


def _state(kind: Kind, region: Region, rng: np.random.Generator) -> Floats:
    """Where the object begins: so far back on a straight line that it would be at the zone after `ENTRY_S`."""
    speed, heading = float(rng.uniform(*kind.speed_mps)), float(rng.uniform(-math.pi, math.pi))
    side = float(rng.choice([-1.0, 1.0]))
    off = region.radius_m * float(rng.uniform(0.0, 0.9))
    if rng.random() >= AIMED:
        off = region.radius_m + float(rng.uniform(*PASSES_M))
    before = math.sqrt(max(region.radius_m**2 - off**2, 0.0)) + speed * float(rng.uniform(*ENTRY_S))
    east, north = math.sin(heading), math.cos(heading)
    state = np.zeros((COLUMNS, 1))
    state[X, 0], state[Y, 0] = off * side * north - before * east, -off * side * east - before * north
    state[HEADING, 0], state[SPEED, 0] = heading, speed
    state[AIM_SPEED, 0] = state[CRUISE, 0] = speed
    state[ACCELERATION, 0] = kind.acceleration_mps2
    height = float(rng.uniform(*kind.height_m))
    if rng.random() < LEVEL:
        height = float(rng.uniform(max(region.floor_m, kind.height_m[0]), region.ceiling_m))
    state[HEIGHT, 0] = state[AIM_HEIGHT, 0] = height
    state[DISTANCE] = region.distance(state[X], state[Y])
    return state
