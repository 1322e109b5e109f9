"""How exactly `skypicket replay` keeps the pace: when each message arrives, against when it is due.

The arrivals are noted by a process of its own, as urgent as the player, so that it tells when messages come and not
when it was woken. Due is by event time, from the arrival that was earliest. Beside it, in the same run, a bare loop
that sleeps from one message to the next. First as the machine is, then with a busy process more on each core.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zmq

from adapters.clock import SystemClock
from adapters.line.publish import Pusher
from adapters.wire import decode
from benchmarks.installed import environment
from fusion.types import SECOND_NS
from replay.playing.urgency import urgent
from replay.recordings.files import open_reader, open_writer

HZ = 100  # messages a second of event time
ROWS = 100  # detections in each
START_NS = 1_760_000_000 * SECOND_NS
RATES = (1.0, 10.0)
SECONDS = 10.0  # of the clock, each
SMOKE_S = 1.0
BURNER = "while True: pass"


def run(*, smoke: bool) -> None:
    seconds = SMOKE_S if smoke else SECONDS
    print(f"   {HZ} messages a second of {ROWS} detections, {seconds:g} s each; milliseconds, seen by the receiver")
    with tempfile.TemporaryDirectory() as folder:
        for burners, words in ((0, "as it is"), (os.cpu_count() or 1, "a busy process on each core")):
            for rate in RATES:
                path = recording(Path(folder), seconds * rate)
                with busy(burners):
                    for name, send in (("skypicket replay", replayed), ("bare time.sleep loop", slept)):
                        late, told = received(path, rate, send)
                        figures = "  ".join(f"{np.quantile(late, q):7.2f}" for q in (0.5, 0.99, 1.0))
                        print(f"   {words:28s} rate {rate:<3g} {name:21s} p50 p99 max  {figures}  {told}", flush=True)


def recording(folder: Path, seconds: float) -> Path:
    """So many seconds of one sensor's frames."""
    path = folder / f"{seconds:g}.mcap"
    draws = np.random.default_rng(1)
    with open_writer(path) as writer:
        for seq in range(round(seconds * HZ)):
            time_ns = START_NS + seq * SECOND_NS // HZ
            columns = {name: draws.normal(1e4, 1e3, ROWS) for name in ("east_m", "north_m", "up_m")}
            frame = {"v": 1, "type": "frame", "source": "bench", "sensor": "radar", "seq": seq, "epoch": "one"}
            writer.write("frame.radar", {**frame, "time_ns": time_ns, "columns": columns}, time_ns)
    return path


def received(path: Path, rate: float, send: Callable[[Path, str, float], str]) -> tuple[np.ndarray, str]:
    """Milliseconds by which each message came after it was due, and what the sender says of itself."""
    command = [sys.executable, "-m", "benchmarks.pacing"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as sink:
        assert sink.stdout is not None
        told = send(path, sink.stdout.readline().strip(), rate)
        rows = np.array(json.loads(sink.stdout.readline()))
    late_ns = (rows[:, 1] - rows[0, 1]) - (rows[:, 0] - rows[0, 0]) / rate
    return (late_ns - late_ns.min()) / 1e6, told


def replayed(path: Path, address: str, rate: float) -> str:
    """By the command. Returns the error that it saw itself."""
    command = [sys.executable, "-m", "skypicket", "replay", str(path), "--to", address, "--rate", str(rate)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    found = re.search(r"pacing error: (.*)", done.stderr)
    return f"(by its own account: {found[1]})" if found else ""


def slept(path: Path, address: str, rate: float) -> str:
    """By sleeping from one message to the next, all of them in memory."""
    with open_reader(path) as reader:
        records = list(reader)
    pusher, clock = Pusher(address), SystemClock()
    pusher.wait_for_peer(10.0)
    before_ns = records[0].time_ns
    for record in records:
        clock.sleep((record.time_ns - before_ns) / SECOND_NS / rate)
        before_ns = record.time_ns
        pusher.push(record.topic, record.payload)
    pusher.close()
    return ""


@contextmanager
def busy(burners: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    processes = [subprocess.Popen([sys.executable, "-c", BURNER]) for _ in range(burners)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def receive() -> None:
    """The receiving process: its address on a line, then event time and arrival of each message, in its own time."""
    arrived: list[tuple[bytes, int]] = []
    with urgent(), zmq.Context() as context, context.socket(zmq.PULL) as pull:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        print(f"tcp://127.0.0.1:{port}", flush=True)
        patience_ms = 30_000
        while pull.poll(patience_ms):
            arrived.append((pull.recv_multipart()[1], time.monotonic_ns()))
            patience_ms = 1000
    print(json.dumps([[decode(payload)["time_ns"] - START_NS, at_ns] for payload, at_ns in arrived]))


if __name__ == "__main__":
    receive()
