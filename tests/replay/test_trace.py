"""Where a track came from: the smoother against its oracles, and whole traces of flights that are known."""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fastkml import KML
from filterpy.kalman import rts_smoother

from adapters.heights import undulation_m
from fusion.config import SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.kernels.predict import predict
from fusion.kernels.transitions import transitions
from fusion.pipeline import Pipeline
from fusion.tracking.motion import Motions
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, Coverage, Floats, Frame, Place, Pose
from replay.offline import track
from replay.pictures.plot import png
from replay.pictures.plot_trace import draw_trace
from replay.recordings.files import open_writer
from replay.tracing import smoother
from replay.tracing.backward import Walked, Weighed, reversed_motion, walk
from replay.tracing.data import as_dict
from replay.tracing.drawn import draw
from replay.tracing.history import Histories, History
from replay.tracing.kml import as_kml
from replay.tracing.regions import regions, spread
from replay.tracing.smoother import moments, smooth
from replay.tracing.told import as_text
from replay.tracing.trace import Trace, trace
from skypicket.cli import main

START_NS = 1_700_000_000 * SECOND_NS
ORIGIN = Place(47.0, 19.0, 0.0)
NOISE = 400.0  # m², of each measured coordinate below
SIGMA: dict[Any, float] = {"east_m": 10.0, "north_m": 10.0, "up_m": 10.0}
SENSOR = SensorConfig(
    "a", "position", tuple(SIGMA), SIGMA,
    Coverage(east_m=(-7e3, 7e3), north_m=(-7e3, 7e3), up_m=(-100.0, 5000.0)),
    Pose(47.0, 19.0, 0.0), detection_probability=0.95, false_alarms=0.01,
)  # fmt: skip
GATE = ZoneConfig(id="gate", floor_m=0.0, ceiling_m=3000.0, circle=(19.0, 47.0, 1000.0))
SITE = SiteConfig(
    ServiceConfig(ORIGIN),
    TrackerConfig(motions=("cruise", "turn"), initial_speed_mps=50.0, lateness_s=1.0),
    (SENSOR,),
    (GATE, replace(GATE, id="far", circle=(25.0, 47.0, 1000.0)), replace(GATE, id="wide", margin_m=500.0)),
)

BARE = replace(SITE, zones=())  # where zones do not matter: alerts take most of the time


def forward(motions: Motions, z: Floats, gaps_s: Floats) -> History:
    """The tracker's own prediction and mixing over measured positions, k × 3, with Kalman updates of noise `NOISE`."""
    earth, m, count = Tracker(SITE).setting.earth, len(motions.names), len(z)
    weight, mean = np.array([motions.prior]), np.zeros((1, m, 6))
    covariance = np.tile(np.diag([NOISE] * 3 + [2500.0] * 3), (1, m, 1, 1))
    mean[:, :, :3] = z[0]
    times, kept = [START_NS], [(weight[0].copy(), mean[0].copy(), covariance[0].copy())]
    H = np.eye(3, 6)
    for k in range(1, count):
        at, until = np.array([times[-1]]), np.array([times[-1] + round(gaps_s[k - 1] * SECOND_NS)])
        predict(
            np.arange(1), until, at, weight, mean, covariance, np.zeros((1, 10)), motions.parameters, motions.prior,
            motions.rate_per_s, earth,
        )  # fmt: skip
        for j in range(m):
            off, S = z[k] - mean[0, j, :3], covariance[0, j, :3, :3] + NOISE * np.eye(3)
            gain = covariance[0, j] @ H.T @ np.linalg.inv(S)
            weight[0, j] *= math.exp(-0.5 * off @ np.linalg.solve(S, off)) / math.sqrt(np.linalg.det(2 * math.pi * S))
            mean[0, j] += gain @ off
            covariance[0, j] -= gain @ S @ gain.T
        weight /= weight.sum()
        times.append(int(until[0]))
        kept.append((weight[0].copy(), mean[0].copy(), covariance[0].copy()))
    parts = (np.stack(part) for part in zip(*kept, strict=True))
    return History(1, np.array(times), *parts, sights=())


def flight(count: int, seed: int = 3, turning: bool = False) -> tuple[Floats, Floats]:
    """Measured positions and the gaps between them."""
    rng = np.random.default_rng(seed)
    gaps = rng.choice([0.5, 1.0, 3.0], count - 1)
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    bend = 300.0 * np.sin(times / 8.0) if turning else 0.0 * times
    truth = np.stack([60.0 * times, bend, 1000.0 + 0.5 * times], axis=1)
    return truth + rng.normal(0.0, math.sqrt(NOISE), truth.shape), gaps


