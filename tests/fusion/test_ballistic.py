"""What falls: gravity in closed form, drag against a fine integration, and a tracker that says so."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import PLANE, frame, radar, seen, site

from fusion.config import TrackerConfig
from fusion.prediction import paths
from fusion.tracking.motion import GRAVITY_MPS2, Motions
from fusion.tracking.tracker import Tracker

UP = np.array([[0.0, 0.0, 1.0]])
speeds = st.floats(-300.0, 300.0)
drags = st.sampled_from([0.0, 1e-5, 1e-4, 1e-3, 5e-3])


def falling(drag=0.0, **more):
    return Motions.of(TrackerConfig(motions=("ballistic",), ballistic_drag_per_m=drag, **more))


def moved(motions, state, dt):
    F, _, push = motions.matrices(0, np.array([state]), UP, dt)
    return (F[0] * state).sum(axis=1) + push[0]


def integrated(drag, state, dt, steps=2000):
    """Heun's method on a = -g u - k |v| v, in steps far shorter than anything that changes."""
    position, velocity, h = np.array(state[:3]), np.array(state[3:]), dt / steps
    gravity = np.array([0.0, 0.0, -GRAVITY_MPS2])
    for _ in range(steps):
        first = gravity - drag * math.hypot(*velocity) * velocity
        ahead = velocity + h * first
        second = gravity - drag * math.hypot(*ahead) * ahead
        position = position + h * velocity + 0.5 * h * h * first
        velocity = velocity + 0.5 * h * (first + second)
    return np.array([*position, *velocity])


@given(speeds, speeds, speeds, st.floats(0.0, 60.0))
def test_without_drag_a_fall_is_the_parabola(vx, vy, vz, t):
    drop, lost = 0.5 * GRAVITY_MPS2 * t * t, GRAVITY_MPS2 * t
    expected = [vx * t, vy * t, 5000.0 + vz * t - drop, vx, vy, vz - lost]
    assert moved(falling(), [0.0, 0.0, 5000.0, vx, vy, vz], t) == pytest.approx(expected, rel=1e-12, abs=1e-7)


@pytest.mark.parametrize(("drag", "dt", "position_m", "velocity_mps"), [(1e-5, 4.0, 0.2, 0.1), (1e-4, 2.0, 1.0, 0.6)])
def test_a_step_with_drag_is_near_a_fine_integration(drag, dt, position_m, velocity_mps):
    for velocity in ([250.0, 0.0, 0.0], [100.0, -150.0, 50.0], [0.0, 0.0, -200.0], [0.0, 0.0, 0.0]):
        off = moved(falling(drag), [0.0, 0.0, 9000.0, *velocity], dt) - integrated(drag, [0, 0, 9000.0, *velocity], dt)
        assert np.abs(off[:3]).max() < position_m
        assert np.abs(off[3:]).max() < velocity_mps


@given(drags.filter(bool), speeds, speeds, speeds)
def test_short_steps_with_drag_follow_a_fine_integration_to_second_order(drag, vx, vy, vz):
    start = np.array([0.0, 0.0, 9000.0, vx, vy, vz])
    exact, errors = integrated(drag, start, 1.0, 500), []
    for steps in (8, 16):
        state = start
        for _ in range(steps):
            state = moved(falling(drag), state, 1.0 / steps)
        errors.append(np.abs(state - exact).max())
    assert errors[1] < max(errors[0] / 3.0, 1e-3)
    assert errors[1] < 0.5


def test_with_drag_it_ends_at_the_terminal_speed():
    state = np.array([0.0, 0.0, 9000.0, 100.0, 0.0, 0.0])
    for _ in range(200):
        state = moved(falling(1e-3), state, 0.5)
    assert state[3:] == pytest.approx([0.0, 0.0, -math.sqrt(GRAVITY_MPS2 / 1e-3)], abs=0.1)


