"""Volumes are exact to metres anywhere on the earth, and zones are active when their configuration says."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.airspace.airspace import Airspace
from fusion.airspace.volumes import Volume, destination
from fusion.config import ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats, Ints, Place

PLANE = Plane(Place(47.5, 19.0, 100.0))
SQUARE = ((19.0, 47.5), (19.1, 47.5), (19.1, 47.6), (19.0, 47.6))


def zone(**changes: object) -> ZoneConfig:
    shape = {} if "circle" in changes else {"polygons": ((SQUARE,),)}
    return ZoneConfig(**{"id": "z", "floor_m": 0.0, "ceiling_m": 900.0, **shape, **changes})  # type: ignore[arg-type]


def inside(volume: Volume, lat: object, lon: object, alt: object) -> list[bool]:
    lat, lon, alt = (np.atleast_1d(np.asarray(part, float)) for part in np.broadcast_arrays(lat, lon, alt))
    points = volume.on_map(lat, lon)
    return [bool(part) for part in volume.inside(points[:, 0], points[:, 1], alt)]


def within_ring(lon: float, lat: float, ring: Floats) -> bool:
    """Ray casting in degrees: the definition of GeoJSON's straight edges."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if (y0 > lat) != (y1 > lat) and lon < x0 + (lat - y0) / (y1 - y0) * (x1 - x0):
            crossings += 1
    return crossings % 2 == 1


def star(rng: np.random.Generator, lon: float, lat: float, size: float) -> Floats:
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, 9))
    radius = size * rng.uniform(0.4, 1.0, 9)
    return np.stack([lon + radius * np.cos(angle) / np.cos(np.radians(lat)), lat + radius * np.sin(angle)], axis=-1)


@pytest.mark.parametrize(
    ("lat", "lon", "size"), [(47.5, 19.0, 0.05), (-33.0, 151.0, 2.0), (78.0, 15.0, 1.0), (0.2, 6.0, 4.0)]
)
def test_inside_agrees_with_ray_casting_in_degrees_for_parts_with_holes(lat: float, lon: float, size: float) -> None:
    rng = np.random.default_rng(3)
    outer, other = star(rng, lon, lat, size), star(rng, lon + 4.0 * size, lat, size)
    hole = (lon, lat) + 0.3 * (outer - (lon, lat))
    rings = (
        (tuple(map(tuple, outer.tolist())), tuple(map(tuple, hole.tolist()))),
        (tuple(map(tuple, other.tolist())),),
    )
    volume = Volume.of(zone(polygons=rings), PLANE)
    points = rng.uniform([lon - 2 * size, lat - 1.2 * size], [lon + 6 * size, lat + 1.2 * size], (1500, 2))
    expected = [
        (within_ring(x, y, outer) and not within_ring(x, y, hole)) or within_ring(x, y, other) for x, y in points
    ]
    found = inside(volume, points[:, 1], points[:, 0], 450.0)
    wrong = np.flatnonzero(np.array(expected) != np.array(found))
    edge = volume.on_map(points[wrong, 1], points[wrong, 0])
    import shapely

    assert all(shapely.distance(shapely.points(edge), volume.shape.boundary) < 1.0), (
        "wrong further than 1 m from an edge"
    )
    assert len(wrong) < 5
    assert any(expected)
    assert not all(expected)


def test_destination_agrees_with_the_published_line_from_flinders_peak_to_buninyong() -> None:
    azimuth = 306.0 + 52.0 / 60.0 + 5.37 / 3600.0  # Geocentric Datum of Australia technical manual
    lat, lon = destination(
        -(37 + 57 / 60 + 3.72030 / 3600), 144 + 25 / 60 + 29.52440 / 3600, np.array([azimuth]), 54972.271
    )
    assert lat[0] == pytest.approx(-(37 + 39 / 60 + 10.15610 / 3600), abs=1e-8)
    assert lon[0] == pytest.approx(143 + 55 / 60 + 35.38390 / 3600, abs=1e-8)


