"""Two engines, one meaning: kernels and filterpy agree on random frames, given the same gated pairs."""

import numpy as np
import pytest
from filterpy.kalman import IMMEstimator, KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import PLANE, START_NS, frame, radar, seen

from fusion.config import TrackerConfig
from fusion.tracking.compiled import CompiledEngine
from fusion.tracking.engine import Setting
from fusion.tracking.motion import Motions
from fusion.tracking.reference import ReferenceEngine, bend, moment_match
from fusion.tracking.sensors import Station, measure, place
from fusion.tracking.tracks import TrackStore
from fusion.types import COMPONENTS, SECOND_NS, Coverage

KINDS = [
    ("range_m", "azimuth_deg"),
    ("range_m", "azimuth_deg", "elevation_deg"),
    ("range_m", "azimuth_deg", "altitude_m"),
    ("azimuth_deg", "elevation_deg"),
    ("azimuth_deg",),
    ("range_m", "azimuth_deg", "range_rate_mps"),
    ("east_m", "north_m", "up_m"),
]
SIGMA = {
    "range_m": 30.0, "azimuth_deg": 0.3, "elevation_deg": 0.3, "range_rate_mps": 2.0, "altitude_m": 30.0,
    "east_m": 20.0, "north_m": 20.0, "up_m": 30.0,
}  # fmt: skip


def setting(motions=("cruise", "manoeuvre", "turn", "ballistic")):
    gates = np.array([-1.0, *[1e6] * 8])
    earth = np.ascontiguousarray(np.vstack([PLANE.centre[None], PLANE.axes]))
    config = TrackerConfig(motions=motions, ballistic_drag_per_m=2e-4)
    return Setting(config, Motions.of(config), earth, gates)


def stores(rng, count, modes):
    """The same random tracks twice."""
    store = TrackStore.empty(modes, 1)
    at = store.extend(count)
    centre = rng.normal(0, [20e3, 20e3, 1.0, 150, 150, 5], (count, 1, 6))
    centre[:, :, 2] += 5000.0
    store.mean[at] = centre + rng.normal(0, [100, 100, 50, 10, 10, 2], (count, modes, 6))
    root = rng.normal(0, 1, (count, modes, 6, 6)) * np.array([80, 80, 80, 10, 10, 3])[:, None]
    store.covariance[at] = root @ root.transpose(0, 1, 3, 2) + np.eye(6)
    store.weight[at] = rng.dirichlet(np.ones(modes), count)
    store.existence[at], store.time_ns[at] = 0.9, START_NS - rng.integers(0, 5 * SECOND_NS, count)
    return store, store.copy()


def sensor_of(measures):
    """A radar, or a position sensor, that measures these components."""
    cartesian = "east_m" in measures
    box = {"coverage": Coverage(east_m=(-9e4, 9e4), north_m=(-9e4, 9e4))} if cartesian else {}
    kind = "position" if cartesian else "radar"
    return radar(kind=kind, measures=measures, sigma={name: SIGMA[name] for name in measures}, **box)


def same(a, b):
    for name in ("weight", "mean", "covariance"):
        ours, theirs = getattr(a, name)[: a.size], getattr(b, name)[: b.size]
        scale = np.abs(theirs).max(axis=tuple(range(2, theirs.ndim)), keepdims=True) if theirs.ndim > 2 else 1.0
        assert np.abs((ours - theirs) / scale).max(initial=0.0) < 1e-6, name


@pytest.mark.parametrize("measures", KINDS, ids="+".join)
@settings(max_examples=15)
@given(seed=st.integers(0, 100_000))
def test_the_engines_agree_on_random_frames(measures, seed):
    rng = np.random.default_rng(seed)
    settings_ = setting()
    sensor = sensor_of(measures)
    compiled, readable = stores(rng, 5, len(settings_.motions.names))
    rows = np.arange(5)
    until = START_NS + rng.integers(-2 * SECOND_NS, 2 * SECOND_NS, 5)
    engines = CompiledEngine(), ReferenceEngine()
    for engine, store in zip(engines, (compiled, readable), strict=True):
        engine.predict(settings_, store, rows, until)
    same(compiled, readable)

    values = seen(sensor, compiled.mean[[0, 1, 1, 3], 0], rng)
    values[0, 0] = np.nan if values.shape[1] > 1 else values[0, 0]
    look = frame(sensor, values, at_s=1.0, times_s=rng.uniform(-1.0, 1.0, 4))
    pairs = np.array([0, 1, 1, 3, 4]), np.array([0, 1, 2, 3, 1])
    codes = np.array([COMPONENTS.index(name) for name in measures], np.int64)
    args = rows, pairs, codes, look, place(sensor.pose, PLANE)
    ours, theirs = (e.evaluate(settings_, s, *args) for e, s in zip(engines, (compiled, readable), strict=True))
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=1e-6, abs=1e-6)
    scale = np.abs(theirs.covariance).max(axis=(2, 3), keepdims=True)
    assert np.abs((ours.covariance - theirs.covariance) / scale).max() < 1e-6

    share = rng.dirichlet(np.ones(3), 5)
    miss_share = share[:, 0].copy()
    pair_share = np.array([1 - share[0, 0], share[1, 1], share[1, 2], 1 - share[3, 0], 1 - share[4, 0]])
    by_mode = rng.dirichlet(np.ones(len(settings_.motions.names)), 5)
    for engine, store in zip(engines, (compiled, readable), strict=True):
        engine.reduce(store, rows, pairs, miss_share, pair_share, by_mode, theirs)
    same(compiled, readable)


