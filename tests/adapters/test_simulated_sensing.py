"""Simulated sensors against geometry worked out by hand and against the statistics that they promise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from adapters.simulated.behaviour import Beam, Behaviour, Occlusion
from adapters.simulated.fleet import Fleet
from adapters.simulated.flights import Flight, Waypoint, path_of
from adapters.simulated.sensing import Sensor
from fusion.config import Component, SensorConfig, TrackerConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import measure, place
from fusion.types import COMPONENTS, Coverage, Floats, Frame, Place, Pose

HOME = Place(48.0, 11.0, 0.0)
HILL = Pose(48.0, 11.0, 600.0)
EXACT = 1e-12  # a sigma, and 1 less a detection probability, that make no difference
POLAR: tuple[Component, ...] = ("range_m", "azimuth_deg", "elevation_deg")
WHOLE = Coverage(range_m=(10.0, 100_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-90.0, 90.0))
SKY = Behaviour(horizon=False)


def config(
    measures: Sequence[Component] = POLAR,
    sigma: float = EXACT,
    coverage: Coverage = WHOLE,
    pose: Pose | None = HILL,
    kind: str = "radar",
    misses: float = EXACT,
    false_alarms: float = 0.0,
    period_s: float = 4.0,
) -> SensorConfig:
    return SensorConfig(
        "one",
        kind,  # type: ignore[arg-type]
        tuple(measures),
        dict.fromkeys(measures, sigma),
        coverage,
        pose,
        1.0 - misses,
        false_alarms,
        period_s,
    )


def at(east_m: float, north_m: float, alt_m: float, **more: float) -> Waypoint:
    lat, lon, _ = Plane(HOME).to_geodetic(np.array([east_m, north_m, 0.0]))
    return Waypoint(float(lat), float(lon), alt_m, **more)


def standing(places: Sequence[tuple[float, float, float]], seconds: float = 1e5) -> Fleet:
    """Objects that hover: east, north (m from home), height."""
    flights = [Flight(f"f{i}", (at(*place, hold_s=seconds),), 10.0) for i, place in enumerate(places)]
    return Fleet.of([path_of(flight) for flight in flights])


def frames(sensor: SensorConfig, behaviour: Behaviour, fleet: Fleet, seconds: float, seed: int = 1) -> list[Frame]:
    made = Sensor(sensor, behaviour, TrackerConfig(), fleet, seed).frames(0, seconds, "sim", "run")
    return list(made)


def rows(made: Sequence[Frame]) -> tuple[Floats, Floats]:
    """All values (n, k), SI and radians, and their times (n,) s."""
    return np.concatenate([f.values for f in made]), np.concatenate([f.times_ns for f in made]) / 1e9


def by_hand(pose: Pose, lat: float, lon: float, alt: float) -> tuple[float, float, float]:
    """Range, azimuth and elevation (rad) from first principles, one number at a time."""

    def earth_centred(lat: float, lon: float, alt: float) -> list[float]:
        a, f = 6378137.0, 1 / 298.257223563
        e2 = f * (2 - f)
        n = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
        return [
            (n + alt) * math.cos(lat) * math.cos(lon),
            (n + alt) * math.cos(lat) * math.sin(lon),
            (n * (1 - e2) + alt) * math.sin(lat),
        ]

    la, lo = math.radians(pose.lat_deg), math.radians(pose.lon_deg)
    here = earth_centred(la, lo, pose.alt_m)
    there = earth_centred(math.radians(lat), math.radians(lon), alt)
    dx, dy, dz = (t - h for t, h in zip(there, here, strict=True))
    east = -math.sin(lo) * dx + math.cos(lo) * dy
    north = -math.sin(la) * math.cos(lo) * dx - math.sin(la) * math.sin(lo) * dy + math.cos(la) * dz
    up = math.cos(la) * math.cos(lo) * dx + math.cos(la) * math.sin(lo) * dy + math.sin(la) * dz
    yaw, pitch, roll = (math.radians(v) for v in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    right, forward = (
        east * math.cos(yaw) - north * math.sin(yaw),
        east * math.sin(yaw) + north * math.cos(yaw),
    )
    forward, up = (
        forward * math.cos(pitch) + up * math.sin(pitch),
        up * math.cos(pitch) - forward * math.sin(pitch),
    )
    right, up = right * math.cos(roll) - up * math.sin(roll), up * math.cos(roll) + right * math.sin(roll)
    slant = math.sqrt(right * right + forward * forward + up * up)
    return slant, math.atan2(right, forward) % (2 * math.pi), math.asin(up / slant)


angles = st.floats(-40, 40)


@settings(max_examples=40, deadline=None)
@given(st.floats(-360, 360), angles, angles, st.floats(-3e4, 3e4), st.floats(-3e4, 3e4), st.floats(700, 9000))
def test_a_noise_free_detection_is_the_geometry_worked_out_by_hand(
    yaw: float, pitch: float, roll: float, east: float, north: float, alt: float
) -> None:
    pose = Pose(48.0, 11.0, 600.0, yaw, pitch, roll)
    assume(math.hypot(east, north) > 100.0)  # straight above, the azimuth means nothing
    fleet = standing([(east, north, alt)])
    (lat,), (lon,), _ = fleet.geodetic(np.zeros(1, np.int64), np.zeros(1))
    made = frames(config(pose=pose), SKY, fleet, 4.0)
    values, _ = rows(made)
    expected = by_hand(pose, lat, lon, alt)
    assert values.shape == (1, 3)
    assert values[0, 0] == pytest.approx(expected[0], abs=1e-6)
    assert math.remainder(values[0, 1] - expected[1], 2 * math.pi) == pytest.approx(0.0, abs=1e-7)
    assert values[0, 2] == pytest.approx(expected[2], abs=1e-9)


@pytest.mark.parametrize("measures", [POLAR, ("range_m", "azimuth_deg", "range_rate_mps", "altitude_m")])
def test_radar_values_are_what_the_tracker_expects_of_the_true_state(measures: tuple[Component, ...]) -> None:
    way = (at(-9000, 4000, 900), at(1000, 5000, 1400), at(9000, -3000, 1200))
    fleet = Fleet.of([path_of(Flight("a", way, 80.0, turn_rate_dps=4.0))])
    pose = Pose(48.0, 11.0, 600.0, 30.0, 3.0, -2.0)
    values, times = rows(frames(config(measures, pose=pose), SKY, fleet, 200.0))
    assert len(values) == 49  # one pass of 50 less: it goes past north with the beam
    assert_expected(values, times, fleet, measures, pose)


def test_position_values_are_what_the_tracker_expects_of_the_true_state() -> None:
    fleet = Fleet.of([path_of(Flight("a", (at(-9000, 4000, 900), at(9000, -3000, 1200)), 80.0))])
    measures: tuple[Component, ...] = ("east_m", "north_m", "up_m", "altitude_m")
    box = Coverage(east_m=(-5000.0, 20_000.0), north_m=(-20_000.0, 20_000.0), up_m=(-1000.0, 9000.0))
    values, times = rows(frames(config(measures, coverage=box, kind="position"), Behaviour(), fleet, 200.0))
    assert values[:, 0].min() >= -5000.0
    assert len(values) > 30
    assert_expected(values, times, fleet, measures, HILL)


def assert_expected(values: Floats, times: Floats, fleet: Fleet, measures: Sequence[Component], pose: Pose) -> None:
    plane, index = Plane(HOME), np.zeros(len(times), np.int64)
    geodetic = fleet.geodetic(index, times)
    axes = plane.local_axes(geodetic[0], geodetic[1])
    velocity = (axes * fleet.velocity(index, times)[:, :, None]).sum(axis=1)
    state = np.concatenate([plane.to_local(*geodetic), velocity], axis=1)
    for k, name in enumerate(measures):
        expected, _ = measure(COMPONENTS.index(name), place(pose, plane), plane, state)
        difference = values[:, k] - expected
        if name == "azimuth_deg":
            difference = np.mod(difference + np.pi, 2 * np.pi) - np.pi
        # Times are whole nanoseconds; an object at 80 m/s moves by less than 1e-7 m in one.
        assert np.abs(difference).max() < 1e-6


@pytest.mark.parametrize(("azimuth", "sectors"), [((0.0, 360.0), 12), ((-30.0, 330.0), 7), ((300.0, 60.0), 4)])
def test_swept_sectors_tile_the_registered_azimuths(azimuth: tuple[float, float], sectors: int) -> None:
    coverage = Coverage((10.0, 1e5), azimuth, (-90.0, 90.0))
    made = frames(config(coverage=coverage), Behaviour(sectors=sectors, horizon=False), standing([]), 8.0)
    assert len(made) == 2 * sectors
    spans = [frame.swept.azimuth_deg for frame in made[:sectors] if frame.swept and frame.swept.azimuth_deg]
    assert len(spans) == sectors
    for (_, high), (low, _) in itertools.pairwise(spans):
        assert high == pytest.approx(low)
    assert spans[0][0] == pytest.approx(azimuth[0] % 360.0)
    assert spans[-1][1] == pytest.approx(azimuth[1] % 360.0)
    width = (azimuth[1] - azimuth[0]) % 360.0 or 360.0
    assert sum((high - low) % 360.0 for low, high in spans) == pytest.approx(width)


def test_detections_of_a_rotating_radar_lie_in_their_look_in_time_and_azimuth() -> None:
    around = [(5e3 * math.sin(a), 5e3 * math.cos(a), 900.0) for a in np.linspace(0.01, 6.27, 100)]
    made = frames(config(period_s=3.0, false_alarms=50.0), Behaviour(sectors=10, horizon=False), standing(around), 9.0)
    assert len(made) == 30
    for k, frame in enumerate(made):
        assert frame.time_ns == (k + 1) * 300_000_000
        assert frame.swept is not None
        assert frame.swept.azimuth_deg is not None
        low = frame.swept.azimuth_deg[0]
        assert ((frame.times_ns > frame.time_ns - 300_000_000) & (frame.times_ns <= frame.time_ns)).all()
        assert (np.diff(frame.times_ns) >= 0).all()
        inside = np.mod(np.degrees(frame.values[:, 1]) - low, 360.0)
        assert ((inside >= 0.0) & (inside <= 36.0)).all()
        beam = np.mod(frame.times_ns / 1e9 / 3.0 * 360.0 - np.degrees(frame.values[:, 1]), 360.0)
        assert np.minimum(beam, 360.0 - beam).max(initial=0.0) < 1e-4
    assert sum(len(frame.values) for frame in made) > 300


@pytest.mark.parametrize("clockwise", [1.0, -1.0])
def test_an_object_that_circles_the_radar_is_seen_once_in_each_pass_of_the_beam(clockwise: float) -> None:
    ring = [at(3e3 * math.sin(clockwise * a), 3e3 * math.cos(a), 900.0) for a in np.linspace(0.1, 19.0, 60)]
    path = path_of(Flight("a", tuple(ring), 100.0, turn_rate_dps=10.0))
    made = frames(config(), Behaviour(sectors=8, horizon=False), Fleet.of([path]), 400.0)
    _, times = rows(made)
    # The object needs 188 s for a round; the beam needs 4 s for it, and meets it a little later or sooner.
    assert np.diff(times) == pytest.approx(4.0 / (1.0 - clockwise * 4.0 / 188.5), abs=0.02)


def test_noise_has_the_registered_sigma_in_every_component() -> None:
    sigma = {"range_m": 30.0, "azimuth_deg": 0.2, "elevation_deg": 0.1}
    sensor = SensorConfig("one", "radar", POLAR, sigma, WHOLE, HILL, 1 - EXACT, 0.0, 1.0)  # type: ignore[arg-type]
    fleet = standing([(6e3, 7e3, 3000.0), (-6e3, 2e3, 4000.0)])
    stare = Behaviour(scan="staring", horizon=False)
    exact, _ = rows(frames(config(period_s=1.0), stare, fleet, 0.5))
    values, _ = rows(frames(sensor, stare, fleet, 1999.5))
    assert values.shape == (4000, 3)
    errors = values.reshape(2000, 2, 3) - exact
    scaled = errors.reshape(4000, 3) / np.array([30.0, math.radians(0.2), math.radians(0.1)])
    low, high = stats.chi2.ppf([0.0005, 0.9995], 4000)
    for k in range(3):
        assert low < (scaled[:, k] ** 2).sum() < high
        assert abs(scaled[:, k].mean()) < 3.3 / math.sqrt(4000)
    assert np.abs(np.corrcoef(scaled.T) - np.eye(3)).max() < 0.06
    assert np.abs([np.corrcoef(errors[1:, i, 0], errors[:-1, i, 0])[0, 1] for i in (0, 1)]).max() < 0.08
    reported = frames(sensor, stare, fleet, 0.5)
    assert np.concatenate([f.sigmas for f in reported])[0] == pytest.approx([30.0, 0.0034907, 0.00174533], rel=1e-4)


def hits(sensor: SensorConfig, behaviour: Behaviour, place: tuple[float, float, float], looks: int) -> int:
    return sum(len(frame.values) for frame in frames(sensor, behaviour, standing([place]), looks - 0.5))


@pytest.mark.parametrize(
    ("kind", "range_m", "expected"),
    [
        ("radar", 10_000.0, 0.9),
        ("radar", 20_000.0, 0.9),
        # Swerling 1: S0 = ln 1e-6 / ln 0.9 - 1 = 130.13; S0 / 1.5⁴ = 25.70; 1e-6 ^ (1 / 26.70) = 0.596
        ("radar", 30_000.0, 0.596),
        ("infrared", 30_000.0, 0.7907),  # S0 / 1.5² = 57.83; 1e-6 ^ (1 / 58.83) = 0.7907
        ("radar", 90_000.0, 0.0001),
    ],
)
def test_detection_probability_falls_with_range_as_the_law_says(kind: str, range_m: float, expected: float) -> None:
    sensor = config(misses=0.1, period_s=1.0, kind=kind)
    behaviour = Behaviour(scan="staring", horizon=False, reference_range_m=20_000.0)
    found = hits(sensor, behaviour, (range_m, 0.0, 3000.0), 2000)
    assert abs(found - 2000 * expected) < 3.5 * math.sqrt(2000 * expected * (1 - expected)) + 12


def test_detection_probability_falls_off_the_beam_in_elevation() -> None:
    # At half the width the two-way gain is a quarter: S = 130.13 / 4 = 32.53, and 1e-6 ^ (1 / 33.53) = 0.662.
    sensor = config(misses=0.1, period_s=1.0)
    height = 600.0 + 10_000.0 * math.sin(math.radians(15.0))
    overhead = (10_000.0 * math.cos(math.radians(15.0)), 0.0, height)
    in_middle = Behaviour(scan="staring", horizon=False, beam=Beam(15.0, 10.0))
    at_edge = Behaviour(scan="staring", horizon=False, beam=Beam(10.0, 10.0))
    assert abs(hits(sensor, in_middle, overhead, 2000) - 1800) < 60
    assert abs(hits(sensor, at_edge, overhead, 2000) - 1324) < 90


def test_false_alarms_are_poisson_in_number_and_even_over_the_coverage() -> None:
    coverage = Coverage((1000.0, 9000.0), (300.0, 120.0), (-5.0, 25.0))
    sensor = config(coverage=coverage, false_alarms=12.0, period_s=2.0)
    made = frames(sensor, Behaviour(sectors=6), standing([]), 1200.0)
    counts = np.array([len(frame.values) for frame in made])
    assert len(counts) == 3600
    dispersion = ((counts - 2.0) ** 2).sum() / 2.0
    low, high = stats.chi2.ppf([0.0005, 0.9995], 3600)
    assert low < dispersion < high
    assert abs(counts.sum() - 7200) < 3.5 * math.sqrt(7200)
    values, _ = rows(made)
    parts = [
        (values[:, 0] - 1000.0) / 8000.0,
        np.mod(np.degrees(values[:, 1]) - 300.0, 360.0) / 180.0,
        (np.degrees(values[:, 2]) + 5.0) / 30.0,
    ]
    for part in parts:
        assert stats.kstest(part, "uniform").pvalue > 0.001


@pytest.mark.parametrize(("kind", "factor"), [("radar", 4 / 3), ("infrared", 1.0)])
def test_nothing_is_seen_below_the_horizon(kind: str, factor: float) -> None:
    # By the usual rule d = sqrt(2 k R h1) + sqrt(2 k R h2), with a mast of 30 m and an object at 300 m.
    horizon = math.sqrt(2 * factor * 6371e3 * 30) + math.sqrt(2 * factor * 6371e3 * 300)
    pose = Pose(48.0, 11.0, 530.0)
    ground = Behaviour(ground_m=500.0)
    far = Coverage((10.0, 2e5), (0.0, 360.0), (-90.0, 90.0))
    for share, seen in ((0.99, 1), (1.01, 0)):
        fleet = standing([(0.0, share * horizon, 800.0)])
        sensor = config(coverage=far, pose=pose, kind=kind, period_s=1.0)
        assert sum(len(f.values) for f in frames(sensor, ground, fleet, 1.0)) >= seen
        assert seen or not any(len(f.values) for f in frames(sensor, ground, fleet, 9.0))


def test_an_occlusion_hides_what_is_low_behind_it_and_nothing_else() -> None:
    trees = Behaviour(horizon=False, occlusion=(Occlusion((350.0, 10.0), 2.0, 1000.0),))
    hidden = [(0.0, 5000.0, 650.0), (0.0, 1500.0, 610.0)]
    seen = [(0.0, 5000.0, 900.0), (0.0, 900.0, 610.0), (5000.0, 0.0, 650.0), (0.0, -5000.0, 650.0)]
    for where in hidden:
        assert not len(rows(frames(config(), trees, standing([where]), 8.0))[0])
    for where in seen:
        assert len(rows(frames(config(), trees, standing([where]), 8.0))[0]) == 2


@pytest.mark.parametrize(
    "place", [(50_001.0, 0.0, 600.0), (0.0, 90.0, 600.0), (-5000.0, -90.0, 600.0), (5000.0, 0.0, 9000.0)]
)
def test_nothing_is_seen_outside_the_coverage(place: tuple[float, float, float]) -> None:
    box = Coverage((100.0, 50_000.0), (0.0, 180.0), (-5.0, 45.0))
    assert not len(rows(frames(config(coverage=box), SKY, standing([place]), 8.0))[0])
    assert len(rows(frames(config(coverage=box), SKY, standing([(5000.0, 90.0, 900.0)]), 8.0))[0]) == 2


def test_an_outage_leaves_frames_out_and_changes_no_other() -> None:
    fleet = standing([(3e3, 4e3, 900.0)])
    sensor = config(sigma=10.0, misses=0.3, false_alarms=3.0)
    whole = frames(sensor, SKY, fleet, 40.0)
    broken = frames(sensor, Behaviour(horizon=False, outages_s=((10.0, 20.0),)), fleet, 40.0)
    kept = [frame for frame in whole if not 10.0 <= frame.time_ns / 1e9 <= 20.0]
    assert len(kept) < len(whole)
    assert [frame.seq for frame in broken] == list(range(len(kept)))
    for one, other in zip(broken, kept, strict=True):
        assert one.time_ns == other.time_ns
        assert np.array_equal(one.values, other.values)


def test_biases_shift_values_and_times_by_what_they_say() -> None:
    fleet = standing([(3e3, 4e3, 900.0)])
    bias: dict[Component, float] = {"range_m": 200.0, "azimuth_deg": 0.5}
    plain, times = rows(frames(config(), SKY, fleet, 8.0))
    shifted, later = rows(frames(config(), Behaviour(horizon=False, bias=bias, time_bias_s=0.25), fleet, 8.0))
    assert shifted - plain == pytest.approx(np.array([[200.0, math.radians(0.5), 0.0]] * 2), abs=1e-9)
    assert later - times == pytest.approx(0.25, abs=1e-9)


def test_a_secondary_radar_sees_and_names_transponders_alone() -> None:
    flights = [
        Flight("a", (at(3e3, 4e3, 900.0, hold_s=99.0),), 10.0, identity="ABC123"),
        Flight("b", (at(-3e3, 4e3, 930.0, hold_s=99.0),), 10.0),
    ]
    fleet = Fleet.of([path_of(flight) for flight in flights])
    sensor = config(("range_m", "azimuth_deg", "altitude_m"), false_alarms=2.0)
    made = frames(sensor, Behaviour(secondary=True, altitude_step_m=30.48), fleet, 40.0)
    names = [name for frame in made for name in frame.identity or ()]
    assert names.count("ABC123") == 10
    assert set(names) == {"ABC123", None}
    values, _ = rows(made)
    assert np.abs(np.mod(values[:, 2] / 30.48 + 0.5, 1.0) - 0.5).max() < 1e-9
    silent = frames(sensor, Behaviour(), fleet, 4.0)
    assert all(frame.identity is None for frame in silent)
    assert sum(len(frame.values) for frame in silent) >= 2


def test_a_camera_that_rides_on_a_drone_says_where_it_is_and_does_not_see_its_carrier() -> None:
    flights = [
        Flight("carrier", (at(0, 0, 900), at(0, 3000, 950), at(3000, 3000, 950)), 30.0, turn_rate_dps=10.0),
        Flight("other", (at(4000, 4000, 1500.0, hold_s=999.0),), 10.0),
    ]
    fleet = Fleet.of([path_of(flight) for flight in flights])
    sensor = config(POLAR, pose=Pose(0.0, 0.0, 0.0, 20.0, 5.0), kind="infrared", period_s=2.0)
    made = frames(sensor, Behaviour(horizon=False, ride="carrier"), fleet, 400.0)
    end = float(fleet.end_s[0])
    assert len(made) == math.floor(end / 2.0) + 1
    (lat,), (lon,), (alt,) = fleet.geodetic(np.array([1]), np.zeros(1))
    for frame in made:
        time = np.array([frame.time_ns / 1e9])
        where = [float(v[0]) for v in fleet.geodetic(np.zeros(1, np.int64), time)]
        assert frame.pose is not None
        assert [frame.pose.lat_deg, frame.pose.lon_deg, frame.pose.alt_m] == where
        assert len(frame.values) == 1
        assert frame.values[0] == pytest.approx(by_hand(frame.pose, lat, lon, alt), abs=1e-6)
    assert made[0].pose is not None
    assert made[0].pose.yaw_deg == pytest.approx(20.0, abs=0.1)  # north, and 20° to the right of its way
    assert made[-1].pose is not None
    assert made[-1].pose.yaw_deg == pytest.approx(110.0, abs=0.2)


def test_a_panoramic_camera_gives_azimuth_alone_once_a_rotation() -> None:
    sensor = config(("azimuth_deg",), kind="infrared", period_s=1.0)
    made = frames(sensor, Behaviour(scan="rotating", sectors=4, horizon=False), standing([(1e3, 0, 700)]), 5.0)
    values, times = rows(made)
    assert values[:, 0] == pytest.approx(math.pi / 2, abs=1e-3)
    assert times == pytest.approx([0.25, 1.25, 2.25, 3.25, 4.25], abs=1e-3)
