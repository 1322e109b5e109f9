"""The drawn corridor holds what it says it holds."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.prediction import paths
from fusion.prediction.corridor import SHARES, Outline, Slice, corridor
from fusion.tracking.motion import Motions
from fusion.types import Floats, Place

MOTIONS = Motions.of(TrackerConfig(initial_climb_mps=3.0))
HERE = Place(47.5, 19.0, 0.0)
KNOWN = np.diag([20.0, 20.0, 10.0, 2.0, 2.0, 1.0]) ** 2


def drawn(weight: list[float], speed: float, horizon_s: float, count: int, origin: Place = HERE) -> paths.Fan:
    mean = np.zeros((4, 6))
    mean[:, 2], mean[:, 3] = 300.0, speed
    covariance = np.tile(KNOWN, (4, 1, 1))
    return paths.fan(MOTIONS, Plane(origin), np.array(weight), mean, covariance, horizon_s, count)


def area(outline: Outline) -> shapely.MultiPolygon:
    """Longitude along x; every polygon must be valid by itself."""
    parts = [shapely.Polygon(np.array(rings[0])[:, ::-1], [np.array(ring)[:, ::-1] for ring in rings[1:]])
             for rings in outline]  # fmt: skip
    assert all(part.is_valid and part.area > 0.0 for part in parts)
    return shapely.MultiPolygon(parts)


def held(each: Slice, fan: paths.Fan) -> list[float]:
    """The part of the paths of a fan that each outline holds."""
    rows = np.arange(len(fan.path))
    lat, lon = fan.geodetic(fan.path_at(rows, np.full(len(rows), each.time_s))[:, :2])
    lon = each.centre.lon_deg + (lon - each.centre.lon_deg + 180.0) % 360.0 - 180.0
    return [float(shapely.contains_xy(area(outline), lon, lat).mean()) for outline in each.outlines]


@pytest.mark.parametrize(
    ("weight", "speed", "horizon_s"),
    [
        ([1.0, 0.0, 0.0, 0.0], 60.0, 180.0),
        ([0.7, 0.1, 0.1, 0.1], 15.0, 180.0),
        ([0.1, 0.0, 0.45, 0.45], 40.0, 60.0),
        ([0.8, 0.1, 0.05, 0.05], 250.0, 1800.0),
        ([0.5, 0.5, 0.0, 0.0], 0.0, 30.0),
    ],
    ids=["cruise", "drone", "turning", "half an hour", "hovering"],
)
def test_outlines_hold_half_and_nine_tenths_of_other_paths(weight: list[float], speed: float, horizon_s: float) -> None:
    slices = corridor(drawn(weight, speed, horizon_s, paths.FULL))
    others = drawn(weight, speed, horizon_s, 5000)
    for each in (slices[0], slices[len(slices) // 2], slices[-1]):
        half, most = held(each, others)
        assert half == pytest.approx(0.5, abs=0.05)
        assert most == pytest.approx(0.9, abs=0.04)
        assert area(each.outlines[0]).area < 0.6 * area(each.outlines[1]).area


def test_where_a_hard_turn_either_way_leads_is_two_regions_beside_the_way_ahead() -> None:
    fan = drawn([0.0, 0.0, 0.5, 0.5], 40.0, 15.0, paths.FULL)
    (last,) = corridor(fan, [9.0])
    assert len(last.outlines[0]) == 2
    lat, lon = fan.geodetic(np.array([[180.0, 0.0]]))
    assert not shapely.contains_xy(area(last.outlines[0]), lon, lat).any()


def test_centre_line_and_heights_are_those_of_a_straight_flight() -> None:
    cruise = Motions.of(TrackerConfig(motions=("cruise",), initial_climb_mps=3.0))
    mean = np.array([[0.0, 0.0, 300.0, 60.0, 0.0, 0.0]])
    fan = paths.fan(cruise, Plane(HERE), np.ones(1), mean, KNOWN[None], 180.0, paths.FULL)
    slices = corridor(fan, [60.0, 120.0])
    assert [each.time_s for each in slices] == [60.0, 120.0]
    for each in slices:
        east, north, _ = Plane(HERE).to_local(each.centre.lat_deg, each.centre.lon_deg, 300.0)
        assert east == pytest.approx(60.0 * each.time_s, abs=30.0)
        assert north == pytest.approx(0.0, abs=30.0)
        assert each.centre.alt_m == pytest.approx(300.0, abs=10.0)
    climb = 60.0 * (1.0 - np.exp(-2.0))  # of 1 m/s that relaxes in a minute, at 120 s
    noise = 9.0 * 3600.0 * (4.0 - 3.0 + 4.0 * np.exp(-2.0) - np.exp(-4.0))
    sigma = np.sqrt(100.0 + climb**2 + noise)
    assert slices[1].height_m == pytest.approx(
        (300.0 - 1.645 * sigma, 300.0 + 1.645 * sigma), abs=0.15 * sigma
    )  # two standard errors


@pytest.mark.parametrize("origin", [Place(-17.0, 179.99, 0.0), Place(88.0, 30.0, 0.0)], ids=["date line", "high north"])
def test_rings_do_not_jump(origin: Place) -> None:
    fan = drawn([0.9, 0.1, 0.0, 0.0], 60.0, 120.0, paths.FULL, origin)
    for each in corridor(fan):
        rings: list[Floats] = [np.array(ring) for outline in each.outlines for rings in outline for ring in rings]
        assert all(np.abs(np.diff(ring[:, 1])).max() < 90.0 for ring in rings)
        assert held(each, fan)[1] == pytest.approx(0.9, abs=0.04)


def test_the_same_fan_has_the_same_corridor_of_plain_tuples() -> None:
    fan = drawn([0.7, 0.1, 0.1, 0.1], 15.0, 60.0, paths.FULL)
    assert corridor(fan) == corridor(fan)
    assert hash(corridor(fan)[0])
    assert len(corridor(fan)[0].outlines) == len(SHARES)


def test_a_track_known_exactly_still_has_an_outline() -> None:
    steady = Motions.of(TrackerConfig(motions=("cruise",), agility_mps2=1e-3, initial_climb_mps=1e-3))
    mean = np.array([[0.0, 0.0, 300.0, 20.0, 0.0, 0.0]])
    fan = paths.fan(steady, Plane(HERE), np.ones(1), mean, np.diag([1e-6] * 6)[None], 60.0, 1024)
    assert all(area(outline).area > 0.0 for each in corridor(fan) for outline in each.outlines)
