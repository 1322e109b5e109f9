"""What has been said: the open alerts, and how what they should say becomes published steps.

The state machine may be rolled back by late detections; what has been published may not. So the ledger compares what
is open with what should be, and publishes the difference as next steps.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fusion.airspace.airspace import Airspace
from fusion.alerting import reasons
from fusion.alerting.alert_steps import alert_id, is_news, saying
from fusion.alerting.watches import Assessment
from fusion.errors import MessageRejected
from fusion.types import SECOND_NS, AlertStep

MOST_SUPPRESSIONS: Final = 10_000  # kept at once: requests come from outside
ADOPTED_NS: Final = 60 * SECOND_NS  # for which an alert of an earlier run waits: a track is confirmed in half of it
ADOPTED_M: Final = 500.0  # a new track's place may be off by so much ...
ADOPTED_SPEED: Final = 1.5  # ... and the object may have flown so much faster than it was seen to fly


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alerts of a track or of a zone say only that they begin, infringe or end, before `until_ns`."""

    track: int | None
    zone: str | None
    until_ns: int
    who: str
    note: str
    time_ns: int

    def covers(self, tracks: Collection[int], zone: str) -> bool:
        """Whether it holds for an alert of this zone; tracks: every id that its object had."""
        return self.track in tracks or self.zone == zone

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
        self._adopted: dict[tuple[int, str], int | None] = {}  # open alerts of an earlier run, and until when they wait
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
        self._hand_over(wished)
        steps = []
        for pair, assessment in sorted(wished.items()):
            made = self._next(pair, assessment)
            steps += [] if made is None else [made]
        for pair in sorted(self._open):
            if pair not in wished and not self._waits(pair):
                reason = (reasons.not_found_again if pair in self._adopted else reasons.unsupported)(*pair)
                steps.append(self._publish(replace(self._follow(self._open[pair]), state="cleared", reason=reason)))
        return steps

    def adopt(self, steps: Sequence[AlertStep]) -> None:
        """Take over the open alerts of an earlier run, given as their last steps, before the first `reconcile`.

        Each waits `ADOPTED_NS` for a track of its object: the same id, or one that is raised for the same zone where
        the object can be by then; it goes on with its id, steps and acknowledgement. The others clear after that.
        """
        for each in steps:
            self._open[each.track, each.zone] = each
            self._adopted[each.track, each.zone] = None

    def forget(self, alerts: Collection[str]) -> None:
        """Leave out open alerts, given by their ids, that somebody else has cleared."""
        for pair in [pair for pair, step in self._open.items() if step.alert in alerts]:
            del self._open[pair]
            self._adopted.pop(pair, None)

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
        concerned = [each for _, each in sorted(self._open.items()) if added.covers(each.tracks, each.zone)]
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

    def _hand_over(self, wished: Mapping[tuple[int, str], Assessment]) -> None:
        """Give each open alert that nobody wishes to the pair that goes on with it: one of whose earlier tracks it was,
        or, after a restart, one that is where its object can be by now.
        """
        for pair, assessment in sorted(wished.items()):
            if pair in self._open:
                self._adopted.pop(pair, None)
                continue
            for other in sorted(self._open):
                if other in wished or other[1] != pair[1]:
                    continue
                last = self._open[other]
                shared = not set(last.tracks).isdisjoint(assessment.tracks)
                if shared or (other in self._adopted and self._can_be(last, assessment)):
                    self._adopted.pop(other, None)
                    self._open[pair] = self._open.pop(other)
                    break

    def _waits(self, pair: tuple[int, str]) -> bool:
        """Whether an alert of an earlier run still waits for its track; the wait begins with the first evaluation."""
        if pair not in self._adopted:
            return False
        until_ns = self._adopted[pair]
        if until_ns is None:
            until_ns = self._adopted[pair] = self._now_ns + ADOPTED_NS
        return self._now_ns < until_ns

    def _can_be(self, last: AlertStep, now: Assessment) -> bool:
        """Whether an object can have come from where `last` had it to where it is now."""
        begin, end = (
            self._airspace.plane.to_local(place.lat_deg, place.lon_deg, place.alt_m)
            for place in (last.position, now.position)
        )
        speed = max(math.hypot(*last.velocity_mps), math.hypot(*now.velocity_mps))
        gap_s = max(self._now_ns - last.time_ns, 0) / SECOND_NS
        return math.hypot(*(end - begin).tolist()) <= ADOPTED_M + ADOPTED_SPEED * speed * gap_s

    def _next(self, pair: tuple[int, str], assessment: Assessment) -> AlertStep | None:
        """The step by which an alert comes to say what it should, or None where there is nothing to say."""
        last = self._open.get(pair)
        if last is None:
            return None if assessment.cleared else self._publish(self._first(pair, assessment))
        following = replace(saying(self._follow(last), assessment), previous_level=None)
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
            tracks=assessment.tracks,
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
            suppressed_until_ns=self._until(assessment.tracks, zone),
            position=assessment.position,
            velocity_mps=assessment.velocity_mps,
            sensors=assessment.sensors,
            reason=assessment.reason,
        )

    def _follow(self, last: AlertStep) -> AlertStep:
        """The step after `last`, saying the same now."""
        until_ns = self._until(last.tracks, last.zone)
        return replace(
            last,
            time_ns=max(self._now_ns, last.time_ns),
            step=last.step + 1,
            state="updated",
            previous_level=None,
            suppressed_until_ns=until_ns,
        )

    def _publish(self, step: AlertStep) -> AlertStep:
        if step.state == "cleared":
            del self._open[step.track, step.zone]
            self._adopted.pop((step.track, step.zone), None)
        else:
            self._open[step.track, step.zone] = step
        return step

    def _until(self, tracks: Collection[int], zone: str) -> int | None:
        found = [each.until_ns for each in self._suppressions if each.covers(tracks, zone)]
        return max(found, default=None)

    def _names(self) -> str:
        return ", ".join(each.alert for each in self.open()[:20]) or "none"