@pytest.mark.parametrize("measures", [kind for kind in KINDS if "range_m" in kind or "east_m" in kind], ids="+".join)
@settings(max_examples=15)
@given(seed=st.integers(0, 100_000))
def test_the_engines_begin_tracks_at_the_same_places(measures, seed):
    rng = np.random.default_rng(seed)
    sensor, settings_ = sensor_of(measures), setting()
    states = rng.normal([0, 0, 5000.0, 0, 0, 0], [20e3, 20e3, 1.0, 150, 150, 5], (6, 6))
    values = seen(sensor, states, rng)
    values[rng.random(values.shape) < 0.2] = np.nan
    look, station = frame(sensor, values), Station.of(0, sensor, settings_.config, PLANE)
    placement = place(sensor.pose, PLANE)
    ours, theirs = (e.births(settings_, station, look, placement) for e in (CompiledEngine(), ReferenceEngine()))
    assert ours.rows.tolist() == theirs.rows.tolist()
    assert ours.mean == pytest.approx(theirs.mean, rel=1e-6, abs=1e-6)
    assert ours.covariance == pytest.approx(
        theirs.covariance, rel=1e-6, abs=1e-6 * np.abs(theirs.covariance).max(initial=1.0)
    )
    assert ours.spread == pytest.approx(theirs.spread, rel=1e-6)


@given(seed=st.integers(0, 100_000))
def test_one_component_after_another_equals_the_joint_gaussian(seed):
    rng = np.random.default_rng(seed)
    settings_ = setting(("cruise",))
    sensor = radar()
    store, _ = stores(rng, 1, 1)
    store.time_ns[0] = START_NS
    look = frame(sensor, seen(sensor, store.mean[[0], 0], rng))
    placement, codes = place(sensor.pose, PLANE), np.array([0, 1, 2], np.int64)
    pairs = np.array([0]), np.array([0])
    out = CompiledEngine().evaluate(settings_, store, np.array([0]), pairs, codes, look, placement)

    mean, P = store.mean[0, 0], store.covariance[0, 0]
    measured = [measure(code, placement, PLANE, mean[None]) for code in codes]
    H = np.array([gradient[0] for _, gradient in measured])
    y = look.values[0] - np.array([value[0] for value, _ in measured])
    shift, bent = bend(measured[0][0][0], H[0], P)  # range alone bends enough to matter
    y[0] -= shift
    S = H @ P @ H.T + np.diag(look.sigmas[0] ** 2 + [bent, 0.0, 0.0])
    K = P @ H.T @ np.linalg.inv(S)
    assert out.mean[0, 0] == pytest.approx(mean + K @ y, rel=1e-7, abs=1e-6)
    assert out.covariance[0, 0] == pytest.approx(P - K @ S @ K.T, rel=1e-6, abs=1e-6)
    expected = -0.5 * (y @ np.linalg.solve(S, y) + np.linalg.slogdet(2 * np.pi * S)[1])
    assert out.log_likelihood[0, 0] == pytest.approx(expected, rel=1e-9)


def test_mixing_prediction_and_update_equal_filterpys_imm_for_one_linear_measurement():
    rng = np.random.default_rng(4)
    settings_ = setting(("cruise", "manoeuvre"))
    sensor = radar(
        kind="position", measures=("east_m",), sigma={"east_m": 20.0},
        coverage=Coverage(east_m=(-9e4, 9e4), north_m=(-9e4, 9e4)),
    )  # fmt: skip
    store, _ = stores(rng, 1, 2)
    store.time_ns[0], dt = START_NS, 2.0
    placement = place(sensor.pose, PLANE)
    filters = []
    for j in range(2):
        kalman = KalmanFilter(dim_x=6, dim_z=1)
        kalman.x, kalman.P = store.mean[0, j][:, None].copy(), store.covariance[0, j].copy()
        filters.append(kalman)
    imm = IMMEstimator(filters, store.weight[0].copy(), settings_.motions.transition(dt))
    mixed = [moment_match(imm.omega[:, j], store.mean[0], store.covariance[0]) for j in range(2)]
    for j, kalman in enumerate(filters):
        kalman.F, kalman.Q = (
            matrix[0]
            for matrix in settings_.motions.matrices(j, mixed[j][0][None], PLANE.up_at(mixed[j][0][None, :3]), dt)[:2]
        )
        kalman.H, kalman.R = np.concatenate([placement.axes[0], np.zeros(3)])[None], np.array([[400.0]])
    z = 150.0 + float(placement.axes[0] @ (store.mean[0, 0, :3] - placement.position))

    engine, rows = CompiledEngine(), np.array([0])
    engine.predict(settings_, store, rows, np.array([START_NS + round(dt * SECOND_NS)]))
    look = frame(sensor, [[z]], at_s=dt)
    out = engine.evaluate(
        settings_, store, rows, (np.array([0]), np.array([0])), np.array([5], np.int64), look, placement
    )
    by_mode = store.weight[0] * np.exp(out.log_likelihood[0])
    by_mode /= by_mode.sum()

    imm.predict()
    imm.update(np.array([[z + float(placement.axes[0] @ placement.position)]]))
    for j in range(2):
        assert out.mean[0, j] == pytest.approx(imm.filters[j].x[:, 0], rel=1e-9, abs=1e-6)
        assert out.covariance[0, j] == pytest.approx(imm.filters[j].P, rel=1e-7, abs=1e-6)
    assert by_mode == pytest.approx(imm.mu, rel=1e-6)
