"""How well `skypicket record` keeps up with a publisher in another process, beside a bare receive of the same.

What is sent: frames of 20 detections from 16 radars, a picture of 500 tracks and a status each second, in all 2 000
messages a second, and then more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from adapters.line.publish import Publisher
from adapters.wire import Sender, encode
from benchmarks.installed import environment
from fusion.types import SECOND_NS
from replay.recordings.files import inspect

RATES: Final = (2_000, 5_000, 10_000)  # messages a second; the first is what is asked for
SECONDS, SMOKE_S = 10.0, 1.5
SENSORS, ROWS, TRACKS = 16, 20, 500
STEP_S: Final = 0.005  # between two bursts
BARE: Final = """
import sys, zmq
from adapters.client import Listener
listener = Listener(sys.argv[1])
count = 0
while (received := listener.receive(1.0 if count else 30.0)) is not None:
    count += 1
print(count)
"""


@dataclass(frozen=True, slots=True)
class Took:
    """One run: messages that came, and the processor's seconds that the receiving process took."""

    came: int
    sent: int
    cpu_s: float
    seconds: float

    def __str__(self) -> str:
        lost = self.sent - self.came
        share = self.cpu_s / self.seconds
        return f"{lost:,} of {self.sent:,} lost, {share:.0%} of a core, {self.cpu_s / self.sent * 1e6:.1f} µs a message"


def run(*, smoke: bool) -> None:
    seconds = SMOKE_S if smoke else SECONDS
    for rate in RATES[:1] if smoke else RATES:
        bare, full = receive(rate, seconds), record(rate, seconds)
        print(f"   {rate} messages/s for {seconds:g} s")
        print(f"     bare receive     {bare}")
        print(f"     skypicket record {full}")
        if bare.cpu_s > 0.0:
            ratio = f"{full.cpu_s / bare.cpu_s:.1f} times the processor time of the bare receive"
        else:
            ratio = "the bare receive took no more than its start, which was taken off: run it longer"
        print(f"     {ratio}", flush=True)


def receive(rate: int, seconds: float) -> Took:
    """The same messages into a process that throws them away."""
    idle = _cpu_of([sys.executable, "-c", "import zmq, adapters.client"])
    publisher = Publisher("tcp://127.0.0.1:*", Sender("benchmark"))
    child = subprocess.Popen(
        [sys.executable, "-c", BARE, publisher.address], stdout=subprocess.PIPE, text=True, env=environment()
    )
    sent = _publish(publisher, rate, seconds)
    out, _ = child.communicate()
    publisher.close()
    return Took(int(out), sent, max(_children_cpu() - idle, 0.0), seconds)


def record(rate: int, seconds: float) -> Took:
    """The same messages into the command, which is then asked to end, as Ctrl-C does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.mcap"
        command = [sys.executable, "-m", "skypicket", "record", "--out", str(path), "--from"]
        idle = _cpu_of([*command, "tcp://127.0.0.1:9", "--duration", "0.1"])
        publisher = Publisher("tcp://127.0.0.1:*", Sender("benchmark"))
        child = subprocess.Popen(
            [*command, publisher.address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
        )
        sent = _publish(publisher, rate, seconds)
        time.sleep(1.0)  # what is still on its way
        child.send_signal(signal.SIGINT)
        child.wait()
        publisher.close()
        return Took(inspect(path).messages, sent, max(_children_cpu() - idle, 0.0), seconds)


_counted_s = 0.0


def _children_cpu() -> float:
    """Seconds of the processor that children took which ended since this was last asked."""
    global _counted_s
    times = os.times()
    total = times.children_user + times.children_system
    took, _counted_s = total - _counted_s, total
    return took


def _cpu_of(command: list[str]) -> float:
    _children_cpu()
    subprocess.run(command, check=False, capture_output=True, env=environment())
    return _children_cpu()


def _publish(publisher: Publisher, rate: int, seconds: float) -> int:
    """Send at the rate, in bursts, once somebody has subscribed. Returns how many."""
    publisher.socket.poll(30_000)
    publisher.take_subscriptions()
    time.sleep(3.0)  # the recorder asks for a snapshot, which nobody answers here, for two seconds
    bodies = [_frame(number) for number in range(SENSORS)]
    tracks, status = _tracks(), {"type": "status", "state": "ok"}
    begun, sent = time.monotonic(), 0
    while (now := time.monotonic() - begun) < seconds:
        while sent < rate * now:
            time_ns = time.time_ns()
            if sent % rate == 0:
                topic, body = "tracks", tracks
            elif sent % rate == 1:
                topic, body = "status", status
            else:
                body = bodies[sent % SENSORS]
                topic = f"frame.{body['sensor']}"
            publisher.forward(topic, encode(publisher.sender.stamp(topic, {**body, "time_ns": time_ns})))
            sent += 1
        time.sleep(STEP_S)
    return sent


def _frame(number: int) -> dict[str, Any]:
    chance = np.random.default_rng(number)
    columns = {
        "range_m": 1e5 * chance.random(ROWS),
        "azimuth_deg": 360.0 * chance.random(ROWS),
        "elevation_deg": 45.0 * chance.random(ROWS),
    }
    return {"type": "frame", "sensor": f"radar-{number}", "columns": columns}


def _tracks() -> dict[str, Any]:
    chance = np.random.default_rng(0)
    numbers = ("existence", "lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps", "mode_probability")
    columns: dict[str, Any] = {name: chance.random(TRACKS) for name in numbers}
    columns |= {
        "id": list(range(TRACKS)),
        "status": ["confirmed"] * TRACKS,
        "covariance": chance.random((TRACKS, 21)),
        "mode": ["cruise"] * TRACKS,
        "updated_ns": np.full(TRACKS, 10**9 * SECOND_NS),
        "created_ns": np.full(TRACKS, 10**9 * SECOND_NS),
        "hits": [7] * TRACKS,
        "sensors": [["radar-1", "radar-2"]] * TRACKS,
        "identity": [None] * TRACKS,
        "diverted_ns": [None] * TRACKS,
    }
    return {"type": "tracks", "columns": columns}
