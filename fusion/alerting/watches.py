"""What is remembered of one track and one zone, what an alert should say of them, and one step of the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from fusion.alerting.states import CLEARING, LOST, OPEN, PREDICTED, QUIET, RANK, STEPS, SUPPORT, Evidence, State
from fusion.prediction.conduct import Manoeuvre
from fusion.types import SECOND_NS, Floats, Place

Pair = tuple[int, str]  # track, zone
LOWER_NS: Final = 5 * SECOND_NS  # for which a lower level must last before it is said


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an alert should say at one instant: the fields of `AlertStep` without the history of what was published.

    tracks: every id of the episode, in the order in which they took it over, the present one last.
    """

    zone: str
    track: int
    tracks: tuple[int, ...]
    level: str
    cleared: bool
    probability: float
    time_to_entry_s: tuple[float, float, float] | None
    entry: Place | None
    closest_distance_m: float
    closest_time_s: float
    track_status: str
    position: Place
    velocity_mps: tuple[float, float, float]
    sensors: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Where a track was when it was evaluated last, one Gaussian: mean (6,), covariance (6, 6), in the plane.

    updated_ns: of its last detection.  distance_m: to the volume.
    """

    time_ns: int
    updated_ns: int
    mean: Floats
    covariance: Floats
    identity: str | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of one track and zone. Never changed, only replaced: a copy of the dict is a copy.

    level: of an open state.  since_ns: when the state began.  backed_ns: when the evidence last supported the level.
    inside_ns: when the track was inside last; 0: never.
    votes: of the last evaluations with new detections, newest last.  heading_ns: since when entry is likely, without
    a break; 0 while it is not.  cause: the last manoeuvre before that.  tracks: the ids of the episode before this
    track's, the oldest first.  handed_ns: when this track took it over.  said: the last assessment of an open alert.
    last: its track, then.
    """

    state: State = QUIET
    level: State = PREDICTED
    since_ns: int = 0
    backed_ns: int = 0
    inside_ns: int = 0
    votes: tuple[bool, ...] = ()
    heading_ns: int = 0
    cause: Manoeuvre | None = None
    tracks: tuple[int, ...] = ()
    handed_ns: int = 0
    said: Assessment | None = None
    last: Sighting | None = None

    @property
    def open(self) -> bool:
        """Raised, and not yet cleared."""
        return self.state in OPEN


def step(watch: Watch, evidence: Evidence, time_ns: int) -> Watch:
    """One step of the table. A lower level is taken only when nothing has backed the present one for `LOWER_NS`; an
    alert that clears says no longer than that of a track that it is near or inside.
    """
    state, level, backed_ns = STEPS[watch.state, evidence], watch.level, watch.backed_ns
    held = watch.open and time_ns - backed_ns < LOWER_NS
    if state in RANK:
        state, level = (level, level) if held and RANK[state] < RANK[level] else (state, state)
    elif state is CLEARING and not held:
        level = PREDICTED
    if SUPPORT.get(evidence, 0) >= RANK[level]:
        backed_ns = time_ns
    since_ns = watch.since_ns if state is watch.state else time_ns
    inside_ns = time_ns if evidence is Evidence.INSIDE else watch.inside_ns
    return replace(watch, state=state, level=level, since_ns=since_ns, backed_ns=backed_ns, inside_ns=inside_ns)


def waits(watch: Watch) -> bool:
    """Whether the alert is open though its track has ended."""
    return watch.state is LOST or (watch.open and watch.said is not None and watch.said.track_status == "ended")
