"""SIAP against Stone Soup's own generator, given the same assignments; identity and purity against counting."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from fusion.types import SECOND_NS, Ints, Picture, Truth
from replay.scoring.compared import Compared, compare
from replay.scoring.results import Score, ScoreOptions
from replay.scoring.run import latest
from replay.scoring.score import score
from replay.scoring.siap import Assigned, assigned, siap
from replay.scoring.truths import collect
from tests.replay.test_score import START_S, tracks_at, truth_at

Spots = Mapping[int, Sequence[float]]


def made(truth: Sequence[Mapping[str, Sequence[float]]], tracks: Sequence[Spots]) -> tuple[list[Truth], list[Picture]]:
    """A second apart, each."""
    return (
        [truth_at(second, objects) for second, objects in enumerate(truth) if objects],
        [tracks_at(second, spots) for second, spots in enumerate(tracks)],
    )


def random_run(seed: int) -> tuple[list[Truth], list[Picture]]:
    """Objects that come and go, tracks that change ids, are doubled, are false; stretches of two instants and more."""
    rng = np.random.default_rng(seed)
    truth: list[dict[str, tuple[float, ...]]] = [{} for _ in range(20)]
    tracks: list[dict[int, tuple[float, ...]]] = [{} for _ in range(20)]
    for k in range(4):
        east, begin = 400.0 * k, int(rng.integers(0, 4))
        change = int(rng.integers(begin + 4, 13))
        end = int(rng.integers(change + 4, 20))
        for second in range(begin, 20):
            truth[second][f"{k}"] = east, 10.0 * second, 100.0
        for second in range(begin + 1, end):
            own = 10 * k + (1 if second < change else 2)
            tracks[second][own] = east + rng.normal(0.0, 3.0), 10.0 * second + rng.normal(0.0, 3.0), 100.0
            if change <= second <= change + 2:  # the old one stays for a while
                tracks[second][10 * k + 1] = east + 15.0, 10.0 * second, 100.0
    for second in range(5, 12):
        tracks[second][99] = 5000.0, 0.0, 100.0
    return made(truth, tracks)


def compared_of(run: tuple[list[Truth], list[Picture]]) -> tuple[Compared, Assigned]:
    options = ScoreOptions(c_m=60.0)
    found = compare(latest(run[1]), collect(run[0]), options)
    return found, assigned(found.points, found.present, found.matches, found.held, 2)


@pytest.mark.parametrize("seed", range(8))
def test_siap_agrees_with_stone_soup_given_the_same_assignments(seed: int) -> None:
    from stonesoup.measures import Euclidean  # type: ignore[import-untyped]
    from stonesoup.metricgenerator.manager import MultiManager  # type: ignore[import-untyped]
    from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics  # type: ignore[import-untyped]
    from stonesoup.types.association import AssociationSet, TimeRangeAssociation  # type: ignore[import-untyped]
    from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState  # type: ignore[import-untyped]
    from stonesoup.types.state import State  # type: ignore[import-untyped]
    from stonesoup.types.time import TimeRange  # type: ignore[import-untyped]
    from stonesoup.types.track import Track  # type: ignore[import-untyped]

    compared, pairs = compared_of(random_run(seed))
    ours, over_time = siap(compared.points, compared.present, compared.matches, pairs, compared.times_ns)

    def when(instant: int) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=int(instant))

    # the peer measures straight distances: each pair gets a line of its own, the track as far along as it is off
    place = {int(row): 1e4 * k for k, row in enumerate(np.unique(pairs.truth))}
    off = dict(zip(pairs.track.tolist(), zip(pairs.truth.tolist(), pairs.distance.tolist(), strict=True), strict=True))
    present, points = compared.present, compared.points
    truths = {
        number: GroundTruthPath(
            [
                GroundTruthState([[place.get(int(row), -1e6)]], timestamp=when(present.instant[row]))
                for row in np.flatnonzero(present.object == number)
            ]
        )
        for number in np.unique(present.object).tolist()
    }
    tracks = {
        name: Track(
            [
                State([[place[off[row][0]] + off[row][1] if row in off else 1e9]], timestamp=when(points.instant[row]))
                for row in np.flatnonzero(points.id == name).tolist()
            ]
        )
        for name in np.unique(points.id).tolist()
    }
    associations = set()
    for number, path in truths.items():
        for name, track in tracks.items():
            rows = (present.object[pairs.truth] == number) & (points.id[pairs.track] == name)
            for begin, end in stretches(np.sort(present.instant[pairs.truth][rows])):
                assert end > begin, "the peer fails on an association of one instant"
                associations.add(TimeRangeAssociation({path, track}, TimeRange(when(begin), when(end))))
    generator = SIAPMetrics(position_measure=Euclidean(), velocity_measure=Euclidean())
    manager = MultiManager([generator])
    manager.add_data({"groundtruth_paths": set(truths.values()), "tracks": set(tracks.values())})
    manager.association_set = AssociationSet(associations)
    theirs = {metric.title: metric.value for metric in generator.compute_metric(manager)}
    wanted = {
        "SIAP Completeness": ours.completeness,
        "SIAP Ambiguity": ours.ambiguity,
        "SIAP Spuriousness": ours.spuriousness,
        "SIAP Position Accuracy": ours.position_m,
        "SIAP Rate of Track Number Change": ours.changes_per_s,
        "SIAP Longest Track Segment": ours.longest_segment,
    }
    assert wanted == {name: pytest.approx(float(theirs[name]), rel=1e-9, abs=1e-9) for name in wanted}
    assert ours.ambiguity is not None
    assert ours.ambiguity > 1.0
    for name, column in (
        ("Completeness", over_time.completeness),
        ("Ambiguity", over_time.ambiguity),
        ("Spuriousness", over_time.spuriousness),
    ):
        each = {metric.timestamp: metric.value for metric in theirs[f"SIAP {name} at times"]}
        for k in np.flatnonzero(np.isfinite(column)):
            if when(int(k)) in each:
                assert column[k] == pytest.approx(each[when(int(k))], rel=1e-9)


def stretches(instants: Ints) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(instants) != 1) + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(instants, edges)] if len(instants) else []


def crossing(swap: bool, seconds: int = 21) -> Score:
    """Two that pass each other; their tracks are nearer to the other one for one instant, or (swap) from then on."""
    truth, tracks = [], []
    for second in range(seconds):
        way = 40.0 * (second - 10)
        spots = {"a": (way, 3.0, 100.0), "b": (-way, -3.0, 100.0)}
        one, other = (way, 5.0, 100.0), (-way, -5.0, 100.0)
        if second == 10 or (swap and second > 10):
            one, other = other, one
        truth.append(spots)
        tracks.append({1: one, 2: other})
    run = made(truth, tracks)
    return score(run[1], run[0], ScoreOptions(c_m=30.0))


def test_a_flip_for_one_instant_is_told_but_is_no_switch() -> None:
    found = crossing(swap=False)
    assert found.identity is not None
    assert (found.switches, found.identity.switches, found.identity.swaps) == (0, 0, 0)
    assert found.identity.flips == 4  # there and back, both
    assert (found.identity.track_purity, found.identity.object_purity) == (1.0, 1.0)
    assert [one.tracks for one in found.objects] == [1, 1]


def test_an_exchange_of_tracks_is_two_switches_and_halves_purity() -> None:
    found = crossing(swap=True)
    assert found.identity is not None
    assert (found.switches, found.identity.swaps) == (2, 2)
    assert found.identity.track_purity == pytest.approx(11 / 21, abs=0.05)
    assert [one.purity for one in found.objects] == pytest.approx([11 / 21] * 2, abs=0.05)
    assert found.trajectory is not None
    assert found.trajectory.switch_m == pytest.approx(np.sqrt(2.0 * 15.0**2 / 21.0))


def test_fragments_are_segments_of_one_id_without_a_gap() -> None:
    ids = [None, 1, 1, None, 1, 2, 2, 2, None, None]
    run = made([{"a": (0, 0, 100)}] * 10, [{} if k is None else {k: (0, 3, 100)} for k in ids])
    found = score(run[1], run[0], ScoreOptions(c_m=20.0))
    (only,) = found.objects
    assert found.identity is not None
    assert (only.fragments, found.identity.fragments, only.switches, only.breaks) == (3, 2, 1, 1)
    assert only.longest_s == 2.0
    assert found.identity.swaps == 0


def test_signed_errors_of_a_track_that_lags_and_points_beside() -> None:
    truth = []
    for second in range(5):
        message = truth_at(second, {"a": (0, 10 * second, 100)})
        truth.append(Truth(message.time_ns, message.id, message.lat_deg, message.lon_deg, message.alt_m,
                           np.array([0.0]), np.array([10.0]), np.array([1.0]), message.ignore))  # fmt: skip
    speed = 12.0
    course = math.radians(-350.0)  # 10° to the right of north, said the other way round
    velocity = {"east_mps": [speed * math.sin(course)], "north_mps": [speed * math.cos(course)], "up_mps": [-1.0]}
    pictures = [tracks_at(second, {1: (2, 10 * second - 4, 107)}, **velocity) for second in range(5)]
    told = score(pictures, truth).accuracy
    assert told is not None
    assert told.along_m.bias == pytest.approx(-4.0, abs=1e-3)
    assert told.across_m.bias == pytest.approx(2.0, abs=1e-3)
    assert told.height_m.bias == pytest.approx(7.0, abs=1e-3)
    assert told.heading_deg.bias == pytest.approx(10.0, abs=1e-9)
    assert told.speed_mps.bias == pytest.approx(2.0)
    assert told.climb_mps.bias == pytest.approx(-2.0)
    assert told.position_m.rms == pytest.approx(np.hypot(4.0, 2.0), abs=1e-3)
    assert told.heading_deg.count == 5
    slow = [Truth(t.time_ns, t.id, t.lat_deg, t.lon_deg, t.alt_m, t.east_mps, t.north_mps * 0.1, t.up_mps, t.ignore)
            for t in truth]  # fmt: skip
    slowly = score(pictures, slow).accuracy
    assert slowly is not None
    assert (slowly.heading_deg.count, slowly.heading_deg.bias, slowly.position_m.count) == (0, None, 5)


def test_a_run_without_a_pair_has_every_figure_or_says_none() -> None:
    run = made([{"a": (0, 0, 100)}] * 3, [{}, {7: (9000, 0, 100)}, {}])
    found = score(run[1], run[0])
    assert found.siap is not None
    assert (found.siap.completeness, found.siap.ambiguity, found.siap.spuriousness) == (0.0, None, 1.0)
    assert found.identity is not None
    assert (found.identity.track_purity, found.identity.fragments) == (None, 0)
    assert found.accuracy is not None
    assert found.accuracy.position_m.rms is None
    assert found.nees is not None
    assert found.nees.count == 0
    assert found.begin_ns == START_S * SECOND_NS
