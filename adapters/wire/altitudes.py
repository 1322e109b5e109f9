"""Measured altitudes of a sensor that reports them above sea level, the ground, or by pressure: above the ellipsoid."""

from __future__ import annotations

from typing import Final

import numpy as np

from adapters.heights import ellipsoidal, referred
from fusion.config import SensorConfig
from fusion.types import Floats, Pose

EARTH_M: Final = (
    6_371_000.0  # mean radius: it places a detection within 0.5 %, and sea level bends 0.1 m in a km at most
)
FARTHEST_M: Final = 1_000_000.0  # along the ground, from the sensor: nothing that has an altitude is seen from farther


class Altitudes:
    """Converts the altitude column of one sensor's values (n, k), in SI and radians.

    Sea level is taken where the detection is, as far as its row says: range and azimuth, or east and north; else at the
    sensor. needed: whether the sensor measures altitudes that are not above the ellipsoid already.
    """

    def __init__(self, sensor: SensorConfig) -> None:
        self._sensor = sensor
        self._place = {name: i for i, name in enumerate(sensor.measures)}
        self.needed = "altitude_m" in self._place and sensor.altitude_reference != "ellipsoid"

    def to_ellipsoid(self, values: Floats, pose: Pose | None) -> None:
        """Changes the column in place. pose: the frame's own; None: the registered one."""
        self._convert(values, pose, back=False)

    def reported(self, values: Floats, pose: Pose | None) -> None:
        """The way back, in place: altitudes as the sensor reports them."""
        self._convert(values, pose, back=True)

    def _convert(self, values: Floats, pose: Pose | None, back: bool) -> None:
        sensor, at = self._sensor, pose or self._sensor.pose
        if not self.needed or at is None or not len(values):
            return
        column = values[:, self._place["altitude_m"]]
        lat, lon = self._places(values, at)
        convert = referred if back else ellipsoidal
        column[:] = convert(
            column, sensor.altitude_reference, lat, lon, qnh_hpa=sensor.qnh_hpa, ground_m=sensor.ground_m
        )

    def _places(self, values: Floats, at: Pose) -> tuple[Floats, Floats]:
        """Latitude and longitude of each row, degrees: on a sphere, straight from the sensor."""
        azimuth, distance = self._ways(values, at)
        angle, start = distance / EARTH_M, np.radians(at.lat_deg)
        sine = np.sin(start) * np.cos(angle) + np.cos(start) * np.sin(angle) * np.cos(azimuth)
        lat = np.arcsin(np.clip(sine, -1.0, 1.0))
        east = np.sin(azimuth) * np.sin(angle) * np.cos(start)
        lon = np.radians(at.lon_deg) + np.arctan2(east, np.cos(angle) - np.sin(start) * sine)
        return np.degrees(lat), np.degrees(lon)

    def _ways(self, values: Floats, at: Pose) -> tuple[Floats, Floats]:
        """True azimuth, radians, and distance along the ground, m, from the sensor; 0 where a row does not say."""

        def column(name: str) -> Floats:
            return values[:, self._place[name]] if name in self._place else np.full(len(values), np.nan)

        azimuth, distance = column("azimuth_deg"), column("range_m")
        if self._sensor.kind == "position":
            east, north = column("east_m"), column("north_m")
            azimuth, distance = np.arctan2(east, north), np.sqrt(east * east + north * north)
        else:
            up = column("altitude_m") - at.alt_m
            distance = np.sqrt(np.maximum(distance * distance - up * up, 0.0))
        unknown = np.isnan(azimuth) | np.isnan(distance)
        azimuth = np.where(unknown, 0.0, azimuth + np.radians(at.yaw_deg))
        return azimuth, np.where(unknown, 0.0, np.minimum(distance, FARTHEST_M))