def matrices(motions: Motions, history: History, k: int) -> tuple[Floats, Floats]:
    """F and Q from instant k to the next, by the readable definition."""
    mean, dt = history.mean[k], (history.times_ns[k + 1] - history.times_ns[k]) / SECOND_NS
    up = Plane(ORIGIN).up_at(mean[:, :3])
    F, Q, _ = motions.matrices(0, mean, up, dt)
    return F[0], Q[0]


CRUISE = Motions.of(TrackerConfig(motions=("cruise",)))
EARTH = Tracker(SITE).setting.earth


def test_one_mode_is_smoothed_as_filterpy_does():
    history = forward(CRUISE, *flight(60))
    found = smooth(history, CRUISE, EARTH)
    parts = [matrices(CRUISE, history, k) for k in range(59)]
    x, P, _, _ = rts_smoother(
        history.mean[:, 0], history.covariance[:, 0], [F for F, _ in parts], [Q for _, Q in parts]
    )
    np.testing.assert_allclose(found.mean[:, 0], x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.covariance[:, 0], P, rtol=1e-9, atol=1e-7)


def test_one_mode_is_the_least_squares_path():
    """The joint Gaussian of all states, solved at once, is the slow and obvious twin."""
    z, gaps = flight(12)
    history = forward(CRUISE, z, gaps)
    information, right = np.zeros((72, 72)), np.zeros(72)
    prior = np.linalg.inv(history.covariance[0, 0])
    information[:6, :6] += prior
    right[:6] += prior @ history.mean[0, 0]
    for k in range(11):
        F, Q = matrices(CRUISE, history, k)
        step = np.concatenate([-F, np.eye(6)], axis=1)
        part = slice(6 * k, 6 * k + 12)
        information[part, part] += step.T @ np.linalg.inv(Q) @ step
        now = slice(6 * k + 6, 6 * k + 9)
        information[now, now] += np.eye(3) / NOISE
        right[now] += z[k + 1] / NOISE
    every = np.linalg.solve(information, right).reshape(12, 6)
    spreads = np.linalg.inv(information)
    found = smooth(history, CRUISE, EARTH)
    np.testing.assert_allclose(found.mean[:, 0], every, rtol=1e-6, atol=1e-5)
    for k in range(12):
        own = spreads[6 * k : 6 * k + 6, 6 * k : 6 * k + 6]
        np.testing.assert_allclose(found.covariance[k, 0], own, rtol=1e-5, atol=1e-5)


