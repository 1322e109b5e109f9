"""What has been said: the open alerts, and how what they should say becomes published steps.

The state machine may be rolled back by late detections; what has been published may not. So the ledger compares what
is open with what should be, and publishes the difference as next steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from fusion import reasons
from fusion.airspace import Airspace
from fusion.alerting import Assessment
from fusion.errors import MessageRejected
from fusion.types import SECOND_NS, AlertStep

SHORTEST_NS: Final = SECOND_NS  # between two updates of one alert
LONGEST_NS: Final = 5 * SECOND_NS  # without an update of an alert that nobody has acknowledged
PROBABILITY_CHANGE: Final = 0.1  # that matters
TIME_CHANGE_S: Final = 5.0  # of the time to entry against the countdown, that matters ...
TIME_CHANGE_PART: Final = 0.2  # ... or this part of it, whichever is more
MOST_SUPPRESSIONS: Final = 10_000  # kept at once: requests come from outside
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alerts of a track or of a zone say only that they begin, infringe or end, before `until_ns`."""

    track: int | None
    zone: str | None
    until_ns: int
    who: str
    note: str
    time_ns: int

    def covers(self, track: int, zone: str) -> bool:
        return self.track == track or self.zone == zone

    def listed(self) -> dict[str, object]:
        key: dict[str, object] = {"track": self.track} if self.zone is None else {"zone": self.zone}
        return {**key, "until_ns": self.until_ns, "who": self.who, "note": self.note, "time_ns": self.time_ns}


class Ledger:
    """The published side of alerting: one open alert for a track and zone at most, its steps counted from 1."""

    def __init__(self, airspace: Airspace) -> None:
        self._airspace = airspace
        self._open: dict[tuple[int, str], AlertStep] = {}  # (track, zone) -> last published step
        self._suppressions: list[Suppression] = []
        self._raised: dict[tuple[int, str], int] = {}  # how often each pair was raised at `_now_ns`
        self._now_ns = -1

    def reconcile(self, time_ns: int, assessments: Sequence[Assessment]) -> list[AlertStep]:
        """The steps that bring what is published to what the assessments of this instant say.

        An open alert of which they say nothing is one that history no longer supports: it clears. An instant before
        the newest reconciled one is history rewritten, and says nothing.
        """
        if time_ns < self._now_ns:
            return []
        if time_ns > self._now_ns:
            self._now_ns, self._raised = time_ns, {}
        self._suppressions = [each for each in self._suppressions if each.until_ns > time_ns]
        wished = {(each.track, each.zone): each for each in assessments}
        steps = []
        for pair, assessment in sorted(wished.items()):
            made = self._next(pair, assessment)
            steps += [] if made is None else [made]
        for pair in sorted(self._open):
            if pair not in wished:
                reason = reasons.unsupported(*pair)
                steps.append(self._publish(replace(self._follow(self._open[pair]), state="cleared", reason=reason)))
        return steps

    def open(self) -> list[AlertStep]:
        """The last published step of each open alert, in the order in which they were raised."""
        return sorted(self._open.values(), key=lambda each: each.alert)

    def acknowledge(self, alert: str, who: str, note: str, time_ns: int) -> AlertStep:
        """Silence an open alert: from here on only changes of its level, and its end, go out.

        Raises MessageRejected (`unknown`) if no alert of this id is open. time_ns: of the request.
        """
        for each in self._open.values():
            if each.alert == alert:
                acknowledged: dict[str, object] = {"who": who, "time_ns": time_ns, "note": note}
                return self._publish(replace(self._follow(each), acknowledged=acknowledged))
        raise MessageRejected("unknown", f"alert {alert} is not open; allowed are {self._names()}")

    def suppress(
        self, *, track: int | None = None, zone: str | None = None, until_ns: int, who: str, note: str, time_ns: int
    ) -> list[AlertStep]:
        """Keep alerts of a track or a zone quiet until a time; a time that has passed lifts what was suppressed.

        Returns a step of each open alert that it concerns. Raises MessageRejected: `suppress` (not one of track and
        zone), `unknown` (zone), `full`.
        """
        if (track is None) == (zone is None):
            raise MessageRejected("suppress", f"track is {track}, zone is {zone}; allowed is one of the two")
        if zone is not None and zone not in [each.id for each in self._airspace.zones]:
            known = ", ".join(each.id for each in self._airspace.zones) or "none"
            raise MessageRejected("unknown", f"zone {zone} is not configured; allowed are {known}")
        kept = [each for each in self._suppressions if (each.track, each.zone) != (track, zone)]
        if len(kept) >= MOST_SUPPRESSIONS:
            raise MessageRejected("full", f"{len(kept)} suppressions are in force; allowed are {MOST_SUPPRESSIONS}")
        added = Suppression(track, zone, until_ns, who, note, time_ns)
        self._suppressions = [*kept, added] if until_ns > self._now_ns else kept
        concerned = [each for pair, each in sorted(self._open.items()) if added.covers(*pair)]
        return [self._publish(self._follow(each)) for each in concerned]

    @property
    def suppressions(self) -> tuple[Suppression, ...]:
        """What is suppressed, until its time has passed."""
        return tuple(self._suppressions)

    def restore(self, suppressions: Sequence[Suppression]) -> None:
        """Take over what was suppressed in an earlier air picture; nothing has been published in this one yet."""
        self._suppressions = list(suppressions)

    def suppressed(self, time_ns: int) -> list[dict[str, object]]:
        """What is suppressed at `time_ns`: for each `track` or `zone`, `until_ns`, `who`, `note`, `time_ns`."""
        return [each.listed() for each in self._suppressions if each.until_ns > time_ns]

    def _next(self, pair: tuple[int, str], assessment: Assessment) -> AlertStep | None:
        """The step by which an alert comes to say what it should, or None where there is nothing to say."""
        last = self._open.get(pair)
        if last is None:
            return None if assessment.cleared else self._publish(self._first(pair, assessment))
        following = replace(_filled(self._follow(last), assessment), previous_level=None)
        if following.level != last.level:
            following = replace(following, previous_level=last.level)
        if assessment.cleared:
            return self._publish(replace(following, state="cleared", level=last.level, previous_level=None))
        return self._publish(following) if is_news(last, following) else None

    def _first(self, pair: tuple[int, str], assessment: Assessment) -> AlertStep:
        track, zone = pair
        again = self._raised[pair] = self._raised.get(pair, -1) + 1
        return AlertStep(
            time_ns=self._now_ns,
            alert=alert_id(track, zone, self._now_ns, again),
            step=1,
            zone=zone,
            track=track,
            tracks=(track,),
            level=assessment.level,
            previous_level=None,
            state="raised",
            acknowledged=None,
            probability=assessment.probability,
            time_to_entry_s=assessment.time_to_entry_s,
            entry=assessment.entry,
            closest_distance_m=assessment.closest_distance_m,
            closest_time_s=assessment.closest_time_s,
            track_status=assessment.track_status,
            suppressed_until_ns=self._until(track, zone),
            position=assessment.position,
            velocity_mps=assessment.velocity_mps,
            sensors=assessment.sensors,
            reason=assessment.reason,
        )

    def _follow(self, last: AlertStep) -> AlertStep:
        """The step after `last`, saying the same now."""
        until_ns = self._until(last.track, last.zone)
        return replace(
            last,
            time_ns=self._now_ns,
            step=last.step + 1,
            state="updated",
            previous_level=None,
            suppressed_until_ns=until_ns,
        )

    def _publish(self, step: AlertStep) -> AlertStep:
        if step.state == "cleared":
            del self._open[step.track, step.zone]
        else:
            self._open[step.track, step.zone] = step
        return step

    def _until(self, track: int, zone: str) -> int | None:
        found = [each.until_ns for each in self._suppressions if each.covers(track, zone)]
        return max(found, default=None)

    def _names(self) -> str:
        return ", ".join(each.alert for each in self.open()[:20]) or "none"


