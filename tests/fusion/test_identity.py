"""Addresses weigh and do not rule: tracks hold through wrong ones, and what is odd is told once."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import PLANE, frame, radar, seen, site, straight

from fusion.pipeline import Pipeline
from fusion.tracking.identity import WRONG, Identities, Memory
from fusion.tracking.tracker import Tracker
from fusion.types import TENTATIVE

FAR = ([10e3, 20e3, 5e3, 150.0, 0.0, 0.0], [-15e3, 30e3, 6e3, 0.0, -180.0, 0.0])
LOOKS = 40


def watch(states, names_at, *, used, seed=1, sensor=None, looks=LOOKS):
    """Two or more objects, told as `names_at(k)` says; the tracker, and for each look the track nearest to each."""
    sensor = sensor or radar(false_alarms=1.0, use_identity=used, detection_probability=0.95)
    sensor, rng = replace(sensor, use_identity=used), np.random.default_rng(seed)
    tracker, owners = Tracker(site(sensor, registration="off")), []
    for k in range(looks):
        now = np.array([straight(state, sensor.period_s * k) for state in states])
        hit = rng.random(len(states)) < 0.95
        names = tuple(name for name, was in zip(names_at(k), hit, strict=True) if was)
        tracker.step(frame(sensor, seen(sensor, now, rng)[hit], at_s=sensor.period_s * k, seq=k, identity=names))
        store, n = tracker.store, tracker.store.size
        mean = (store.weight[:n, :, None] * store.mean[:n, :, :3]).sum(axis=1)
        confirmed = np.flatnonzero(store.status[:n] != TENTATIVE)
        apart = np.sqrt(((now[:, None, :3] - mean[None, confirmed]) ** 2).sum(axis=2))
        owners.append([int(store.id[confirmed[i]]) for i in apart.argmin(axis=1)] if len(confirmed) else [])
    return tracker, owners


def held(tracker):
    store = tracker.store
    return {int(store.id[i]): store.identity[i] for i in range(store.size) if store.status[i] != TENTATIVE}


def unbroken(owners, objects):
    """From the tenth look on each object has one and the same track, and no two share one."""
    late = {tuple(each) for each in owners[10:]}
    return len(late) == 1 and len(set(next(iter(late)))) == objects


def kinds(tracker):
    return [(each.kind, each.identity) for each in tracker.identities.oddities]


@pytest.mark.parametrize("used", [True, False])
def test_far_tracks_that_exchange_their_addresses_go_on_and_it_is_told_once(used):
    tracker, owners = watch(FAR, lambda k: ("A", "B") if k < 20 else ("B", "A"), used=used)
    assert unbroken(owners, 2)
    (oddity,) = tracker.identities.oddities
    assert oddity.kind == "swapped"
    assert set(oddity.tracks) == set(held(tracker))
    assert set(held(tracker).values()) == {"A", "B"}


@pytest.mark.parametrize("used", [True, False])
def test_a_track_that_changes_its_address_goes_on_and_it_is_told_once(used):
    tracker, owners = watch(FAR, lambda k: ("A", "B") if k < 20 else ("C", "B"), used=used)
    assert unbroken(owners, 2)
    assert kinds(tracker) == [("changed", "C")]


@pytest.mark.parametrize("used", [True, False])
def test_one_address_on_two_objects_is_told_once_and_breaks_neither(used):
    tracker, owners = watch(FAR, lambda k: ("A", "A"), used=used)
    assert unbroken(owners, 2)
    assert kinds(tracker) == [("duplicated", "A")]


@pytest.mark.parametrize("used", [True, False])
def test_an_address_that_somebody_copies_later_is_told_as_duplicated_alone(used):
    tracker, owners = watch(FAR, lambda k: ("A", "B") if k < 20 else ("A", "A"), used=used)
    assert unbroken(owners, 2)
    assert kinds(tracker) == [("duplicated", "A")]


@pytest.mark.parametrize("used", [True, False])
def test_one_garbled_address_in_ten_changes_and_tells_nothing(used):
    rng = np.random.default_rng(3)
    garbled = rng.random((LOOKS, 2)) < 0.1

    def names(k):
        return tuple(f"X{k}{i}" if garbled[k, i] else name for i, name in enumerate("AB"))

    tracker, owners = watch(FAR, names, used=used)
    assert garbled.sum() > 4
    assert unbroken(owners, 2)
    assert kinds(tracker) == []
    assert set(held(tracker).values()) == {"A", "B"}


@pytest.mark.parametrize("seed", range(4))
def test_addresses_hold_apart_two_tracks_that_meet_and_part_again(seed):
    """Each comes to the other's line and leaves it again, where straight flight would have them exchanged."""
    sensor, rng = radar(use_identity=True, false_alarms=0.01), np.random.default_rng(seed)
    tracker = Tracker(site(sensor, registration="off"))
    for k in range(40):
        t = 4.0 * k - 80.0
        now = np.array([[120.0 * t, 20e3 + side * 10.0 * abs(t), 5e3, 120.0, 0.0, 0.0] for side in (1.0, -1.0)])
        tracker.step(frame(sensor, seen(sensor, now, rng), at_s=4.0 * k, seq=k, identity=("A", "B")))
        if k == 12:
            before = held(tracker)
    store = tracker.store
    assert held(tracker) == before
    assert set(before.values()) == {"A", "B"}
    north = {store.identity[i]: store.mean[i, 0, 1] for i in range(store.size) if int(store.id[i]) in before}
    assert north["A"] > north["B"]


