"""What may happen to an alert: one table from state and evidence to the next state."""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    QUIET = "quiet"
    PENDING = "pending"  # likely, not yet confirmed
    PREDICTED = "predicted"
    IMMINENT = "imminent"
    INFRINGING = "infringing"
    CLEARING = "clearing"  # no longer likely, or its track has ended: still open
    LOST = "lost"  # the track ended inside, still open
    CLEARED = "cleared"


class Evidence(Enum):
    UNLIKELY = "unlikely"
    LIKELY = "likely"
    CONFIRMED = "confirmed"  # likely in 2 of the last 4 evaluations with new detections
    NEAR = "near"  # likely, and soon
    INSIDE = "inside"
    BARRED = "barred"  # the zone is inactive, or the track may enter it
    ENDED = "ended"  # the track has ended, and was not inside
    ENDED_INSIDE = "ended inside"
    EXPIRED = "expired"  # the state has lasted as long as it may


QUIET, PENDING, PREDICTED, IMMINENT = State.QUIET, State.PENDING, State.PREDICTED, State.IMMINENT
INFRINGING, CLEARING, LOST, CLEARED = State.INFRINGING, State.CLEARING, State.LOST, State.CLEARED

STEPS: Final[dict[tuple[State, Evidence], State]] = {
    # (now,      evidence)             -> next
    (QUIET, Evidence.UNLIKELY): QUIET,
    (QUIET, Evidence.LIKELY): PENDING,
    (QUIET, Evidence.NEAR): IMMINENT,
    (QUIET, Evidence.INSIDE): INFRINGING,
    (QUIET, Evidence.BARRED): QUIET,
    (PENDING, Evidence.UNLIKELY): QUIET,
    (PENDING, Evidence.LIKELY): PENDING,
    (PENDING, Evidence.CONFIRMED): PREDICTED,
    (PENDING, Evidence.NEAR): IMMINENT,
    (PENDING, Evidence.INSIDE): INFRINGING,
    (PENDING, Evidence.BARRED): QUIET,
    (PENDING, Evidence.ENDED): QUIET,
    (PREDICTED, Evidence.UNLIKELY): CLEARING,
    (PREDICTED, Evidence.LIKELY): PREDICTED,
    (PREDICTED, Evidence.NEAR): IMMINENT,
    (PREDICTED, Evidence.INSIDE): INFRINGING,
    (PREDICTED, Evidence.BARRED): CLEARED,
    (PREDICTED, Evidence.ENDED): CLEARING,
    (IMMINENT, Evidence.UNLIKELY): CLEARING,
    (IMMINENT, Evidence.LIKELY): PREDICTED,
    (IMMINENT, Evidence.NEAR): IMMINENT,
    (IMMINENT, Evidence.INSIDE): INFRINGING,
    (IMMINENT, Evidence.BARRED): CLEARED,
    (IMMINENT, Evidence.ENDED): CLEARING,
    (INFRINGING, Evidence.UNLIKELY): CLEARING,
    (INFRINGING, Evidence.LIKELY): PREDICTED,
    (INFRINGING, Evidence.NEAR): IMMINENT,
    (INFRINGING, Evidence.INSIDE): INFRINGING,
    (INFRINGING, Evidence.BARRED): CLEARED,
    (INFRINGING, Evidence.ENDED): CLEARING,
    (INFRINGING, Evidence.ENDED_INSIDE): LOST,
    (CLEARING, Evidence.UNLIKELY): CLEARING,
    (CLEARING, Evidence.LIKELY): PREDICTED,
    (CLEARING, Evidence.NEAR): IMMINENT,
    (CLEARING, Evidence.INSIDE): INFRINGING,
    (CLEARING, Evidence.BARRED): CLEARED,
    (CLEARING, Evidence.ENDED): CLEARING,
    (CLEARING, Evidence.EXPIRED): CLEARED,
    (LOST, Evidence.UNLIKELY): CLEARING,
    (LOST, Evidence.LIKELY): PREDICTED,
    (LOST, Evidence.NEAR): IMMINENT,
    (LOST, Evidence.INSIDE): INFRINGING,
    (LOST, Evidence.BARRED): CLEARED,
    (LOST, Evidence.ENDED_INSIDE): LOST,
    (LOST, Evidence.EXPIRED): CLEARED,
}
RANK: Final = {PREDICTED: 1, IMMINENT: 2, INFRINGING: 3}  # of the states that are levels
SUPPORT: Final = {Evidence.LIKELY: 1, Evidence.CONFIRMED: 1, Evidence.NEAR: 2, Evidence.INSIDE: 3}  # up to which rank
OPEN: Final = (PREDICTED, IMMINENT, INFRINGING, CLEARING, LOST)  # what has been raised and not yet cleared
