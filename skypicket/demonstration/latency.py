"""From the sending of a frame to the arrival of the alert that it released."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


def latencies_s(sent: Sequence[tuple[int, int]], arrived: Sequence[tuple[int, int]]) -> list[float]:
    """For each alert step, seconds from the sending of the frame that released it to its arrival.

    sent: (event time, clock) of each frame, in the order of sending.  arrived: (event time, clock) of steps.
    What is due at an instant goes out as soon as a frame of a later time is taken in: the first such one is
    what released it. Steps that no frame followed are left out: the clock released them.
    """
    newest = list(accumulate((time_ns for time_ns, _ in sent), max))
    found = []
    for time_ns, arrived_ns in arrived:
        first = bisect_right(newest, time_ns)
        if first < len(sent):
            found.append((arrived_ns - sent[first][1]) / 1e9)
    return found


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of all do not exceed. Raises ValueError where there is none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(-int(-part * len(ordered) // 1), 1) - 1]
