"""Biases: found where the geometry shows them, with honest sigmas, and nowhere else; applied, they make one track."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2
from worlds import PLANE, START_NS, frame, radar, seen, site, straight

from fusion.pipeline import Pipeline
from fusion.registration.alignment import Biases, Sighting, _grouped, _rows, covariance, solve, triangular
from fusion.registration.gathering import Object
from fusion.registration.registration import Registration
from fusion.registration.twins import groups
from fusion.tracking.sensors import Station, measure
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, TENTATIVE, Coverage, Picture

RADARS = (
    radar("a", lat_deg=47.3, lon_deg=19.0, sigma={"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2}),
    radar("b", lat_deg=47.7, lon_deg=18.6, sigma={"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2}),
    radar("c", lat_deg=47.7, lon_deg=19.4, sigma={"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2}),
)
UNITS = {"azimuth_deg": math.radians(1.0), "elevation_deg": math.radians(1.0)}


def stations_of(sensors, world):
    return tuple(Station.of(i, s, world.tracker, PLANE) for i, s in enumerate(sensors))


def circling(rng, lateral=2.0):
    """A flight at constant speed and lateral acceleration: a function of seconds that gives its (6,) state."""
    speed, heading = rng.uniform(120.0, 250.0), rng.uniform(-math.pi, math.pi)
    east, north, up = rng.uniform(-30e3, 30e3), rng.uniform(-30e3, 30e3), rng.uniform(3e3, 9e3)
    rate = rng.choice([-1.0, 1.0]) * lateral / speed

    def state(t):
        now = heading + rate * t
        if abs(rate * t) < 1e-9:
            moved = speed * t * np.array([math.sin(heading), math.cos(heading)])
        else:
            moved = speed / rate * np.array([math.cos(heading) - math.cos(now), math.sin(now) - math.sin(heading)])
        place = [east + moved[0], north + moved[1], up]
        return np.array([*place, speed * math.sin(now), speed * math.cos(now), 0.0])

    return state


def told(sensor, states, bias, rng):
    """What a sensor with these biases (SI and radians, by parameter) says of (n, 6) states, with its noise."""
    rows = seen(sensor, states)
    for c, name in enumerate(sensor.measures):
        sigma = sensor.sigma[name] * UNITS.get(name, 1.0)
        if name == "range_m":
            rows[:, c] *= 1.0 + bias.get("range_gain", 0.0)
        rows[:, c] += bias.get(name, 0.0) + rng.normal(0.0, sigma, len(rows))
    return rows


def object_of(stations, biases, path, rng, looks=5, period_s=4.0, from_s=0.0):
    """One object under all stations over a window, as `gathering` hands it on."""
    sightings = []
    for station in stations:
        bias = biases[station.index]
        for k in range(looks):
            t = from_s + k * period_s + 1.1 * station.index
            row = told(station.config, path(t)[None], bias, rng)[0]
            sigmas = np.array([station.config.sigma[n] * UNITS.get(n, 1.0) for n in station.config.measures])
            time_ns = START_NS + round((t + bias.get("time_s", 0.0)) * SECOND_NS)
            sightings.append(Sighting(station.index, time_ns, row, sigmas, station.placement))
    end_s = from_s + looks * period_s
    return Object(tuple(sightings), path(end_s) + rng.normal(0.0, 50.0, 6), START_NS + round(end_s * SECOND_NS), ())


def drawn(registration, rng):
    """Biases from the prior, as they are (SI, by station) and as the filter holds them (shares of the prior sigma)."""
    shares = rng.normal(size=len(registration.biases.names))
    biases = {}
    for share, scale, (sensor, name) in zip(shares, registration.biases.scale, registration.biases.names, strict=True):
        biases.setdefault(sensor, {})[name] = share * scale
    return biases, shares


def learnt(seed, sensors=RADARS, objects=25, lateral=2.0):
    """A registration that has learnt from `objects`, and the biases' error in shares of the prior sigma."""
    rng, world = np.random.default_rng(seed), site(*sensors)
    stations = stations_of(sensors, world)
    registration = Registration(stations, PLANE, world.tracker)
    biases, shares = drawn(registration, rng)
    for k in range(objects):
        registration.learn(object_of(stations, biases, circling(rng, lateral), rng, from_s=20.0 * k))
    return registration, registration.known.value - shares


