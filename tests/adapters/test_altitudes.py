"""Altitudes that a sensor reports above sea level, by pressure or above ground arrive above the ellipsoid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pymap3d import geodetic2aer, geodetic2enu

from adapters.heights import referred, undulation_m
from adapters.wire.frames import frame_message, read_frame
from fusion.config import SensorConfig
from fusion.types import Coverage, Pose

ALPS = Pose(46.0, 7.0, 500.0, yaw_deg=30.0)
TIME_NS = 1_777_615_200_000_000_000


def sensor(reference: str, kind: str = "radar", **numbers: float) -> SensorConfig:
    plan = ("range_m", "azimuth_deg") if kind == "radar" else ("east_m", "north_m")
    measures = (*plan, "altitude_m")
    span = {"range_m": (0.0, 4e5), "azimuth_deg": (0.0, 360.0)}
    if kind == "position":
        span = {"east_m": (-4e5, 4e5), "north_m": (-4e5, 4e5)}
    return SensorConfig(
        "s", kind, measures, dict.fromkeys(measures, 1.0), Coverage(**span), ALPS,  # type: ignore[arg-type]
        altitude_reference=reference, **numbers,  # type: ignore[arg-type]
    )  # fmt: skip


def message(config: SensorConfig, rows: list[tuple[float, ...]]) -> dict[str, object]:
    columns = {name: [row[i] for row in rows] for i, name in enumerate(config.measures)}
    head = {"v": 1, "type": "frame", "source": "x", "sensor": "s", "seq": 1, "epoch": "e", "time_ns": TIME_NS}
    return {**head, "columns": columns}


def plan(config: SensorConfig, lat: float, lon: float, height: float) -> tuple[float, float]:
    """What the sensor measures of a place besides its altitude, by another geodesy."""
    if config.kind == "radar":
        azimuth, _, reach = (float(v) for v in geodetic2aer(lat, lon, height, 46.0, 7.0, 500.0))
        return reach, (azimuth - 30.0) % 360.0
    east, north, _ = (float(v) for v in geodetic2enu(lat, lon, height, 46.0, 7.0, 500.0))
    turn = math.radians(30.0)
    return east * math.cos(turn) - north * math.sin(turn), north * math.cos(turn) + east * math.sin(turn)


PLACES = [(46.0, 7.5, 3000.0), (47.2, 9.5, 9000.0), (44.5, 8.5, 500.0), (45.0, 5.0, 11_000.0)]


@pytest.mark.parametrize("kind", ["radar", "position"])
@pytest.mark.parametrize(
    ("reference", "numbers"), [("msl", {}), ("pressure", {"qnh_hpa": 990.0}), ("agl", {"ground_m": 700.0})]
)
def test_altitudes_of_every_reference_arrive_above_the_ellipsoid(kind, reference, numbers):
    """Sea level is taken where the detection is: over 200 km of Alps it rises by 10 m, and none of it is left."""
    config = sensor(reference, kind, **numbers)
    lat, lon, height = (np.array(column) for column in zip(*PLACES, strict=True))
    told = referred(height, reference, lat, lon, **numbers)
    rows = [(*plan(config, *place), float(t)) for place, t in zip(PLACES, told, strict=True)]
    frame, rejected, _ = read_frame(message(config, rows), config)
    assert rejected.count == 0
    assert frame.values[:, 2] == pytest.approx(height, abs=0.15)


def test_sea_level_differs_over_what_one_sensor_sees():
    lat, lon, _ = (np.array(column) for column in zip(*PLACES, strict=True))
    assert np.ptp(undulation_m(lat, lon)) > 4.0


def test_a_row_that_does_not_say_where_takes_sea_level_at_the_sensor():
    config = sensor("msl")
    frame, _, _ = read_frame(message(config, [(50_000.0, math.nan, 1000.0), (60_000.0, 10.0, math.nan)]), config)
    assert frame.values[0, 2] == pytest.approx(1000.0 + undulation_m(np.array([46.0]), np.array([7.0]))[0])
    assert math.isnan(frame.values[1, 2])


def test_a_frame_of_a_sensor_that_moves_is_placed_by_its_own_pose():
    config = sensor("msl")
    there = {"lat_deg": -10.0, "lon_deg": 120.0, "alt_m": 0.0}
    frame, _, _ = read_frame({**message(config, [(100.0, 10.0, 80.0)]), "pose": there}, config)
    assert frame.values[0, 2] == pytest.approx(80.0 + undulation_m(np.array([-10.0]), np.array([120.0]))[0], abs=0.01)


@pytest.mark.parametrize("reference", ["msl", "pressure"])
def test_a_frame_is_written_as_the_sensor_reports(reference):
    config = sensor(reference, **({"qnh_hpa": 1030.0} if reference == "pressure" else {}))
    rows = [(50_000.0, 100.0, 3000.0), (70_000.0, 10.0, 8000.0)]
    frame, _, _ = read_frame(message(config, rows), config)
    assert frame_message(frame, config)["columns"]["altitude_m"] == pytest.approx([3000.0, 8000.0], abs=0.01)


def test_bin_columns_are_converted_too():
    config = sensor("msl")
    rows = [(50_000.0, 100.0, 3000.0)]
    plain = message(config, rows)
    packed = {name: np.array(column, dtype="<f8").tobytes() for name, column in plain["columns"].items()}  # type: ignore[attr-defined]
    one, _, _ = read_frame(plain, config)
    other, _, _ = read_frame({**plain, "columns": packed}, config)
    assert (one.values == other.values).all()
    assert one.values[0, 2] > 3040.0
