"""Two tracks of one object become one; two objects in formation stay two."""

import numpy as np
import pytest
from worlds import frame, radar, seen, site

from fusion.kernels.near import near
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, TENTATIVE

GATE = 7.81


def flight(sensor, states, rng, k):
    """One sweep of objects that fly straight, 4 s a sweep."""
    moved = states.copy()
    moved[:, :3] += 4.0 * k * moved[:, 3:]
    found = seen(sensor, moved, rng)
    return frame(sensor, found[rng.random(len(found)) < sensor.detection_probability], at_s=4.0 * k, seq=k)


def tracked(states, sweeps, tracker, rng, first=0):
    sensor = tracker.stations["north"].config
    for k in range(first, first + sweeps):
        look = flight(sensor, states, rng, k)
        tracker.step(look)
        tracker.tend(look.time_ns)
    return tracker


def held_by(tracker):
    store = tracker.store
    return store.id[: store.size][store.status[: store.size] != TENTATIVE].tolist()


ONE = np.array([[20_000.0, 10_000.0, 4_000.0, 150.0, 50.0, 0.0]])


def test_a_second_track_of_one_object_ends_and_the_older_one_goes_on():
    rng = np.random.default_rng(1)
    tracker = tracked(ONE, 10, Tracker(site(radar(false_alarms=0.01))), rng)
    (held,) = held_by(tracker)
    store = tracker.store
    at = store.extend(1)
    for name in store.__dataclass_fields__:
        if name not in ("size", "id"):
            column = getattr(store, name)
            if isinstance(column, np.ndarray) and len(column) >= store.size:
                column[at] = column[0]
    store.id[at], store.outline[at] = held + 1, 0.0
    store.created_ns[at] += SECOND_NS
    store.hit_ns[at] -= 4 * SECOND_NS  # detections go to one of them, never to both
    tracker.shown()
    tracked(ONE, 12, tracker, rng, first=10)
    ((ended, reasons),) = tracker.ended
    told = list(zip(ended.id.tolist(), reasons, strict=True))
    assert told == [(held + 1, "the same object as another track")]
    assert held_by(tracker) == [held]


def test_a_formation_closer_than_its_uncertainty_stays_two():
    rng = np.random.default_rng(2)
    pair = np.repeat(ONE, 2, axis=0)
    pair[1, :3] += [60.0, -40.0, 0.0]  # a radar's sigma across is 78 m there
    tracker = tracked(pair, 60, Tracker(site(radar(false_alarms=0.01))), rng)
    assert len(held_by(tracker)) == 2


@pytest.mark.parametrize("seed", range(5))
def test_near_pairs_are_those_that_a_look_at_all_pairs_finds(seed):
    rng, n, m = np.random.default_rng(seed), 60, 2
    mean = rng.normal(0.0, 100.0, (n, 1, 6)) + rng.normal(0.0, 5.0, (n, m, 6))
    root = rng.normal(0.0, 30.0, (n, m, 6, 6))
    covariance = root @ root.transpose(0, 1, 3, 2) * 0.1
    weight = rng.dirichlet(np.ones(m), n)
    time_ns = rng.integers(0, 3 * SECOND_NS, n)
    found = near(np.arange(n), 3 * SECOND_NS, time_ns, weight, mean, covariance, GATE)
    dt = (3 * SECOND_NS - time_ns) / 1e9
    carry = np.tile(np.eye(6), (n, 1, 1))
    carry[:, :3, 3:] = dt[:, None, None] * np.eye(3)
    centre = np.einsum("nab,nb->na", carry, (weight[:, :, None] * mean).sum(axis=1))
    around = np.einsum("nab,nmb->nma", carry, mean) - centre[:, None]
    spread = np.einsum("nab,nmbc,ndc->nmad", carry, covariance, carry) + around[..., :, None] * around[..., None, :]
    spread = (weight[:, :, None, None] * spread).sum(axis=1)[:, :3, :3] + 0.5e-4 * np.eye(3)
    expected = set()
    for i in range(n):
        for j in range(i + 1, n):
            off = centre[i, :3] - centre[j, :3]
            if off @ np.linalg.solve(spread[i] + spread[j], off) <= GATE:
                expected.add((i, j))
    assert 10 < len(expected) < n * n / 4
    assert {tuple(pair) for pair in found.tolist()} == expected
