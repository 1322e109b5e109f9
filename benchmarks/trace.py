"""By how much smoothing lowers the errors of tracks, on simulated truth: position, velocity, consistency, cost.

Every track of the bundled scenarios that scoring assigns to an object, at every instant at which a look touched it; the
filtered state there against the smoothed one. `--smoke` runs one scenario, once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from adapters.simulated.run import simulate
from adapters.simulated.scenario import load_scenario
from fusion.geodesy import Plane, rotate
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, Bools, Floats, Frame, Ints, Picture, Truth
from replay.scoring.results import ScoreOptions
from replay.scoring.score import ownership
from replay.scoring.truths import LAT, LON, ObjectRows, collect, interpolate
from replay.tracing.history import Histories, History
from replay.tracing.smoother import moments, smooth

SCENARIOS = {"airliners": 1000.0, "airport-drones": 100.0, "border-drift": 500.0}  # cut-off of assignment, m
SEEDS = (1, 2, 3, 4, 5)
SHORTEST = 10  # pictures in which an object is a track's: fewer are chance
MAX_GAP_S = 10.0  # between rows of truth
SETTLED_S = 30.0  # after its first detection: what is known at the very beginning is no more than that
GOAL = 0.25


@dataclass
class Errors:
    """Squared errors of all instants: position, the same once settled, velocity; NEES of position and of all."""

    space: list[Floats] = field(default_factory=list)
    rate: list[Floats] = field(default_factory=list)
    settled: list[Floats] = field(default_factory=list)
    place_nees: list[Floats] = field(default_factory=list)
    nees: list[Floats] = field(default_factory=list)

    def add(self, mean: Floats, covariance: Floats, truth: Floats, settled: Bools) -> None:
        off = mean - truth
        self.space.append((off[:, :3] ** 2).sum(axis=1))
        self.settled.append(self.space[-1][settled])
        self.rate.append((off[:, 3:] ** 2).sum(axis=1))
        self.place_nees.append(_normalised(off[:, :3], covariance[:, :3, :3]))
        self.nees.append(_normalised(off, covariance))


def run(*, smoke: bool) -> None:
    print(
        "   scenario        seed  tracks  instants  RMS position, m       after 30 s            velocity, m/s", end=""
    )
    print("         NEES of 3 (6)      ms each")
    worst = 1.0
    for name, cutoff in SCENARIOS.items():
        if smoke and name != "airliners":
            continue
        for seed in SEEDS[: 1 if smoke else None]:
            worst = min(worst, measure(name, cutoff, seed, duration_s=90.0 if smoke else None))
    print(f"   the least gain in position: {worst:.0%} (the aim is {GOAL:.0%})")


def measure(name: str, cutoff: float, seed: int, duration_s: float | None = None) -> float:
    """Print one line of the table; returns by which part the RMS position error fell."""
    scenario = load_scenario(name)
    if duration_s is not None:
        scenario = replace(scenario, duration_s=duration_s)
    items = list(simulate(scenario, seed))
    histories = Histories()
    pipeline = Pipeline(scenario.site, rewind=False, follower=histories)
    events = [event for item in items if isinstance(item, Frame) for event in pipeline.receive(item)]
    events += pipeline.finish()
    pictures = [event for event in events if isinstance(event, Picture)]
    objects = collect([item for item in items if isinstance(item, Truth)])
    setting, plane = pipeline._air.tracker.setting, pipeline._air.tracker.plane
    before, after, tracks, instants, took = Errors(), Errors(), 0, 0, 0.0
    for track, rows in owned(pictures, objects, cutoff).items():
        history = histories.of(track)
        assert history is not None
        begun = time.perf_counter()
        smoothed = smooth(history, setting.motions, setting.earth)
        took, tracks, instants = took + time.perf_counter() - begun, tracks + 1, instants + len(history.times_ns)
        age_s = (history.times_ns - history.times_ns[0]) / SECOND_NS
        which, truth = true_states(history, rows, plane)
        for errors, parts in (
            (before, (history.weight, history.mean, history.covariance)),
            (after, (smoothed.weight, smoothed.mean, smoothed.covariance)),
        ):
            mean, covariance = moments(*parts)
            errors.add(mean[which], covariance[which], truth, age_s[which] > SETTLED_S)
    gain = 1.0 - _rms(after.space) / _rms(before.space)
    print(
        f"   {name:15} {seed:4} {tracks:7} {instants:9}   {_pair(before.space, after.space)}  "
        f"{_pair(before.settled, after.settled)}  "
        f"{_pair(before.rate, after.rate)}   {_mean(before.place_nees):4.1f} -> {_mean(after.place_nees):3.1f} "
        f"({_mean(after.nees):3.1f})   {1e3 * took / max(instants, 1):6.2f}",
        flush=True,
    )
    return gain


def owned(pictures: list[Picture], objects: tuple[ObjectRows, ...], cutoff: float) -> dict[int, ObjectRows]:
    """Track -> the object that it was for most of the time."""
    owner = ownership(pictures, objects, ScoreOptions(c_m=cutoff))
    counts: dict[int, dict[str, int]] = {}
    for picture in pictures:
        for track in picture.id.tolist():
            name = owner(track, picture.time_ns)
            if name is not None:
                own = counts.setdefault(track, {})
                own[name] = own.get(name, 0) + 1
    by_name = {rows.id: rows for rows in objects}
    return {
        track: by_name[max(own, key=lambda name: (own[name], name))]
        for track, own in counts.items()
        if max(own.values()) >= SHORTEST
    }


def true_states(history: History, rows: ObjectRows, plane: Plane) -> tuple[Ints, Floats]:
    """The instants at which the object was there, and its states (k, 6) in the plane."""
    which, values, _ = interpolate(rows, history.times_ns, MAX_GAP_S)
    axes = plane.local_axes(values[:, LAT], values[:, LON])
    place = plane.to_local(values[:, LAT], values[:, LON], values[:, 2])
    return which, np.concatenate([place, rotate(values[:, 3:], axes.swapaxes(1, 2))], axis=1)


def _normalised(off: Floats, covariance: Floats) -> Floats:
    return np.asarray((off * np.linalg.solve(covariance, off[..., None])[..., 0]).sum(axis=1))


def _rms(squares: list[Floats]) -> float:
    return float(np.sqrt(np.concatenate(squares).mean()))


def _mean(values: list[Floats]) -> float:
    return float(np.concatenate(values).mean())


def _pair(before: list[Floats], after: list[Floats]) -> str:
    one, two = _rms(before), _rms(after)
    return f"{one:6.2f} -> {two:5.2f} {1.0 - two / one:4.0%}"
