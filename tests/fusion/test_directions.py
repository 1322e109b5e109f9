"""Tracks from directions: from one camera, from two and three, from one that moves, and on to a radar's range."""

from dataclasses import replace

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from worlds import PLANE, START_NS, alarms, frame, seen, site, straight

from fusion.config import AltitudePrior, SensorConfig
from fusion.directions.directions import FREE_SHARE, line_births, parts
from fusion.directions.shadows import LASTING_S, Shadows
from fusion.directions.sightline import _scaled
from fusion.pipeline import Pipeline
from fusion.tracking import lifecycle
from fusion.tracking.compiled import CompiledEngine
from fusion.tracking.engine import Setting
from fusion.tracking.motion import Motions
from fusion.tracking.reference import ReferenceEngine
from fusion.tracking.sensors import measure, place
from fusion.tracking.tracker import Tracker
from fusion.tracking.tracks import TrackStore
from fusion.tracking.undetected import Undetected
from fusion.types import AZIMUTH, CONFIRMED, ELEVATION, RANGE, SECOND_NS, TENTATIVE, Coverage, Picture, Pose

DRONES = {
    "initial_speed_mps": 20.0, "initial_climb_mps": 3.0, "altitude_m": AltitudePrior(175.0, 75.0),
    "births_per_s": 0.02, "agility_mps2": 8.0,
}  # fmt: skip
DRONE = np.array([300.0, 3000.0, 150.0, 20.0, -10.0, 0.0])
SIGMA = np.radians(0.03)


def pose(east_m, north_m, alt_m=10.0, yaw_deg=0.0):
    lat, lon, _ = PLANE.to_geodetic(np.array([east_m, north_m, 0.0]))
    return Pose(float(lat), float(lon), alt_m, yaw_deg)


def camera(name, east_m, north_m, *, elevation=True, sigma_deg=0.03, **changes):
    """A tenth of a second, a field of 90° to the north, one false alarm a frame."""
    measures = ("azimuth_deg", "elevation_deg") if elevation else ("azimuth_deg",)
    config = SensorConfig(
        name, "infrared", measures, dict.fromkeys(measures, sigma_deg),
        Coverage(range_m=(50.0, 10_000.0), azimuth_deg=(-45.0, 45.0), elevation_deg=(-2.0, 40.0)),
        pose=pose(east_m, north_m), detection_probability=0.9, false_alarms=1.0, period_s=0.1,
    )  # fmt: skip
    return replace(config, **changes)


def plan_radar(**changes):
    config = SensorConfig(
        "radar", "radar", ("range_m", "azimuth_deg"), {"range_m": 8.0, "azimuth_deg": 0.4},
        Coverage(range_m=(100.0, 10_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-2.0, 60.0)),
        pose=pose(1000.0, -500.0), detection_probability=0.9, false_alarms=1.0, period_s=1.0,
    )  # fmt: skip
    return replace(config, **changes)


def watch(sensors, states, seconds, seed=0, noise=True):
    """All frames of these sensors on steady objects, in order of time."""
    rng, out = np.random.default_rng(seed), []
    for sensor in sensors:
        for k in range(round(seconds / sensor.period_s)):
            at_s = (k + 1) * sensor.period_s
            now = np.array([straight(state, at_s) for state in states]).reshape(-1, 6)
            rows = seen(sensor, now[rng.random(len(now)) < sensor.detection_probability], rng)
            if noise:
                rows = np.concatenate([rows, alarms(sensor, rng.poisson(sensor.false_alarms), rng)])
            out.append(frame(sensor, rows, at_s=at_s, seq=k))
    return sorted(out, key=lambda each: each.key)


def run(frames, *sensors, each=None, **tracker):
    tracked = Tracker(site(*sensors, **{**DRONES, **tracker}))
    for one in frames:
        tracked.tend(one.time_ns)
        tracked.step(one)
        if each:
            each(tracked, one)
    return tracked


