"""What each message said of the future against what came: its probability, and its time to entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fusion.types import SECOND_NS, Bools, Floats
from replay.alerts.calibration import Forecasts
from replay.alerts.episodes import INFRINGING, Episode, Interval
from replay.alerts.sights import Sight, Sights
from replay.alerts.stays import first_entry, touches


@dataclass(frozen=True, slots=True, eq=False)
class TimeErrors:
    """Of messages that gave a time and were followed by an entry (margins included) within the look-ahead: (n,) each.

    error_s: p50 less the true time; above 0: the object came sooner than told.  covered: the true time lay from p10
    to p90.
    """

    error_s: Floats
    covered: Bools

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, bool]]) -> TimeErrors:
        """From pairs (error, covered)."""
        rows = list(pairs)
        return cls(
            np.array([error for error, _ in rows], dtype=np.float64),
            np.array([covered for _, covered in rows], dtype=np.bool_),
        )


def joined_times(parts: Iterable[TimeErrors]) -> TimeErrors:
    """The errors of many runs as one set."""
    all_parts = [TimeErrors.of(()), *parts]
    return TimeErrors(
        np.concatenate([part.error_s for part in all_parts]), np.concatenate([part.covered for part in all_parts])
    )


def happened(
    sight: Sight | None, time_ns: int, lookahead_ns: int, known_until_ns: int
) -> tuple[bool | None, int | None]:
    """Whether an object (None: no object at all) entered the widened volume within the look-ahead after a time.

    Returns (True, when), (False, None), or (None, None) where the question does not arise: the object is inside
    already, nobody asks for it, or truth ends too early to say.
    """
    if sight is not None:
        if sight.unasked_at(time_ns) or touches(sight.wide, time_ns, time_ns):
            return None, None
        entry_ns = first_entry(sight.wide, time_ns, time_ns + lookahead_ns)
        if entry_ns is not None:
            return True, entry_ns
    return (None, None) if time_ns + lookahead_ns > known_until_ns else (False, None)


def judge_messages(
    episodes: Iterable[Episode],
    sights: Sights,
    known_until_ns: int,
    span: Interval,
) -> tuple[Forecasts, TimeErrors]:
    """Every `raised` and `updated` step of the span: a `cleared` one repeats what was said, it forecasts nothing.

    Times are judged below `infringing`: inside there is none to tell.
    """
    told: list[tuple[float, bool]] = []
    errors: list[tuple[float, bool]] = []
    for episode in episodes:
        for step, owner in zip(episode.steps, episode.owners, strict=True):
            if step.state == "cleared" or not span.begin_ns <= step.time_ns <= span.end_ns:
                continue
            sight = None if owner is None else sights[owner, episode.zone]
            came, entry_ns = happened(sight, step.time_ns, sights.lookaheads_ns[episode.zone], known_until_ns)
            if came is None:
                continue
            told.append((step.probability, came))
            if entry_ns is not None and step.time_to_entry_s is not None and step.level != INFRINGING:
                true_s, (low, middle, high) = (entry_ns - step.time_ns) / SECOND_NS, step.time_to_entry_s
                errors.append((middle - true_s, low <= true_s <= high))
    return Forecasts.of(told), TimeErrors.of(errors)