@pytest.mark.parametrize("radius", [50.0, 5_000.0, 120_000.0])
def test_a_circle_ends_at_its_radius_in_every_direction(radius: float) -> None:
    volume = Volume.of(zone(circle=(-179.99, 68.0, radius)), PLANE)
    azimuth = np.arange(0.0, 360.0, 7.0)
    for offset, expected in ((-1.0, True), (1.0, False)):
        lat, lon = destination(68.0, -179.99, azimuth, radius + offset)
        assert inside(volume, lat, lon, 10.0) == [expected] * len(azimuth)


@pytest.mark.parametrize(
    "polygons",
    [
        ((((179.0, -17.0), (181.0, -17.0), (181.0, -16.0), (179.0, -16.0)),),),
        ((((179.0, -17.0), (-179.0, -17.0), (-179.0, -16.0), (179.0, -16.0)),),),
        (
            (((179.0, -17.0), (180.0, -17.0), (180.0, -16.0), (179.0, -16.0)),),
            (((-180.0, -17.0), (-179.0, -17.0), (-179.0, -16.0), (-180.0, -16.0)),),
        ),
    ],
    ids=["beyond 180", "short way", "cut"],
)
def test_a_zone_over_the_date_line_is_one_zone_however_it_is_written(polygons: object) -> None:
    volume = Volume.of(zone(polygons=polygons), PLANE)
    assert inside(volume, -16.5, [179.5, 180.0, -180.0, -179.5, 178.9, -178.9], 5.0) == [True] * 4 + [False] * 2


def test_a_cap_and_a_ring_of_corners_round_the_pole_hold_the_pole() -> None:
    cap = zone(polygons=((((-180.0, 80.0), (180.0, 80.0), (180.0, 90.0), (-180.0, 90.0)),),))
    ring = zone(polygons=((((-180.0, 80.0), (-90.0, 80.0), (0.0, 80.0), (90.0, 80.0)),),))
    for each in (cap, ring):
        volume = Volume.of(each, PLANE)
        assert inside(volume, [90.0, 80.01, 80.01, 79.99], [0.0, 45.0, -179.9, 135.0], 5.0) == [True] * 3 + [False]


def test_heights_are_geodetic_and_not_along_the_planes_up_axis() -> None:
    lat, lon = 47.5, 20.4  # 105 km from the origin, where the plane lies 860 m above the ground
    volume = Volume.of(zone(circle=(lon, lat, 2000.0)), PLANE)
    assert inside(volume, lat, lon, [-1.0, 1.0, 899.0, 901.0]) == [False, True, True, False]
    below = PLANE.to_local(lat, lon, 500.0)
    assert below[2] < -250.0, "read off the plane it would be outside"


def test_margins_widen_sideways_and_up_and_down() -> None:
    volume = Volume.of(zone(circle=(19.0, 47.5, 1000.0), margin_m=300.0, margin_vertical_m=50.0), PLANE)
    lat, lon = destination(47.5, 19.0, np.array([0.0, 60.0, 200.0]), 1299.0)
    assert inside(volume, lat, lon, -49.0) == [True] * 3
    assert inside(volume, lat, lon, -51.0) == [False] * 3
    lat, lon = destination(47.5, 19.0, np.array([0.0, 60.0, 200.0]), 1301.5)
    assert inside(volume, lat, lon, 949.0) == [False] * 3


def test_distance_is_that_along_the_ground_and_in_space() -> None:
    volume = Volume.of(zone(circle=(19.0, 47.5, 1000.0)), PLANE)
    lat, lon = destination(47.5, 19.0, np.array([75.0]), 4000.0)
    point = volume.on_map(lat, lon)
    ground, space = volume.distance(point[:, 0], point[:, 1], np.array([4900.0]))
    assert ground[0] == pytest.approx(3000.0, abs=3.0)
    assert space[0] == pytest.approx(5000.0, abs=3.0)


