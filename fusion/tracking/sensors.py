"""Registered sensors in the tangent plane: where they stand, how they are turned, what a look covers."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from fusion.config import SensorConfig, TrackerConfig
from fusion.geodesy import Plane
from fusion.types import (
    ALTITUDE,
    AZIMUTH,
    COMPONENTS,
    EAST,
    ELEVATION,
    NORTH,
    RANGE,
    RANGE_RATE,
    UP,
    Bools,
    Coverage,
    Floats,
    Frame,
    Ints,
    Pose,
)

# P(a sensor can see a track at all), in the long run, and how long such a state lasts: a camera is blinded by
# trees, heat and hull for a while; a radar by terrain, or for good: an object without a transponder. What gives whole
# positions has been through a processor that loses little.
VISIBLE_SHARE = {"radar": 0.97, "infrared": 0.6, "position": 0.995}
BLIND_TIME_S = {"radar": 15.0, "infrared": 15.0, "position": 60.0}
LEAST_CLUTTER = 1e-6  # false alarms a sweep where none are registered: no detection is certain


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """position: (3,) m, axes: (3, 3) rows right, forward, up of the sensor, both in plane axes."""

    position: Floats
    axes: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """One registered sensor, ready for the kernels. clutter: expected false alarms by m, rad, m/s of its components."""

    index: int
    config: SensorConfig
    codes: Ints
    span: Floats  # (k,) width of each component over the coverage, SI and radians
    volume: float  # of the whole measurement space, their product
    visible_share: float
    blind_time_s: float
    placement: Placement | None

    @classmethod
    def of(cls, index: int, config: SensorConfig, tracker: TrackerConfig, plane: Plane) -> Station:
        codes = np.array([COMPONENTS.index(name) for name in config.measures], np.int64)
        span = np.array([_span(int(code), config.coverage, tracker) for code in codes])
        placement = place(config.pose, plane) if config.pose else None
        return cls(
            index,
            config,
            codes,
            span,
            float(span.prod()),
            VISIBLE_SHARE[config.kind],
            BLIND_TIME_S[config.kind],
            placement,
        )

    @property
    def angles_only(self) -> bool:
        """Whether it sees direction and no distance."""
        codes = self.codes.tolist()
        return AZIMUTH in codes and RANGE not in codes

    def look(self, frame: Frame, plane: Plane) -> Look:
        """Where the sensor stood for this frame, and what it covered."""
        placement = place(frame.pose, plane) if frame.pose else self.placement
        assert placement is not None  # the border rejects frames without any pose
        return Look(frame, self, placement, box(self.config.coverage, frame.swept))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One frame, placed. box: (8, 2) swept limits by component code, as `box` makes it."""

    frame: Frame
    station: Station
    placement: Placement
    box: Floats


def place(pose: Pose, plane: Plane) -> Placement:
    """A pose in the plane: yaw clockwise about up, pitch nose up about right, roll right side down about forward."""
    east, north, up = plane.local_axes(pose.lat_deg, pose.lon_deg)
    yaw, pitch, roll = math.radians(pose.yaw_deg), math.radians(pose.pitch_deg), math.radians(pose.roll_deg)
    forward = math.cos(yaw) * north + math.sin(yaw) * east
    right = math.cos(yaw) * east - math.sin(yaw) * north
    forward, up = (
        math.cos(pitch) * forward + math.sin(pitch) * up,
        math.cos(pitch) * up - math.sin(pitch) * forward,
    )
    right, up = math.cos(roll) * right - math.sin(roll) * up, math.cos(roll) * up + math.sin(roll) * right
    position = plane.to_local(pose.lat_deg, pose.lon_deg, pose.alt_m)
    return Placement(np.ascontiguousarray(position), np.stack([right, forward, up]))


@functools.lru_cache(maxsize=1024)  # the sectors of a rotation come again and again
def box(coverage: Coverage, swept: Coverage | None) -> Floats:
    """(8, 2) limits by component code, SI and radians; azimuth as (centre, half width); NaN where unbounded.

    One array for all frames of one sector: nobody may write into it.
    """
    limits = np.full((len(COMPONENTS), 2), np.nan)
    for code, name in ((RANGE, "range_m"), (EAST, "east_m"), (NORTH, "north_m"), (UP, "up_m")):
        span = _chosen(name, coverage, swept)
        if span is not None:
            limits[code] = span
    span = _chosen("elevation_deg", coverage, swept)
    if span is not None:
        limits[ELEVATION] = np.radians(span)
    span = _chosen("azimuth_deg", coverage, swept)
    if span is not None:
        width = azimuth_width_deg(span)
        limits[AZIMUTH] = math.radians(span[0] + width / 2.0), math.radians(width / 2.0)
    return limits