def is_news(last: AlertStep, now: AlertStep) -> bool:
    """Whether an update goes out.

    A change of level always does, except that of a suppressed alert below infringing; for an acknowledged or
    suppressed alert nothing else does. Otherwise: what changed and matters, at most once a second, and anything after
    5 s.
    """
    if now.level != last.level:
        return now.suppressed_until_ns is None or now.level == "infringing"
    if now.acknowledged is not None or now.suppressed_until_ns is not None:
        return False
    elapsed_ns = now.time_ns - last.time_ns
    if elapsed_ns < SHORTEST_NS:
        return False
    if elapsed_ns >= LONGEST_NS or now.track_status != last.track_status:
        return True
    if abs(now.probability - last.probability) >= PROBABILITY_CHANGE or last.suppressed_until_ns is not None:
        return True
    if now.time_to_entry_s is None or last.time_to_entry_s is None:
        return now.time_to_entry_s != last.time_to_entry_s
    expected = max(last.time_to_entry_s[1] - elapsed_ns / SECOND_NS, 0.0)
    return abs(now.time_to_entry_s[1] - expected) >= max(TIME_CHANGE_S, TIME_CHANGE_PART * expected)


def alert_id(track: int, zone: str, time_ns: int, again: int = 0) -> str:
    """The ULID of an alert: the milliseconds of its raising, and 80 bits that only depend on what it is about.

    again: how often this pair was raised before at that very time.
    """
    digest = hashlib.blake2b(f"{zone}\0{track}\0{time_ns}\0{again}".encode(), digest_size=10).digest()
    number = (time_ns // 1_000_000 % (1 << 48)) << 80 | int.from_bytes(digest, "big")
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def _filled(step: AlertStep, assessment: Assessment) -> AlertStep:
    return replace(
        step,
        level=assessment.level,
        probability=assessment.probability,
        time_to_entry_s=assessment.time_to_entry_s,
        entry=assessment.entry,
        closest_distance_m=assessment.closest_distance_m,
        closest_time_s=assessment.closest_time_s,
        track_status=assessment.track_status,
        position=assessment.position,
        velocity_mps=assessment.velocity_mps,
        sensors=assessment.sensors,
        reason=assessment.reason,
    )
