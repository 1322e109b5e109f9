from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fusion.airspace.watch import MOST_CORNERS, approach, points, watched
from fusion.config import SensorConfig, TrackerConfig, ZoneConfig
from fusion.geodesy import Plane
from fusion.types import Coverage, Place, Pose

PLANE = Plane(Place(47.0, 19.0, 0.0))
STILL = TrackerConfig(initial_speed_mps=0.001)  # the approach begins at the zone's edge
HERE = Pose(47.0, 19.0, 0.0)
RADAR = SensorConfig(
    "radar",
    "radar",
    ("range_m", "azimuth_deg"),
    {"range_m": 10.0, "azimuth_deg": 0.1},
    Coverage(range_m=(0.0, 20_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-1.0, 40.0)),
    HERE,
)
CIRCLE = ZoneConfig("circle", 100.0, 500.0, circle=(19.1, 47.0, 1000.0))  # 7.6 km to the east
SQUARE = ZoneConfig(
    "square", 100.0, 500.0, polygons=((((19.05, 46.99), (19.15, 46.99), (19.15, 47.01), (19.05, 47.01)),),)
)


def limited(**spans: tuple[float, float]) -> SensorConfig:
    return replace(RADAR, coverage=replace(RADAR.coverage, **spans))


def seen(
    zone: ZoneConfig, *sensors: SensorConfig, poses: dict[str, Pose] | None = None, tracker: TrackerConfig = STILL
) -> bool:
    return watched([zone], sensors, poses or {}, PLANE, tracker)[zone.id]


@pytest.mark.parametrize("zone", [CIRCLE, SQUARE])
def test_a_zone_within_the_coverage_is_watched_and_without_sensors_it_is_not(zone):
    assert seen(zone, RADAR)
    assert not seen(zone)


@pytest.mark.parametrize("zone", [CIRCLE, SQUARE])
def test_a_zone_that_juts_out_on_any_side_is_not_watched(zone):
    assert not seen(zone, limited(range_m=(0.0, 8_000.0)))
    assert not seen(zone, limited(range_m=(7_000.0, 20_000.0)))
    assert not seen(zone, limited(azimuth_deg=(85.0, 180.0)))
    assert not seen(zone, limited(elevation_deg=(3.0, 40.0)))
    assert seen(zone, limited(azimuth_deg=(60.0, 120.0)))


def test_several_sensors_watch_a_zone_together():
    north, south = limited(azimuth_deg=(0.0, 90.0)), limited(azimuth_deg=(89.9, 180.0))
    assert not seen(CIRCLE, north)
    assert not seen(CIRCLE, south)
    assert seen(CIRCLE, north, south)


def test_a_sensor_that_moved_watches_from_where_it_is():
    away = {"radar": Pose(48.0, 19.0, 0.0)}
    assert not seen(CIRCLE, RADAR, poses=away)
    homeless = replace(RADAR, pose=None)
    assert not seen(CIRCLE, homeless)
    assert seen(CIRCLE, homeless, poses={"radar": HERE})


def test_a_sensor_in_a_corner_of_the_zone_does_not_see_that_corner():
    corner = Pose(46.99, 19.05, 300.0)
    assert not seen(SQUARE, replace(limited(range_m=(100.0, 20_000.0)), pose=corner))


def test_points_are_at_half_height_and_no_more_than_needed():
    ring = tuple((19.0 + 0.1 * np.cos(a), 47.0 + 0.1 * np.sin(a)) for a in np.linspace(0.0, 6.28, 5000).tolist())
    large = points(ZoneConfig("large", 100.0, 500.0, polygons=((ring,),)), PLANE)
    assert len(large) <= MOST_CORNERS + 1
    for place in (large, points(CIRCLE, PLANE), points(SQUARE, PLANE)):
        assert np.allclose(PLANE.to_geodetic(place)[2], 300.0, atol=1e-6)
    lat, lon, _ = PLANE.to_geodetic(points(CIRCLE, PLANE)[-1])
    assert (float(lat), float(lon)) == pytest.approx((47.0, 19.1), abs=1e-4)


def test_a_zone_without_a_ceiling_is_looked_at_where_things_fly():
    """Half of 100 km is above everything that a sensor sees; what lies above 15 km does not count."""
    endless = ZoneConfig("endless", 100.0, 100_000.0, circle=(19.1, 47.0, 1000.0))
    assert PLANE.to_geodetic(points(endless, PLANE))[2] == pytest.approx(7550.0, abs=1.0)


def test_a_sensor_that_cannot_begin_a_track_watches_nothing():
    angles = ("azimuth_deg", "elevation_deg")
    camera = replace(RADAR, kind="infrared", measures=angles, sigma=dict.fromkeys(angles, 0.1))
    assert not seen(CIRCLE, camera)
    assert seen(CIRCLE, camera, RADAR)
    box = Coverage(east_m=(-2e4, 2e4), north_m=(-2e4, 2e4))
    plan = ("east_m", "north_m")
    assert seen(CIRCLE, replace(RADAR, kind="position", measures=plan, sigma=dict.fromkeys(plan, 5.0), coverage=box))


def test_half_of_the_way_to_a_zone_has_to_be_covered_too():
    fast = TrackerConfig(initial_speed_mps=100.0)  # 6 km in the minute that is imminent
    above = replace(RADAR, pose=Pose(47.0, 19.1, 0.0))  # in the zone's middle: the ring is at 7 km all round
    for reach_m, expected in ((6_900.0, False), (7_100.0, True)):
        limits = replace(above.coverage, range_m=(0.0, reach_m), elevation_deg=None)
        assert seen(CIRCLE, replace(above, coverage=limits))
        assert seen(CIRCLE, replace(above, coverage=limits), tracker=fast) is expected
    patient = replace(CIRCLE, imminent_s=30.0)
    near = replace(above, coverage=replace(above.coverage, range_m=(0.0, 4_100.0), elevation_deg=None))
    assert seen(patient, near, tracker=fast)
    assert not seen(CIRCLE, limited(range_m=(0.0, 9_000.0)), tracker=fast)  # the side of the sensor alone
    assert seen(CIRCLE, limited(range_m=(0.0, 12_000.0)), tracker=fast)


@pytest.mark.parametrize("zone", [CIRCLE, SQUARE])
def test_the_approach_lies_as_far_from_the_zone_as_an_object_flies(zone):
    ring, inside = approach(zone, PLANE, 100.0), points(zone, PLANE)
    distances = np.sqrt(((ring[:, None, :] - inside[None, :-1, :]) ** 2).sum(axis=2)).min(axis=1)
    assert (distances > 5_995.0).all()
    assert (distances < 8_000.0).all()
    assert np.allclose(PLANE.to_geodetic(ring)[2], 300.0, atol=1e-3)
