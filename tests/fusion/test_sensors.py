"""What sensors measure: conventions, gradients, and the compiled twin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.geodesy import Plane
from fusion.kernels.measure import measure as compiled
from fusion.tracking.sensors import azimuth_width_deg, box, covers, measure, place
from fusion.types import ALTITUDE, AZIMUTH, COMPONENTS, ELEVATION, RANGE, Coverage, Place, Pose

PLANE = Plane(Place(47.5, 19.0, 100.0))
EARTH = np.ascontiguousarray(np.vstack([PLANE.centre[None], PLANE.axes]))
coordinates = st.floats(-80e3, 80e3)
states = st.tuples(
    coordinates,
    coordinates,
    st.floats(50.0, 12e3),
    st.floats(-300, 300),
    st.floats(-300, 300),
    st.floats(-30, 30),
).filter(lambda x: math.hypot(x[0], x[1]) > 50.0)
poses = st.builds(
    Pose,
    st.just(47.5),
    st.just(19.0),
    st.just(100.0),
    st.floats(-360, 360),
    st.floats(-60, 60),
    st.floats(-60, 60),
)
codes = st.integers(0, len(COMPONENTS) - 1)


def one(code, placement, state):
    value, gradient = measure(code, placement, PLANE, np.array([state]))
    return value[0], gradient[0]


@given(codes, poses, states)
def test_compiled_measurement_equals_the_readable_one(code, pose, state):
    placement, gradient = place(pose, PLANE), np.empty(6)
    value = compiled(code, placement.position, placement.axes, EARTH, np.array(state), gradient)
    expected, slope = one(code, placement, state)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert gradient == pytest.approx(slope, rel=1e-7, abs=1e-9)


@given(codes, poses, states)
def test_gradients_are_those_of_central_differences(code, pose, state):
    placement = place(pose, PLANE)
    _, gradient = one(code, placement, state)
    distance = math.dist(state[:3], placement.position)
    for i in range(6):
        h = 1e-4 * distance if i < 3 else 1e-2
        high, low = (np.array(state) + sign * h * np.eye(6)[i] for sign in (1.0, -1.0))
        a, b = one(code, placement, high)[0], one(code, placement, low)[0]
        difference = a - b
        if code in (AZIMUTH, ELEVATION):
            difference = (difference + math.pi) % (2.0 * math.pi) - math.pi
        scale = np.abs(gradient).max()
        assert difference / (2.0 * h) == pytest.approx(gradient[i], abs=2e-2 * scale + 1e-5)


def test_azimuth_runs_clockwise_from_north_and_elevation_up():
    placement = place(Pose(47.5, 19.0, 100.0), PLANE)
    east, north, above = (
        (1000.0, 0.0, 0.0, 0, 0, 0),
        (0.0, 1000.0, 0.0, 0, 0, 0),
        (0.0, 1000.0, 1000.0, 0, 0, 0),
    )
    assert one(AZIMUTH, placement, east)[0] == pytest.approx(math.pi / 2)
    assert one(AZIMUTH, placement, north)[0] == pytest.approx(0.0)
    assert one(ELEVATION, placement, above)[0] == pytest.approx(math.pi / 4)
    assert one(RANGE, placement, above)[0] == pytest.approx(math.sqrt(2e6))


def test_true_azimuth_is_measured_plus_yaw_and_pitch_lowers_what_is_ahead():
    turned = place(Pose(47.5, 19.0, 100.0, yaw_deg=30.0), PLANE)
    assert one(AZIMUTH, turned, (1000.0, 0.0, 0.0, 0, 0, 0))[0] == pytest.approx(math.radians(60.0))
    nose_up = place(Pose(47.5, 19.0, 100.0, pitch_deg=10.0), PLANE)
    assert one(ELEVATION, nose_up, (0.0, 1000.0, 0.0, 0, 0, 0))[0] == pytest.approx(math.radians(-10.0))
    right_down = place(Pose(47.5, 19.0, 100.0, roll_deg=10.0), PLANE)
    assert one(ELEVATION, right_down, (1000.0, 0.0, 0.0, 0, 0, 0))[0] == pytest.approx(math.radians(10.0))


def test_altitude_is_geodetic():
    position = PLANE.to_local(48.2, 20.1, 9_144.0)
    placement = place(Pose(47.5, 19.0, 100.0), PLANE)
    assert one(ALTITUDE, placement, (*position, 0, 0, 0))[0] == pytest.approx(9_144.0, abs=1e-6)


@pytest.mark.parametrize(
    ("span", "width"),
    [
        ((350.0, 20.0), 30.0),
        ((0.0, 360.0), 360.0),
        ((-180.0, 180.0), 360.0),
        ((10.0, 5.0), 355.0),
        ((90.0, 180.0), 90.0),
    ],
)
def test_azimuth_spans_run_clockwise_from_the_first_to_the_second(span, width):
    assert azimuth_width_deg(span) == width


def test_what_was_swept_replaces_only_the_limits_that_it_names():
    limits = box(Coverage(range_m=(5.0, 900.0), azimuth_deg=(0.0, 360.0)), Coverage(azimuth_deg=(350.0, 20.0)))
    placement = place(Pose(47.5, 19.0, 100.0), PLANE)
    ahead, behind, far = (0.0, 500.0, 0.0), (0.0, -500.0, 0.0), (0.0, 5000.0, 0.0)
    state = np.array([[*point, 0.0, 0.0, 0.0] for point in (ahead, behind, far)])
    assert covers(limits, placement, PLANE, state).tolist() == [True, False, False]
