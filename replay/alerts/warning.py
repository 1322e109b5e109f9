"""Entries and how long before them the alert stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fusion.types import SECOND_NS
from replay.alerts.episodes import INFRINGING, Episode, cover
from replay.alerts.stays import Stay

Outcome = Literal["before", "late", "missed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An object crossed into a zone itself, without its margins, at `time_ns`, and was in it until `left_ns`.

    outcome: an alert was open before it, was raised while the object stayed inside, or neither.  alert: the first of
    those that were open at the entry, or came late.  warning_s: the unbroken cover before it, 0 when late or missed.
    late_s: from the entry to the alert, where it was late.  trackable_s: how long before the entry the object was
    trackable (negative: after it); None: never.
    """

    zone: str
    object: str
    time_ns: int
    left_ns: int
    outcome: Outcome
    alert: str | None
    warning_s: float
    late_s: float | None
    trackable_s: float | None


@dataclass(frozen=True, slots=True)
class Infringement:
    """An object crossed into a zone widened by its margins, and so long later an alert said `infringing`.

    delay_s: 0 where one said so already; None: none did while the object was inside.
    """

    zone: str
    object: str
    time_ns: int
    delay_s: float | None


def judge_entry(
    stay: Stay, zone: str, name: str, own: Sequence[Episode], bridge_ns: int, trackable_ns: int | None
) -> Entry:
    """One entry. own: all alerts of the zone that were ever the object's, in the order in which they were raised."""
    time_ns = stay.begin_ns
    trackable_s = None if trackable_ns is None else (time_ns - trackable_ns) / SECOND_NS
    for part in cover(own, name, bridge_ns):
        if part.begin_ns < time_ns < part.end_ns:
            alert = _open_in(own, name, part.begin_ns, time_ns + bridge_ns)
            warning_s = (time_ns - part.begin_ns) / SECOND_NS
            return Entry(zone, name, time_ns, stay.end_ns, "before", alert, warning_s, None, trackable_s)
        if time_ns <= part.begin_ns <= stay.end_ns:
            alert = _open_in(own, name, part.begin_ns, part.begin_ns)
            late_s = (part.begin_ns - time_ns) / SECOND_NS
            return Entry(zone, name, time_ns, stay.end_ns, "late", alert, 0.0, late_s, trackable_s)
    return Entry(zone, name, time_ns, stay.end_ns, "missed", None, 0.0, None, trackable_s)


def judge_infringement(stay: Stay, zone: str, name: str, own: Sequence[Episode]) -> Infringement:
    """One crossing into the widened volume. own: as of `judge_entry`."""
    said = cover(own, name, 0, INFRINGING)
    begin_ns = next((part.begin_ns for part in said if part.end_ns > stay.begin_ns), None)
    if begin_ns is None or begin_ns > stay.end_ns:
        return Infringement(zone, name, stay.begin_ns, None)
    return Infringement(zone, name, stay.begin_ns, max(begin_ns - stay.begin_ns, 0) / SECOND_NS)


def _open_in(own: Sequence[Episode], name: str, begin_ns: int, end_ns: int) -> str | None:
    """The first alert that was open for the object at any time of a span."""
    for episode in own:
        if any(part.begin_ns <= end_ns and part.end_ns > begin_ns for part in episode.open_for(name)):
            return episode.alert
    return None