def test_modes_that_are_alike_are_smoothed_as_one(monkeypatch):
    monkeypatch.setattr(smoother, "MOST_SIGMA", 1e9)
    three = CRUISE.parameters[[0] * 3]
    alike = replace(CRUISE, names=("a", "b", "c"), prior=np.array([0.5, 0.3, 0.2]), parameters=three)
    z, gaps = flight(30)
    one, three = smooth(forward(CRUISE, z, gaps), CRUISE, EARTH), smooth(forward(alike, z, gaps), alike, EARTH)
    centre, covariance = moments(three.weight, three.mean, three.covariance)
    np.testing.assert_allclose(centre, one.mean[:, 0], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(covariance, one.covariance[:, 0], rtol=1e-5, atol=1e-5)


def test_modes_are_smoothed_nearly_as_by_every_sequence_of_modes():
    """Exact: each of 2⁷ sequences filtered and smoothed by itself, weighed by its likelihood."""
    motions = Motions.of(TrackerConfig(motions=("cruise", "manoeuvre"), agility_mps2=20.0))
    z, gaps = flight(7, seed=5, turning=True)
    found, weights, paths = smooth(forward(motions, z, gaps), motions, EARTH), [], []
    for sequence in itertools.product(range(2), repeat=7):
        log, mean, covariance = math.log(motions.prior[sequence[0]]), np.zeros(6), np.diag([NOISE] * 3 + [2500.0] * 3)
        mean[:3] = z[0]
        kept = [(mean, covariance)]
        steps = []
        for k in range(1, 7):
            up = Plane(ORIGIN).up_at(mean[None, :3])
            F, Q, _ = motions.matrices(sequence[k], mean[None], up, float(gaps[k - 1]))
            log += math.log(motions.transition(float(gaps[k - 1]))[sequence[k - 1], sequence[k]])
            prior, S0 = F[0] @ mean, F[0] @ covariance @ F[0].T + Q[0]
            off, S = z[k] - prior[:3], S0[:3, :3] + NOISE * np.eye(3)
            log += -0.5 * (off @ np.linalg.solve(S, off) + np.linalg.slogdet(2 * math.pi * S)[1])
            gain = S0[:, :3] @ np.linalg.inv(S)
            mean, covariance = prior + gain @ off, S0 - gain @ S @ gain.T
            kept.append((mean, covariance))
            steps.append((F[0], prior, S0))
        path = [kept[-1][0]]
        for k in range(5, -1, -1):
            F1, prior, S0 = steps[k]
            path.insert(0, kept[k][0] + kept[k][1] @ F1.T @ np.linalg.solve(S0, path[0] - prior))
        weights.append(log)
        paths.append(np.stack(path))
    share = np.exp(np.array(weights) - max(weights))
    exact = (share[:, None, None] * np.stack(paths)).sum(axis=0) / share.sum()
    centre, covariance = moments(found.weight, found.mean, found.covariance)
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    filtered = moments(*(getattr(forward(motions, z, gaps), name) for name in ("weight", "mean", "covariance")))[0]
    assert (np.abs(centre - exact) / sigma).max() < 0.25
    assert np.abs(filtered - exact)[:, :3].max() > 5.0 * np.abs(centre - exact)[:, :3].max()


def test_the_compiled_transitions_are_those_of_the_motions():
    motions = Motions.of(TrackerConfig(motions=("cruise", "manoeuvre", "turn", "ballistic"), ballistic_drag_per_m=1e-4))
    rng = np.random.default_rng(1)
    state = rng.normal(0.0, [3e4, 3e4, 3e3, 80.0, 80.0, 5.0], (50, 6))
    mode, dt = rng.integers(0, 5, 50), rng.choice([0.0, 0.3, 4.0, 40.0], 50)
    F, Q, moved = np.empty((50, 6, 6)), np.empty((50, 6, 6)), np.empty((50, 6))
    transitions(state, mode, dt, motions.parameters, EARTH, F, Q, moved)
    for i in range(50):
        up = Plane(ORIGIN).up_at(state[i : i + 1, :3])
        f, q, c = motions.matrices(int(mode[i]), state[i : i + 1], up, float(dt[i]))
        np.testing.assert_allclose(F[i], f[0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(Q[i], q[0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(moved[i], f[0] @ state[i] + c[0], rtol=1e-9, atol=1e-6)


def test_drawn_paths_have_the_smoothed_moments_and_are_the_same_each_time():
    history = forward(CRUISE, *flight(25))
    found, drawn = smooth(history, CRUISE, EARTH), draw(history, CRUISE, EARTH, 2000)
    sigma = np.sqrt(np.diagonal(found.covariance[:, 0], axis1=1, axis2=2))
    assert (np.abs(drawn.state.mean(axis=0) - found.mean[:, 0]) < 5.0 * sigma / math.sqrt(2000)).all()
    np.testing.assert_allclose(drawn.state.std(axis=0), sigma, rtol=0.1)
    assert (draw(history, CRUISE, EARTH, 2000).state == drawn.state).all()


def test_drawn_paths_run_through_their_states_with_their_velocities():
    history = forward(CRUISE, *flight(8))
    drawn = draw(history, CRUISE, EARTH, 5)
    np.testing.assert_allclose(drawn.at(history.times_ns), drawn.state[:, :, :3], rtol=1e-9, atol=1e-6)
    step = 1000
    slope = (drawn.at(history.times_ns[2:3] + step) - drawn.at(history.times_ns[2:3])) / (step / SECOND_NS)
    np.testing.assert_allclose(slope[:, 0], drawn.state[:, 2, 3:], rtol=1e-2, atol=1.0)


def test_regions_hold_their_share_and_have_the_area_of_an_ellipse():
    points = np.random.default_rng(2).normal([5000.0, -2000.0], [300.0, 100.0], (4096, 2))
    even = np.full(4096, 1.0 / 4096)
    for level, shape in zip((0.5, 0.9), regions(points, even, (0.5, 0.9)), strict=True):
        assert shapely.contains_xy(shape, points[:, 0], points[:, 1]).mean() == pytest.approx(level, abs=0.02)
        expected = -2.0 * math.log(1.0 - level) * math.pi * 300.0 * 100.0
        assert shape.area == pytest.approx(expected, rel=0.12)
    about = spread(points, even)
    assert about.effective == pytest.approx(4096)
    np.testing.assert_allclose(about.sigmas, [300.0, 100.0], rtol=0.05)


def test_a_motion_turned_round_twice_is_itself_and_left_becomes_right():
    motions = Motions.of(TrackerConfig(motions=("cruise", "turn")))
    rng = np.random.default_rng(4)
    root = rng.normal(size=(3, 6, 6))
    state = np.array([0.5, 0.3, 0.2]), rng.normal(size=(3, 6)), root @ root.swapaxes(1, 2)
    back, once = reversed_motion(motions, state)
    _, twice = reversed_motion(back, once)
    assert all((one == two).all() for one, two in zip(state, twice, strict=True))
    assert once[0].tolist() == [0.5, 0.2, 0.3]
    assert (once[1][:, :3] == state[1][[0, 2, 1], :3]).all()
    assert (once[1][:, 3:] == -state[1][[0, 2, 1], 3:]).all()


def test_paths_backward_spread_as_the_inverse_motion_says():
    """x = F⁻¹ (x' - w): position and velocity in reverse, the same noise."""
    tracker = Tracker(replace(SITE, tracker=replace(SITE.tracker, motions=("cruise",))))
    mean, covariance = np.array([[0.0, 0.0, 500.0, 50.0, 0.0, 0.0]]), np.diag([100.0] * 3 + [4.0, 4.0, 1.0])[None]
    walked = walk(tracker, (np.ones(1), mean, covariance), 60.0)
    end = walked.place[:, -1]
    density = tracker.motions.parameters[0, 0]
    expected = math.sqrt(100.0 + 60.0**2 * 4.0 + density * 60.0**3 / 3.0)
    assert end[:, 0].mean() == pytest.approx(-3000.0, abs=5.0)
    np.testing.assert_allclose(end[:, :2].std(axis=0), expected, rtol=0.03)


def test_a_path_counts_by_the_chance_that_no_look_saw_it():
    """By hand: seen at the first detection, so visible; then each look of the sensor by the two-state chain."""
    tracker = Tracker(SITE)
    mean, covariance = np.zeros((3, 6)), np.tile(np.eye(6), (3, 1, 1))
    mean[:, 2] = 500.0
    walked: Walked = walk(tracker, (np.full(3, 1 / 3), mean, covariance), 30.0)
    weighed, share, visible, chance = Weighed(tracker, walked, (START_NS, "a")), 0.995, 1.0, 1.0
    for back in (1, 2, 5):
        nothing, when = np.zeros((0, 3)), START_NS - back * SECOND_NS
        frame = Frame("s", "a", back, "e", when, nothing, nothing, np.zeros(0, np.int64))
        weighed.look(frame)
        passed = {1: 1, 2: 1, 5: 3}[back]
        visible = share + (visible - share) * math.exp(-passed / 60.0)
        missed = 1.0 - 0.95 * visible
        chance, visible = chance * missed, visible * 0.05 / missed
    np.testing.assert_allclose(weighed.weight, chance, rtol=1e-12)


def recorded(path: Path, seconds: Any, east: Any, loops: int = 1, pose: dict[str, float] | None = None) -> str:
    """One look a second from `START_NS` for 150 s; the object is detected in `seconds`, at east(second)."""
    with open_writer(path) as writer:
        for loop, second in itertools.product(range(loops), range(150)):
            noise = random.Random(second)
            time_ns = START_NS + second * SECOND_NS
            seen: dict[str, list[float]] = {name: [] for name in SIGMA}
            if second in seconds:
                for name, mid in zip(SIGMA, (east(second), 0.0, 500.0), strict=True):
                    seen[name] = [mid + noise.gauss(0.0, 10.0)]
            frame = {"v": 1, "type": "frame", "source": "sim", "epoch": f"e{loop}", "sensor": "a", "seq": second,
                     "time_ns": time_ns, "columns": seen, **({} if pose is None else {"pose": pose})}  # fmt: skip
            writer.write("frame.a", frame, time_ns)
    return str(path)


def only_track(path: str, site: SiteConfig = BARE) -> list[int]:
    """The ids that `track` gives, in the order of their beginning."""
    out = path + ".tracks.jsonl"
    track(path, site, out)
    lines = [json.loads(line) for line in Path(out).read_text().splitlines()]
    ids = [i for one in lines if one["type"] == "tracks" for i in one["columns"]["id"]]
    return list(dict.fromkeys(ids))


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Trace]:
    """East through the gate: over the edge of the coverage after 20 s, into the gate after 100 s, out at the end."""
    path = recorded(tmp_path_factory.mktemp("trace") / "run.jsonl", range(20, 150), lambda s: -7000.0 + 75.0 * (s - 20))
    return path, trace(path, SITE, only_track(path)[0], 60.0)


def test_it_came_through_the_edge_where_it_flew_in(through):
    back = through[1].origin
    assert back.verdict == "edge"
    assert back.looks == 20
    assert back.edge.probability > 0.9
    lat, lon, _ = back.edge.place
    place = Plane(ORIGIN).to_local(lat, lon, 500.0)
    assert place[0] == pytest.approx(-7000.0, abs=150.0)
    assert abs(place[1]) < 300.0
    first = back.regions[0]
    assert first.course_deg == pytest.approx(90.0, abs=5.0)
    assert first.speed_mps[1] == pytest.approx(75.0, abs=8.0)


def test_where_it_was_before_is_in_the_region(through):
    """Its true way, straight back, lies in every region of 90 %."""
    found = through[1]
    start_s = (int(found.times_ns[0]) - START_NS) / SECOND_NS
    for region in found.origin.regions:
        lat, lon, _ = Plane(ORIGIN).to_geodetic(np.array([-7000.0 + 75.0 * (start_s - region.back_s - 20), 0.0, 500.0]))
        parts = [shapely.Polygon(polygon[0], polygon[1:]) for polygon in region.polygons[1]]
        assert shapely.union_all(parts).buffer(1e-5).contains(shapely.Point(float(lon), float(lat))), region.back_s
        assert region.holds[1] == pytest.approx(0.9, abs=0.03)


def test_zones_are_entered_and_left_when_its_path_says(through):
    """Into the circle of 1000 m round the middle after 100 s, out of it 26.7 s later."""
    by_zone = {(visit.zone, visit.widened): visit for visit in through[1].visits}
    assert set(by_zone) == {("gate", False), ("wide", False), ("wide", True)}
    visit = by_zone["gate", False]
    assert visit.probability == 1.0
    for crossing, second in ((visit.entry, 100.0), (visit.exit, 126.667)):
        low, middle, high = ((time_ns - START_NS) / SECOND_NS for time_ns in crossing.time_ns)
        assert low - 0.1 < second < high + 0.1
        assert middle == pytest.approx(second, abs=0.2)
        assert 0.01 < high - low < 0.5
    assert visit.inside_s == pytest.approx(26.667, abs=0.6)
    assert (by_zone["wide", True].entry.time_ns[1] - START_NS) / SECOND_NS == pytest.approx(93.33, abs=0.2)


def test_the_smoothed_errors_are_far_below_the_filtered_ones(through):
    found = through[1]
    seconds = (found.times_ns - START_NS) / SECOND_NS
    truth = np.stack([-7000.0 + 75.0 * (seconds - 20.0), 0.0 * seconds, 500.0 + 0.0 * seconds], axis=1)
    errors = []
    for way in (found.filtered, found.smoothed):
        off = Plane(ORIGIN).to_local(way.lat_deg, way.lon_deg, way.alt_m) - truth
        rate = way.velocity_mps[:, :2] - [75.0, 0.0]
        errors.append((math.sqrt((off[:, :2] ** 2).sum(axis=1).mean()), math.sqrt((rate**2).sum(axis=1).mean())))
    assert errors[1][0] < 0.75 * errors[0][0]
    assert errors[1][1] < 0.75 * errors[0][1]


def test_sensors_are_told_with_hits_looks_and_spans(through):
    (seen,) = through[1].sensors
    assert (seen.sensor, seen.hits, seen.looks, seen.gap_s) == ("a", 130, 130, 10.0)
    assert seen.spans == ((seen.first_ns, seen.last_ns, 130),)


def test_what_appears_inside_the_coverage_is_said_to_have_risen_there(tmp_path):
    path = recorded(tmp_path / "run.jsonl", range(60, 150), lambda s: -1000.0 + 20.0 * (s - 60))
    back = trace(path, BARE, only_track(path)[0], 60.0)
    assert back.origin.verdict == "appeared"
    assert back.origin.regions[-1].undetected < 0.01
    assert "It rose there, or was hidden" in as_text(back)


def test_what_is_there_from_the_start_comes_from_where_nobody_knows(tmp_path):
    path = recorded(tmp_path / "run.jsonl", range(150), lambda s: -2000.0 + 20.0 * s)
    back = trace(path, BARE, only_track(path)[0], 60.0)
    assert (back.origin.verdict, back.origin.looked_s) == ("start", 0.0)
    assert "the recording begins 0.0 s before" in as_text(back)


def test_a_sensor_that_moves_covers_what_is_round_it_at_the_first_detection(tmp_path):
    """Without a fixed pose, and no look before: it must not be taken for one that covers nothing."""
    pose = {"lat_deg": 47.0, "lon_deg": 19.0, "alt_m": 0.0, "yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0}
    moving = replace(BARE, sensor=tuple(replace(sensor, pose=None) for sensor in BARE.sensor))
    path = recorded(tmp_path / "run.jsonl", range(150), lambda s: -2000.0 + 20.0 * s, pose=pose)
    back = trace(path, moving, only_track(path, moving)[0], 60.0)
    assert (back.origin.verdict, back.origin.edge) == ("start", None)
    assert back.origin.regions[0].outside < 0.05


def test_a_track_that_goes_on_from_another_names_it(tmp_path):
    """Unseen for 40 s, then found again farther on, under another id."""
    seconds = [s for s in range(150) if not 50 <= s < 100]
    path = recorded(tmp_path / "run.jsonl", seconds, lambda s: -6000.0 + 75.0 * s)
    ids = only_track(path)
    assert len(ids) == 2
    back = trace(path, BARE, ids[1], 60.0)
    assert back.origin.verdict == "track"
    assert [track for track, _ in back.origin.earlier] == [ids[0]]
    assert f"goes on from track {ids[0]}, last seen 51 s before" in as_text(back)


def test_of_a_replay_in_a_loop_the_first_round_is_traced(tmp_path):
    once = recorded(tmp_path / "once.jsonl", range(60, 150), lambda s: -1000.0 + 20.0 * (s - 60))
    twice = recorded(tmp_path / "twice.jsonl", range(60, 150), lambda s: -1000.0 + 20.0 * (s - 60), loops=2)
    number = only_track(once)[0]
    one, two = (as_dict(trace(path, BARE, number, 60.0)) for path in (once, twice))
    assert one["path"] == two["path"]
    assert one["origin"] == two["origin"]


def test_the_data_is_whole_json_and_the_same_each_time(through):
    path, found = through
    text, one = json.dumps(as_dict(found), allow_nan=False), trace(path, BARE, found.track, 60.0)
    again = trace(path, BARE, found.track, 60.0)
    assert json.dumps(as_dict(one)) == json.dumps(as_dict(again))
    assert as_kml(one) == as_kml(again)
    data = json.loads(text)
    count = len(data["path"]["time_ns"])
    assert count == 130
    for way in (data["path"], data["filtered"]):
        names = ("lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps", "covariance")
        assert all(len(way[name]) == count for name in names)
        assert all(len(row) == 21 for row in way["covariance"])
    assert len(data["looks"]) == 130
    area = data["origin"]["regions"][0]["areas"][1]
    assert shapely.geometry.shape(area["geometry"]).is_valid


def test_the_kml_reads_back_with_every_place_and_is_the_same_each_time(through):
    found = through[1]
    text = as_kml(found)
    assert text == as_kml(found)
    (document,) = KML.from_string(text.encode()).features
    folders = {folder.id: folder.features for folder in document.features}
    path = folders["way"][0].kml_geometry
    assert len(path.track_items) == 130
    middle = path.track_items[60]
    place = (found.smoothed.lon_deg[60], found.smoothed.lat_deg[60])
    assert middle.coord.coords[0][:2] == pytest.approx(place, abs=1e-6)
    high = found.smoothed.alt_m[60] - undulation_m(found.smoothed.lat_deg[60:61], found.smoothed.lon_deg[60:61])[0]
    assert middle.coord.z == pytest.approx(high, abs=1e-3)  # above the sea, 40 m off the ellipsoid here
    (sensor,) = folders["sensors"]
    assert sensor.kml_geometry.geometry.z == pytest.approx(-undulation_m(*np.array([[47.0], [19.0]]))[0], abs=1e-3)
    assert round(middle.when.dt.timestamp()) == int(found.times_ns[60]) // SECOND_NS
    assert len(folders["origin"]) == 10
    assert {one.name for one in folders["zones"]} >= {"gate", "far", "wide", "Into gate", "Out of gate"}
    assert [one.name for one in folders["sensors"]] == ["a"]
    assert all(one.times.begin.dt <= one.times.end.dt for one in folders["origin"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_is_drawn(through, theme):
    drawn = png(draw_trace(through[1], theme))
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) > 20_000


def test_tracks_alone_are_traced_too_and_it_is_said(through):
    path, found = through
    back = trace(path + ".tracks.jsonl", SITE, found.track, 60.0)
    assert back.published
    assert "holds no frames" in as_text(back)
    (entry,) = [visit.entry for visit in back.visits if visit.zone == "gate"]
    assert (entry.time_ns[1] - START_NS) / SECOND_NS == pytest.approx(100.0, abs=0.5)
    json.dumps(as_dict(back), allow_nan=False)
    as_kml(back)


def test_an_unknown_track_names_those_that_there_were(through):
    path, found = through
    for recording in (path, path + ".tracks.jsonl"):
        with pytest.raises(ConfigError, match=f"nearest ids {found.track}") as error:
            trace(recording, BARE, 17, 60.0)
        assert error.value.key == "--track"


def test_watching_a_track_changes_nothing(through):
    from replay.frames_in import FramesIn, TrackSummary

    frames = list(FramesIn(through[0], BARE, TrackSummary()).frames())
    said = []
    for follower in (None, Histories()):
        pipeline = Pipeline(BARE, rewind=False, follower=follower)
        said.append([repr(event) for frame in frames for event in pipeline.receive(frame)])
    assert said[0] == said[1]


def test_the_command_writes_text_json_kml_and_plot(through, tmp_path, capsys):
    path, found = through
    (tmp_path / "site.toml").write_text(CONFIG)
    (tmp_path / "zones.geojson").write_text(ZONES)
    arguments = ["trace", path, "--config", str(tmp_path / "site.toml"), "--track", str(found.track), "--back", "60"]
    assert main([*arguments, "--kml", str(tmp_path / "t.kml"), "--plot", str(tmp_path / "t.png")]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Track {found.track}: from ")
    assert "through the edge of the coverage" in told
    assert (tmp_path / "t.kml").read_text().startswith("<?xml")
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    arguments[1] = path + ".tracks.jsonl"
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["track"] == found.track
    assert main([*arguments[:5], "17"]) == 2
    assert f"nearest ids {found.track}" in capsys.readouterr().err


CONFIG = """
[service]
origin = { lat_deg = 47.0, lon_deg = 19.0, alt_m = 0.0 }
zones = ["zones.geojson"]
[tracker]
motions = ["cruise", "turn"]
initial_speed_mps = 50.0
lateness_s = 1.0
[[sensor]]
id = "a"
kind = "position"
pose = { lat_deg = 47.0, lon_deg = 19.0, alt_m = 0.0 }
measures = ["east_m", "north_m", "up_m"]
sigma = { east_m = 10.0, north_m = 10.0, up_m = 10.0 }
coverage = { east_m = [-7000.0, 7000.0], north_m = [-7000.0, 7000.0], up_m = [-100.0, 5000.0] }
detection_probability = 0.95
false_alarms = 0.01
"""
ZONES = """{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Point",
"coordinates": [19.0, 47.0]}, "properties": {"id": "gate", "name": "Gate", "radius_m": 1000.0, "floor_m": 0.0,
"ceiling_m": 3000.0}}]}"""


def test_a_recording_without_a_track_exits_with_4_and_what_was_passed_over_is_said(tmp_path, capsys):
    (tmp_path / "site.toml").write_text(CONFIG.replace('zones = ["zones.geojson"]\n', ""))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert main(["trace", str(empty), "--track", "1"]) == 4
    assert f"{empty} gives no track" in capsys.readouterr().err
    broken = Path(recorded(tmp_path / "run.jsonl", range(150), lambda s: -2000.0 + 20.0 * s))
    lines = broken.read_text().splitlines()
    number = only_track(str(broken))[0]
    broken.write_text("\n".join([*lines, '{"v":7,"type":"frame"}']) + "\n")
    assert main(["trace", str(broken), "--track", str(number), "--back", "10"]) == 0
    assert "passed over: " in capsys.readouterr().err