def azimuth_width_deg(span: tuple[float, float]) -> float:
    """How far it is clockwise from the first to the second; a difference of 360 or more is the full circle."""
    if abs(span[1] - span[0]) >= 360.0:
        return 360.0
    return (span[1] - span[0]) % 360.0


def covers(box: Floats, placement: Placement, plane: Plane, state: Floats) -> Bools:
    """Whether (n, 6) states lie inside a box as `box` makes it: (n,)."""
    covered = np.ones(len(state), bool)
    for code in np.flatnonzero(~np.isnan(box[:, 0])):
        value, _ = measure(int(code), placement, plane, state)
        if code == AZIMUTH:
            off = np.abs(wrapped(value - box[code, 0]))
            covered &= off <= box[code, 1]
        else:
            covered &= (value >= box[code, 0]) & (value <= box[code, 1])
    return covered


def wrapped(angle: Floats) -> Floats:
    """Angle differences, into [-pi, pi)."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def measure(code: int, placement: Placement, plane: Plane, state: Floats) -> tuple[Floats, Floats]:
    """Component `code` of (n, 6) states, (n,), and its gradient, (n, 6). The compiled twin is `kernels.measure`.

    Bar-Shalom, Li, Kirubarajan (2001), section 10.4.3, for polar components in sensor axes.
    """
    offset, velocity = state[:, :3] - placement.position, state[:, 3:]
    gradient = np.zeros((len(state), 6))
    if code in (EAST, NORTH, UP):
        gradient[:, :3] = placement.axes[code - EAST]
        return (gradient[:, :3] * offset).sum(axis=1), gradient
    if code == ALTITUDE:
        gradient[:, :3] = plane.up_at(state[:, :3])
        return plane.to_geodetic(state[:, :3])[2], gradient
    slant = np.sqrt((offset**2).sum(axis=1))
    if code == RANGE:
        gradient[:, :3] = offset / slant[:, None]
        return slant, gradient
    if code == RANGE_RATE:
        rate = (offset * velocity).sum(axis=1) / slant
        gradient[:, :3] = (velocity - rate[:, None] * offset / slant[:, None]) / slant[:, None]
        gradient[:, 3:] = offset / slant[:, None]
        return rate, gradient
    right, forward, up = ((offset * placement.axes[i]).sum(axis=1) for i in range(3))
    level = np.sqrt(right**2 + forward**2)
    if code == AZIMUTH:
        local = np.stack([forward, -right, np.zeros_like(up)], axis=1) / level[:, None] ** 2
        value = np.arctan2(right, forward)
    else:
        square = slant[:, None] ** 2
        local = np.stack([-up * right / level, -up * forward / level, level], axis=1) / square
        value = np.arctan2(up, level)
    gradient[:, :3] = sum(local[:, i, None] * placement.axes[i] for i in range(3))
    return value, gradient


def _chosen(name: str, coverage: Coverage, swept: Coverage | None) -> tuple[float, float] | None:
    span: tuple[float, float] | None = getattr(swept, name) if swept is not None else None
    return span if span is not None else getattr(coverage, name)


def _span(code: int, coverage: Coverage, tracker: TrackerConfig) -> float:
    """How wide a component's values lie: false alarms are taken as uniform over it."""
    if code == AZIMUTH and coverage.azimuth_deg:
        return math.radians(azimuth_width_deg(coverage.azimuth_deg))
    if code == ELEVATION:
        low, high = coverage.elevation_deg or (-90.0, 90.0)
        return math.radians(high - low)
    if code == RANGE_RATE:
        return 6.0 * tracker.initial_speed_mps  # ± 3 sigma
    if code == ALTITUDE or (code == UP and coverage.up_m is None):
        return 6.0 * tracker.altitude_m.sigma
    low, high = getattr(coverage, COMPONENTS[code])
    return float(high - low)
