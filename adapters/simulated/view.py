"""Where things are for a sensor: its mount on the ground or on a flight, and its axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.simulated.chart import EARTH_RADIUS_M
from adapters.simulated.fleet import Fleet
from fusion.geodesy import axes_at, rotate, to_ecef
from fusion.types import Floats, Ints, Pose


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Objects as the sensor has them: (n,) each. Azimuth in [0, 360), clockwise from forward."""

    right_m: Floats
    forward_m: Floats
    up_m: Floats
    range_m: Floats
    azimuth_deg: Floats
    elevation_deg: Floats
    altitude_m: Floats  # the objects', above the ellipsoid
    sensor_altitude_m: Floats


class Mount:
    """What a sensor stands on: a fixed pose, or a flight whose way its pose's angles are relative to."""

    def __init__(self, pose: Pose | None, fleet: Fleet, ride: str | None) -> None:
        self._pose = pose or Pose(0.0, 0.0, 0.0)
        self._fleet = fleet
        self.carrier = None if ride is None else fleet.id.index(ride)
        lat, lon, alt = (np.array([v]) for v in (self._pose.lat_deg, self._pose.lon_deg, self._pose.alt_m))
        self._fixed = to_ecef(lat, lon, alt), self._axes(lat, lon, np.zeros(1))

    def stands(self, time_s: float) -> bool:
        """Whether there is anything to stand on."""
        return self.carrier is None or bool(self._fleet.alive(np.array([self.carrier]), np.array([time_s]))[0])

    def pose(self, time_s: float) -> Pose | None:
        """For the frame: None where it stands fixed."""
        if self.carrier is None:
            return None
        index, times = np.array([self.carrier]), np.array([time_s])
        lat, lon, alt = (float(v[0]) for v in self._fleet.geodetic(index, times))
        yaw = (float(self._fleet.heading_deg(index, times)[0]) + self._pose.yaw_deg) % 360.0
        return Pose(lat, lon, alt, yaw, self._pose.pitch_deg, self._pose.roll_deg)

    def view(self, index: Ints, times: Floats, stood: Floats) -> View:
        """Flights `index` (n,) at their own `times`, seen from where the sensor is at the times `stood`."""
        lat, lon, alt = self._fleet.geodetic(index, times)
        centre, axes, height = self._at(stood)
        right, forward, up = np.moveaxis(rotate(to_ecef(lat, lon, alt) - centre, axes), -1, 0)
        level = np.sqrt(right * right + forward * forward)
        return View(
            right,
            forward,
            up,
            np.sqrt(level * level + up * up),
            np.mod(np.degrees(np.arctan2(right, forward)), 360.0),
            np.degrees(np.arctan2(up, level)),
            alt,
            height,
        )

    def range_rate(self, index: Ints, times: Floats, stood: Floats) -> Floats:
        """How fast each object goes away, m/s, over the earth: the sensor's own motion is taken out."""
        lat, lon, alt = self._fleet.geodetic(index, times)
        centre, _, _ = self._at(stood)
        offset = to_ecef(lat, lon, alt) - centre
        velocity = rotate(self._fleet.velocity(index, times), np.swapaxes(axes_at(lat, lon), -1, -2))
        return np.asarray((offset * velocity).sum(axis=-1) / np.sqrt((offset * offset).sum(axis=-1)))

    def _at(self, times: Floats) -> tuple[Floats, Floats, Floats]:
        """Centre (…, 3) and axes (…, 3, 3), earth-centred, and height, at each time."""
        if self.carrier is None:
            return self._fixed[0], self._fixed[1], np.full(times.shape, self._pose.alt_m)
        index = np.full(times.shape, self.carrier)
        lat, lon, alt = self._fleet.geodetic(index, times)
        return to_ecef(lat, lon, alt), self._axes(lat, lon, self._fleet.heading_deg(index, times)), alt

    def _axes(self, lat_deg: Floats, lon_deg: Floats, heading_deg: Floats) -> Floats:
        """Rows right, forward, up, earth-centred: yaw about up, pitch about right, roll about forward."""
        level = axes_at(lat_deg, lon_deg)
        east, north, up = (level[..., i, :] for i in range(3))
        yaw = np.radians(self._pose.yaw_deg + heading_deg)[..., None]
        pitch, roll = np.radians(self._pose.pitch_deg), np.radians(self._pose.roll_deg)
        forward = np.cos(yaw) * north + np.sin(yaw) * east
        right = np.cos(yaw) * east - np.sin(yaw) * north
        forward, up = (
            np.cos(pitch) * forward + np.sin(pitch) * up,
            np.cos(pitch) * up - np.sin(pitch) * forward,
        )
        right, up = np.cos(roll) * right - np.sin(roll) * up, np.cos(roll) * up + np.sin(roll) * right
        return np.stack([right, forward, up], axis=-2)


def above_horizon(view: View, ground_m: float, earth_factor: float) -> NDArray[np.bool_]:
    """Whether the line of sight clears a smooth earth of `earth_factor` times the real radius.

    Skolnik (2008), section 26.4: each end sees sqrt((kR + h)² - (kR)²) far to the common tangent, h its
    height above the ground. Exact for straight rays (a factor of 1).
    """
    radius = EARTH_RADIUS_M * earth_factor
    reach = np.zeros_like(view.range_m)
    for altitude in (view.sensor_altitude_m, view.altitude_m):
        height = np.maximum(altitude - ground_m, 0.0)
        reach += np.sqrt(height * (2.0 * radius + height))
    return view.range_m <= reach


def within(value: Floats, span: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Whether each value lies in the span; None: anywhere."""
    if span is None:
        return np.ones(value.shape, bool)
    return (value >= span[0]) & (value <= span[1])


def within_azimuth(azimuth_deg: Floats, start_deg: float, width_deg: float) -> NDArray[np.bool_]:
    """Whether each azimuth lies clockwise from `start_deg` by at most `width_deg`."""
    if width_deg >= 360.0:
        return np.ones(azimuth_deg.shape, bool)
    return np.mod(azimuth_deg - start_deg, 360.0) <= width_deg
