"""Over minutes, level flight stays level and a climb goes on: each mode of the predicted path comes in both regimes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.prediction import paths, regimes
from fusion.tracking.motion import Motions
from fusion.types import Place

PLANE = Plane(Place(47.5, 19.0, 0.0))
MOTIONS = Motions.of(TrackerConfig())
AHEAD = regimes.ahead(MOTIONS)
UP = np.array([0.0, 0.0, 1.0])


def track(climb: float, sigma: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weight = np.array([0.94, 0.02, 0.02, 0.02])
    mean = np.tile([0.0, 0.0, 3000.0, 100.0, 0.0, climb], (4, 1))
    return weight, mean, np.tile(np.diag([100.0, 100.0, 100.0, 1.0, 1.0, sigma**2]), (4, 1, 1))


@given(st.floats(-400.0, 400.0), st.floats(0.01, 300.0))
def test_the_split_shares_out_each_mode_and_keeps_its_state(climb: float, sigma: float) -> None:
    weight, mean, covariance = track(climb, sigma)
    shares, means, covariances = regimes.split(MOTIONS, UP, weight, mean, covariance)
    assert (shares >= 0.0).all()
    assert shares[:4] + shares[4:] == pytest.approx(weight, abs=1e-12)
    assert (means[:4] == mean).all()
    assert (means[4:] == mean).all()
    assert (covariances[:4] == covariance).all()
    assert (covariances[4:] == covariance).all()


def test_a_level_track_is_level_a_climbing_one_climbs_and_an_unknown_rate_says_nothing() -> None:
    """Bayes by hand: 0.8 N(0; 1.25) against 0.2 N(0; 225.25) is 0.715 against 0.0133 without the common factor."""
    level = regimes.split(MOTIONS, UP, *track(0.0))[0][4:].sum()
    assert level == pytest.approx(0.2 / 225.25**0.5 / (0.2 / 225.25**0.5 + 0.8 / 1.25**0.5), rel=1e-9)
    assert regimes.split(MOTIONS, UP, *track(8.0))[0][4:].sum() > 0.999
    assert regimes.split(MOTIONS, UP, *track(0.0, 1000.0))[0][4:].sum() == pytest.approx(0.2, abs=0.001)


def test_over_three_minutes_level_flight_stays_and_a_climb_goes_on() -> None:
    def heights(climb: float) -> np.ndarray:
        modes = regimes.split(MOTIONS, UP, *track(climb))
        return np.quantile(
            paths.fan(AHEAD, PLANE, *modes, 180.0, paths.FULL).path[:, -1, 2] - 3000.0, (0.25, 0.5, 0.75)
        )

    low, middle, high = heights(0.0)
    assert abs(middle) < 20.0
    assert high - low < 300.0, "half of the level flights stay within a band that a zone may tell apart"
    assert heights(8.0)[1] > 100.0
    one_rate = paths.fan(MOTIONS, PLANE, *track(0.0), 180.0, paths.FULL).path[:, -1, 2]
    assert np.subtract(*np.quantile(one_rate, (0.75, 0.25))) > 1000.0, "what the tracker's modes alone would say"


def test_the_modes_of_the_path_are_those_of_the_tracker_twice() -> None:
    assert AHEAD.names == MOTIONS.names * 2
    assert AHEAD.prior.sum() == pytest.approx(1.0)
    assert (AHEAD.parameters[:, :2] == np.tile(MOTIONS.parameters[:, :2], (2, 1))).all()
