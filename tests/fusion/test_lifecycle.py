"""The lifecycle table and the evidence that moves through it."""

import numpy as np
import pytest

from fusion.config import TrackerConfig
from fusion.tracking import lifecycle
from fusion.tracking.tracks import TrackStore
from fusion.types import COASTING, CONFIRMED, ENDED, SECOND_NS, TENTATIVE

ROW = np.array([0])


def one(**columns):
    store = TrackStore.empty(1, 1)
    store.extend(1)
    store.existence[0], store.covered_ns[0], store.visible[0] = 0.9, 0, 1.0
    for name, value in columns.items():
        getattr(store, name)[0] = value
    return store


@pytest.mark.parametrize(
    ("columns", "next_status"),
    [
        ({"status": TENTATIVE, "existence": 0.999995, "hits": 3}, CONFIRMED),
        ({"status": TENTATIVE, "existence": 0.999995, "hits": 2}, TENTATIVE),
        ({"status": TENTATIVE, "existence": 0.5, "hits": 9}, TENTATIVE),
        ({"status": TENTATIVE, "existence": 0.00001, "hits": 1}, ENDED),
        ({"status": CONFIRMED, "existence": 0.9, "owed": 0.9}, CONFIRMED),
        ({"status": CONFIRMED, "existence": 0.9, "owed": 1.8}, COASTING),
        ({"status": COASTING, "existence": 0.9, "owed": 0.0}, CONFIRMED),
        ({"status": COASTING, "existence": 0.09, "owed": 3.0}, ENDED),
        ({"status": COASTING, "existence": 0.99, "owed": 3.0, "visible": 0.1}, ENDED),
    ],
)
def test_looks_move_a_track_through_the_table(columns, next_status):
    store = one(**columns)
    lifecycle.follow(store, ROW, lifecycle.evidence(store, ROW, 0, TrackerConfig()))
    assert store.status[0] == next_status


def test_what_never_moved_is_not_confirmed_where_still_objects_are_clutter():
    store = one(status=TENTATIVE, existence=0.999995, hits=9)
    assert lifecycle.evidence(store, ROW, 0, TrackerConfig(still_objects=False))[0] == lifecycle.NOTHING
    store.moved[0] = 1
    assert lifecycle.evidence(store, ROW, 0, TrackerConfig(still_objects=False))[0] == lifecycle.PROVEN


@pytest.mark.parametrize(("age_s", "hits", "said"), [(61, 10, 1), (59, 10, 0), (61, 9, 0)])
def test_a_track_that_each_detection_says_little_of_is_confirmed_once_it_lasts(age_s, hits, said):
    store = one(status=TENTATIVE, existence=0.995, hits=hits)
    assert lifecycle.evidence(store, ROW, age_s * SECOND_NS, TrackerConfig())[0] == said


@pytest.mark.parametrize(
    ("unwatched_s", "outside", "said"),
    [
        (5.0, True, lifecycle.NOTHING),
        (13.0, True, lifecycle.LEFT),
        (13.0, False, lifecycle.NOTHING),
        (61.0, False, lifecycle.SILENT),
        (61.0, True, lifecycle.LEFT),
    ],
)
def test_time_alone_ends_what_left_or_what_nobody_watches(unwatched_s, outside, said):
    store = one(status=CONFIRMED)
    now_ns = round(unwatched_s * SECOND_NS)
    assert lifecycle.absence(store, ROW, now_ns, 4.0, np.array([outside]))[0] == said


def test_every_evidence_that_ends_a_track_has_a_reason():
    ending = {evidence for (_, evidence), then in lifecycle.NEXT.items() if then == ENDED}
    assert ending == set(lifecycle.REASONS)
