"""When sampled paths first enter a volume, also where they cut a corner between two of their points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.types import Floats, Ints
from fusion.volumes import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

CUTS_OF_WIDTH: Final = 4.0  # points along a path are closer than this part of the volume's width
MOST_CUTS: Final = 400_000  # points of one track and zone examined between steps; below, thin volumes lose corners
HALVINGS: Final = 5  # of a cut, towards the moment of entry: 3 s / 32 is below every sensor's period


def first_inside(chart: Floats, volume: Volume, active: Flags) -> tuple[Ints, Floats]:
    """The first moment of each path inside `volume` in an active step.

    chart: (3, s, k + 1), x and y on the volume's map and height, in straight steps.  active: (k,).
    Returns step (s,), -1 where a path stays out, and how much of that step has passed then (s,), 0 to 1.
    """
    already = volume.inside(*chart[:, :, 0]) & active[0]
    step, low, high = np.where(already, 0, -1), np.zeros(len(already)), np.zeros(len(already))
    rows, steps = _candidates(chart, volume, ~already, active)
    if not len(rows):
        return step, low
    begins, ends = _at_points(chart, volume, rows, steps, active)
    found, chosen = np.unique(rows[begins | ends], return_index=True)  # candidates stand in order of time
    chosen = np.flatnonzero(begins | ends)[chosen]
    step[found] = steps[chosen]
    high[found] = np.where(begins[chosen], 0.0, 1.0)
    before = (step[rows] < 0) | (steps <= step[rows])
    rows, steps = rows[before], steps[before]
    cuts = _cuts(chart, volume, rows, steps)
    if cuts > 1:
        low = np.where(high > 0.0, 1.0 - 1.0 / cuts, 0.0)
        hits = _inside(chart, volume, rows[:, None], steps[:, None], (np.arange(1, cuts) / cuts)[None, :])
        some = np.flatnonzero(hits.any(axis=1))
        found, chosen = np.unique(rows[some], return_index=True)
        chosen = some[chosen]
        earlier = (steps[chosen] < step[found]) | (high[found] > 0.0) | (step[found] < 0)
        found, chosen = found[earlier], chosen[earlier]
        cut = hits[chosen].argmax(axis=1)
        step[found], low[found], high[found] = steps[chosen], cut / cuts, (cut + 1.0) / cuts
    return step, _halved(chart, volume, step, low, high)


def _candidates(chart: Floats, volume: Volume, wanted: Flags, active: Flags) -> tuple[Ints, Ints]:
    """Row and step of all active steps of wanted paths that may touch the volume, path by path in order of time."""
    from fusion.kernels.paths import crossable

    box = np.array([*volume.box, volume.floor_m, volume.ceiling_m])
    size = chart.shape[1] * (chart.shape[2] - 1)
    rows, steps = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    count = crossable(chart, box, wanted, active, rows, steps)
    return rows[:count], steps[:count]


def _at_points(chart: Floats, volume: Volume, rows: Ints, steps: Ints, active: Flags) -> tuple[Flags, Flags]:
    """Whether steps begin inside, where that is news (the zone has just become active), and whether they end inside."""
    ends = volume.inside(*chart[:, rows, steps + 1])
    begins = np.zeros(len(rows), dtype=bool)
    fresh = np.flatnonzero((steps > 0) & ~active[np.maximum(steps - 1, 0)])
    begins[fresh] = volume.inside(*chart[:, rows[fresh], steps[fresh]])
    return begins, ends


def _cuts(chart: Floats, volume: Volume, rows: Ints, steps: Ints) -> int:
    """Into how many parts to divide steps so that none jumps over a corner of the volume."""
    if not len(rows):
        return 1
    moves = np.abs(chart[:, rows, steps + 1] - chart[:, rows, steps]).max(axis=1)
    dx, dy, dh = (float(move) for move in moves)
    level = math.sqrt(dx * dx + dy * dy) / volume.width_m
    steep = dh / (volume.ceiling_m - volume.floor_m)
    return max(min(math.ceil(CUTS_OF_WIDTH * max(level, steep)), MOST_CUTS // len(rows)), 1)


def _halved(chart: Floats, volume: Volume, step: Ints, low: Floats, high: Floats) -> Floats:
    """How far into its step each path comes in, sought between `low` (outside) and `high` (inside)."""
    rows = np.flatnonzero((step >= 0) & (high > 0.0))
    begin, end = low[rows], high[rows]
    for _ in range(HALVINGS):
        middle = (begin + end) / 2.0
        hit = _inside(chart, volume, rows, step[rows], middle)
        begin, end = np.where(hit, begin, middle), np.where(hit, middle, end)
    part = np.zeros(len(step))
    part[rows] = end
    return part


def _inside(chart: Floats, volume: Volume, rows: Ints, steps: Ints, part: Floats) -> Flags:
    begin = chart[:, rows, steps]
    return volume.inside(*(begin + part * (chart[:, rows, steps + 1] - begin)))
