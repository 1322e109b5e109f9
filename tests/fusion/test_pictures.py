"""Pictures: what is told of each track beside its state."""

from dataclasses import replace

import numpy as np
import pytest

from fusion.tracking.pictures import LATELY_S, _sensors
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS
from tests.fusion.worlds import radar, site

NOW_NS = 1_000 * SECOND_NS


@pytest.mark.parametrize("count", [0, 1, 8, 9, 20])
def test_the_sensors_that_detected_a_track_lately_are_named_in_their_order(count: int) -> None:
    sensors = tuple(radar(f"s{k}", period_s=1.0) for k in range(count))
    tracker = Tracker(replace(site(), sensor=sensors))
    rows = tracker.store.extend(40)
    ages_s = np.random.default_rng(count).choice([0.0, LATELY_S, LATELY_S + 0.001, np.inf], (40, count))
    hit_ns = np.where(np.isinf(ages_s), 0.0, NOW_NS - np.where(np.isinf(ages_s), 0.0, ages_s) * SECOND_NS)
    tracker.store.hit_ns[rows] = hit_ns.astype(np.int64)
    told = [tuple(f"s{k}" for k, age in enumerate(line) if age <= LATELY_S) for line in ages_s.tolist()]
    assert list(_sensors(tracker, tracker.store, NOW_NS)) == told
