"""Motion modes: exact composition over time, known limits, filterpy's noise."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from filterpy.common import Q_continuous_white_noise
from hypothesis import given
from hypothesis import strategies as st

from fusion.config import TrackerConfig
from fusion.tracking.motion import CLIMB_TIME_S, MAX_TURN_RATE_RADPS, Motions, coefficients

MOTIONS = Motions.of(TrackerConfig())
UP = np.array([[0.0, 0.0, 1.0]])
times = st.floats(0.01, 30.0)
modes = st.integers(0, len(MOTIONS.names) - 1)


def moved(mode, velocity, dt):
    state = np.array([[0.0, 0.0, 0.0, *velocity]])
    F, Q, _ = MOTIONS.matrices(mode, state, UP, dt)
    return F[0], Q[0]


@given(times, times)
def test_mode_transitions_over_two_steps_equal_one_long_step(first, second):
    product = MOTIONS.transition(first) @ MOTIONS.transition(second)
    assert product == pytest.approx(MOTIONS.transition(first + second), abs=1e-12)
    assert product.sum(axis=1) == pytest.approx(1.0)


@given(modes, times, times)
def test_motion_over_two_steps_equals_one_long_step(mode, first, second):
    velocity = (120.0, -60.0, 2.0)
    F1, Q1 = moved(mode, velocity, first)
    F2, Q2 = moved(mode, velocity, second)
    F, Q = moved(mode, velocity, first + second)
    assert pytest.approx(F, rel=1e-9, abs=1e-9) == F2 @ F1
    if "turn" not in MOTIONS.names[mode]:  # a turn's noise is taken as that of straight flight
        assert pytest.approx(Q, rel=1e-6, abs=1e-6) == F2 @ Q1 @ F2.T + Q2


@given(times)
def test_horizontal_noise_is_filterpys(dt):
    _, Q = moved(0, (50.0, 0.0, 0.0), dt)
    expected = Q_continuous_white_noise(2, dt, MOTIONS.parameters[0, 0])
    assert Q[np.ix_([0, 3], [0, 3])] == pytest.approx(expected)


@given(st.floats(1.0, 300.0), times)
def test_a_turn_keeps_the_speed_and_goes_the_way_of_its_name(speed, dt):
    for name, sign in (("turn_left", 1.0), ("turn_right", -1.0)):
        F, _ = moved(MOTIONS.names.index(name), (speed, 0.0, 0.0), dt)
        velocity = F[3:5, 3:5] @ [speed, 0.0]
        assert math.hypot(*velocity) == pytest.approx(speed)
        rate = min(abs(MOTIONS.parameters[2, 1]) / speed, MAX_TURN_RATE_RADPS)
        turned = sign * math.atan2(velocity[1], velocity[0]) % (2.0 * math.pi)
        assert math.cos(turned - rate * dt) == pytest.approx(1.0)


def test_climb_relaxes_to_level_flight_and_its_spread_to_the_configured_one():
    _, _, a3, _, _, b3, _, _, _, _, _, v22 = coefficients(0.1, 0.0, 15.0, CLIMB_TIME_S, 100.0, 50.0 * CLIMB_TIME_S)
    assert (a3, b3, v22) == pytest.approx((CLIMB_TIME_S, 0.0, 225.0))


@given(st.floats(1e-4, 1.0))
def test_the_series_and_the_closed_form_of_the_climb_noise_meet(dt):
    ours = coefficients(0.1, 0.0, 15.0, CLIMB_TIME_S, 100.0, dt)[9]
    with localcontext() as context:
        context.prec = 60
        step = Decimal(dt) / Decimal(CLIMB_TIME_S)
        exact = Decimal(15 * CLIMB_TIME_S) ** 2 * (2 * step - 3 + 4 * (-step).exp() - (-2 * step).exp())
    assert ours == pytest.approx(float(exact), rel=1e-8)


@given(modes, times)
def test_process_noise_is_positive_semidefinite(mode, dt):
    _, Q = moved(mode, (200.0, 10.0, -5.0), dt)
    assert np.linalg.eigvalsh(Q).min() > -1e-9 * np.abs(Q).max()
