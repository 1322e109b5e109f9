"""The predicted paths agree with brute force on the same model, and with what can be worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import ndtr

from fusion.airspace.airspace import Airspace
from fusion.airspace.volumes import Volume, destination
from fusion.config import TrackerConfig, ZoneConfig
from fusion.geodesy import Plane
from fusion.kernels.paths import chart
from fusion.prediction import paths
from fusion.prediction.reaches import Reaches
from fusion.prediction.samples import samples
from fusion.tracking.motion import MAX_TURN_RATE_RADPS, Motions
from fusion.types import SECOND_NS, Floats, Place

PLANE = Plane(Place(47.5, 19.0, 0.0))
ALL = Motions.of(TrackerConfig(initial_climb_mps=3.0))
STEADY = Motions.of(TrackerConfig(motions=("cruise",), agility_mps2=1e-3, initial_climb_mps=1e-3))


def circle(azimuth_deg: float, away_m: float, radius_m: float, ceiling_m: float = 5000.0, **more: object) -> ZoneConfig:
    """A circle round a point so far from the origin in a direction."""
    lat, lon = destination(47.5, 19.0, np.array([azimuth_deg]), away_m)
    floor = float(more.pop("floor_m", -100.0))  # type: ignore[arg-type]
    return ZoneConfig("z", floor, ceiling_m, circle=(float(lon[0]), float(lat[0]), radius_m), **more)  # type: ignore[arg-type]


def state(motions: Motions, mean: list[float], sigma: list[float]) -> tuple[Floats, Floats, Floats]:
    """A track of known position and velocity, in the first mode."""
    modes = len(motions.names)
    weight = np.zeros(modes)
    weight[0] = 1.0
    covariance = np.diag(np.array(sigma, dtype=float) ** 2)
    return weight, np.tile(np.array(mean, dtype=float), (modes, 1)), np.tile(covariance, (modes, 1, 1))


def foresee(
    motions: Motions, track: tuple[Floats, Floats, Floats], zone: ZoneConfig, count: int = paths.FULL
) -> tuple[paths.Entry, paths.Fan]:
    fan = paths.fan(motions, PLANE, *track, zone.lookahead_s, count)
    return paths.entry(fan, Volume.of(zone, PLANE), ((0.0, zone.lookahead_s),)), fan


def brute_force(
    motions: Motions, track: tuple[Floats, Floats, Floats], zone: Floats, horizon_s: float, rng: np.random.Generator
) -> tuple[float, float]:
    """P(entry) and median time to entry by many paths of small steps, in a flat world, straight from the equations.

    zone: east, north, radius, floor, ceiling.
    """
    weight, mean, covariance = track
    count, dt = 20_000, 0.5
    mode = rng.choice(len(weight), count, p=weight)
    state = mean[mode] + np.einsum("nij,nj->ni", np.linalg.cholesky(covariance)[mode], rng.normal(size=(count, 6)))
    entered = np.full(count, np.inf)
    density, lateral, climb_sigma, climb_time = (motions.parameters[:, i] for i in range(4))
    for step in range(math.ceil(horizon_s / dt) + 1):
        x, y, h = state[:, 0], state[:, 1], state[:, 2]
        inside = ((x - zone[0]) ** 2 + (y - zone[1]) ** 2 <= zone[2] ** 2) & (h >= zone[3]) & (h <= zone[4])
        entered = np.where(inside, np.minimum(entered, step * dt), entered)
        jumps = rng.random(count) < 1.0 - math.exp(-motions.rate_per_s * dt)
        mode = np.where(jumps, rng.choice(len(weight), count, p=motions.prior), mode)
        speed = np.sqrt(state[:, 3] ** 2 + state[:, 4] ** 2)
        rate = np.minimum(np.abs(lateral[mode]) / np.maximum(speed, 1e-3), MAX_TURN_RATE_RADPS)
        turn = np.where(lateral[mode] > 0.0, 1.0, np.where(lateral[mode] < 0.0, -1.0, 0.0)) * rate * dt
        before = state[:, 3:].copy()
        cos, sin = np.cos(turn), np.sin(turn)
        state[:, 3], state[:, 4] = cos * before[:, 0] - sin * before[:, 1], sin * before[:, 0] + cos * before[:, 1]
        kick = np.sqrt(density[mode] * dt)
        state[:, 3] += kick * rng.normal(size=count)
        state[:, 4] += kick * rng.normal(size=count)
        calm = np.exp(-dt / climb_time[mode])
        state[:, 5] = calm * state[:, 5] + climb_sigma[mode] * np.sqrt(1.0 - calm**2) * rng.normal(size=count)
        state[:, :3] += dt * (before + state[:, 3:]) / 2.0
    return float(np.isfinite(entered).mean()), float(np.median(entered[np.isfinite(entered)]))


def test_entry_agrees_with_brute_force_on_random_tracks_and_zones() -> None:
    rng = np.random.default_rng(11)
    errors, delays = [], []
    for _ in range(10):
        speed, horizon = float(rng.choice([8.0, 15.0, 60.0])), float(rng.choice([30.0, 90.0, 180.0]))
        away, aside = speed * horizon * rng.uniform(0.2, 0.7), rng.normal() * 20.0
        radius = speed * horizon * rng.uniform(0.06, 0.25)
        weight = rng.dirichlet([8.0, 1.0, 1.0, 1.0])
        mean = np.zeros((4, 6))
        mean[:, 2], mean[:, 3] = 300.0, speed
        mean += rng.normal(size=(4, 6)) * [5.0, 5.0, 5.0, 1.0, 1.0, 0.5]
        root = np.diag([20.0, 20.0, 10.0, 2.0, 2.0, 1.0]) + np.tril(rng.normal(size=(6, 6)), -1)
        track = weight, mean, np.tile(root @ root.T, (4, 1, 1))
        azimuth, ceiling = 90.0 + aside, float(rng.uniform(290.0, 600.0))
        found, _ = foresee(ALL, track, circle(azimuth, away, radius, ceiling, lookahead_s=horizon))
        centre = PLANE.to_local(
            *(np.array(part[0]) for part in destination(47.5, 19.0, np.array([azimuth]), away)), 0.0
        )
        box = np.array([centre[0], centre[1], radius, -100.0, ceiling])
        probability, median = brute_force(ALL, track, box, horizon, rng)
        errors.append(found.probability - probability)
        if found.time_s is not None and probability > 0.2:
            delays.append((found.time_s[1] - median) / max(median, 5.0))
    assert math.sqrt(np.mean(np.square(errors))) < 0.015
    assert max(np.abs(errors)) < 0.035
    assert max(np.abs(delays)) < 0.1


def test_a_half_space_ahead_of_a_steady_target_is_entered_with_the_normal_probability() -> None:
    south, north, west, east = 47.0, 48.0, 19.05, 20.0
    wall = ZoneConfig(
        "z", -1e3, 1e4, polygons=((((west, south), (east, south), (east, north), (west, north)),),), lookahead_s=120.0
    )
    distance = float(PLANE.to_local(47.5, west, 0.0)[0])
    for wanted in (0.05, 0.3, 0.5, 0.8, 0.99):
        for sigma in (1.0, 8.0):
            speed = distance / 120.0 + sigma * float(-np.sqrt(2.0) * 0.0)
            speed += sigma * {0.05: -1.644854, 0.3: -0.524401, 0.5: 0.0, 0.8: 0.841621, 0.99: 2.326348}[wanted]
            track = state(STEADY, [0, 0, 1000, speed, 0, 0], [1e-3, 1e-3, 1e-3, sigma, 1e-3, 1e-3])
            assert foresee(STEADY, track, wall)[0].probability == pytest.approx(wanted, abs=0.005)


def test_a_slab_in_height_is_entered_as_the_relaxing_climb_says() -> None:
    climbed = 60.0 * (1.0 - math.exp(-100.0 / 60.0))  # metres for each m/s of climb, out to 100 s
    for sigma, climb in ((1.0, 2.0), (2.0, -1.0), (0.5, 4.0)):
        zone = circle(0.0, 0.0, 100_000.0, 1e5, floor_m=600.0, lookahead_s=100.0)
        track = state(STEADY, [0, 0, 500, 40, 0, climb], [1e-3, 1e-3, 1e-3, 1e-3, 1e-3, sigma])
        expected = float(ndtr((climb - 100.0 / climbed) / sigma))
        assert foresee(STEADY, track, zone)[0].probability == pytest.approx(expected, abs=0.005)


def test_what_is_inside_already_enters_now_where_it_is() -> None:
    found, fan = foresee(ALL, state(ALL, [0, 0, 200, 15, 0, 0], [5, 5, 5, 1, 1, 1]), circle(0.0, 0.0, 500.0))
    assert found.probability == found.now == 1.0
    assert found.time_s == (0.0, 0.0, 0.0)
    assert found.place is not None
    assert found.place.lat_deg == pytest.approx(47.5, abs=2e-4)
    assert paths.nearest(fan, Volume.of(circle(0.0, 0.0, 500.0), PLANE), found.times_s) == (0.0, 0.0)


def test_time_and_place_of_entry_are_those_of_a_straight_flight() -> None:
    track = state(STEADY, [0, 0, 1000, 50, 0, 0], [1, 1, 1, 0.1, 0.1, 0.01])
    found, fan = foresee(STEADY, track, circle(90.0, 5000.0, 1000.0))
    assert found.probability == 1.0
    assert found.time_s is not None
    assert found.time_s[1] == pytest.approx(80.0, abs=0.5)
    assert found.time_s[0] < found.time_s[1] < found.time_s[2]
    assert found.place is not None
    assert PLANE.to_local(found.place.lat_deg, found.place.lon_deg, 0.0)[0] == pytest.approx(4000.0, abs=30.0)
    assert found.place.alt_m == pytest.approx(1000.0, abs=10.0)
    assert fan.path.shape[1] == 65


def test_a_small_zone_crossed_between_two_steps_is_not_jumped_over() -> None:
    track = state(STEADY, [0, 0, 1000, 250, 0, 0], [0.1, 0.1, 0.1, 0.1, 0.01, 0.01])
    found, _ = foresee(STEADY, track, circle(90.0, 20_000.0, 40.0))
    assert found.probability == 1.0
    thin = circle(0.0, 0.0, 90_000.0, 1040.0, floor_m=1030.0)
    climbing = state(STEADY, [0, 0, 1000, 100, 0, 25], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    found, _ = foresee(STEADY, climbing, thin)
    assert found.probability == 1.0
    assert found.time_s is not None
    assert found.time_s[1] == pytest.approx(-60.0 * math.log(1.0 - 30.0 / (60.0 * 25.0)), abs=0.3)


def test_who_flies_level_follows_the_earth() -> None:
    track = state(STEADY, [0, 0, 1000, 250, 0, 0], [0.1, 0.1, 0.1, 0.1, 0.1, 0.001])
    _, fan = foresee(STEADY, track, circle(90.0, 90_000.0, 100.0, lookahead_s=180.0))
    assert fan.path[:, -1, 0] == pytest.approx(45_000.0, abs=100.0)
    assert fan.path[:, -1, 2] == pytest.approx(1000.0, abs=2.0)


def test_only_times_at_which_the_zone_is_active_count() -> None:
    track = state(STEADY, [0, 0, 1000, 50, 0, 0], [0.1, 0.1, 0.1, 0.01, 0.01, 0.01])
    zone = circle(90.0, 5000.0, 1000.0)  # inside from 80 s to 120 s
    volume, fan = Volume.of(zone, PLANE), paths.fan(STEADY, PLANE, *track, 180.0, paths.FULL)

    def during(*spans: tuple[float, float]) -> tuple[float, float | None]:
        found = paths.entry(fan, volume, spans)
        return found.probability, None if found.time_s is None else found.time_s[1]

    assert during((0.0, 79.0), (121.0, 180.0)) == (0.0, None)
    assert during((0.0, 80.5), (121.0, 180.0))[0] == 1.0
    assert during((100.0, 180.0)) == (1.0, pytest.approx(100.0, abs=1e-6))
    assert during((30.0, 90.0)) == (1.0, pytest.approx(80.0, abs=0.2))
    airspace = Airspace([dataclasses.replace(zone, active=((100 * SECOND_NS, 500 * SECOND_NS),))], PLANE)
    assert during(*airspace.spans(0, 0))[1] == pytest.approx(100.0, abs=1e-6)


def test_the_nearest_approach_of_a_straight_flight_is_that_of_geometry() -> None:
    track = state(STEADY, [0, 0, 1000, 50, 0, 0], [0.1, 0.1, 0.1, 0.01, 0.01, 0.01])
    lat, lon = PLANE.to_geodetic(np.array([6000.0, 2500.0, 0.0]))[:2]
    zone = ZoneConfig("z", 0.0, 400.0, circle=(float(lon), float(lat), 500.0))
    found, fan = foresee(STEADY, track, zone)
    assert found.probability == 0.0
    distance, when = paths.nearest(fan, Volume.of(zone, PLANE), found.times_s)
    assert distance == pytest.approx(math.hypot(2000.0, 600.0), rel=0.01)
    assert when == pytest.approx(120.0, abs=3.0)


def test_answers_repeat_and_move_little_when_the_track_moves_little() -> None:
    zone, found = circle(90.0, 1500.0, 300.0, 400.0), []
    for shift in np.arange(0.0, 40.0, 2.0):
        track = state(ALL, [shift, 0, 200, 15, 0, 0], [10, 10, 10, 1, 1, 1])
        found.append(foresee(ALL, track, zone)[0].probability)
    assert found[0] == foresee(ALL, state(ALL, [0, 0, 200, 15, 0, 0], [10, 10, 10, 1, 1, 1]), zone)[0].probability
    assert max(np.abs(np.diff(found))) < 0.02
    assert found[-1] > found[0]


def test_one_step_of_every_mode_has_the_mean_and_the_spread_of_the_trackers_model() -> None:
    lasting = dataclasses.replace(ALL, rate_per_s=1e-9)
    mean = [100.0, -50.0, 400.0, 20.0, 8.0, 1.0]
    covariance = np.diag([4.0, 9.0, 1.0, 1.0, 0.5, 0.2])
    for mode in range(4):
        weight = np.eye(4)[mode]
        fan = paths.fan(lasting, PLANE, weight, np.tile(mean, (4, 1)), np.tile(covariance, (4, 1, 1)), 3.0, 1024)
        step = fan.path[:, 5]  # of 16
        F, Q, _ = ALL.matrices(mode, np.array([mean]), np.array([[0.0, 0.0, 1.0]]), 5 * 3.0 / 16)
        moved = (F[0] @ mean - mean)[:2]
        assert step[:, :2].mean(axis=0) == pytest.approx(moved, abs=0.3)
        assert step[:, 2].mean() == pytest.approx((F[0] @ mean)[2], abs=0.3)
        expected = np.diag(F[0] @ covariance @ F[0].T + Q[0])[:3]
        assert step.var(axis=0) == pytest.approx(expected, rel=0.12)


def test_paths_stay_within_reach() -> None:
    for speed, horizon in ((15.0, 180.0), (250.0, 60.0), (0.0, 600.0)):
        weight, mean, covariance = state(ALL, [0, 0, 300, speed, 0, 0], [50, 50, 20, 5, 5, 2])
        fan = paths.fan(ALL, PLANE, weight, mean, covariance, horizon, paths.FULL)
        up, one = PLANE.up_at(mean[:1, :3]), np.array([0])
        reaches = Reaches.of(ALL, up, weight[None], mean[None], covariance[None])
        reach = reaches.far(one, np.array([horizon]))[0]
        away = np.sqrt((fan.path[..., :2] ** 2).sum(axis=2) + (fan.path[..., 2] - 300.0) ** 2).max(axis=1)
        assert (away > reach).mean() < 0.003
        rise = reaches.high(one, np.array([horizon]))[0]
        assert (np.abs(fan.path[..., 2] - 300.0).max(axis=1) > rise).mean() < 0.003


def test_the_map_of_paths_is_the_map_of_the_volume() -> None:
    fan = paths.fan(ALL, PLANE, *state(ALL, [9e4, 6e4, 300, 250, 40, 0], [500, 500, 20, 5, 5, 2]), 600.0, 128)
    volume = Volume.of(circle(30.0, 150_000.0, 9000.0), PLANE)
    drawn = np.empty((3, *fan.path.shape[:2]))
    chart(fan.path, fan.frame, fan.curvature, volume.axes, np.array(volume.radii_m), drawn)
    for s, k in ((0, 0), (40, 70), (127, fan.path.shape[1] - 1)):
        place = fan.place(fan.path[s, k])
        exact = volume.on_map(np.array([place.lat_deg]), np.array([place.lon_deg]))[0]
        assert drawn[:2, s, k] == pytest.approx(exact, abs=0.01)
        assert drawn[2, s, k] == place.alt_m


def test_paths_that_go_round_the_earth_enter_only_what_lies_on_their_way() -> None:
    wild = state(ALL, [0, 0, 300, 0, 0, 0], [1.0, 1.0, 1.0, 1e6, 1e6, 1.0])
    found, fan = foresee(ALL, wild, circle(90.0, 5000.0, 1000.0))
    assert found.probability < math.asin(1.0 / 5.0) / math.pi + 0.005, "the part of all directions that it takes up"
    assert np.isfinite(paths.nearest(fan, Volume.of(circle(90.0, 5000.0, 1000.0), PLANE), found.times_s)).all()


def test_the_fixed_points_are_equal_slices_in_every_column() -> None:
    points = samples(128, 16)
    slices = (np.arange(128) + 0.5) / 128
    assert np.array_equal(np.sort(points.mode), slices)
    for column in (points.state[:, 3], points.noise[:, 7, 4]):
        assert np.sort(ndtr(column)) == pytest.approx(slices, abs=1e-9)
    assert not np.isnan(points.noise).any()
