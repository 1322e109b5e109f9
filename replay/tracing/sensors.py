"""Which sensors saw a track, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusion.config import SensorConfig
from fusion.tracking.pictures import LATELY_PERIODS, LATELY_S
from fusion.types import SECOND_NS
from replay.tracing.history import HIT_SHARE, SWEPT_SHARE, Sight


@dataclass(frozen=True, slots=True)
class Seen:
    """One sensor and the track. looks: that included it, hits: that detected it.

    gap_s: a pause of detections that is longer parts two spans; as in `tracks`, where a sensor is named so long after.
    spans: (first, last, hits) of each.
    """

    sensor: str
    kind: str
    first_ns: int
    last_ns: int
    hits: int
    looks: int
    gap_s: float
    spans: tuple[tuple[int, int, int], ...]


def seen(sights: Sequence[Sight], sensors: Sequence[SensorConfig]) -> tuple[Seen, ...]:
    """The sensors that detected the track, in the order in which they first did."""
    found = []
    for sensor in sensors:
        own = [sight for sight in sights if sight.sensor == sensor.id]
        hits = sorted(sight.time_ns for sight in own if sight.hit > HIT_SHARE)
        if hits:
            gap_s = max(LATELY_PERIODS * sensor.period_s, LATELY_S)
            looks = sum(sight.swept > SWEPT_SHARE or sight.hit > HIT_SHARE for sight in own)
            spans = _spans(hits, round(gap_s * SECOND_NS))
            found.append(Seen(sensor.id, sensor.kind, hits[0], hits[-1], len(hits), looks, gap_s, spans))
    return tuple(sorted(found, key=lambda one: (one.first_ns, one.sensor)))


def _spans(hits: Sequence[int], gap_ns: int) -> tuple[tuple[int, int, int], ...]:
    spans = [(hits[0], hits[0], 1)]
    for time_ns in hits[1:]:
        first, last, count = spans[-1]
        if time_ns - last > gap_ns:
            spans.append((time_ns, time_ns, 1))
        else:
            spans[-1] = first, time_ns, count + 1
    return tuple(spans)
