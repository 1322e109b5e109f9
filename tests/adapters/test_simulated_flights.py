"""Flights: what is flown is continuous, keeps its limits, and passes where it should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.simulated.chart import Chart
from adapters.simulated.fleet import Fleet
from adapters.simulated.flights import Flight, Path, Waypoint, path_of
from adapters.simulated.traffic import Area, Traffic, paths_of
from fusion.errors import ConfigError
from fusion.geodesy import Plane, axes_at, from_ecef, rotate
from fusion.types import Floats, Place

HOME = Place(48.0, 11.0, 0.0)


def at(east_m: float, north_m: float, alt_m: float = 500.0, home: Place = HOME, **more: float) -> Waypoint:
    """A waypoint by metres from home; good to a metre within 50 km."""
    lat, lon, _ = Plane(home).to_geodetic(np.array([east_m, north_m, 0.0]))
    return Waypoint(float(lat), float(lon), alt_m, **more)


def states(path: Path, times: Floats) -> tuple[Floats, Floats]:
    """Earth-centred position and velocity, (n, 3) each."""
    fleet, index = Fleet.of([path]), np.zeros(len(times), np.int64)
    position = fleet.position(index, times)
    lat, lon, _ = from_ecef(position)
    velocity = rotate(fleet.velocity(index, times), np.swapaxes(axes_at(lat, lon), -1, -2))
    return position, velocity


def assert_velocity_is_derivative(path: Path, acceleration: float) -> None:
    """Over 20 ms the mean velocity is that in the middle, but for steps of acceleration inside."""
    step = 0.02
    times = np.linspace(path.start_s + step, path.end_s - step, 500)
    before, _ = states(path, times - step / 2)
    after, _ = states(path, times + step / 2)
    _, velocity = states(path, times)
    error = np.sqrt((((after - before) / step - velocity) ** 2).sum(axis=1))
    assert error.max() < acceleration * step + 1e-4
    assert np.quantile(error, 0.8) < 1e-3


@st.composite
def drone_flights(draw: st.DrawFn) -> Flight:
    """Up to 7 waypoints a few kilometres apart, some to hover at, anywhere on earth but the last degrees."""
    home = Place(draw(st.floats(-80, 80)), draw(st.floats(-180, 180)), 0.0)
    points, east, north, bearing = [], 0.0, 0.0, draw(st.floats(0, 6.28))
    for _ in range(draw(st.integers(2, 7))):
        hold = draw(st.sampled_from([0.0, 0.0, 5.0]))
        height = draw(st.sampled_from([100.0, 130.0, 250.0]))
        points.append(at(east, north, height, home, hold_s=hold))
        bearing += draw(st.floats(-2.5, 2.5))
        length = draw(st.floats(2000, 6000))
        east, north = east + length * math.sin(bearing), north + length * math.cos(bearing)
    return Flight(
        "drone",
        tuple(points),
        speed_mps=draw(st.floats(5, 40)),
        climb_mps=draw(st.floats(2, 8)),
        turn_rate_dps=draw(st.floats(5, 40)),
        acceleration_mps2=draw(st.floats(1, 5)),
        start_s=draw(st.sampled_from([0.0, 12.5])),
    )


@settings(max_examples=40, deadline=None)
@given(drone_flights())
def test_flight_velocity_is_the_derivative_of_its_position_and_keeps_every_limit(flight: Flight) -> None:
    try:
        path = path_of(flight)
    except ConfigError:
        assume(False)
    lateral = flight.speed_mps * math.radians(flight.turn_rate_dps)
    assert_velocity_is_derivative(path, flight.acceleration_mps2 + lateral + 2.0)
    times = np.linspace(path.start_s, path.end_s, 2000)
    fleet, index = Fleet.of([path]), np.zeros(2000, np.int64)
    east, north, up = fleet.velocity(index, times).T
    speed = np.hypot(east, north)
    assert speed.max() <= flight.speed_mps * 1.001
    assert np.abs(up).max() <= flight.climb_mps * 1.0001
    turned = np.mod(np.diff(fleet.heading_deg(index, times)) + 180.0, 360.0) - 180.0
    meridians = 0.01  # °/s: how fast a straight way changes its heading by their convergence, at 80°
    assert np.abs(turned / np.diff(times)).max() <= flight.turn_rate_dps * 1.001 + meridians


@settings(max_examples=20, deadline=None)
@given(drone_flights())
def test_flight_hovers_exactly_where_it_is_told_to(flight: Flight) -> None:
    try:
        path = path_of(flight)
    except ConfigError:
        assume(False)
    times = np.arange(path.start_s, path.end_s, 1.0)
    fleet, index = Fleet.of([path]), np.zeros(len(times), np.int64)
    lat, lon, _ = fleet.geodetic(index, times)
    velocity = fleet.velocity(index, times)
    for point in flight.waypoints:
        if point.hold_s:
            here = (np.abs(lat - point.lat_deg) < 1e-8) & (np.abs(lon - point.lon_deg) < 1e-6)
            assert here.sum() >= 4
            assert np.hypot(velocity[here, 0], velocity[here, 1]).min() < 1e-9


def test_a_corner_is_an_arc_of_the_radius_that_speed_and_turn_rate_give() -> None:
    flight = Flight("a", (at(0, 0), at(0, 10_000), at(10_000, 10_000)), speed_mps=100.0, turn_rate_dps=3.0)
    path = path_of(flight)
    plane = Plane(Place(HOME.lat_deg, HOME.lon_deg, 500.0))
    times = np.linspace(0.0, path.end_s, 20_000)
    local = plane.to_local(*Fleet.of([path]).geodetic(np.zeros(len(times), np.int64), times))
    radius = 100.0 / math.radians(3.0)
    nearest = np.hypot(local[:, 0], local[:, 1] - 10_000).min()
    assert nearest == pytest.approx(radius * (math.sqrt(2.0) - 1.0), rel=2e-3)
    assert path.end_s == pytest.approx((20_000 - 2 * radius) / 100.0 + 30.0, rel=1e-3)


def test_a_vertical_rise_goes_straight_up_at_the_climb_rate() -> None:
    path = path_of(Flight("a", (at(0, 0, 100), at(0, 0, 160), at(500, 0, 160)), speed_mps=10.0, climb_mps=3.0))
    times = np.linspace(0.0, 20.0, 201)
    fleet, index = Fleet.of([path]), np.zeros(201, np.int64)
    lat, lon, alt = fleet.geodetic(index, times)
    assert np.ptp(lat) < 1e-9
    assert np.ptp(lon) < 1e-9
    assert alt[-1] == pytest.approx(100.0 + 3.0 * 20.0 - 3.0 * 0.75, abs=1e-6)  # half of the 1.5 s ramp is lost
    assert fleet.velocity(index, times)[:, 2].max() == pytest.approx(3.0)


def test_a_flight_is_absent_before_its_start_and_after_its_end() -> None:
    path = path_of(Flight("a", (at(0, 0), at(1000, 0)), speed_mps=50.0, start_s=30.0))
    assert path.end_s == pytest.approx(50.0, rel=1e-3)
    times = np.array([29.9, 30.0, 40.0, path.end_s, path.end_s + 0.1])
    alive = Fleet.of([path]).alive(np.zeros(5, np.int64), times)
    assert alive.tolist() == [False, True, True, True, False]


def test_every_flight_of_a_fleet_is_where_it_is_alone() -> None:
    paths = [
        path_of(Flight("a", (at(0, 0), at(3000, 0), at(3000, 3000)), speed_mps=30.0, turn_rate_dps=10.0)),
        path_of(Flight("b", (at(500, 0, hold_s=20.0),), speed_mps=1.0, start_s=5.0)),
        path_of(Flight("c", (at(0, 900, 300), at(9000, 900, 700)), speed_mps=40.0)),
    ]
    together = Fleet.of(paths)
    for time in (0.0, 7.3, 24.999, 90.0, 300.0):
        index = np.arange(3)
        position = together.position(index, np.full(3, time))
        for k, path in enumerate(paths):
            alone = Fleet.of([path]).position(np.zeros(1, np.int64), np.array([time]))
            assert position[k] == pytest.approx(alone[0], abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.floats(-85, 85), st.floats(-180, 180), st.floats(0, 6.28), st.floats(0, 900_000))
def test_chart_and_back_is_the_same_place(lat: float, lon: float, bearing: float, reach: float) -> None:
    chart = Chart.at(lat, lon, 1000.0)
    x, y = reach * math.sin(bearing), reach * math.cos(bearing)
    back = chart.from_geodetic(*chart.to_geodetic(np.array(x), np.array(y)))
    assert back == pytest.approx(np.array([x, y]), abs=1e-3)


@pytest.mark.parametrize(
    ("flight", "says"),
    [
        (Flight("a", (at(0, 0),), 10.0), "waypoints is 1 without way or hold_s"),
        (Flight("a", (at(0, 0), at(9e3, 0), at(0, 10)), 10.0), r"waypoints\[1\] is a turn of 180°"),
        (Flight("a", (at(0, 0), at(0, 900), at(900, 900)), 100.0), r"at least 1910 m, to round its corners"),
        (Flight("a", (at(0, 0), at(0, 90, hold_s=1)), 100.0), r"waypoints\[1\] is 90 m of straight way"),
        (Flight("a", (at(0, 0, 0), at(0, 9e3, 3e3)), 90.0), r"3000 m higher, and 100 s away"),
        (Flight("a", (at(0, 0), Waypoint(-10.0, 11.0, 0.0)), 90.0), "km from their middle"),
    ],
)
def test_a_flight_that_cannot_be_flown_says_where_and_why(flight: Flight, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        path_of(flight)


TRAFFIC = Traffic("t", 40, Area((47.0, 48.0), (10.0, 11.5)), (2000.0, 9000.0), (100.0, 250.0), climbs=0.8)


def test_traffic_is_flown_within_its_limits_and_area() -> None:
    paths = paths_of(TRAFFIC, 3, 900.0)
    assert len(paths) == 40
    for path in paths[:8]:
        assert_velocity_is_derivative(path, 250.0 * math.radians(3.0) + 2.0)
    fleet, index = Fleet.of(paths), np.arange(40)
    for time in np.linspace(0.0, 900.0, 30):
        lat, lon, alt = fleet.geodetic(index, np.full(40, time))
        speed = np.hypot(*fleet.velocity(index, np.full(40, time))[:, :2].T)
        assert fleet.alive(index, np.full(40, time)).all()
        assert ((lat > 46.7) & (lat < 48.3) & (lon > 9.6) & (lon < 11.9)).all()  # turns swing out a little
        assert ((alt >= 2000.0) & (alt <= 9000.0)).all()
        assert ((speed > 99.0) & (speed < 251.0)).all()


def test_more_traffic_changes_no_flight_that_was_there() -> None:
    few, many = (paths_of(Traffic(**{**fields(TRAFFIC), "count": n}), 3, 300.0) for n in (5, 9))
    for one, other in zip(few, many, strict=False):
        assert one.id == other.id
        assert np.array_equal(one.ground, other.ground)
    assert not np.array_equal(few[0].ground, few[1].ground)


def test_traffic_that_would_begin_after_the_end_is_left_out() -> None:
    late = Traffic(**{**fields(TRAFFIC), "start_s": (0.0, 600.0)})
    paths = paths_of(late, 3, 300.0)
    assert 5 < len(paths) < 35
    assert all(path.start_s < path.end_s == 300.0 for path in paths)


def fields(traffic: Traffic) -> dict[str, object]:
    return {name: getattr(traffic, name) for name in Traffic.__dataclass_fields__}
