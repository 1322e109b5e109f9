"""Detections a second of the whole `skypicket track` command, `.mcap` to `.mcap`, beside Stone Soup's k-d-tree GNN.

The recording (aircraft over 400 × 400 km under four 3-D radars in 12 sectors each, all motion modes on) is made
once for its parameters. The command runs as users run it, in a process of its own with compiled kernels and Python's
own bytecode in place, as an installed package has them. The peer gets the first part of the same recording.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from adapters.simulated.run import simulate
from adapters.simulated.scenario import Scenario, benchmark_scenario
from adapters.wire import frame_message
from benchmarks.installed import CACHE, environment
from fusion.types import Frame
from replay.recordings.files import open_reader, open_writer

PEERS: Final = CACHE / "peers-env" / "bin" / "python"
REPORT_S: Final = 4.0
AIRCRAFT: Final = 1000
SMOKE, SHORT, FULL = 10_000, 150_000, 3_000_000  # detections
PEER_SMOKE, PEER_SHORT, PEER_FULL = 1_000, 20_000, 100_000
LONG_S: Final = 60.0  # what takes longer is run once
RATE_PER_AIRCRAFT: Final = 0.53  # detections a second: four radars, turns of 4 s, much of the traffic beyond each one


@dataclass(frozen=True, slots=True)
class Source:
    """A recording: its file, how many frames and detections it holds, and over which time."""

    path: Path
    frames: int
    detections: int
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark alone."""
    parser.add_argument("--aircraft", type=int, default=AIRCRAFT, help=f"how many; {AIRCRAFT} if left out")
    parser.add_argument("--detections", type=int, help=f"at least so many; {SHORT}, with --full {FULL}, if left out")
    parser.add_argument("--full", action="store_true", help="the length that the issue asks for")


def run(*, smoke: bool, aircraft: int = AIRCRAFT, detections: int | None = None, full: bool = False) -> None:
    wanted = detections or (SMOKE if smoke else FULL if full else SHORT)
    scenario = benchmark_scenario(aircraft, max(wanted / (RATE_PER_AIRCRAFT * aircraft), 2.0 * REPORT_S))
    source = recording(scenario, aircraft)
    tiny = recording(benchmark_scenario(aircraft, REPORT_S), aircraft)
    tracked(tiny.path, tiny.path.with_suffix(".tracks.mcap"), scenario, 1)  # what an installed package has compiled
    ready, _ = tracked(tiny.path, tiny.path.with_suffix(".tracks.mcap"), scenario, 1 if smoke else 3)
    out = source.path.with_suffix(".tracks.mcap")
    took, memory_mb = tracked(source.path, out, scenario, 1 if smoke else 3)
    rate = source.detections / took
    print(f"   {source.frames} frames, {source.detections} detections over {source.seconds:g} s of {aircraft} aircraft")
    print(
        f"   whole command, median: {took:.2f} s, {rate:.0f} detections/s, {took / source.detections * 1e6:.2f} µs each"
    )
    print(f"   {source.seconds / took:.1f} times real time; peak memory {memory_mb:.0f} MB")
    print(f"   of that start-up, measured as the first {REPORT_S:g} s of the same traffic: {ready:.2f} s")
    if PEERS.exists():
        beside(source, scenario, rate, PEER_SMOKE if smoke else PEER_FULL if full else PEER_SHORT)
    else:
        print(f"   Stone Soup is not installed in {PEERS.parents[1]}: see benchmarks/requirements-peers.txt")


def recording(scenario: Scenario, aircraft: int) -> Source:
    """The recording of these parameters; made where it is not there yet, so delete it when the simulator changes."""
    folder = CACHE / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"aircraft-{aircraft}-{scenario.duration_s:.0f}s-{scenario.seed}.mcap"
    note = path.with_suffix(".json")
    if not note.exists():
        frames, count = _record(scenario, path)
        note.write_text(json.dumps({"frames": frames, "detections": count}))
    told = json.loads(note.read_text())
    return Source(path, told["frames"], told["detections"], scenario.duration_s)


def _record(scenario: Scenario, path: Path) -> tuple[int, int]:
    sensors = {sensor.id: sensor for sensor in scenario.site.sensor}
    frames = detections = 0
    with open_writer(path) as writer:
        for each in simulate(scenario):
            if isinstance(each, Frame):
                writer.write(f"frame.{each.sensor}", frame_message(each, sensors[each.sensor]), each.time_ns)
                frames, detections = frames + 1, detections + len(each.values)
    return frames, detections


def tracked(source: Path, out: Path, scenario: Scenario, times: int) -> tuple[float, float]:
    """Seconds of the command, median of `times` (once where it is long), and the peak memory in MB."""
    command = [
        sys.executable, "-m", "skypicket", "track", str(source), "--config", str(scenario.site_path), "--out", str(out),
        "--report-period", str(REPORT_S),
    ]  # fmt: skip
    seconds: list[float] = []
    while len(seconds) < times and sum(seconds) < LONG_S:
        begun = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
        seconds.append(time.perf_counter() - begun)
        if done.returncode:
            told = re.sub(r"^", "  ", done.stderr, flags=re.M)
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{told}")
    return sorted(seconds)[len(seconds) // 2], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0


def beside(source: Source, scenario: Scenario, rate: float, wanted: int) -> None:
    """The peer on the first part of the same recording, and how many times as fast ours is."""
    part = source.path.with_suffix(f".first-{wanted}.jsonl")
    if not part.exists():
        frames = max(round(wanted * source.frames / source.detections), 1)
        with open_reader(source.path) as reader, open_writer(part) as writer:
            for record in islice(reader, frames):
                writer.write(record.topic, record.message, record.log_ns)
    command = [str(PEERS), "-m", "benchmarks.peers.speed", str(part), str(scenario.site_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    told = json.loads(done.stdout)
    theirs = told["detections"] / told["seconds"]
    spent = f"{told['seconds']:.1f} s, {theirs:.0f} a second"
    print(
        f"   Stone Soup's k-d-tree GNN on its first {told['detections']}: {spent}, "
        f"{told['tracks']} tracks at the end;\n   ours is {rate / theirs:.0f} times as fast"
    )
