"""Our sensors as Stone Soup measurement models: its filters, the very geometry that ours has.

State: east, its rate, north, its rate, up, its rate, in the tangent plane. Only numpy and Stone Soup inside.
"""
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import math
from typing import Any

import numpy as np
from stonesoup.base import Property
from stonesoup.models.base import GaussianModel
from stonesoup.models.measurement.base import MeasurementModel
from stonesoup.types.angle import Bearing
from stonesoup.types.array import CovarianceMatrix, StateVector

from fusion.geodesy import Plane
from fusion.tracking.sensors import Placement, measure
from fusion.types import AZIMUTH, ELEVATION

OURS = np.array([0, 2, 4, 1, 3, 5])  # where position, then velocity, stand in a Stone Soup state
ANGULAR = (AZIMUTH, ELEVATION)


class SensorModel(MeasurementModel, GaussianModel):  # type: ignore[misc]
    """What one sensor measures, with the noise of one detection."""

    ndim_state: int = Property(default=6)
    mapping: tuple[int, ...] = Property(default=(0, 2, 4))
    codes: tuple[int, ...] = Property(doc="Components")
    placement: Placement = Property(doc="Where the sensor stands")
    plane: Plane = Property(doc="Of the origin")
    sigma: tuple[float, ...] = Property(doc="Of each component, SI and radians")

    @property
    def ndim_meas(self) -> int:
        return len(self.codes)

    def covar(self, **_: Any) -> Any:
        return CovarianceMatrix(np.diag(np.square(self.sigma)))

    def function(self, state: Any, noise: Any = False, **_: Any) -> Any:
        """(k, n) of each column of the state vector; single states are all that Kalman filters ask for."""
        rows = np.atleast_2d(np.asarray(state.state_vector, float).T)[:, OURS]
        values = [measure(code, self.placement, self.plane, rows)[0] for code in self.codes]
        return vector(self.codes, [float(value[0]) for value in values])

    def jacobian(self, state: Any, **_: Any) -> Any:
        row = np.asarray(state.state_vector, float).reshape(1, 6)[:, OURS]
        matrix = np.zeros((len(self.codes), 6))
        for i, code in enumerate(self.codes):
            matrix[i, OURS] = measure(code, self.placement, self.plane, row)[1][0]
        return matrix


def vector(codes: tuple[int, ...], values: Any) -> Any:
    """A measurement whose angles wrap."""
    told = [Bearing(v) if code in ANGULAR else float(v) for code, v in zip(codes, values, strict=True)]
    return StateVector(np.array(told, dtype=object if any(c in ANGULAR for c in codes) else float).reshape(-1, 1))


def place_of(
    codes: tuple[int, ...], values: Any, sigma: Any, placement: Placement, plane: Plane, height: tuple[float, float]
) -> tuple[Any, Any] | None:
    """Position (3,) and covariance (3, 3) of a detection with a place of its own, else None.

    height: mean and sigma of what nothing measured.
    """
    told = dict(zip(codes, zip(values, sigma, strict=True), strict=True))
    if 5 in told and 6 in told:
        (east, east_s), (north, north_s) = told[5], told[6]
        local = placement.position + east * placement.axes[0] + north * placement.axes[1]
        local = local + (height[0] - local[2]) * np.array([0.0, 0.0, 1.0])
        return local, np.diag([east_s**2, north_s**2, height[1] ** 2])
    if 0 not in told or AZIMUTH not in told:
        return None
    (reach, reach_s), (azimuth, azimuth_s) = told[0], told[AZIMUTH]
    way = math.sin(azimuth) * placement.axes[0] + math.cos(azimuth) * placement.axes[1]
    mean, spread = told.get(4, height)
    level, position = reach, placement.position
    for _ in range(4):  # the height, and with it the level distance, by repetition
        position = placement.position + level * way
        rise = mean - float(plane.to_geodetic(position)[2])
        position = position + rise * plane.up_at(position)
        lift = float(((position - placement.position) * placement.axes[2]).sum())
        level = math.sqrt(max(reach**2 - lift**2, 1.0))
    slope = lift / level
    across = np.array([way[1], -way[0], 0.0])
    along_s = math.hypot(reach_s, slope * spread)
    cov = along_s**2 * np.outer(way, way) + (level * azimuth_s) ** 2 * np.outer(across, across)
    up = plane.up_at(position)
    return position, cov + spread**2 * np.outer(up, up)
