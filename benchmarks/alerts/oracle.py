"""The second baseline, all that can be known: it sees the noise-free state, and knows how the simulator goes on."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.alerts.rule import Evaluation, steps_of
from benchmarks.alerts.straight import TRUE_TRACK, known
from fusion.types import SECOND_NS, Floats
from replay.alerts.model import Step
from replay.encounters.layout import START_NS, ZONE, Encounter
from replay.encounters.model import DISTANCE, HEIGHT
from replay.encounters.tracking import Record

FUTURES: Final = 256  # standard error of a probability: 0.03 at most
STEP_S: Final = 2.0
AT_ONCE: Final = 16_384  # futures: their states stay in the processor's cache


def of_truth(encounter: Encounter, record: Record, states: Floats) -> tuple[list[Step], dict[int, list[Evaluation]]]:
    """states: (COLUMNS, t) of the truth, at `START_NS` and each second on."""
    use = known(record)
    seconds = np.round((record.truth.times_ns[use] - START_NS) / SECOND_NS).astype(np.int64)
    chance, entry = probabilities(encounter, states[:, seconds], encounter.stream("oracle"))
    inside = encounter.region.holds(states[DISTANCE, seconds], states[HEIGHT, seconds])
    found = [
        Evaluation(START_NS + int(s) * SECOND_NS, float(p), bool(here), None if np.isnan(t) else float(t))
        for s, p, here, t in zip(seconds, chance, inside, entry, strict=True)
    ]
    return steps_of(TRUE_TRACK, ZONE, found), {TRUE_TRACK: found}


def probabilities(encounter: Encounter, states: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """P(inside the volume at any time from now to the look-ahead), and the median time to entry, s, given entry (NaN:
    none). states: (COLUMNS, n). (n,) each.
    """
    model, region, count = encounter.model, encounter.region, states.shape[1]
    chance, median = np.zeros(count), np.full(count, np.nan)
    each = AT_ONCE // FUTURES
    for begin in range(0, count, each):
        futures = np.repeat(states[:, begin : begin + each], FUTURES, axis=1)
        entered = np.where(region.holds(futures[DISTANCE], futures[HEIGHT]), 0.0, np.inf)
        for k in range(1, round(encounter.zone.lookahead_s / STEP_S) + 1):
            futures = model.advance(futures, rng, STEP_S)
            inside = region.holds(futures[DISTANCE], futures[HEIGHT])
            entered = np.where(inside, np.minimum(entered, k * STEP_S), entered)
        times = entered.reshape(-1, FUTURES)
        share = np.isfinite(times).mean(axis=1)
        chance[begin : begin + each] = share
        for i in np.flatnonzero(share > 0.0):
            median[begin + i] = np.median(times[i][np.isfinite(times[i])])
    return chance, median