def test_the_kinematic_fit_decides_where_it_is_far_better():
    """A detection with its own track's place and the other's address belongs to its place."""
    tracker, _ = watch(FAR, lambda k: ("A", "B"), used=True, looks=20)
    before = held(tracker)
    sensor = radar(false_alarms=1.0, use_identity=True, detection_probability=0.95)
    now = np.array([straight(state, 80.0) for state in FAR])
    hits = tracker.store.hits[: tracker.store.size].sum()
    tracker.step(frame(sensor, seen(sensor, now), at_s=80.0, seq=20, identity=("B", "A")))
    assert tracker.store.hits[: tracker.store.size].sum() >= hits + 2
    assert held(tracker) == before


def test_an_address_counts_against_a_pair_the_first_time_that_it_is_told():
    """Twice the same other one is a change, and no second error."""
    tracker, _ = watch(FAR, lambda k: ("A", "B"), used=True, looks=20)
    sensor = radar(false_alarms=1.0, use_identity=True, detection_probability=0.95)
    row = int(np.flatnonzero(tracker.store.identity[: tracker.store.size] == "A")[0])

    def weights(*names):
        look = frame(sensor, seen(sensor, np.array([straight(FAR[0], 84.0)] * len(names))), identity=names)
        look = tracker.stations["north"].look(look, PLANE)
        return tracker.identities.agreement(
            look, tracker.store, np.array([row]), (np.zeros(len(names), np.int64), np.arange(len(names)))
        )

    np.testing.assert_array_equal(weights("A", None, "C"), [1.0, 1.0, WRONG])
    now = np.array([straight(FAR[0], 80.0)])
    tracker.step(frame(sensor, seen(sensor, now), at_s=80.0, seq=20, identity=("C",)))
    np.testing.assert_array_equal(weights("A", "C", "D"), [1.0, 1.0, WRONG])


def test_the_majority_of_the_last_hits_is_kept():
    memory = Memory("A", {"A": 1.0}, "A", 0)
    for k in range(30):
        memory = memory.heard("A", k)
    for k in range(5):
        memory = memory.heard("B", k)
    assert (memory.kept, memory.other, memory.run) == ("A", "B", 5)
    for k in range(60):
        memory = memory.heard("B", k)
    assert (memory.kept, memory.other) == ("B", None)
    for k in range(400):
        memory = memory.heard(f"X{k}", k)
    assert len(memory.weights) < 300  # what was told once is forgotten


def test_a_copy_goes_its_own_way():
    tracker, _ = watch(FAR, lambda k: ("A", "B"), used=True, looks=22)
    other, sensor = tracker.copy(), radar(false_alarms=1.0, use_identity=True)
    for k in range(22, 27):
        now = np.array([straight(state, 4.0 * k) for state in FAR])
        other.step(frame(sensor, seen(sensor, now), at_s=4.0 * k, seq=k, identity=("B", "A")))
    assert kinds(other)[0][0] == "swapped"
    assert kinds(tracker) == []


def test_what_is_remembered_is_bounded():
    """Ten thousand tracks come and go, each with an address of its own."""
    world = site(radar())
    identities, sensor = Identities(world.tracker), radar()
    store = Tracker(world).store
    store.extend(1)
    look = (
        Tracker(world).stations["north"].look(frame(sensor, seen(sensor, np.array([FAR[0]])), identity=("A",)), PLANE)
    )
    for k in range(1, 10_000):
        store.id[0], store.identity[0] = k, None
        identities.hear(look, store, [0], [0])
    assert len(identities._memories) < 100


def test_late_frames_tell_the_same_oddities():
    sensor, rng = radar(use_identity=True, detection_probability=0.95), np.random.default_rng(5)
    frames = []
    for k in range(24):
        now = np.array([straight(state, 4.0 * k) for state in FAR])
        names = ("A", "B") if k < 12 else ("B", "A")
        frames.append(frame(sensor, seen(sensor, now, rng), at_s=4.0 * k, seq=k, identity=names))
    order = [k + (1 if k % 2 == 0 else -1) for k in range(24)]
    found = []
    for arrival in (range(24), order):
        pipeline = Pipeline(site(sensor, lateness_s=10.0))
        for k in arrival:
            pipeline.receive(frames[k])
        found.append(pipeline.identities())
    assert found[0] == found[1]
    assert [each.kind for each in found[0]] == ["swapped"]