def test_errors_of_all_biases_together_are_as_large_as_their_covariance_says():
    """NEES over seeds: biases drawn from the prior, objects that turn at 0.2 g, nothing of it shared."""
    total, freedom = 0.0, 0
    for seed in range(12):
        registration, error = learnt(seed)
        assert registration.refused <= 1  # of 25, at one in a thousand
        total += error @ np.linalg.solve(registration.spread, error)
        freedom += len(error)
    assert chi2.ppf(0.005, freedom) < total < chi2.ppf(0.995, freedom)


def test_offsets_are_found_to_what_the_noise_allows():
    registration, _ = learnt(3, objects=60)
    for name, limit in (("range_m", 15.0), ("azimuth_deg", 0.03), ("elevation_deg", 0.1), ("range_gain", 4e-4)):
        assert all(told[name].sigma < limit for told in registration.report().values()), name


def test_a_fit_gives_what_the_joint_gaussian_of_path_and_biases_gives():
    """The same linear equations, solved in one go by numpy."""
    rng = np.random.default_rng(7)
    rows = np.concatenate([rng.normal(size=(40, 9 + 6)), np.zeros((40, 1))], axis=1)
    truth = rng.normal(size=15)
    rows[:, -1] = rows[:, :-1] @ truth + rng.normal(size=40)
    known = np.eye(6, 7)
    joint = triangular(np.concatenate([known, triangular(rows, 9)[9:, 9:]]), 6)
    information = rows[:, :-1].T @ rows[:, :-1]
    information[9:, 9:] += np.eye(6)
    expected = np.linalg.solve(information, rows[:, :-1].T @ rows[:, -1])
    np.testing.assert_allclose(solve(joint[:6]), expected[9:], rtol=1e-9)
    np.testing.assert_allclose(covariance(joint[:6]), np.linalg.inv(information)[9:, 9:], rtol=1e-9)
    residual = ((rows[:, :-1] @ expected - rows[:, -1]) ** 2).sum() + (expected[9:] ** 2).sum()
    assert (joint[6:, -1] ** 2).sum() == pytest.approx(residual)


def test_every_way_to_measure_gives_the_gradient_of_what_it_would_measure():
    """Finite differences of the whole measurement, biases included, for each parameter."""
    sensor = RADARS[1]
    world = site(sensor)
    stations = stations_of((sensor,), world)
    biases = Biases.of(stations)
    path, rng = circling(np.random.default_rng(1), 0.0), np.random.default_rng(2)
    quiet = replace(sensor, sigma=dict.fromkeys(sensor.measures, 1e-6))
    for k, (_, name) in enumerate(biases.names):
        bias = {name: 0.1 * biases.scale[k]}  # small: the path bends too
        time_ns = START_NS + round((10.0 + bias.get("time_s", 0.0)) * SECOND_NS)
        row = told(quiet, path(10.0)[None], bias, rng)[0]
        sighting = Sighting(0, time_ns, row, np.full(3, 1e-3), stations[0].placement)
        state = np.concatenate([path((time_ns - START_NS) / SECOND_NS), np.zeros(6)])
        made = _rows(_grouped([sighting]), time_ns, state, [], np.zeros(len(biases.names)), biases, stations, PLANE,
                     world.tracker)[-3:] * 1e-3  # fmt: skip
        np.testing.assert_allclose(0.1 * made[:, 12 + k], made[:, -1], rtol=5e-2, atol=2e-5)


def test_two_sensors_at_one_place_show_differences_alone():
    """A shift of both shows in nothing: each keeps at least 1/√2 of its prior sigma, and nothing is applied."""
    pair = (RADARS[0], replace(RADARS[0], id="b"))
    registration, error = learnt(5, pair, objects=40)
    for k, (_, name) in enumerate(registration.biases.names):
        assert registration.known.sigma[k] > 0.69, name
    placing = [name for _, name in registration.observed() if name != "time_s"]
    assert placing == []
    n = len(error) // 2
    assert (abs(error[:n] - error[n:]) < 0.5).all()  # the differences are known all the same