@given(drags, speeds, speeds, speeds)
def test_the_transition_is_the_derivative_of_the_motion(drag, vx, vy, vz):
    state, dt = np.array([0.0, 0.0, 0.0, vx, vy, vz]), 0.05
    F, Q, _ = falling(drag).matrices(0, state[None], UP, dt)
    slope = np.empty((6, 3))
    for i in range(3):
        step = np.eye(6)[3 + i]
        slope[:, i] = (moved(falling(drag), state + step, dt) - moved(falling(drag), state - step, dt)) / 2.0
    x = drag * (math.hypot(vx, vy, vz) + GRAVITY_MPS2 * dt + 1.0) * dt
    assert np.abs(F[0, :, 3:] - slope).max() < 2.0 * x * x + drag * dt * (GRAVITY_MPS2 * dt + 3.0) + 1e-9
    assert np.linalg.eigvalsh(Q[0]).min() > -1e-9 * np.abs(Q[0]).max()


def test_gravity_points_down_at_the_object_not_at_the_origin():
    away = PLANE.to_local(47.5, 24.0, 8000.0)
    state = np.array([[*away, 0.0, 0.0, 0.0]])
    F, _, push = falling().matrices(0, state, PLANE.up_at(state[:, :3]), 10.0)
    end = (F[0] * state[0]).sum(axis=1) + push[0]
    lat, lon, height = PLANE.to_geodetic(end[:3])
    assert (lat, lon) == pytest.approx((47.5, 24.0), abs=1e-5)
    assert height == pytest.approx(8000.0 - 50.0 * GRAVITY_MPS2, abs=0.1)


def test_sampled_paths_of_what_falls_are_parabolas():
    motions = falling(agility_mps2=1e-3)
    mean = np.array([[0.0, 0.0, 6000.0, 120.0, 40.0, 10.0]])
    fan = paths.fan(motions, PLANE, np.ones(1), mean, np.diag([1e-6] * 6)[None], 32.0, paths.ROUGH)
    t = np.arange(fan.path.shape[1]) * fan.dt
    assert fan.path[:, :, 0] == pytest.approx(np.tile(120.0 * t, (len(fan.path), 1)), abs=0.5)
    assert fan.path[:, :, 2] == pytest.approx(
        np.tile(6000.0 + 10.0 * t - 0.5 * GRAVITY_MPS2 * t * t, (len(fan.path), 1)), abs=0.5
    )


@pytest.mark.parametrize("engine", ["numba", "filterpy"])
def test_a_dropped_object_is_called_ballistic_while_it_falls_and_who_cruises_is_not(engine):
    sensor = radar(sigma={"range_m": 10.0, "azimuth_deg": 0.05, "elevation_deg": 0.05}, period_s=1.0, false_alarms=0.1)
    tracker = Tracker(site(sensor, motions=("cruise", "manoeuvre", "turn", "ballistic"), engine=engine))
    rng, ballistic = np.random.default_rng(3), tracker.motions.names.index("ballistic")
    looks, drop = (60, 30) if engine == "numba" else (45, 25)
    for k in range(looks):
        fallen = max(k - drop, 0.0)
        states = np.array([
            [8000.0 - 100.0 * k, 5000.0, 6000.0 - 0.5 * GRAVITY_MPS2 * fallen**2, -100.0, 0.0, -GRAVITY_MPS2 * fallen],
            [-9000.0 + 150.0 * k, -6000.0, 7000.0, 150.0, 0.0, 0.0],
        ])  # fmt: skip
        tracker.step(frame(sensor, seen(sensor, states, rng), at_s=float(k), seq=k))
        store = tracker.store
        state = (store.weight[: store.size, :, None] * store.mean[: store.size]).sum(axis=1)
        near = [int(np.argmin(((state[:, :3] - each[:3]) ** 2).sum(axis=1))) for each in states]
        chance = store.weight[near, ballistic]
        assert k < 3 or chance[1] < 0.1
        assert k < 3 or k > drop or chance[0] < 0.1
        assert k < drop + 8 or (np.argmax(store.weight[near[0]]) == ballistic and chance[0] > 0.6)
