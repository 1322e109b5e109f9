"""What a case is: a site, its frames and truth, and how to score. The same for ours and for the peers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.chart import Chart
from adapters.simulated.course import Course, Heights
from adapters.simulated.fleet import Fleet
from adapters.simulated.flights import Path
from adapters.simulated.run import simulate
from adapters.simulated.scenario import Scenario
from fusion.config import SiteConfig
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Coverage, Frame, Place, Pose, Truth
from replay.scoring.results import ScoreOptions

ORIGIN = Place(48.0, 14.0, 0.0)
PLANE = Plane(ORIGIN)
START_NS = 1_750_000_000 * SECOND_NS  # a multiple of every report period
FULL_CIRCLE = (0.0, 360.0)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One seed of one case. also: more ways to score the same tracks."""

    name: str
    seed: int
    site: SiteConfig
    frames: list[Frame]
    truth: list[Truth]
    options: ScoreOptions
    also: tuple[ScoreOptions, ...] = ()

    @property
    def detections(self) -> int:
        return sum(len(frame.values) for frame in self.frames)

    def picture_times_ns(self) -> list[int]:
        """When ours reports, and so when a peer has to: whole periods from the first frame to the last."""
        period_ns = round(self.site.service.report_period_s * SECOND_NS)
        first = -(-self.frames[0].time_ns // period_ns)
        return [k * period_ns for k in range(first, self.frames[-1].time_ns // period_ns + 1)]

    def digest(self) -> str:
        """Equal for equal frames: figures of others are shown beside ours for the same detections alone."""
        told = hashlib.sha256()
        for frame in self.frames:
            told.update(f"{frame.sensor} {frame.time_ns} {frame.values.shape}".encode())
            told.update(np.round(frame.values, 6).tobytes() + frame.times_ns.tobytes())
        return told.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Layout(Scenario):
    """A scenario whose flights are given as they are flown, not as waypoints."""

    paths: tuple[Path, ...] = ()

    def fleet(self, seed: int) -> Fleet:
        return Fleet.of(list(self.paths))


def case_of(
    name: str,
    seed: int,
    duration_s: float,
    site: SiteConfig,
    paths: Iterable[Path],
    options: ScoreOptions,
    *,
    behaviours: dict[str, Behaviour] | None = None,
    truth_period_s: float = 1.0,
    also: tuple[ScoreOptions, ...] = (),
) -> Case:
    """Simulate the sensors of `site` over `paths`."""
    told = {sensor.id: (behaviours or {}).get(sensor.id, Behaviour()) for sensor in site.sensor}
    layout = Layout(
        name, seed, duration_s, START_NS, site, (), (), told, truth_period_s=truth_period_s, paths=tuple(paths)
    )
    frames: list[Frame] = []
    truth: list[Truth] = []
    for each in simulate(layout):
        if isinstance(each, Frame):
            frames.append(each)
        else:
            truth.append(each)
    frames.sort(key=lambda frame: frame.key)
    return Case(name, seed, site, frames, truth, options, also)


def pose_at(east_m: float, north_m: float, alt_m: float = 0.0, yaw_deg: float = 0.0) -> Pose:
    """So many metres from the origin, on the ground's own height."""
    lat, lon, _ = PLANE.to_geodetic(np.array([east_m, north_m, 0.0]))
    return Pose(float(lat), float(lon), alt_m, yaw_deg)


def polar(reach_m: tuple[float, float], azimuth: tuple[float, float], elevation: tuple[float, float]) -> Coverage:
    return Coverage(range_m=reach_m, azimuth_deg=azimuth, elevation_deg=elevation)


@dataclass(slots=True)
class Pilot:
    """Flies a path piece by piece from a place on the chart round the origin."""

    name: str
    course: Course
    heights: Heights
    speed: float
    identity: str | None = None
    start_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.start_s = self.course.time
        self.heights.change(self.course.time, self.heights.height, 1.0)

    def straight(self, seconds: float) -> None:
        self.course.straight(seconds * self.speed, self.speed, self.speed, self.speed, 1.0)

    def turn(self, angle: float, lateral_mps2: float) -> None:
        self.course.turn(angle, self.speed, lateral_mps2 / self.speed)

    def path(self) -> Path:
        chart = Chart.at(ORIGIN.lat_deg, ORIGIN.lon_deg, self.heights.height)
        ground, height = np.array(self.course.pieces), np.array(self.heights.pieces)
        return Path(self.name, self.identity, False, self.start_s, self.course.time, chart, ground, height)


Maker = Callable[[int, float], Case]  # seed, duration_s
