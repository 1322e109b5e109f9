"""Hard geometry and hard numbers: whatever passes the border leaves every state finite and every covariance sound."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import START_NS, frame, radar, site

from fusion.tracker import Tracker
from fusion.types import SECOND_NS

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
            assert np.linalg.eigvalsh(covariance / scale / scale[:, None]).min() > -1e-6


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
    from worlds import PLANE

    from fusion.sensors import measure, place

    placement = place(sensor.pose, PLANE)
    state = tracker.store.mean[[best], 0]
    found = np.array([measure(code, placement, PLANE, state)[0][0] for code in (0, 1, 2)])
    assert (np.abs(found - truth) < 4.0 * noise).all()
