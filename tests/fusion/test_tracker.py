"""The recursion on small worlds: honest covariances, honest existence, lazy time, the same bytes twice."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2
from worlds import START_NS, alarms, flight, frame, radar, seen, site, straight

from fusion.config import AltitudePrior
from fusion.kernels.candidates import LEAST_LIST, MOST_LIST, MOST_PAIRS
from fusion.kernels.report import summarise
from fusion.tracking import pictures
from fusion.tracking.arrivals import MOST_TRACKS
from fusion.tracking.ids import FEW, track_ids
from fusion.tracking.tracker import Tracker
from fusion.types import COASTING, CONFIRMED, SECOND_NS, Coverage

STEADY = [20e3, 15e3, 5e3, -120.0, 90.0, 0.0]


def run(tracker, frames):
    for each, _ in frames:
        tracker.tend(each.time_ns)
        tracker.step(each)
    return tracker


def combined(tracker):
    n = tracker.store.size
    centre, spread = np.empty((n, 6)), np.empty((n, 6, 6))
    summarise(tracker.store.weight[:n], tracker.store.mean[:n], tracker.store.covariance[:n], centre, spread)
    return centre, spread


def test_a_steady_object_is_confirmed_once_and_the_false_alarms_are_not():
    tracker = run(Tracker(site()), flight(radar(), [STEADY], 15, seed=3))
    assert (tracker.store.status[: tracker.store.size] == CONFIRMED).sum() == 1


def test_position_errors_lie_within_the_chi_square_bounds_over_seeds():
    normalised = []
    for seed in range(40):
        world = flight(radar(), [STEADY], 25, seed=seed, false_alarms=2.0)
        tracker = run(Tracker(site(motions=("cruise",))), world)
        best = int(np.argmax(tracker.store.existence[: tracker.store.size]))
        centre, spread = combined(tracker)
        dt = (world[-1][0].time_ns - tracker.store.time_ns[best]) / SECOND_NS
        error = centre[best, :3] - straight(world[-1][1][0], -dt)[:3]
        normalised.append(error @ np.linalg.solve(spread[best, :3, :3], error))
    low, high = chi2.ppf([0.001, 0.999], 3 * len(normalised)) / len(normalised)
    # The filter allows for manoeuvres that this object does not make: below the lower bound is not wrong.
    assert 0.5 * low < np.mean(normalised) < high


def test_innovations_are_as_large_as_the_filter_expects():
    """NIS of the true detection under the prediction, over seeds, one look each so that all are independent."""
    sensor, normalised = radar(), []
    for seed in range(60):
        world = flight(sensor, [STEADY], 20, seed=100 + seed, detection=1.0, false_alarms=0.0)
        tracker = run(Tracker(site(replace(sensor, false_alarms=0.01), motions=("cruise",))), world[:-1])
        last = world[-1][0]
        rows, pairs, _ = tracker._gate(tracker.stations["north"].look(last, tracker.plane))
        store = tracker.store
        tracker.engine.predict(tracker.setting, store, rows, np.full(len(rows), last.time_ns))
        out = tracker.engine.evaluate(
            tracker.setting,
            store,
            rows,
            pairs,
            tracker.stations["north"].codes,
            last,
            tracker.stations["north"].placement,
        )
        row = rows[pairs[0][0]]
        moved = out.mean[0, 0] - store.mean[row, 0]
        # y' S^-1 y equals dx' (P - P+)^+ dx for a full set of components.
        gained = store.covariance[row, 0] - out.covariance[0, 0]
        normalised.append(moved @ np.linalg.pinv(gained, rcond=1e-9) @ moved)
    low, high = chi2.ppf([0.001, 0.999], 3 * len(normalised)) / len(normalised)
    assert 0.6 * low < np.mean(normalised) < high


def test_empty_looks_are_evidence_of_absence():
    tracker = run(Tracker(site()), flight(radar(), [STEADY], 10, seed=3, detection=1.0, false_alarms=0.0))
    existence = [tracker.store.existence[0]]
    for k in range(10, 13):
        tracker.step(frame(radar(), [], at_s=4.0 * k, seq=k))
        existence.append(tracker.store.existence[0] if tracker.store.size else 0.0)
    assert existence == sorted(existence, reverse=True)
    assert existence[-1] < 0.2 < 0.9 < existence[0]


def test_a_frame_that_does_not_sweep_a_track_does_not_touch_it():
    tracker = run(Tracker(site()), flight(radar(), [STEADY], 10, seed=3, detection=1.0, false_alarms=0.0))
    before = tracker.store.copy()
    elsewhere = Coverage(azimuth_deg=(180.0, 210.0))
    tracker.step(frame(radar(), [], at_s=40.0, seq=10, swept=elsewhere))
    after = tracker.store
    assert after.time_ns[0] == before.time_ns[0]
    assert (after.mean[0] == before.mean[0]).all()
    assert after.existence[0] == before.existence[0]


def test_a_report_never_changes_a_track():
    world = flight(radar(), [STEADY, [-9e3, 20e3, 3e3, 80.0, -40.0, 5.0]], 12, seed=8)
    quiet, asked = run(Tracker(site()), world), Tracker(site())
    for each, _ in world:
        asked.tend(each.time_ns)
        asked.step(each)
        for ahead_s in (0.0, 1.0, 3.7):
            pictures.picture(asked, pictures.ahead(asked, each.time_ns + round(ahead_s * SECOND_NS)))
    assert (quiet.store.mean[: quiet.store.size] == asked.store.mean[: asked.store.size]).all()
    assert (quiet.store.id[: quiet.store.size] == asked.store.id[: asked.store.size]).all()


@pytest.mark.parametrize("engine", ["numba", "filterpy"])
def test_the_same_frames_give_the_same_bytes(engine):
    world = flight(radar(), [STEADY], 6 if engine == "filterpy" else 20, seed=5)
    first, second = (run(Tracker(site(engine=engine)), world).store for _ in range(2))
    assert first.mean[: first.size].tobytes() == second.mean[: second.size].tobytes()
    assert first.id[: first.size].tolist() == second.id[: second.size].tolist()


def test_a_whole_run_is_the_same_in_both_engines():
    world = flight(radar(), [STEADY, [-9e3, 20e3, 3e3, 80.0, -40.0, 5.0]], 10, seed=11, false_alarms=3.0)
    ours, theirs = (run(Tracker(site(engine=name)), world).store for name in ("numba", "filterpy"))
    assert ours.id[: ours.size].tolist() == theirs.id[: theirs.size].tolist()
    assert ours.existence[: ours.size] == pytest.approx(theirs.existence[: theirs.size], rel=1e-6)
    assert ours.mean[: ours.size] == pytest.approx(theirs.mean[: theirs.size], rel=1e-6, abs=1e-3)


def test_each_detection_counts_at_its_own_time():
    """A beam that meets the object 3 s before the look ends puts the track there and then."""
    sensor = radar(false_alarms=0.01)
    tracker = Tracker(site(sensor))
    for k in range(12):
        met_s = 4.0 * k - 3.0
        rows = seen(sensor, straight(STEADY, met_s)[None])
        tracker.step(frame(sensor, rows, at_s=4.0 * k, seq=k, times_s=[met_s]))
    centre, _ = combined(tracker)
    assert tracker.store.time_ns[0] == START_NS + round((4.0 * 11 - 3.0) * SECOND_NS)
    assert np.linalg.norm(centre[0, :3] - straight(STEADY, 4.0 * 11 - 3.0)[:3]) < 15.0
    assert np.linalg.norm(centre[0, 3:5] - STEADY[3:5]) < 5.0


def test_a_camera_moves_a_radar_track_sideways_and_a_plan_radar_leaves_its_height_unknown():
    plan = radar(measures=("range_m", "azimuth_deg"), sigma={"range_m": 30.0, "azimuth_deg": 2.0}, false_alarms=0.01)
    camera = radar(
        "camera", lat_deg=47.6, kind="infrared", measures=("azimuth_deg", "elevation_deg"),
        sigma={"azimuth_deg": 0.02, "elevation_deg": 0.02}, false_alarms=0.01, period_s=1.0,
    )  # fmt: skip
    world = flight(plan, [STEADY], 8, seed=2, detection=1.0, false_alarms=0.0)
    alone = run(Tracker(site(plan, camera)), world)
    _, spread = combined(alone)
    assert np.sqrt(spread[0, 2, 2]) > 500.0
    helped = run(Tracker(site(plan, camera)), world)
    for k in range(5):
        t = 28.0 + 0.2 * (k + 1)
        rows = seen(camera, straight(STEADY, t)[None], np.random.default_rng(k))
        helped.step(frame(camera, rows, at_s=t, seq=k))
    centre, better = combined(helped)
    assert np.sqrt(better[0, 2, 2]) < 100.0
    assert abs(centre[0, 2] - straight(STEADY, 29.0)[2]) < 300.0
    assert helped.store.id[0] == alone.store.id[0]


def test_a_first_frame_full_of_old_traffic_is_believed_more_than_a_late_lone_detection():
    tracker = Tracker(site())
    rng = np.random.default_rng(1)
    states = rng.uniform([-5e4, -5e4, 3e3, 0, 0, 0], [5e4, 5e4, 6e3, 1, 1, 1], (20, 6))
    tracker.step(frame(radar(), seen(radar(), states, rng)))
    first = tracker.store.existence[: tracker.store.size].mean()
    late = Tracker(site())
    for k in range(3):
        late.step(frame(radar(), [], at_s=4.0 * k, seq=k))
    late.step(frame(radar(), seen(radar(), states[:1], rng), at_s=12.0, seq=3))
    assert first > 0.9 > 0.5 > late.store.existence[0]


def test_an_object_that_left_the_coverage_ends_with_its_reason_and_stands_once_more():
    sensor = radar()
    outward = [30e3, 0.0, 5e3, 240.0, 0.0, 0.0]
    near = replace(sensor, coverage=replace(sensor.coverage, range_m=(500.0, 33_000.0)))
    world = flight(near, [outward], 3, seed=1, detection=1.0, false_alarms=0.0)
    tracker = run(Tracker(site(near, births_per_s=5.0)), world)
    pictures.picture(tracker, pictures.ahead(tracker, world[-1][0].time_ns))
    tracker.shown()
    told = []
    for k in range(3, 14):
        now_ns = START_NS + 4 * k * SECOND_NS
        tracker.step(frame(near, [], at_s=4.0 * k, seq=k))
        tracker.tend(now_ns)
        view = pictures.picture(tracker, pictures.ahead(tracker, now_ns))
        tracker.shown()
        told += [reason for status, reason in zip(view.status, view.reason, strict=True) if status == "ended"]
    assert len(told) == 1
    assert told[0] in {"outside every coverage", "not detected where it should have been"}


def test_a_missed_track_coasts_and_comes_back_under_its_id():
    sensor = radar(detection_probability=0.6)
    world = flight(sensor, [STEADY], 12, seed=3, detection=1.0, false_alarms=0.0)
    tracker = run(Tracker(site(sensor)), world)
    name = tracker.store.id[0]
    for k in (12, 13, 14):
        tracker.step(frame(sensor, [], at_s=4.0 * k, seq=k))
    assert tracker.store.status[0] == COASTING
    tracker.step(frame(sensor, seen(sensor, straight(STEADY, 60.0)[None]), at_s=60.0, seq=15))
    assert tracker.store.status[0] == CONFIRMED
    assert tracker.store.id[0] == name


@pytest.mark.parametrize("used", [True, False])
def test_an_identity_is_carried_and_separates_objects_only_where_it_is_to_be_used(used):
    """Two objects swap places less than two sigma apart; their addresses tell, if they are asked."""
    sensor = radar(false_alarms=0.01, use_identity=used)
    tracker = Tracker(site(sensor))
    one, two = [20e3, 15e3, 5e3, 0.0, 0.0, 0.0], [20.15e3, 15e3, 5e3, 0.0, 0.0, 0.0]
    first = None
    for k in range(9):
        names = ("A", "B") if k < 6 else ("B", "A")
        tracker.step(frame(sensor, seen(sensor, np.array([one, two])), at_s=4.0 * k, seq=k, identity=names))
        n = tracker.store.size
        if k == 5:
            first = tracker.store.id[int(np.argmin(np.abs(combined(tracker)[0][:, 0] - one[0])))]
    assert set(tracker.store.identity[:n]) == {"A", "B"}
    east = combined(tracker)[0][int(np.flatnonzero(tracker.store.id[:n] == first)[0]), 0]
    assert abs(east - (two if used else one)[0]) < 75.0


def test_a_plan_radar_does_not_grow_sure_of_a_height_that_it_never_saw():
    """Objects well inside the prior, over seeds: neither height nor plan position strays from what is claimed."""
    plan = radar(
        measures=("range_m", "azimuth_deg"),
        sigma={"range_m": 30.0, "azimuth_deg": 0.1},
        false_alarms=0.01,
        period_s=1.0,
    )
    upward, sideways = [], []
    flights = (
        [8e3, 11e3, 2e3, -60.0, -80.0, 0.0],
        [-8e3, 11e3, 2e3, 100.0, 0.0, 0.0],
        [0.0, 22e3, 2e3, 0.0, -100.0, 0.0],
    )
    for start in flights:
        for seed in range(6):
            world = flight(plan, [start], 60, seed=seed, false_alarms=0.0)
            tracker = run(Tracker(site(plan, altitude_m=AltitudePrior(3000.0, 3000.0))), world)
            best = int(np.argmax(tracker.store.existence[: tracker.store.size]))
            centre, spread = combined(tracker)
            behind_s = (world[-1][0].time_ns - tracker.store.time_ns[best]) / SECOND_NS
            error = centre[best, :3] - straight(world[-1][1][0], -behind_s)[:3]
            upward.append(error[2] ** 2 / spread[best, 2, 2])
            sideways.append(error[:2] @ np.linalg.solve(spread[best, :2, :2], error[:2]) / 2.0)
    assert np.mean(upward) < 2.0
    assert np.max(upward) < 9.0
    assert np.mean(sideways) < 3.0


def test_ids_of_a_frame_full_of_new_objects_differ_and_are_never_taken_ones():
    rows, now_ns = np.arange(100_000), np.full(100_000, START_NS)
    ids = track_ids(0, "north", now_ns, rows, np.zeros(0, np.int64))
    assert len(np.unique(ids)) == 100_000
    assert ids.min() > 0
    assert ids.max() < 2**53
    assert (track_ids(0, "north", now_ns[:9], rows[:9], ids) != ids[:9]).all()
    assert (track_ids(0, "north", now_ns[:9], rows[:9], ids[9:]) == ids[:9]).all()
    assert (track_ids(0, "north", now_ns[:FEW], rows[:FEW], ids[FEW:]) == ids[:FEW]).all()
    assert (track_ids(0, "north", now_ns[:FEW], rows[:FEW], ids) != ids[:FEW]).all()
    assert not set(track_ids(1, "north", now_ns, rows, np.zeros(0, np.int64))) & set(ids)


def test_frames_of_noise_fill_neither_the_store_nor_a_track_s_list_of_pairs():
    sensor, rng = radar(false_alarms=0.01), np.random.default_rng(1)
    tracker = Tracker(site(sensor))
    for k in range(3):
        look = frame(sensor, alarms(sensor, 60_000, rng), at_s=float(k), seq=k)
        rows, pairs, _ = tracker._gate(tracker.stations["north"].look(look, tracker.plane))
        assert np.bincount(pairs[0], minlength=1).max() <= MOST_LIST
        assert len(pairs[0]) <= max(MOST_PAIRS, LEAST_LIST * len(rows))
        tracker.step(look)
        assert tracker.store.size <= MOST_TRACKS