@pytest.mark.parametrize(("lateral", "refused"), [(30.0, 0), (80.0, 30)])
def test_a_hard_turn_is_no_bias(lateral, refused):
    """Three g is still a cubic of time within the noise; at eight nearly every window is refused. Nothing is moved."""
    rng, world = np.random.default_rng(9), site(*RADARS)
    stations = stations_of(RADARS, world)
    registration = Registration(stations, PLANE, world.tracker)
    for k in range(40):
        registration.learn(object_of(stations, {0: {}, 1: {}, 2: {}}, circling(rng, lateral), rng, from_s=20.0 * k))
    assert registration.refused >= refused
    assert (abs(registration.known.value) < 4.0 * registration.known.sigma).all()


def test_a_sensor_that_is_knocked_is_learnt_anew():
    """First 60 objects with no bias, then azimuth is off by 1°: it is found again, not held against the objects."""
    rng, world = np.random.default_rng(2), site(*RADARS)
    stations = stations_of(RADARS, world)
    registration = Registration(stations, PLANE, world.tracker)
    for k in range(180):
        knocked = {"azimuth_deg": math.radians(1.0)} if k >= 60 else {}
        registration.learn(object_of(stations, {0: knocked, 1: {}, 2: {}}, circling(rng), rng, from_s=20.0 * k))
    found = registration.report()["a"]["azimuth_deg"]
    assert found.value == pytest.approx(1.0, abs=0.05)


def test_a_direction_is_registered_against_those_who_see_distance():
    """A camera beside two radars: its azimuth and elevation are off by ten of its sigmas."""
    camera = radar(
        "eye", lat_deg=47.45, lon_deg=19.1, kind="infrared", measures=("azimuth_deg", "elevation_deg"),
        sigma={"azimuth_deg": 0.05, "elevation_deg": 0.05},
    )  # fmt: skip
    rng, world = np.random.default_rng(4), site(*RADARS[:2], camera)
    stations = stations_of((*RADARS[:2], camera), world)
    registration = Registration(stations, PLANE, world.tracker)
    off = {"azimuth_deg": math.radians(0.5), "elevation_deg": math.radians(-0.3)}
    for k in range(40):
        registration.learn(object_of(stations, {0: {}, 1: {}, 2: off}, circling(rng), rng, from_s=20.0 * k))
    found = registration.report()["eye"]
    for name, bias in off.items():
        assert found[name].sigma < 0.05
        assert abs(found[name].value - math.degrees(bias)) < 4.0 * found[name].sigma


def test_errors_that_last_for_a_window_count_as_one_look():
    """A camera that is off by another 0.5° in each window: its estimate is as good as so many windows allow."""
    camera = radar(
        "eye", lat_deg=47.45, lon_deg=19.1, kind="infrared", measures=("azimuth_deg", "elevation_deg"),
        sigma={"azimuth_deg": 0.5, "elevation_deg": 0.5},
    )  # fmt: skip
    world, total = site(*RADARS[:2], camera), 0.0
    stations = stations_of((*RADARS[:2], camera), world)
    for seed in range(8):
        rng, registration = np.random.default_rng(seed), Registration(stations, PLANE, world.tracker)
        for k in range(12):
            lasting = {"azimuth_deg": math.radians(rng.normal(0.0, 0.5))}
            one = object_of(stations, {0: {}, 1: {}, 2: lasting}, circling(rng), rng, from_s=20.0 * k)
            registration.learn(one)
        k = registration.biases.column(2, "azimuth_deg")
        total += (registration.known.value[k] / registration.known.sigma[k]) ** 2
    assert total < chi2.ppf(0.999, 8)


