"""A simulated scenario on its way out: into a recording, or to a service at the pace of its event time."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from adapters.clock import Clock, SystemClock
from adapters.simulated.run import SOURCE, epoch_of, simulate
from adapters.simulated.scenario import Scenario
from adapters.wire import Message, Sender, encode, frame_message, topic_of, truth_message
from fusion.errors import RecordingError
from fusion.types import SECOND_NS, Frame
from skypicket.console import Progress, quiet

PROGRESS_MESSAGES = 64  # between two calls of `progress`


class Sink(Protocol):
    """Where messages go; waits while the other side is full."""

    def push(self, topic: str, payload: bytes) -> None: ...


@dataclass(slots=True)
class Sent:
    """What went out."""

    frames: int = 0
    detections: int = 0
    truth: int = 0

    @property
    def messages(self) -> int:
        return self.frames + self.truth

    def count(self, topic: str, item: Any) -> None:
        if topic == "truth":
            self.truth += 1
        else:
            self.frames += 1
            self.detections += len(item.times_ns)

    def __str__(self) -> str:
        return f"{self.frames:,} frames with {self.detections:,} detections, {self.truth:,} messages of truth"


class SendTimes:
    """A file of JSON lines, one a frame: its topic, `seq` and event time, and the clock when it was sent."""

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        self._path, self._clock = str(path), clock or SystemClock()
        try:
            self._file = Path(path).open("w", encoding="utf-8")  # noqa: SIM115, closed by `close`
        except OSError as error:
            raise RecordingError(str(path), f"cannot be written: {error.strerror or error}") from error

    def note(self, topic: str, message: Message) -> None:
        """Write the line of a frame that is sent next."""
        row = {"topic": topic, "seq": message["seq"], "time_ns": message["time_ns"]}
        self._file.write(json.dumps({**row, "sent_ns": self._clock.time_ns()}) + "\n")

    def close(self) -> None:
        self._file.close()


def read_send_times(path: str | Path) -> list[tuple[int, int]]:
    """(event time, time of sending) of each frame, in the order of sending."""
    with Path(path).open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [(row["time_ns"], row["sent_ns"]) for row in rows]


def messages(scenario: Scenario, seed: int | None, start_ns: int, epoch: str) -> Iterator[tuple[str, Message, Any]]:
    """Topic, complete message, and what it was made of, in order of time."""
    sensors = {sensor.id: sensor for sensor in scenario.site.sensor}
    sender = Sender(SOURCE, epoch)
    for item in simulate(scenario, seed, start_ns, epoch=epoch):
        if isinstance(item, Frame):
            message = frame_message(item, sensors[item.sensor])
        else:
            message = sender.stamp("truth", truth_message(item))
        yield topic_of(message), message, item


def write(out: str, scenario: Scenario, seed: int | None, start_ns: int, progress: Progress = quiet) -> Sent:
    """The whole scenario into a recording: the same bytes for the same scenario, seed and start."""
    from replay.recordings.files import open_writer
    from replay.recordings.state import epoch_metadata
    from skypicket.sites import metadata

    sent = Sent()
    seed = scenario.seed if seed is None else seed
    epoch = epoch_of(scenario.name, seed, start_ns)
    described = metadata(scenario.site_path, scenario.site) if scenario.site_path else {}
    described |= {"scenario": scenario.name, "seed": str(seed), **epoch_metadata(Sender(SOURCE, epoch), start_ns)}
    with open_writer(out, described) as writer:
        for topic, message, item in messages(scenario, seed, start_ns, epoch):
            writer.write(topic, message, message["time_ns"])
            sent.count(topic, item)
            _show(progress, sent, message, scenario, start_ns)
    return sent


def send(
    sink: Sink,
    scenario: Scenario,
    seed: int | None,
    start_ns: int,
    rate: float = 1.0,
    times: SendTimes | None = None,
    progress: Progress = quiet,
    clock: Clock | None = None,
) -> Sent:
    """Each message when it is due. rate: seconds of event time a second; 0 or infinity: without waiting."""
    clock = clock or SystemClock()
    paced = 0.0 < rate < math.inf
    begin_ns = clock.monotonic_ns()
    sent = Sent()
    for topic, message, item in messages(scenario, seed, start_ns, secrets.token_hex(8)):
        payload = encode(message)
        if paced:
            due_ns = begin_ns + (message["time_ns"] - start_ns) / rate
            clock.sleep((due_ns - clock.monotonic_ns()) / SECOND_NS)
        if times is not None and topic != "truth":
            times.note(topic, message)
        sink.push(topic, payload)
        sent.count(topic, item)
        _show(progress, sent, message, scenario, start_ns)
    return sent


def _show(progress: Progress, sent: Sent, message: Message, scenario: Scenario, start_ns: int) -> None:
    if sent.messages % PROGRESS_MESSAGES == 0:
        done_s = (message["time_ns"] - start_ns) / SECOND_NS
        progress("simulating", round(done_s), round(scenario.duration_s))
