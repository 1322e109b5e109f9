"""Alerts that were not worth it: nuisances, flaps, duplicates; and the encounters among which flaps are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from replay.alerts.episodes import Episode, Interval
from replay.alerts.sights import Sight
from replay.alerts.stays import first_entry, touches

Worth = Literal["entry", "near", "nuisance", "undecided", "not asked for"]


@dataclass(frozen=True, slots=True)
class JudgedEpisode:
    """worth: `entry`: an entry came within the look-ahead or before it cleared; `near`: none did, and the object came
    within the stated margin of the zone, or was in it; `undecided`: truth ends too early to say; `not asked for`: an
    object that truth marks to be ignored, or that may enter the zone; else a `nuisance`.  objects: none for an alert
    of a false track.  levels: from when on it was at which level.
    """

    alert: str
    zone: str
    objects: tuple[str, ...]
    raised_ns: int
    cleared_ns: int | None
    worth: Worth
    suppressed: bool
    levels: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Encounters:
    """Of one object with one zone. flaps: clears followed by a raise in the same encounter.

    duplicates: alerts raised while another one was open.
    """

    encounters: int
    flaps: int
    duplicates: int


def judge_episode(episode: Episode, own: Sequence[Sight], lookahead_ns: int, known_until_ns: int) -> JudgedEpisode:
    """What one alert was worth. own: what truth says of each of its objects and its zone."""
    raised_ns = episode.raised_ns
    decided_ns = (
        raised_ns + lookahead_ns if episode.cleared_ns is None else max(raised_ns + lookahead_ns, episode.end_ns)
    )
    until_ns = max(decided_ns, episode.end_ns)
    worth: Worth = "nuisance"
    if own and all(sight.unasked_at(raised_ns) for sight in own):
        worth = "not asked for"
    elif any(first_entry(sight.itself, raised_ns - 1, until_ns) is not None for sight in own):
        worth = "entry"
    elif any(touches(sight.near, raised_ns, until_ns) for sight in own):
        worth = "near"
    elif own and decided_ns > known_until_ns:
        worth = "undecided"
    suppressed = any(step.suppressed for step in episode.steps)
    return JudgedEpisode(
        episode.alert, episode.zone, episode.objects, raised_ns, episode.cleared_ns, worth, suppressed, _levels(episode)
    )


def encounters(sight: Sight, own: Sequence[Episode], name: str, lookahead_ns: int, span: Interval) -> Encounters:
    """Count within a span.

    Stays inside and open alerts that follow each other in less than one look-ahead are one encounter; a stretch
    within reach that holds none of either is one too.
    """
    alerts = [Interval(parts[0].begin_ns, parts[-1].end_ns) for e in own if (parts := e.open_for(name))]
    groups = _grouped([*alerts, *(Interval(stay.begin_ns, stay.end_ns) for stay in sight.wide)], lookahead_ns)
    empty = [stay for stay in sight.reach if not any(_meet(group, stay.begin_ns, stay.end_ns) for group in groups)]
    many = sum(_meet(part, span.begin_ns, span.end_ns) for part in groups)
    many += sum(stay.begin_ns <= span.end_ns and stay.end_ns >= span.begin_ns for stay in empty)
    flaps = duplicates = 0
    for i, alert in enumerate(alerts):
        if not span.begin_ns <= alert.begin_ns <= span.end_ns:
            continue
        others = [other for k, other in enumerate(alerts) if (other.begin_ns, k) < (alert.begin_ns, i)]
        if any(other.end_ns > alert.begin_ns for other in others):
            duplicates += 1
            continue
        group = next(group for group in groups if group.begin_ns <= alert.begin_ns <= group.end_ns)
        flaps += any(other.begin_ns >= group.begin_ns for other in others)
    return Encounters(many, flaps, duplicates)


def _levels(episode: Episode) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    for step in episode.steps:
        if not found or found[-1][1] != step.level:
            found.append((step.time_ns, step.level))
    return tuple(found)


def _grouped(parts: Sequence[Interval], apart_ns: int) -> list[Interval]:
    whole: list[Interval] = []
    for part in sorted(parts, key=lambda part: part.begin_ns):
        if whole and part.begin_ns - whole[-1].end_ns < apart_ns:
            whole[-1] = Interval(whole[-1].begin_ns, max(whole[-1].end_ns, part.end_ns))
        else:
            whole.append(part)
    return whole


def _meet(part: Interval, begin_ns: int, end_ns: int) -> bool:
    return part.begin_ns <= end_ns and part.end_ns >= begin_ns