def test_how_straight_others_fly_is_not_taken_for_distance():
    """A radar and a camera on one boat that moves past others. The camera's errors last; nobody else sees range."""
    near = {"coverage": Coverage((5.0, 2e3), (0.0, 360.0), (-5.0, 45.0)), "period_s": 1.0}
    sensors = (
        radar("own", sigma={"range_m": 3.0, "azimuth_deg": 1.0, "elevation_deg": 1.0}, **near),
        radar("eye", kind="infrared", measures=("azimuth_deg",), sigma={"azimuth_deg": 0.2}, **near),
    )
    world = site(*sensors, agility_mps2=1.0)
    stations, rng = stations_of(sensors, world), np.random.default_rng(8)
    registration = Registration(stations, PLANE, world.tracker)
    for _ in range(60):
        boat = np.array([*rng.uniform(-300.0, 300.0, 2), 0.0, *rng.uniform(-5.0, 5.0, 2), 0.0])
        slope, offset, own, sightings = *np.radians(rng.normal(0.0, [0.05, 0.2])), rng.uniform(-5.0, 5.0, 2), []
        for station in stations:
            for k in range(10):
                here = station.placement.position + np.append(own * k, 0.0)
                placement = replace(station.placement, position=here)
                state = straight(boat, float(k))[None] + np.append(station.placement.position, np.zeros(3))
                row = [measure(int(code), placement, PLANE, state)[0][0] for code in station.codes]
                sigma = np.array([station.config.sigma[n] * UNITS.get(n, 1.0) for n in station.config.measures])
                error = rng.normal(0.0, sigma) if station.index == 0 else offset + slope * (k - 4.5)
                sightings.append(Sighting(station.index, START_NS + k * SECOND_NS, row + error, sigma, placement))
        there = straight(boat, 9.0) + np.append(stations[0].placement.position, np.zeros(3))
        registration.learn(Object(tuple(sightings), there, START_NS + 9 * SECOND_NS, ()))
    assert registration.objects > 50
    found = registration.report()["own"]["range_m"]
    assert found.sigma > 0.8 * 30.0  # of its prior
    assert abs(found.value) < 2.0 * found.sigma


def test_tracks_that_one_sensor_saw_in_one_sweep_are_two_objects_and_doubt_groups_nobody():
    world = site(*RADARS)
    stations = stations_of(RADARS, world)
    state = np.zeros((3, 6))
    state[:, 3] = 200.0
    state[1, 0] = 400.0
    state[2, 0] = 60e3
    spread, freedom = np.tile(np.eye(6) * 100.0, (3, 1, 1)), np.tile(np.eye(6) * 200.0**2, (3, 1, 1))

    def sighting(sensor, at_s):
        return Sighting(sensor, START_NS + round(at_s * SECOND_NS), np.zeros(3), np.ones(3), stations[0].placement)

    def grouped(*seen_by, states=state):
        seen_of = {k: [sighting(s, t) for s, t in each] for k, each in enumerate(seen_by)}
        return groups(range(3), seen_of, states, spread.copy(), freedom, 10.0, stations)

    assert grouped([(0, 0.0)], [(1, 0.0)], [(2, 0.0)]) == [(0, 1), (2,)]
    assert grouped([(0, 0.0)], [(0, 1.0)], [(2, 0.0)]) == [(0,), (1,), (2,)]
    doubtful = state.copy()
    doubtful[2, 0] = 800.0  # 1 may be 0's twin, or 2's; 0 and 2 were seen by one sensor at once
    assert grouped([(0, 0.0)], [(1, 0.0)], [(0, 0.5)], states=doubtful) == []


def stream(biases, seed, seconds=150.0, aircraft=8, sensors=RADARS):
    """Frames of `aircraft` under radars with these biases (by id), each radar with its own phase."""
    rng = np.random.default_rng(seed)
    paths = [circling(rng, 1.0) for _ in range(aircraft)]
    frames = []
    for index, sensor in enumerate(sensors):
        bias = biases.get(sensor.id, {})
        for k in range(int(seconds / sensor.period_s)):
            t = sensor.period_s * k + 1.3 * index
            states = np.array([path(t) for path in paths])
            rows = told(sensor, states[rng.random(aircraft) < 0.9], bias, rng)
            frames.append(frame(sensor, rows, at_s=t + bias.get("time_s", 0.0), seq=k))
    return sorted(frames, key=lambda f: f.key), paths