def test_a_shape_without_an_area_is_refused() -> None:
    with pytest.raises(ConfigError, match="a shape with an area"):
        Volume.of(zone(polygons=((((19.0, 47.0), (19.1, 47.0), (19.0, 47.0)),),)), PLANE)


def test_the_ball_of_a_volume_holds_it() -> None:
    rng = np.random.default_rng(1)
    for each in (zone(), zone(circle=(23.0, 45.0, 90_000.0), ceiling_m=20_000.0, margin_m=5000.0)):
        volume = Volume.of(each, PLANE)
        lat, lon = rng.uniform(43.0, 49.0, 4000), rng.uniform(18.0, 25.0, 4000)
        alt = rng.uniform(-100.0, 21_000.0, 4000)
        held = np.array(inside(volume, lat, lon, alt))
        away = np.sqrt(((PLANE.to_local(lat, lon, alt) - volume.centre) ** 2).sum(axis=1))
        assert (away[held] <= volume.reach_m).all()
        assert each.circle is None or held.any()


HOUR = 3600 * SECOND_NS
SCHEDULED = zone(active=((10 * HOUR, 11 * HOUR), (11 * HOUR, 12 * HOUR), (20 * HOUR, 21 * HOUR)), lookahead_s=600.0)


@pytest.mark.parametrize(
    ("time_ns", "state", "change_ns"),
    [
        (0, "inactive", 10 * HOUR - 600 * SECOND_NS),
        (10 * HOUR - 600 * SECOND_NS, "pre-active", 10 * HOUR),
        (10 * HOUR, "active", 12 * HOUR),
        (12 * HOUR - 1, "active", 12 * HOUR),
        (12 * HOUR, "inactive", 20 * HOUR - 600 * SECOND_NS),
        (21 * HOUR, "inactive", None),
    ],
)
def test_a_scheduled_zone_is_pre_active_within_its_look_ahead(time_ns: int, state: str, change_ns: int | None) -> None:
    (found,) = Airspace([SCHEDULED], PLANE).states(time_ns)
    assert (found.id, found.state, found.next_change_ns) == ("z", state, change_ns)


@given(st.integers(0, 24 * 3600))
def test_a_zone_never_changes_before_it_says_so_and_changes_then(second: int) -> None:
    airspace = Airspace([SCHEDULED], PLANE)
    (now,) = airspace.states(second * SECOND_NS)
    if now.next_change_ns is not None:
        assert airspace.states(now.next_change_ns - 1)[0].state == now.state
        assert airspace.states(now.next_change_ns)[0].state != now.state


def test_a_switch_at_run_time_overrules_the_schedule_until_it_is_taken_back() -> None:
    airspace = Airspace([SCHEDULED, zone(id="always")], PLANE)
    airspace.set_active("z", True)
    airspace.set_active("always", False)
    assert [(each.state, each.next_change_ns) for each in airspace.states(0)] == [("active", None), ("inactive", None)]
    assert airspace.spans(0, 0) == ((0.0, 600.0),)
    assert airspace.spans(1, 0) == ()
    airspace.set_active("z", None)
    airspace.set_active("always", None)
    assert [each.state for each in airspace.states(0)] == ["inactive", "active"]
    with pytest.raises(ConfigError, match="nowhere"):
        airspace.set_active("nowhere", True)


def test_spans_are_the_active_part_of_the_look_ahead() -> None:
    airspace = Airspace([SCHEDULED], PLANE)
    assert airspace.spans(0, 10 * HOUR - 100 * SECOND_NS) == ((100.0, 600.0),)
    assert airspace.spans(0, 12 * HOUR - 100 * SECOND_NS) == ((0.0, 100.0),)
    assert airspace.spans(0, 12 * HOUR) == ()