def places(tracker, status=CONFIRMED):
    store = tracker.store
    rows = np.flatnonzero(store.status[: store.size] == status)
    return store.id[rows], (store.weight[rows, :, None] * store.mean[rows]).sum(axis=1)


def line(range_m, share, direction, sensor, modes=1):
    """One hypothesis: a Gaussian along a direction from a sensor, some way along it."""
    placement = place(sensor.pose, PLANE)
    azimuth, elevation = direction
    way = np.array([np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    way = (way[:, None] * placement.axes).sum(axis=0)
    store = TrackStore.empty(modes, 1)
    at = store.extend(1)
    store.mean[at, :, :3] = placement.position + range_m * way
    across = (range_m * SIGMA) ** 2
    store.covariance[at, :, :3, :3] = across * np.eye(3) + ((share * range_m) ** 2 - across) * np.outer(way, way)
    store.covariance[at, :, 3:, 3:] = np.diag([400.0, 400.0, 9.0])
    store.weight[at], store.time_ns[at] = 1.0 / modes, START_NS
    return store, way


def setting(motions=("cruise",)):
    config = site(**DRONES, motions=motions).tracker
    earth = np.ascontiguousarray(np.vstack([PLANE.centre[None], PLANE.axes]))
    return Setting(config, Motions.of(config), earth, np.array([-1.0, *[1e6] * 8]))


def test_two_crossing_directions_give_the_posterior_of_a_fine_grid():
    """The oracle integrates prior × likelihood over place; an update linearised at the prior is hundreds of m off."""
    west, east = camera("west", -1000.0, 0.0), camera("east", 1500.0, 500.0)
    truth = DRONE.copy()
    store, way = line(2600.0, 0.15, seen(west, truth[None])[0], west)
    look = frame(east, seen(east, truth[None]) + np.array([0.5, -0.4]) * SIGMA)
    placement, codes = place(east.pose, PLANE), np.array([AZIMUTH, ELEVATION])
    pairs = np.array([0]), np.array([0])
    args = setting(), store, np.array([0]), pairs, codes, look, placement
    found = CompiledEngine().iterate(*args)

    P, m = store.covariance[0, 0, :3, :3], store.mean[0, 0, :3]
    middle = ((found.mean[0, 0, :3] - m) * way).sum()
    u, v = np.linalg.svd(np.outer(way, way))[0][:, 1:].T
    along, across = np.linspace(middle - 40.0, middle + 40.0, 401), np.linspace(-7.0, 7.0, 57)
    grid = np.stack(np.meshgrid(along, across, across, indexing="ij"), axis=-1).reshape(-1, 3)
    at = np.zeros((len(grid), 6))
    at[:, :3] = m + grid @ np.stack([way, u, v])
    log = -0.5 * ((at[:, :3] - m) * np.linalg.solve(P, (at[:, :3] - m).T).T).sum(axis=1)
    log -= 0.5 * np.linalg.slogdet(2 * np.pi * P)[1]
    for c, code in enumerate(codes.tolist()):
        off = look.values[0, c] - measure(code, placement, PLANE, at)[0]
        log += -0.5 * (off / SIGMA) ** 2 - np.log(SIGMA * np.sqrt(2 * np.pi))
    weight = np.exp(log)
    cell = (along[1] - along[0]) * (across[1] - across[0]) ** 2
    assert found.log_likelihood[0, 0] == pytest.approx(np.log(weight.sum() * cell), abs=0.05)
    weight /= weight.sum()
    mean = (weight[:, None] * at[:, :3]).sum(axis=0)
    spread = ((weight[:, None] * (at[:, :3] - mean)).T @ (at[:, :3] - mean)).round(9)
    assert np.linalg.norm(found.mean[0, 0, :3] - mean) < 0.1
    assert found.covariance[0, 0, :3, :3] == pytest.approx(spread, rel=0.05, abs=0.02)
    once = CompiledEngine().evaluate(*args)
    assert np.linalg.norm(once.mean[0, 0, :3] - mean) > 5.0


@settings(max_examples=20)
@given(seed=st.integers(0, 100_000), measures=st.sampled_from([(1, 2), (1,), (0, 1), (0, 1, 2)]))
def test_the_engines_iterate_alike(seed, measures):
    rng = np.random.default_rng(seed)
    west, other = camera("west", -1000.0, 0.0), camera("east", 1500.0, 500.0)
    truth = DRONE + rng.normal(0.0, [300.0, 300.0, 30.0, 5.0, 5.0, 1.0])
    names = [("range_m", "azimuth_deg", "elevation_deg")[code] for code in measures]
    other = replace(other, measures=tuple(names), sigma={n: 5.0 if n == "range_m" else 0.03 for n in names})
    store, _ = line(2600.0, 0.15, seen(west, truth[None])[0], west, modes=4)
    look = frame(other, seen(other, truth[None], rng), at_s=float(rng.uniform(-1.0, 1.0)))
    args = (
        setting(("cruise", "manoeuvre", "turn")), store, np.array([0]), (np.array([0]), np.array([0])),
        np.array(measures), look, place(other.pose, PLANE),
    )  # fmt: skip
    ours, theirs = (engine.iterate(*args) for engine in (CompiledEngine(), ReferenceEngine()))
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=1e-6, abs=1e-5)
    assert ours.mean == pytest.approx(theirs.mean, rel=1e-6, abs=1e-4)
    assert ours.covariance == pytest.approx(theirs.covariance, rel=1e-5, abs=1e-5 * np.abs(theirs.covariance).max())


def test_an_iterated_update_of_a_linear_measurement_is_filterpys():
    sensor = SensorConfig(
        "place", "position", ("east_m",), {"east_m": 20.0}, Coverage(east_m=(-9e4, 9e4), north_m=(-9e4, 9e4)),
        pose=pose(0.0, 0.0, 0.0),
    )  # fmt: skip
    store, _ = line(2600.0, 0.15, (0.3, 0.05), camera("west", 0.0, 0.0))
    placement = place(sensor.pose, PLANE)
    out = CompiledEngine().iterate(
        setting(),
        store,
        np.array([0]),
        (np.array([0]), np.array([0])),
        np.array([5]),
        frame(sensor, [[700.0]]),
        placement,
    )
    kalman = KalmanFilter(dim_x=6, dim_z=1)
    kalman.x, kalman.P = store.mean[0, 0][:, None].copy(), store.covariance[0, 0].copy()
    H = np.concatenate([placement.axes[0], np.zeros(3)])[None]
    kalman.update(np.array([[700.0 + float(placement.axes[0] @ placement.position)]]), R=np.array([[400.0]]), H=H)
    assert out.mean[0, 0] == pytest.approx(kalman.x[:, 0], rel=1e-9)
    assert out.covariance[0, 0] == pytest.approx(kalman.P, rel=1e-7, abs=1e-6)


def births_of(sensor, direction):
    tracker = Tracker(site(sensor, **DRONES))
    station = tracker.stations[sensor.id]
    look = station.look(frame(sensor, [direction]), tracker.plane)
    grid = Undetected(tracker.config)
    grid.cover([(station, look.placement)])
    return line_births(tracker.engine, tracker.setting, look, grid), look, grid


def test_a_lone_direction_begins_a_mixture_on_its_line_as_wide_as_the_sensor_errs():
    sensor = camera("one", 0.0, 0.0)
    new, look, _ = births_of(sensor, [0.2, 0.04])
    middle, sigma, _ = parts(look)
    for code, told in ((AZIMUTH, 0.2), (ELEVATION, 0.04)):
        value, gradient = measure(code, look.placement, PLANE, new.part_mean[0])
        spread = (gradient[:, :, None] * new.part_covariance[0] * gradient[:, None, :]).sum(axis=(1, 2))
        assert value == pytest.approx(told, abs=1e-6)
        assert np.sqrt(spread) == pytest.approx(SIGMA, rel=1e-6)
    value, gradient = measure(RANGE, look.placement, PLANE, new.part_mean[0])
    spread = (gradient[:, :, None] * new.part_covariance[0] * gradient[:, None, :]).sum(axis=(1, 2))
    assert value == pytest.approx(middle)
    assert np.sqrt(spread) == pytest.approx(sigma)
    assert sigma / middle == pytest.approx(sigma[0] / middle[0])  # each as long for its range


def test_the_range_of_a_lone_azimuth_is_half_that_of_undetected_objects_and_half_uniform_in_its_logarithm():
    sensor = camera("one", 0.0, 0.0, elevation=False)
    new, look, grid = births_of(sensor, [0.2])
    middle, _, length = parts(look)
    flat = np.zeros((len(middle), 6))
    flat[:, 0], flat[:, 1] = middle * np.sin(0.2), middle * np.cos(0.2)
    known = grid.density(flat) * middle * length
    expected = (1.0 - FREE_SHARE) * known / known.sum() + FREE_SHARE * (length / middle) / (length / middle).sum()
    far = middle > 800.0  # nearer, the prior's height lifts the line: less plan for the same range
    assert new.share[0][far] / new.share[0][far].sum() == pytest.approx(expected[far] / expected[far].sum(), rel=0.1)


def test_two_cameras_make_a_track_of_their_crossing_under_the_id_of_the_first_direction():
    sensors, ids = (camera("west", -1500.0, 0.0), camera("east", 1500.0, 0.0)), []

    def note(tracker, _):
        near = np.flatnonzero(tracker.store.hits[: tracker.store.size] >= 2)
        ids.extend(tracker.store.id[near].tolist())

    tracker = run(watch(sensors, [DRONE], 2.0, noise=False), *sensors, each=note)
    found, state = places(tracker)
    assert len(set(ids)) == len(found) == 1
    assert not len(tracker.lines.id)
    assert np.linalg.norm(state[0, :3] - straight(DRONE, 2.0)[:3]) < 0.01 * 3000.0


def test_three_cameras_confirm_six_drones_and_nothing_else_and_know_how_wrong_they_are():
    sensors = tuple(camera(f"c{k}", 1500.0 * (k - 1), -500.0 * (k == 1)) for k in range(3))
    rng, normalised = np.random.default_rng(2), []
    states = np.array([
        [*rng.uniform([-1200.0, 1500.0, 60.0], [1200.0, 3500.0, 280.0]), *rng.uniform(-25.0, 25.0, 2), 0.0]
        for _ in range(6)
    ])  # fmt: skip
    tracker = run(watch(sensors, states, 4.0, seed=3), *sensors)
    _, found = places(tracker)
    store, now = tracker.store, np.array([straight(state, 4.0) for state in states])
    off = np.linalg.norm(found[:, None, :3] - now[None, :, :3], axis=2)
    assert sorted(off.argmin(axis=1).tolist()) == list(range(6))
    for row, mine in zip(np.flatnonzero(store.status[: store.size] == CONFIRMED), off.argmin(axis=1), strict=True):
        centre = (store.weight[row, :, None] * store.mean[row]).sum(axis=0)
        out = store.mean[row] - centre
        spread = (store.weight[row, :, None, None] * (store.covariance[row] + out[:, :, None] * out[:, None, :])).sum(
            axis=0
        )
        error = centre[:3] - now[mine, :3]
        normalised.append(error @ np.linalg.solve(spread[:3, :3], error))
    assert np.mean(normalised) / 3.0 < chi2.ppf(0.999, 18) / 18


def test_one_camera_confirms_what_height_places_and_only_follows_what_nothing_places():
    sensor = camera("one", 0.0, 0.0)
    low = {"altitude_m": AltitudePrior(150.0, 20.0)}
    placed = run(watch([sensor], [DRONE], 3.0, noise=False), sensor, **low)
    assert len(places(placed)[0]) == 1
    assert abs(np.linalg.norm(places(placed)[1][0, :3]) / 3000.0 - 1.0) < 0.3
    nowhere = run(watch([sensor], [DRONE], 3.0, noise=False), sensor, altitude_m=AltitudePrior(500.0, 500.0))
    assert not len(places(nowhere)[0])
    best = int(np.argmax(nowhere.store.existence[: nowhere.store.size]))
    assert nowhere.store.existence[best] > 0.99
    assert nowhere.store.hits[best] > 20


@pytest.mark.parametrize("elevation", [True, False])
def test_a_radar_gives_a_line_its_range_and_no_new_id(elevation):
    far = {"altitude_m": AltitudePrior(500.0, 500.0)} if elevation else {}
    sensor, radar = camera("one", 0.0, 0.0, elevation=elevation), plan_radar()
    early = watch([sensor], [DRONE], 2.0, noise=False)
    tracker = run(early, sensor, radar, **far)
    best = int(np.argmax(tracker.store.existence[: tracker.store.size]))
    name = tracker.store.id[best]
    assert tracker.store.status[best] == TENTATIVE
    for one in watch([sensor, radar], [DRONE], 10.0, noise=False):
        if one.time_ns > early[-1].time_ns:
            tracker.tend(one.time_ns)
            tracker.step(one)
    found, state = places(tracker)
    assert found.tolist() == [name]
    assert np.linalg.norm(state[0, :2] - straight(DRONE, 10.0)[:2]) < 30.0
    assert not len(tracker.lines.id)


def test_azimuths_alone_take_three_sensors_to_tell_objects_from_crossings():
    """Two objects before two cameras cross in four places."""
    other = np.array([-600.0, 2500.0, 150.0, -10.0, 15.0, 0.0])
    three = tuple(camera(f"c{k}", 1500.0 * (k - 1), -500.0 * (k == 1), elevation=False) for k in range(3))
    tracker = run(watch(three, [DRONE, other], 5.0, noise=False), *three)
    _, found = places(tracker)
    now = np.array([straight(state, 5.0) for state in (DRONE, other)])
    off = np.linalg.norm(found[:, None, :2] - now[None, :, :2], axis=2)
    assert len(found) == 2
    assert off.min(axis=0).max() < 30.0


def test_a_camera_that_turns_off_its_course_finds_the_range_and_how_wrong_it_is():
    """Azimuth alone from a boat: two legs across each other (Nardone and Aidala 1981: without a turn no range is)."""
    normalised = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        boat = camera("boat", 0.0, 0.0, elevation=False, sigma_deg=0.1, period_s=1.0, false_alarms=0.01, pose=None)
        world = {
            "initial_speed_mps": 5.0, "initial_climb_mps": 0.05, "altitude_m": AltitudePrior(0.0, 1.0),
            "agility_mps2": 0.05, "motions": ("cruise",),
        }  # fmt: skip
        target = np.array([800.0, 4000.0, 0.0, -3.0, 1.0, 0.0])
        tracker = Tracker(site(boat, **{**DRONES, **world}))
        for k in range(240):
            east = 10.0 * k if k < 120 else 1200.0 - 10.0 * (k - 120)
            moved = replace(boat, pose=pose(east, 0.0, 5.0))
            now = straight(target, float(k))
            tracker.step(frame(boat, seen(moved, now[None], rng), at_s=float(k), seq=k, pose=moved.pose))
        found, state = places(tracker)
        assert len(found) == 1
        row = int(np.flatnonzero(tracker.store.id[: tracker.store.size] == found[0])[0])
        error = (state[0] - now)[:2]
        assert np.linalg.norm(error) < 0.1 * 4000.0
        normalised.append(error @ np.linalg.solve(tracker.store.covariance[row, 0, :2, :2], error))
    assert np.mean(normalised) / 2.0 < chi2.ppf(0.999, 16) / 16


def test_two_ways_to_pair_two_lines_with_two_detections_are_not_decided_by_one_look():
    """Belief propagation gives the better one all: Bethe's permanent of a 2 × 2 matrix is its best permutation."""
    pairs = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    ratio = np.array([6.7e5, 6.5e5, 7.1e5, 4.7e5])
    missed, alone = _scaled(pairs, ratio, 2, 2)
    share = ratio * missed[pairs[0]] * alone[pairs[1]]
    assert share.reshape(2, 2).sum(axis=1) == pytest.approx(1.0, abs=0.01)
    assert 0.4 < share[0] < 0.5 < share[1] < 0.6


def test_what_one_camera_alone_feeds_in_the_direction_of_what_it_misses_is_a_shadow_after_a_while():
    sensor, radar = camera("one", 0.0, 0.0), plan_radar()
    tracker = Tracker(site(sensor, radar, **DRONES))
    store, shadows = tracker.store, Shadows()
    store.extend(3)
    placement, aside = place(sensor.pose, PLANE), np.array([0.0, 3000.0, 300.0])
    at = DRONE[:3] - placement.position
    store.mean[:3, :, :3] = placement.position + np.array([at, 1.3 * at, aside])[:, None, :]
    store.covariance[:3] = 4.0 * np.eye(6)
    store.weight[:3], store.status[:3], store.id[:3] = tracker.motions.prior, CONFIRMED, [1, 2, 3]
    told = []
    for k in range(round(LASTING_S / 0.1) + 2):
        look = tracker.stations["one"].look(frame(sensor, [], at_s=0.1 * k, seq=k), PLANE)
        store.hit_ns[0, 1], store.hit_ns[1:3, 0] = look.frame.time_ns, look.frame.time_ns
        told.append(shadows.look(look, store, np.arange(3), np.ones(3), tuple(tracker.stations.values()), PLANE))
    assert told == [[]] * (len(told) - 2) + [[1], [1]]
    assert lifecycle.REASONS[lifecycle.DOUBLE]


@settings(max_examples=5)
@given(st.data())
def test_late_directions_give_the_pictures_of_the_sorted_stream(data):
    sensors = camera("west", -1500.0, 0.0), camera("east", 1500.0, 0.0)
    stream = watch(sensors, [DRONE], 2.5, seed=4)
    config = site(*sensors, **DRONES, lateness_s=1.0)

    def last(pipeline, frames):
        events = [event for one in frames for event in pipeline.receive(one)] + pipeline.finish()
        return {event.time_ns: event for event in events if isinstance(event, Picture)}

    expected = last(Pipeline(config, rewind=False), stream)
    delays = data.draw(st.lists(st.floats(0.0, 0.9), min_size=len(stream), max_size=len(stream)))
    arriving = sorted(zip(stream, delays, strict=True), key=lambda pair: pair[0].time_ns + pair[1] * SECOND_NS)
    found = last(Pipeline(config), [one for one, _ in arriving])
    assert found.keys() == expected.keys()
    for time_ns, picture in expected.items():
        for name in ("id", "existence", "lat_deg", "covariance", "hits", "status"):
            assert np.array_equal(getattr(picture, name), getattr(found[time_ns], name)), name


def test_where_no_sensor_is_without_range_nothing_is_kept_of_lines():
    radar = plan_radar()
    tracker = run(watch([radar], [DRONE], 3.0), radar)
    assert not tracker.lines.used
    assert not len(tracker.lines.id)
    assert tracker.lines.hypotheses.size == 0


def test_a_frame_of_noise_begins_no_more_lines_than_there_is_room_for():
    sensor = camera("one", 0.0, 0.0, false_alarms=100.0)
    rng = np.random.default_rng(1)
    tracker = Tracker(site(sensor, **DRONES))
    for k in range(3):
        tracker.step(frame(sensor, alarms(sensor, 3000, rng), at_s=0.1 * (k + 1), seq=k))
        assert len(tracker.lines.id) <= 500
        assert len(tracker.lines.id) == len(np.intersect1d(tracker.lines.id, tracker.store.id[: tracker.store.size]))


def test_a_direction_that_is_not_there_begins_nothing():
    sensor = camera("one", 0.0, 0.0)
    tracker = Tracker(site(sensor, **DRONES))
    tracker.step(frame(sensor, [[np.nan, 0.1], [0.2, np.nan]], at_s=0.1))
    assert len(tracker.lines.id) == tracker.store.size == 1
