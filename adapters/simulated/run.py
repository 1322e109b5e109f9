"""A scenario into frames and truth, in order of time. Pure: no socket, no sleep; same seed, same output."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator

import numpy as np

from adapters.simulated.fleet import Fleet
from adapters.simulated.scenario import Scenario
from adapters.simulated.sensing import Sensor
from fusion.types import SECOND_NS, Frame, Truth

SOURCE = "simulator"


def simulate(
    scenario: Scenario,
    seed: int | None = None,
    start_ns: int | None = None,
    *,
    source: str = SOURCE,
    epoch: str | None = None,
) -> Iterator[Frame | Truth]:
    """Everything that the scenario's sensors send, and where its objects really are.

    seed, start_ns: instead of the scenario's. epoch: derived from name, seed and start where none is given.
    In order of `time_ns`; at equal times truth first, then sensors by id. Each sensor's `seq` counts from 0.
    """
    seed = scenario.seed if seed is None else seed
    start_ns = scenario.start_ns if start_ns is None else start_ns
    epoch = epoch_of(scenario.name, seed, start_ns) if epoch is None else epoch
    fleet = scenario.fleet(seed)
    sensors = [
        Sensor(config, scenario.behaviours[config.id], scenario.site.tracker, fleet, seed)
        for config in scenario.site.sensor
    ]
    streams: list[Iterator[Frame | Truth]] = [_truth(scenario, fleet, sensors, start_ns)]
    streams += [sensor.frames(start_ns, scenario.duration_s, source, epoch) for sensor in sensors]
    return heapq.merge(*streams, key=_order)


def epoch_of(name: str, seed: int, start_ns: int) -> str:
    """The id of a run, the same for the same run."""
    return hashlib.sha256(f"{name}\0{seed}\0{start_ns}".encode()).hexdigest()[:16]


def _order(item: Frame | Truth) -> tuple[int, int, str]:
    return (item.time_ns, 1, item.sensor) if isinstance(item, Frame) else (item.time_ns, 0, "")


def _truth(scenario: Scenario, fleet: Fleet, sensors: list[Sensor], start_ns: int) -> Iterator[Truth]:
    """Where every object is, each truth period; instants without any are left out."""
    period_ns = round(scenario.truth_period_s * SECOND_NS)
    everyone = np.arange(len(fleet))
    for offset_ns in range(0, round(scenario.duration_s * SECOND_NS) + 1, period_ns):
        time_s = offset_ns / SECOND_NS
        index = np.flatnonzero(fleet.alive(everyone, np.full(len(fleet), time_s)))
        if not len(index):
            continue
        ignore = fleet.ignore[index]
        if scenario.ignore_unseen:
            seen = np.zeros(len(index), bool)
            for sensor in sensors:
                seen |= sensor.covers(index, time_s)
            ignore = ignore | ~seen
        times = np.full(len(index), time_s)
        lat, lon, alt = fleet.geodetic(index, times)
        east, north, up = fleet.velocity(index, times).T.copy()
        names = tuple(fleet.id[i] for i in index.tolist())
        yield Truth(start_ns + offset_ns, names, lat, lon, alt, east, north, up, ignore)