OFF = {"b": {"range_m": 200.0, "azimuth_deg": math.radians(0.5)}}


def tracked(frames, registration, **more):
    tracker = Tracker(site(*RADARS, registration=registration, **more))
    for each in frames:
        tracker.step(each)
    return tracker


def held(tracker):
    return int((tracker.store.status[: tracker.store.size] != TENTATIVE).sum())


def test_applied_a_biased_radar_makes_no_tracks_of_its_own():
    frames, paths = stream(OFF, seed=1)
    reported, applied = tracked(frames, "report"), tracked(frames, "apply")
    found = applied.registration.report()["b"]
    assert found["range_m"].value == pytest.approx(200.0, abs=4.0 * found["range_m"].sigma)
    assert found["azimuth_deg"].value == pytest.approx(0.5, abs=4.0 * found["azimuth_deg"].sigma)
    assert found["azimuth_deg"].sigma < 0.03
    assert held(reported) == 2 * len(paths)
    assert held(applied) == len(paths)


def test_unbiased_sensors_stay_at_zero():
    frames, _ = stream({}, seed=2)
    known = tracked(frames, "report").registration.known
    assert (abs(known.value) < 4.0 * known.sigma).all()


def test_clocks_are_set_right_against_each_other():
    """Flights of all headings: 0.4 s of one clock. A shift of all clocks shows nowhere, so two thirds are found in
    the one and a third, with the other sign, in each of the others."""
    frames, _ = stream({"b": {"time_s": 0.4}}, seed=3)
    tracker = tracked(frames, "apply")
    found = {name: told["time_s"].value for name, told in tracker.registration.report().items()}
    assert found["b"] - found["a"] == pytest.approx(0.4, abs=0.05)
    assert found["b"] - found["c"] == pytest.approx(0.4, abs=0.05)
    assert {sensor for sensor, name in tracker.registration.observed() if name == "time_s"} == {"a", "b", "c"}
    assert tracker.registration.report()["b"]["time_s"].sigma > 0.25


def pictures(world, frames, **more):
    pipeline = Pipeline(world, **more)
    events = [event for each in frames for event in pipeline.receive(each)] + pipeline.finish()
    return {e.time_ns: e for e in events if isinstance(e, Picture)}, pipeline


def same(one, other):
    names = ("id", "status", "existence", "lat_deg", "lon_deg", "alt_m", "covariance", "hits")
    return one.keys() == other.keys() and all(
        np.array_equal(getattr(one[t], name), getattr(other[t], name)) for t in one for name in names
    )


def test_reporting_changes_no_track():
    frames, _ = stream(OFF, seed=4, seconds=80.0, aircraft=4)
    silent, _ = pictures(site(*RADARS, registration="off"), frames, rewind=False)
    telling, pipeline = pictures(site(*RADARS, registration="report"), frames, rewind=False)
    assert same(silent, telling)
    assert pipeline.registration()["b"]["range_m"].sigma < 150.0


@pytest.mark.parametrize("seed", [1, 2])
def test_late_frames_give_the_biases_and_pictures_of_the_sorted_stream(seed):
    frames, _ = stream(OFF, seed=5, seconds=90.0, aircraft=4)
    world = site(*RADARS, registration="apply", lateness_s=6.0)
    expected, straight = pictures(world, frames, rewind=False)
    late_s = np.random.default_rng(seed).uniform(0.0, 5.5, len(frames))
    shuffled = [frames[k] for k in np.argsort([f.time_ns * 1e-9 + d for f, d in zip(frames, late_s, strict=True)])]
    found, late = pictures(world, shuffled)
    assert late.registration() == straight.registration()
    assert straight.registration()["b"]["azimuth_deg"].sigma < 0.2
    end_ns = frames[-1].time_ns - 6 * SECOND_NS
    assert same({t: p for t, p in found.items() if t < end_ns}, {t: p for t, p in expected.items() if t < end_ns})
