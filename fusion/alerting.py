"""When a track is an alert for a zone: what may happen is one table, and what is remembered is one dict.

Each evaluation turns what the paths say into one word of evidence for each track and zone, and `fusion.states` turns
state and evidence into the next state. `fusion.episodes` turns what comes out into published steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from fusion import reasons
from fusion.airspace import Airspace
from fusion.config import ZoneConfig
from fusion.forecasts import Forecast, Forecaster
from fusion.geodesy import Plane
from fusion.motion import Motions
from fusion.states import (
    CLEARED,
    CLEARING,
    IMMINENT,
    INFRINGING,
    LOST,
    OPEN,
    PREDICTED,
    QUIET,
    RANK,
    STEPS,
    SUPPORT,
    Evidence,
    State,
)  # fmt: skip
from fusion.types import COASTING, CONFIRMED, ENDED, SECOND_NS, TRACK_STATUSES, Outlook, Place

CLEAR_PART: Final = 0.6  # of the probability that raises: an alert clears below it, so it does not flicker
HOLD_NS: Final = 5 * SECOND_NS  # for which a lower level, or none, must last before it is said
VOTES_NEEDED, VOTES_KEPT = 2, 4  # evaluations with new detections that agree: one wild update raises nothing
IMMINENT_SLACK: Final = 1.2  # an imminent alert stays so until the time to entry is longer by this factor
INSIDE: Final = 0.5  # P(inside now) from which a track counts as inside ...
STILL_INSIDE: Final = 0.3  # ... and down to which it stays so
LOST_NS: Final = 60 * SECOND_NS  # for which an alert stays open after its track ended inside
LOST_INSIDE: Final = "lost inside"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an alert should say at one instant: the fields of `AlertStep` without the history of the episode."""

    zone: str
    track: int
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


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of one track and zone. Never changed, only replaced: a copy of the dict is a copy.

    level: of an open state.  since_ns: when the state began.  backed_ns: when the evidence last supported the level.
    votes: of the last evaluations with new detections, newest last.
    said: the last assessment of an open alert; distance_m, updated_ns: of the track, then.
    """

    state: State = QUIET
    level: State = PREDICTED
    since_ns: int = 0
    backed_ns: int = 0
    votes: tuple[bool, ...] = ()
    said: Assessment | None = None
    distance_m: float = 0.0
    updated_ns: int = 0


class AlertMachine:
    """The state of every track and zone that have to do with each other, advanced by one outlook at a time."""

    def __init__(self, airspace: Airspace, motions: Motions, plane: Plane) -> None:
        self.airspace = airspace
        self.forecaster = Forecaster(airspace, motions, plane)
        self.watches: dict[tuple[int, str], Watch] = {}  # (track, zone); a pair that is not here is quiet
        self.time_ns = -1  # of the last evaluation

    def copy(self) -> AlertMachine:
        """The same state, to be advanced on its own. The airspace, what was switched there too, is shared."""
        twin = AlertMachine.__new__(AlertMachine)
        twin.airspace, twin.forecaster = self.airspace, self.forecaster
        twin.watches, twin.time_ns = dict(self.watches), self.time_ns
        return twin

    def evaluate(self, outlook: Outlook) -> list[Assessment]:
        """Advance to `outlook`. Returns what every open alert should say, and every one that clears now, in order of
        track and zone.
        """
        rows = {int(track): row for row, track in enumerate(outlook.id)}
        watched = [
            (rows[track], self.airspace.index(zone))
            for (track, zone), watch in self.watches.items()
            if track in rows and watch.state in OPEN
        ]
        found = self.forecaster.forecasts(outlook, frozenset(watched))
        forecasts = {(int(outlook.id[each.row]), each.zone.id): each for each in found}
        watches: dict[tuple[int, str], Watch] = {}
        assessments = []
        for pair in sorted({**self.watches, **forecasts}):
            watch = self._advance(pair, outlook, rows.get(pair[0]), forecasts.get(pair))
            if watch.state not in (QUIET, CLEARED):
                watches[pair] = watch
            if watch.said is not None:
                assessments.append(watch.said)
        self.watches, self.time_ns = watches, outlook.time_ns
        return assessments

    def _advance(self, pair: tuple[int, str], outlook: Outlook, row: int | None, forecast: Forecast | None) -> Watch:
        """The next watch of one pair."""
        watch, i = self.watches.get(pair, Watch()), self.airspace.index(pair[1])
        likely = forecast is not None and _chance(outlook, forecast) >= limit(watch, forecast.zone)
        if row is not None and outlook.updated_ns[row] > self.time_ns:
            watch = replace(watch, votes=(*watch.votes, likely)[-VOTES_KEPT:])
        evidence = self._evidence(watch, i, outlook, row, forecast, likely)
        after = step(watch, evidence, outlook.time_ns)
        if after.state not in OPEN and after.state is not CLEARED:
            return after
        if row is None:
            said = self._farewell(after, i, outlook.time_ns)
        elif forecast is None:  # barred: nothing was computed
            said = self._dismissal(after, i, outlook, row)
        else:
            return self._speak(after, outlook, forecast, evidence)
        return replace(after, said=said)

    def _evidence(
        self, watch: Watch, i: int, outlook: Outlook, row: int | None, forecast: Forecast | None, likely: bool
    ) -> Evidence:
        """One word for what is known of a pair now, hysteresis included."""
        zone, opened, lasted_ns = self.airspace.zones[i], watch.state in OPEN, outlook.time_ns - watch.since_ns
        if row is None:
            if watch.state is LOST:
                return Evidence.EXPIRED if lasted_ns >= LOST_NS else Evidence.ENDED_INSIDE
            was_inside = watch.state is INFRINGING and watch.backed_ns == self.time_ns
            return Evidence.ENDED_INSIDE if was_inside else Evidence.ENDED
        if not (opened or outlook.status[row] in (CONFIRMED, COASTING)):
            return Evidence.BARRED
        if not self.airspace.spans(i, outlook.time_ns) or outlook.identity[row] in zone.ignore:
            return Evidence.BARRED
        if forecast is not None and is_inside(watch, forecast):
            return Evidence.INSIDE
        if likely and forecast is not None and is_near(watch, forecast):
            return Evidence.NEAR
        if opened:
            expired = watch.state is CLEARING and lasted_ns >= HOLD_NS
            return Evidence.LIKELY if likely else Evidence.EXPIRED if expired else Evidence.UNLIKELY
        votes = watch.votes.count(True)
        confirmed = likely and votes >= VOTES_NEEDED
        return Evidence.CONFIRMED if confirmed else Evidence.LIKELY if votes else Evidence.UNLIKELY

    def _speak(self, watch: Watch, outlook: Outlook, forecast: Forecast, evidence: Evidence) -> Watch:
        """What an alert says of a track that is there."""
        row, zone, entry = forecast.row, forecast.zone, forecast.entry
        situation = self.forecaster.situation(outlook, row, forecast.volume)
        inside = evidence is Evidence.INSIDE
        probability = 1.0 if inside else _chance(outlook, forecast)
        closest = (0.0, 0.0) if inside else forecast.nearest()
        said = Assessment(
            zone=zone.id,
            track=int(outlook.id[row]),
            level=watch.level.value,
            cleared=watch.state is CLEARED,
            probability=probability,
            time_to_entry_s=(0.0, 0.0, 0.0) if inside else entry.time_s,
            entry=situation.position if inside else entry.place,
            closest_distance_m=closest[0],
            closest_time_s=closest[1],
            track_status=TRACK_STATUSES[int(outlook.status[row])],
            position=situation.position,
            velocity_mps=situation.velocity_mps,
            sensors=outlook.sensors[row],
            reason="",
        )
        account = reasons.Account(
            track=said.track,
            zone=zone,
            situation=situation,
            probability=probability,
            existence=float(outlook.existence[row]),
            sensors=said.sensors,
            age_s=(outlook.time_ns - int(outlook.updated_ns[row])) / SECOND_NS,
        )
        if inside:
            reason = reasons.inside(account, entry.now)
        elif entry.time_s is None or watch.state in (CLEARING, CLEARED):
            least = CLEAR_PART * zone.predicted_probability
            reason = reasons.receding(account, least, was_inside=watch.level is INFRINGING)
        else:
            reason = reasons.heading(account, entry.time_s)
        return replace(
            watch,
            said=replace(said, reason=reason),
            distance_m=situation.distance_m,
            updated_ns=int(outlook.updated_ns[row]),
        )

    def _farewell(self, watch: Watch, i: int, time_ns: int) -> Assessment | None:
        """What an alert says of a track that has ended: where it was last."""
        said, zone = watch.said, self.airspace.zones[i]
        if said is None:
            return None
        age_s = (time_ns - watch.updated_ns) / SECOND_NS
        if watch.state is LOST:
            reason = reasons.lost(said.track, zone, said.sensors, age_s)
            return replace(said, track_status=LOST_INSIDE, reason=reason)
        if said.track_status == LOST_INSIDE:
            return replace(said, cleared=True, reason=reasons.lost_for_good(said.track, zone, age_s))
        reason = reasons.ended(said.track, zone, watch.distance_m, said.sensors, age_s)
        return replace(said, cleared=True, track_status=TRACK_STATUSES[ENDED], reason=reason)

    def _dismissal(self, watch: Watch, i: int, outlook: Outlook, row: int) -> Assessment | None:
        """What an alert says when its zone, or who its track is, no longer allows one."""
        said, zone, identity = watch.said, self.airspace.zones[i], outlook.identity[row]
        if said is None:
            return None
        if identity is not None and identity in zone.ignore:
            return replace(said, cleared=True, reason=reasons.allowed(said.track, zone, identity))
        return replace(said, cleared=True, reason=reasons.inactive(said.track, zone))


def step(watch: Watch, evidence: Evidence, time_ns: int) -> Watch:
    """One step of the table. A lower level is taken only when nothing has backed the present one for `HOLD_NS`."""
    state, level, backed_ns = STEPS[watch.state, evidence], watch.level, watch.backed_ns
    if state in RANK:
        held = watch.state in OPEN and RANK[state] < RANK[level] and time_ns - backed_ns < HOLD_NS
        state, level = (level, level) if held else (state, state)
    if SUPPORT.get(evidence, 0) >= RANK[level]:
        backed_ns = time_ns
    since_ns = watch.since_ns if state is watch.state else time_ns
    return replace(watch, state=state, level=level, since_ns=since_ns, backed_ns=backed_ns)


def limit(watch: Watch, zone: ZoneConfig) -> float:
    """The probability that raises an alert, or that keeps an open one."""
    return zone.predicted_probability * (CLEAR_PART if watch.state in OPEN else 1.0)


def is_inside(watch: Watch, forecast: Forecast) -> bool:
    """Whether the track counts as inside: its mean is, or enough of its density; less will do once it was."""
    still = watch.state is INFRINGING
    return forecast.inside or forecast.entry.now >= (STILL_INSIDE if still else INSIDE)


def is_near(watch: Watch, forecast: Forecast) -> bool:
    """Whether the median time to entry makes a likely entry an imminent one."""
    if forecast.entry.time_s is None:
        return False
    already = watch.state in OPEN and watch.level in (IMMINENT, INFRINGING)
    return forecast.entry.time_s[1] <= forecast.zone.imminent_s * (IMMINENT_SLACK if already else 1.0)


def _chance(outlook: Outlook, forecast: Forecast) -> float:
    """That the track exists and enters."""
    return float(outlook.existence[forecast.row]) * forecast.entry.probability