@dataclass
class Bound:
    """Tracks that may go so far and so high, each in proportion to the look-ahead."""

    far_m: Floats
    high_m: Floats

    def far(self, rows: Ints, horizon_s: Floats) -> Floats:
        return np.asarray(self.far_m[rows] * horizon_s / 180.0)

    def high(self, rows: Ints, horizon_s: Floats) -> Floats:
        return np.asarray(self.high_m[rows] * horizon_s / 180.0)


def near(airspace: Airspace, lat: Floats, lon: Floats, alt: Floats, bound: Bound) -> list[tuple[int, int]]:
    rows, zones = airspace.nearby.near(airspace.plane.to_local(lat, lon, alt), alt, bound)
    return list(zip(rows.tolist(), zones.tolist(), strict=True))


def everything(airspace: Airspace, lat: Floats, lon: Floats, alt: Floats, bound: Bound) -> list[tuple[int, int]]:
    """What the index must find, pair by pair."""
    found = []
    positions = airspace.plane.to_local(lat, lon, alt)
    for row, zone in itertools.product(range(len(lat)), range(len(airspace.zones))):
        volume, ahead = airspace.volumes[zone], np.array([airspace.zones[zone].lookahead_s])
        far, high = bound.far(np.array([row]), ahead)[0], bound.high(np.array([row]), ahead)[0]
        away = np.sqrt(((positions[row] - volume.centre) ** 2).sum())
        level = alt[row] - high <= volume.ceiling_m and alt[row] + high >= volume.floor_m
        if away <= far + volume.reach_m and level:
            found.append((row, zone))
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_the_index_finds_exactly_what_comparing_every_track_with_every_zone_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, origin = int(rng.integers(1, 12)), Place(float(rng.uniform(-90, 90)), float(rng.uniform(-180, 180)), 0.0)
    zones = [
        zone(
            id=f"z{i}",
            circle=(float(rng.uniform(-180, 180)), float(rng.uniform(-90, 90)), float(10 ** rng.uniform(2, 6))),
            lookahead_s=float(rng.choice([30.0, 47.0, 180.0, 1800.0])), floor_m=float(rng.uniform(0, 900)),
        )
        for i in range(count)
    ]  # fmt: skip
    airspace, tracks = Airspace(zones, Plane(origin)), 20
    lat, lon = rng.uniform(-90.0, 90.0, tracks), rng.uniform(-180.0, 180.0, tracks)
    alt, far = rng.uniform(0.0, 3000.0, tracks), 10 ** rng.uniform(2.0, 7.2, tracks)
    bound = Bound(far, rng.uniform(0.0, 3000.0, tracks))
    assert near(airspace, lat, lon, alt, bound) == everything(airspace, lat, lon, alt, bound)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 360.0), st.floats(0.0, 60_000.0), st.floats(100.0, 40_000.0))
def test_a_track_that_can_reach_a_volume_is_near_it(azimuth: float, away: float, reach: float) -> None:
    airspace = Airspace([zone(circle=(19.0, 47.5, 1000.0)), zone(id="y")], PLANE)
    one, alt = np.ones(1), np.array([450.0])
    lat, lon = destination(47.5, 19.0, np.array([azimuth]), 1000.0 + away)
    assert ((0, 0) in near(airspace, lat, lon, alt, Bound(reach * one, one))) >= (reach > away + 1.0)
    assert near(airspace, lat, lon, alt + 550.0, Bound(1e6 * one, 99.0 * one)) == []
    assert near(airspace, lat, lon, alt + 550.0, Bound(1e6 * one, 101.0 * one)) == [(0, 0), (0, 1)]


def test_no_zones_and_no_tracks_are_near_nothing() -> None:
    none = np.empty(0)
    assert (
        near(Airspace([], PLANE), np.array([47.5]), np.array([19.0]), np.zeros(1), Bound(np.ones(1), np.ones(1))) == []
    )
    assert near(Airspace([zone()], PLANE), none, none, none, Bound(none, none)) == []
