"""Whether an object does what its track's `mode` says, as often as its `mode_probability` says: a reliability table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.cases.measure import STEADY_RADPS, Pairs, turn_rates
from fusion.types import Bools, Floats, Picture
from replay.scoring.run import latest

TENTHS = 10
FEWEST = 20  # instants in a cell: fewer say nothing of a share
SIGNS = {"turn_left": -1.0, "turn_right": 1.0}  # of the turn rate, clockwise


def reliability(pairs: Pairs, pictures: Sequence[Picture]) -> list[str]:
    """Lines of a Markdown table: of the instants with a mode in a tenth of probability, which share was so.

    A turn was so where the object turned that way, cruise where it flew straight, a manoeuvre where it turned.
    """
    rate, known = turn_rates(pairs)
    said, probability = _said(pairs, pictures)
    turning = np.abs(rate) > STEADY_RADPS
    lines = ["", "| mode | probability | instants | mean probability | share that did |", "|---|---|---|---|---|"]
    for name in ("cruise", "manoeuvre", "turn"):
        chosen = known & np.array([mode.startswith(name) for mode in said], bool)
        sign = np.array([SIGNS.get(mode, 0.0) for mode in said])
        did = ~turning if name == "cruise" else turning & (sign * rate >= 0.0)
        lines += _rows(name, probability[chosen], did[chosen])
    return lines


def _said(pairs: Pairs, pictures: Sequence[Picture]) -> tuple[list[str], Floats]:
    """Mode and probability of each pair's track."""
    told = {
        (picture.time_ns, track): (mode, share)
        for picture in latest(pictures)
        for track, mode, share in zip(picture.id.tolist(), picture.mode, picture.mode_probability.tolist(), strict=True)
    }
    found = [told[key] for key in zip(pairs.time_ns.tolist(), pairs.id.tolist(), strict=True)]
    return [mode for mode, _ in found], np.array([share for _, share in found])


def _rows(name: str, probability: Floats, did: Bools) -> list[str]:
    tenth = np.minimum((probability * TENTHS).astype(int), TENTHS - 1)
    lines = []
    for k in range(TENTHS):
        here = tenth == k
        if here.sum() >= FEWEST:
            span = f"{k / TENTHS:.1f} to {(k + 1) / TENTHS:.1f}"
            lines.append(
                f"| {name} | {span} | {here.sum()} | {probability[here].mean():.2f} | {did[here].mean():.2f} |"
            )
    return lines
