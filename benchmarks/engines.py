"""The compiled engine against the filterpy one: the same frames, how many times faster, how far apart."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np

from adapters.simulated.run import simulate
from adapters.simulated.scenario import load_scenario
from fusion.tracking.tracker import Tracker
from fusion.types import Frame


def run(*, smoke: bool) -> None:
    scenario = load_scenario("airport-drones")
    stream = (each for each in simulate(scenario) if isinstance(each, Frame))
    frames = list(itertools.islice(stream, 150 if smoke else 1500))
    detections = sum(len(frame.values) for frame in frames)
    trackers, seconds = {}, {}
    for name in ("numba", "filterpy"):
        config = replace(scenario.site, tracker=replace(scenario.site.tracker, engine=name))
        Tracker(config).step(frames[0])  # imports and compiles what it needs
        tracker = trackers[name] = Tracker(config)
        begun = time.perf_counter()
        for frame in frames:
            tracker.step(frame)
        seconds[name] = time.perf_counter() - begun
    ours, theirs = trackers["numba"].store, trackers["filterpy"].store
    assert ours.id[: ours.size].tolist() == theirs.id[: theirs.size].tolist(), "the engines hold different tracks"
    scale = np.abs(theirs.mean[: theirs.size]).max(axis=(0, 1))
    apart = float((np.abs(ours.mean[: ours.size] - theirs.mean[: theirs.size]) / scale).max(initial=0.0))
    for name, took in seconds.items():
        print(f"   {name:9s} {len(frames)} frames, {detections} detections in {took:.2f} s: {detections / took:.0f}/s")
    ratio = seconds["filterpy"] / seconds["numba"]
    print(f"   numba is {ratio:.0f} times as fast; states apart by {apart:.1e} (relative)")
