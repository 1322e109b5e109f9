from __future__ import annotations

import logging

import numpy as np
import pytest

from fusion.config import SensorConfig
from fusion.types import SECOND_NS, Coverage, Frame, Pose
from skypicket.serving.health import Health

S = SECOND_NS
POSE = Pose(47.0, 19.0, 100.0)


def sensor(name: str, period_s: float) -> SensorConfig:
    coverage = Coverage(range_m=(0.0, 1e4), azimuth_deg=(0.0, 360.0))
    return SensorConfig(name, "radar", ("range_m",), {"range_m": 10.0}, coverage, POSE, period_s=period_s)


def frame(name: str, time_s: float, pose: Pose | None = None) -> Frame:
    nothing = np.zeros((0, 1))
    return Frame("sim", name, 0, "e", round(time_s * S), nothing, nothing, np.zeros(0, np.int64), pose=pose)


def names(health: Health, at_s: float = 0.0) -> list[str]:
    return [one.id for one in health.reporting(round(at_s * S))]


@pytest.fixture(params=[True, False])
def health(request) -> Health:
    return Health([sensor("fast", 1.0), sensor("slow", 4.0)], live=request.param)


def hear(health: Health, name: str, at_s: float) -> None:
    health.heard(frame(name, at_s), round(at_s * S))


def test_a_sensor_that_was_never_heard_is_silent(health):
    assert names(health) == []
    assert health.state(0) == "degraded"


def test_a_sensor_is_silent_after_three_periods_but_no_less_than_five_seconds(health):
    hear(health, "fast", 100.0)
    hear(health, "slow", 100.0)
    assert names(health, 100.0) == ["fast", "slow"]
    assert health.state(100 * S) == "ok"
    hear(health, "slow", 105.0)
    assert names(health, 105.0) == ["fast", "slow"]
    hear(health, "slow", 105.1)
    assert names(health, 105.1) == ["slow"]
    assert health.state(round(105.1 * S)) == "degraded"
    hear(health, "fast", 117.1)
    assert names(health, 117.1) == ["fast", "slow"]
    hear(health, "fast", 117.2)
    assert names(health, 117.2) == ["fast"]


def test_live_silence_is_told_by_the_clock_alone():
    health = Health([sensor("fast", 1.0)], live=True)
    health.heard(frame("fast", 5_000.0), 10 * S)
    assert names(health, 15.0) == ["fast"]
    assert names(health, 15.1) == []


def test_by_event_time_a_pause_of_everything_is_no_silence_and_a_new_picture_starts_over():
    health = Health([sensor("fast", 1.0)], live=False)
    health.heard(frame("fast", 5_000.0), 10 * S)
    assert names(health, 99_999.0) == ["fast"]
    health.new_picture()
    assert names(health, 99_999.0) == []
    health.heard(frame("fast", 20.0), 11 * S)
    assert names(health, 99_999.0) == ["fast"]


def test_a_rejection_degrades_for_ten_seconds():
    health = Health([], live=True)
    health.count({"a": {"rejected": 0, "late": 0}}, 0)
    assert health.state(0) == "ok"
    health.count({"a": {"rejected": 1, "late": 0}}, 20 * S)
    assert health.state(20 * S) == "degraded"
    health.count({"a": {"rejected": 1, "late": 0}}, 30 * S)
    assert health.state(30 * S) == "degraded"
    health.count({"a": {"rejected": 1, "late": 0}}, 31 * S)
    assert health.state(31 * S) == "ok"
    health.count({"a": {"rejected": 1, "late": 2}}, 32 * S)
    assert health.state(32 * S) == "degraded"


def test_live_a_sensor_whose_clock_is_behind_by_more_than_the_lateness_degrades_and_is_named(caplog):
    health = Health([sensor("fast", 1.0), sensor("slow", 1.0)], live=True, lateness_s=2.0)
    hear(health, "fast", 1.0)
    hear(health, "slow", 1.0)

    def state(offset_s: float | None) -> str:
        tally = {"rejected": 0, "late": 0, "clock_offset_s": None}
        health.count({"fast": tally, "slow": {**tally, "clock_offset_s": offset_s}, "_truth": tally}, S)
        return health.state(S)

    with caplog.at_level(logging.INFO):
        assert [state(offset) for offset in (None, -30.0, 1.99, 2.0)] == ["ok"] * 4
        assert not caplog.messages
        assert [state(2.01), state(5.0)] == ["degraded"] * 2
        (said,) = caplog.messages
        assert "sensor slow" in said
        assert "2.010 s behind the clock; allowed is 2 s" in said
        assert state(1.0) == "ok"
        assert "sensor slow: its frames come in time again" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("live", "lateness_s", "offset_s", "expected"),
    [(False, 2.0, 1e6, "ok"), (True, 0.0, 0.05, "ok"), (True, 0.0, 0.2, "degraded")],
)
def test_by_event_time_no_clock_is_compared_and_the_network_s_own_delay_is_no_fault(
    live, lateness_s, offset_s, expected
):
    health = Health([sensor("fast", 1.0)], live=live, lateness_s=lateness_s)
    hear(health, "fast", 1.0)
    health.count({"fast": {"rejected": 0, "late": 0, "clock_offset_s": offset_s}}, S)
    assert health.state(S) == expected


@pytest.mark.parametrize("part", ["journalling", "line_works"])
def test_a_journal_or_a_line_that_fails_degrades(part):
    health = Health([], live=True)
    assert health.state(0) == "ok"
    setattr(health, part, False)
    assert health.state(0) == "degraded"


def test_frames_that_wait_for_over_a_second_are_overload():
    health = Health([], live=True)
    assert health.state(99 * S) == "ok"
    health.drained(100 * S)
    assert health.state(101 * S) == "ok"
    assert health.state(101 * S + 1) == "overloaded"
    health.drained(102 * S)
    assert health.state(102 * S) == "ok"


def test_the_pose_of_a_moving_sensor_is_remembered(health):
    moved = Pose(48.0, 20.0, 50.0)
    health.heard(frame("fast", 1.0, moved), S)
    health.heard(frame("slow", 1.0), S)
    assert health.poses == {"fast": moved}
