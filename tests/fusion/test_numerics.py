"""Hard geometry and hard numbers: whatever passes the border leaves every state finite and every covariance sound."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import PLANE, START_NS, frame, radar, seen, site, straight

from fusion.config import CARTESIAN, AltitudePrior
from fusion.tracking.compiled import CompiledEngine
from fusion.tracking.reference import LEAST_PIVOT, ReferenceEngine, repair
from fusion.tracking.sensors import measure, place
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, Coverage

sigmas = st.floats(0.01, 10_000.0)
ranges = st.one_of(st.floats(0.0, 1.0), st.floats(0.0, 1e6))
angles = st.one_of(st.sampled_from([math.pi, -math.pi, math.pi / 2, 0.0]), st.floats(-2 * math.pi, 2 * math.pi))
elevations = st.one_of(st.sampled_from([math.pi / 2, -math.pi / 2]), st.floats(-math.pi / 2, math.pi / 2))
rows = st.lists(st.tuples(ranges, angles, elevations), max_size=6)


def sound(tracker):
    store = tracker.store
    n = store.size
    assert np.isfinite(store.mean[:n]).all()
    assert np.isfinite(store.covariance[:n]).all()
    assert ((store.existence[:n] >= 0.0) & (store.existence[:n] <= 1.0)).all()
    assert ((store.visible[:n] >= 0.0) & (store.visible[:n] <= 1.0)).all()
    for row in range(n):
        assert abs(store.weight[row].sum() - 1.0) < 1e-9
        for covariance in store.covariance[row]:
            scale = np.sqrt(np.maximum(np.diag(covariance), 1e-30))
            assert (np.diag(covariance) >= 0.0).all()
            assert (covariance == covariance.T).all()
            np.linalg.cholesky(covariance / scale / scale[:, None])  # raises where it is not positive definite


@settings(max_examples=40)
@given(st.lists(st.tuples(rows, st.floats(0.0, 20.0)), min_size=1, max_size=6), sigmas, st.floats(0.001, 60.0))
def test_any_valid_frames_leave_the_tracks_sound(looks, range_sigma_m, angle_sigma_deg):
    sensor = radar(sigma={"range_m": range_sigma_m, "azimuth_deg": angle_sigma_deg, "elevation_deg": angle_sigma_deg})
    tracker, at_s = Tracker(site(sensor, births_per_s=5.0)), 0.0
    for seq, (detections, wait_s) in enumerate(looks):
        at_s += wait_s
        tracker.tend(START_NS + round(at_s * SECOND_NS))
        tracker.step(frame(sensor, detections, at_s=at_s, seq=seq))
        sound(tracker)


def test_ten_thousand_updates_of_one_track_stay_sound_and_near():
    """A hovering object, seen ten times a second for a quarter of an hour."""
    sensor = radar(sigma={"range_m": 0.5, "azimuth_deg": 0.01, "elevation_deg": 0.01}, period_s=0.1, false_alarms=0.001)
    tracker, rng = Tracker(site(sensor, agility_mps2=1.0)), np.random.default_rng(5)
    truth = np.array([10_000.0, 0.3, 0.2])
    noise = np.array([0.5, math.radians(0.01), math.radians(0.01)])
    for k in range(10_000):
        tracker.step(frame(sensor, [truth + rng.normal(0.0, noise)], at_s=0.1 * k, seq=k))
    sound(tracker)
    best = int(np.argmax(tracker.store.existence[: tracker.store.size]))
    placement = place(sensor.pose, PLANE)
    state = tracker.store.mean[[best], 0]
    found = np.array([measure(code, placement, PLANE, state)[0][0] for code in (0, 1, 2)])
    assert (np.abs(found - truth) < 4.0 * noise).all()


WIDE = Coverage(range_m=(0.0, 2e6), azimuth_deg=(0.0, 360.0), elevation_deg=(-90.0, 90.0))
FINE = {"range_m": 5.0, "azimuth_deg": 0.1, "elevation_deg": 0.1}


@pytest.mark.parametrize(
    ("start", "looks"),
    [
        ([-900.0, -3.0, 500.0, 30.0, 0.1, 0.0], 60),  # over the sensor, 3 m from its zenith
        ([1500.0, -9000.0, 800.0, -50.0, 1.0, 0.0], 60),  # through azimuth ±180°
        ([400.0, 0.3, 201.0, -10.0, 0.0, 0.0], 80),  # through the sensor itself, at zero range
    ],
    ids=["zenith", "south", "through"],
)
def test_a_flight_through_hard_places_keeps_one_track_on_the_object(start, looks):
    sensor = radar(sigma=FINE, period_s=1.0, false_alarms=0.01, coverage=WIDE, detection_probability=0.98)
    tracker, rng = Tracker(site(sensor, agility_mps2=3.0)), np.random.default_rng(8)
    ids = set()
    for k in range(looks):
        truth = straight(start, float(k))
        tracker.step(frame(sensor, seen(sensor, truth[None], rng), at_s=float(k), seq=k))
        sound(tracker)
        store = tracker.store
        best = int(np.argmax(store.existence[: store.size]))
        if k >= 5:
            ids.add(int(store.id[best]))
    assert len(ids) == 1
    state = (store.weight[best, :, None] * store.mean[best]).sum(axis=0)
    assert math.dist(state[:3], truth[:3]) < 60.0


def hovering(count, rng):
    """Objects 1 m to 1000 km away, sigmas of 0.01 m to 10 km across, and a tracker that has a track on each."""
    sensor = radar(coverage=WIDE)
    tracker, placement = Tracker(site(sensor)), place(sensor.pose, PLANE)
    slant, azimuth = 10.0 ** rng.uniform(0.0, 6.0, count), rng.choice([math.pi, -math.pi, 0.3, 2.0], count)
    rise = rng.choice([math.pi / 2.0, 0.0, 0.5, 1.2], count)
    local = np.stack([np.cos(rise) * np.sin(azimuth), np.cos(rise) * np.cos(azimuth), np.sin(rise)], axis=1)
    truth = np.zeros((count, 6))
    truth[:, :3] = placement.position + slant[:, None] * (local @ placement.axes)
    lengths = np.minimum(10.0 ** rng.uniform(-2.0, 4.0, (count, 3)), slant[:, None])
    store, at = tracker.store, tracker.store.extend(count)
    spread = 10.0 * lengths.max(axis=1)
    store.covariance[at] = (spread**2)[:, None, None, None] * np.diag([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    store.covariance[at] += np.diag([0.0, 0.0, 0.0, 100.0, 100.0, 100.0])
    store.mean[at] = (truth + rng.normal(0.0, 0.1, (count, 6)) * spread[:, None] * (np.arange(6) < 3))[:, None]
    store.weight[at], store.time_ns[at] = 1.0 / store.weight.shape[1], START_NS
    values = np.stack([azimuth, rise], axis=1)
    return sensor, tracker, np.column_stack([slant, values]), lengths / np.column_stack([np.ones(count), slant, slant])


def test_a_hundred_thousand_updates_from_a_centimetre_to_a_thousand_kilometres_stay_positive_definite():
    """Ten million of them: `python -m benchmarks numerics`."""
    rng = np.random.default_rng(6)
    sensor, tracker, values, sigmas = hovering(500, rng)
    engine, store, own = tracker.engine, tracker.store, np.arange(500)
    station, now_s, repaired = tracker.stations["north"], 0.0, 0
    for k in range(200):
        now_s += float(rng.choice([0.0, 1e-3, 0.1, 4.0, 30.0]))
        look = frame(sensor, values + rng.normal(0.0, 1.0, values.shape) * sigmas, at_s=now_s)
        look.sigmas[:] = sigmas
        engine.predict(tracker.setting, store, own, np.full(500, look.time_ns))
        found = engine.evaluate(tracker.setting, store, own, (own, own), station.codes, look, station.placement)
        repaired += found.repaired
        by_mode = store.weight[:500] * np.exp(np.maximum(found.log_likelihood, -700.0))
        by_mode /= by_mode.sum(axis=1, keepdims=True)
        hit = rng.choice([1.0, 0.99, 0.6], 500) * np.isfinite(found.log_likelihood[:, 0])
        engine.reduce(store, own, (own, own), 1.0 - hit, hit, by_mode, found)
        if k % 40 == 39:
            sound_states(store)
    assert 0 < repaired < 0.01 * 200 * 500 * 4


def sound_states(store):
    covariance = store.covariance[: store.size]
    assert np.isfinite(store.mean[: store.size]).all()
    assert (covariance == covariance.swapaxes(2, 3)).all()
    scale = np.sqrt(np.diagonal(covariance, axis1=2, axis2=3))
    np.linalg.cholesky(covariance / scale[..., None] / scale[..., None, :])


@given(st.integers(0, 100_000))
def test_what_a_subtraction_leaves_near_singular_is_repaired_and_counted_alike_by_both_engines(seed):
    rng = np.random.default_rng(seed)
    sensor = radar(
        kind="position", measures=CARTESIAN, sigma=dict.fromkeys(CARTESIAN, 1.0),
        lat_deg=float(rng.uniform(30.0, 60.0)), lon_deg=float(rng.uniform(40.0, 60.0)),
        coverage=Coverage(east_m=(-1e6, 1e6), north_m=(-1e6, 1e6)),
    )  # fmt: skip
    tracker, placement = Tracker(site(sensor, motions=("cruise",))), place(sensor.pose, PLANE)
    store, at = tracker.store, tracker.store.extend(1)
    store.mean[at, 0, :3] = placement.position + rng.normal(0.0, 1e5, 3)
    store.covariance[at, 0] = np.diag([1e12, 1e12, 1e12, 1e4, 1e4, 1e4])
    store.weight[at], store.time_ns[at] = 1.0, START_NS
    look = frame(sensor, [measure(code, placement, PLANE, store.mean[0])[0][0] for code in (5, 6, 7)])
    look.sigmas[:] = [1e4, 1e4, 0.01]  # a pancake a centimetre thick, askew in the plane
    first = np.array([0])
    args = tracker.setting, store, first, (first, first), np.arange(5, 8), look, placement
    ours, theirs = CompiledEngine().evaluate(*args), ReferenceEngine().evaluate(*args)
    for found in (ours, theirs):
        assert np.isfinite(found.covariance).all()
        again, _ = repair(found.covariance[0, 0], store.covariance[0, 0])
        assert again == pytest.approx(found.covariance[0, 0], rel=1e-6)
        np.linalg.cholesky(found.covariance[0, 0])
    assert ours.repaired == theirs.repaired == 1


def test_repair_raises_what_is_indefinite_by_no_more_than_it_lacks():
    broken = np.diag([4.0, 9.0, 1.0, 1.0, 1.0, 1.0])
    broken[0, 1] = broken[1, 0] = 6.0 + 1e-9  # correlation beyond 1
    mended, raised = repair(broken, 2.0 * broken)
    assert raised
    assert np.abs(mended - broken).max() < 1e-8
    np.linalg.cholesky(mended + np.diag([0.0, LEAST_PIVOT, 0, 0, 0, 0]))
    assert repair(np.eye(6), 2.0 * np.eye(6)) == (pytest.approx(np.eye(6)), False)


def test_the_tracker_counts_repairs_and_its_copy_goes_on_from_there():
    """A height that was known to 1000 km is measured to a centimetre, along axes that are not the plane's."""
    sensor = radar(
        kind="position", measures=("east_m", "north_m", "up_m"), lat_deg=44.0, lon_deg=25.0,
        sigma={"east_m": 0.01, "north_m": 0.01, "up_m": 0.01},
        coverage=Coverage(east_m=(-1e5, 1e5), north_m=(-1e5, 1e5), up_m=(-1e6, 1e6)),
    )  # fmt: skip
    tracker = Tracker(site(sensor, births_per_s=5.0, altitude_m=AltitudePrior(1000.0, 1e6)))
    tracker.step(frame(sensor, [[500.0, 700.0, math.nan]], at_s=0.0, seq=0))
    assert tracker.store.size == 1
    assert tracker.repaired == 0
    other = tracker.copy()
    other.step(frame(sensor, [[500.0, 700.0, 900.0]], at_s=0.0, seq=1))
    sound(other)
    assert other.repaired > 0
    assert tracker.repaired == 0
