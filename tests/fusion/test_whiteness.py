"""Errors that stay the same from look to look count as few; new ones count each."""

import numpy as np
import pytest
from worlds import frame, radar, seen, site, straight

from fusion.tracking.tracker import Tracker
from fusion.tracking.whiteness import MOST, Whiteness

STEADY = [4e3, 6e3, 1500.0, -30.0, 20.0, 0.0]
RADAR = radar(false_alarms=0.01, period_s=1.0)
CAMERA = radar(
    "camera", lat_deg=47.52, kind="infrared", measures=("azimuth_deg",), sigma={"azimuth_deg": 1.0},
    false_alarms=0.01, period_s=0.1,
)  # fmt: skip


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_the_estimate_finds_the_correlation_of_an_autoregressive_error(rho):
    rng, estimate = np.random.default_rng(3), Whiteness(1)
    error = rng.normal(size=4000)
    for k in range(1, len(error)):
        error[k] = rho * error[k - 1] + np.sqrt(1.0 - rho**2) * error[k]
    estimate.take(0, error[:-1], error[1:])
    found = (estimate.inflation(0) - 1.0) / (estimate.inflation(0) + 1.0)
    # Each pair is divided by its own mean square, which draws the estimate toward 0.
    assert 0.6 * rho - 0.1 < found < rho + 0.1


def watched(error):
    """A camera with these azimuth errors (rad, one each 0.1 s) beside a radar; its inflation, and the tracker."""
    tracker, rng = Tracker(site(RADAR, CAMERA, agility_mps2=2.0, initial_speed_mps=40.0)), np.random.default_rng(1)
    for k in range(len(error)):
        state = straight(STEADY, 0.1 * k)[None]
        if k % 10 == 0:
            tracker.step(frame(RADAR, seen(RADAR, state, rng), at_s=0.1 * k, seq=k))
        tracker.step(frame(CAMERA, seen(CAMERA, state) + error[k], at_s=0.1 * k, seq=k))
    return tracker.whiteness.inflation(1), tracker


def test_a_camera_with_new_errors_is_believed_and_one_with_lasting_errors_is_not():
    rng = np.random.default_rng(2)
    white = np.radians(rng.normal(size=600))
    lasting = np.radians(np.repeat(rng.normal(size=12), 50))
    assert watched(white)[0] < 1.5
    assert watched(lasting)[0] == MOST


def test_lasting_errors_do_not_make_a_track_surer_than_it_may_be():
    rng, normalised = np.random.default_rng(4), []
    for _ in range(6):
        _, tracker = watched(np.radians(np.repeat(rng.normal(size=6), 50)))
        best = int(np.argmax(tracker.store.existence[: tracker.store.size]))
        error = tracker.store.mean[best, 0, :2] - straight(STEADY, 29.9)[:2]
        normalised.append(error @ np.linalg.solve(tracker.store.covariance[best, 0, :2, :2], error) / 2.0)
    assert np.median(normalised) < 3.0
