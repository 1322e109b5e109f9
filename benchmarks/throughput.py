"""Detections a second of the whole `skypicket track` command, on a recording of 1000 aircraft, `.mcap` to `.mcap`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapters.simulated.run import simulate
from adapters.simulated.scenario import benchmark_scenario
from adapters.wire import frame_message
from fusion.types import Frame
from replay.recording import open_writer


def run(*, smoke: bool) -> None:
    duration_s = 20.0 if smoke else 300.0
    scenario = benchmark_scenario(1000, duration_s)
    sensors = {sensor.id: sensor for sensor in scenario.site.sensor}
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "thousand.mcap", Path(folder) / "tracks.mcap"
        frames = detections = 0
        with open_writer(str(source)) as writer:
            for each in simulate(scenario):
                if isinstance(each, Frame):
                    message = frame_message(each, sensors[each.sensor])
                    writer.write(f"frame.{each.sensor}", message, each.time_ns)
                    frames, detections = frames + 1, detections + len(each.values)
        command = [
            sys.executable, "-m", "skypicket", "track", str(source), "--config", str(scenario.site_path), "--out",
            str(out), "--report-period", "4.0",
        ]  # fmt: skip
        seconds, idle = [], []
        for _ in range(1 if smoke else 3):
            seconds.append(_timed(command))
            idle.append(_timed([sys.executable, "-m", "skypicket", "track", "--help"]))
        took, start = sorted(seconds)[len(seconds) // 2], sorted(idle)[len(idle) // 2]
        size = out.stat().st_size / 1e6
    print(f"   {frames} frames, {detections} detections over {duration_s:g} s of 1000 aircraft, 4 radars in sectors")
    print(f"   whole command, median: {took:.2f} s, {detections / took:.0f} detections/s ({size:.1f} MB of tracks out)")
    print(f"   {duration_s / took:.1f} times real time; an empty start takes {start:.2f} s of it")


def _timed(command: list[str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    took = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{re.sub(r'^', '  ', done.stderr, flags=re.M)}")
    return took
