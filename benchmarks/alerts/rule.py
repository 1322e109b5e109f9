"""The baselines' rule, as area proximity warning is usually built: 2 of 4 evaluations raise, 3 without clear.

An evaluation is one with new detections; of a noise-free state, one each period of the radars. A straight line says 0
or 1. The oracle says a probability: it raises from 0.5 on, and clears below 0.3, for what hovers round one threshold
would flap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fusion.types import SECOND_NS
from replay.alerts.model import Step

THRESHOLD: Final = 0.5
PERIOD_S: Final = 4  # of the radars
STAYS: Final = 0.3  # down to which an open alert stays so
VOTES_NEEDED, VOTES_KEPT = 2, 4
CLEAR_AFTER: Final = 3  # evaluations in a row that do not say so
SAID_EVERY_NS: Final = 5 * SECOND_NS  # an open alert's probability is told so often, and with each change of level
NAME: Final = "{zone}-{track}-{number}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a baseline finds of one track and zone at one instant. entry_s: when it would enter; None: it would not."""

    time_ns: int
    probability: float
    inside: bool
    entry_s: float | None


def steps_of(track: int, zone: str, evaluations: Sequence[Evaluation], end_ns: int | None = None) -> list[Step]:
    """The steps of the alerts of one track and zone. end_ns: when the track ended, which clears; None: it did not."""
    steps: list[Step] = []
    votes: list[bool] = []
    unlikely, number, said_ns, level = 0, 0, 0, ""
    for each in evaluations:
        likely = each.inside or each.probability >= (STAYS if level else THRESHOLD)
        votes = [*votes, likely][-VOTES_KEPT:]
        unlikely = 0 if likely else unlikely + 1
        now = "infringing" if each.inside else "predicted"
        state = ""
        if not level and likely and (votes.count(True) >= VOTES_NEEDED or each.inside):
            state, number = "raised", number + 1
        elif level and unlikely >= CLEAR_AFTER:
            state = "cleared"
        elif level and (now != level or each.time_ns - said_ns >= SAID_EVERY_NS):
            state = "updated"
        if not state:
            continue
        alert = NAME.format(zone=zone, track=track, number=number)
        entry = None if each.entry_s is None else (each.entry_s,) * 3
        probability = 1.0 if each.inside else each.probability
        steps.append(Step(each.time_ns, alert, zone, track, now, state, probability, entry, (track,)))
        level, said_ns = ("" if state == "cleared" else now), each.time_ns
    if level and end_ns is not None:
        alert = NAME.format(zone=zone, track=track, number=number)
        steps.append(Step(end_ns, alert, zone, track, level, "cleared", 0.0, None, (track,)))
    return steps
