from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.clock import ManualClock
from adapters.simulated.scenario import Scenario, load_scenario
from adapters.wire import decode
from fusion.errors import RecordingError
from replay.recordings.files import open_reader
from skypicket.simulation import SendTimes, read_send_times, send, write

S = 1_000_000_000
START_NS = 1_800_000_000 * S


class Kept:
    """A sink that keeps what is pushed, with the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.pushed = clock, list[tuple[str, int, int]]()
        self.payloads: list[bytes] = []

    def push(self, topic: str, payload: bytes) -> None:
        self.pushed.append((topic, decode(payload)["time_ns"], self.clock.time_ns()))
        self.payloads.append(payload)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return replace(load_scenario("airport-drones"), duration_s=3.0)


@pytest.mark.parametrize("rate", [0.5, 1.0, 8.0])
def test_each_message_leaves_when_its_event_time_has_come(scenario, rate):
    clock = ManualClock(START_NS)
    kept = Kept(clock)
    sent = send(kept, scenario, None, START_NS, rate, clock=clock)
    assert len(kept.pushed) == sent.messages > 40
    for _, time_ns, clock_ns in kept.pushed:
        assert clock_ns - START_NS == pytest.approx((time_ns - START_NS) / rate, abs=1000)


@pytest.mark.parametrize("rate", [0.0, float("inf")])
def test_without_a_pace_nothing_waits(scenario, rate):
    clock = ManualClock(START_NS)
    kept = Kept(clock)
    send(kept, scenario, None, START_NS, rate, clock=clock)
    assert {clock_ns for _, _, clock_ns in kept.pushed} == {START_NS}


def test_two_runs_are_told_apart_by_their_epoch_and_else_alike(scenario):
    runs = []
    for _ in range(2):
        kept = Kept(ManualClock(START_NS))
        send(kept, scenario, 7, START_NS, 0.0)
        runs.append([decode(payload) for payload in kept.payloads])
    assert {message["epoch"] for message in runs[0]}.isdisjoint(message["epoch"] for message in runs[1])
    strip = [[{**message, "epoch": ""} for message in run] for run in runs]
    assert strip[0] == strip[1]


def test_the_times_of_sending_are_written_for_frames_alone(scenario, tmp_path: Path):
    clock = ManualClock(START_NS)
    kept, times = Kept(clock), SendTimes(tmp_path / "sent.jsonl", clock)
    send(kept, scenario, None, START_NS, 2.0, times, clock=clock)
    times.close()
    assert read_send_times(tmp_path / "sent.jsonl") == [row[1:] for row in kept.pushed if row[0] != "truth"]


def test_times_that_cannot_be_written_are_refused(tmp_path: Path):
    with pytest.raises(RecordingError, match="cannot be written"):
        SendTimes(tmp_path / "nowhere" / "sent.jsonl")


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_a_written_scenario_has_the_same_bytes_each_time(scenario, ending, tmp_path: Path):
    files = [tmp_path / f"{name}.{ending}" for name in "ab"]
    sent = [write(str(file), scenario, 3, START_NS) for file in files]
    assert files[0].read_bytes() == files[1].read_bytes()
    with open_reader(files[0]) as reader:
        assert len(list(reader)) == sent[0].messages


def test_a_written_scenario_says_what_made_it(scenario, tmp_path: Path):
    write(str(tmp_path / "x.mcap"), scenario, 7, START_NS)
    with open_reader(tmp_path / "x.mcap") as reader:
        epochs = {record.message["epoch"] for record in reader}
        told = reader.metadata
    assert told["site.toml"] == scenario.site_path.read_text("utf-8")
    assert (told["scenario"], told["seed"], told["epoch_start_ns"]) == (scenario.name, "7", str(START_NS))
    assert {told["epoch"]} == epochs
