"""All detections of a case by their own times, in runs of one sensor: what a peer can take at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.cases.case import Case
from fusion.types import SECOND_NS, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Detections of one sensor, one after another in time, none of another between."""

    sensor: str
    times_ns: Ints
    values: Floats
    sigmas: Floats


def runs(case: Case, together_s: float) -> Iterator[Run]:
    """All detections by their own times, cut where the sensor changes, at pictures, and after `together_s`."""
    names = {sensor.id: k for k, sensor in enumerate(case.site.sensor)}
    used = [frame for frame in case.frames if len(frame.values)]
    times = np.concatenate([frame.times_ns for frame in used])
    owner = np.repeat([names[frame.sensor] for frame in used], [len(frame.values) for frame in used])
    which = np.repeat(np.arange(len(used)), [len(frame.values) for frame in used])
    place = np.concatenate([np.arange(len(frame.values)) for frame in used])
    order = np.lexsort((owner, times))
    interval = np.searchsorted(np.array(case.picture_times_ns(), np.int64), times)
    start = 0
    for k in range(1, len(order) + 1):
        near = k < len(order) and times[order[k]] - times[order[start]] <= round(together_s * SECOND_NS)
        same = near and interval[order[k]] == interval[order[start]]
        if same and owner[order[k]] == owner[order[start]]:
            continue
        part = order[start:k]
        values = np.stack([used[which[i]].values[place[i]] for i in part])
        sigmas = np.stack([used[which[i]].sigmas[place[i]] for i in part])
        yield Run(case.site.sensor[owner[order[start]]].id, times[part], values, sigmas)
        start = k
