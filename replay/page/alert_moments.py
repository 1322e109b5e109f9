"""Alerts that were missed, late or not worth it, as moments."""

from __future__ import annotations

from fusion.types import SECOND_NS
from replay.alerts.episodes import OPEN_END_NS
from replay.alerts.nuisance import JudgedEpisode
from replay.alerts.score import AlertScore
from replay.page.moment import Moment, Where
from replay.text import number

MOST_ENTRIES = 5  # missed, and late: these matter most
MOST_NUISANCES = 3


def alert_moments(score: AlertScore, where: Where) -> list[Moment]:
    """Entries without an alert, the latest alerts, the longest nuisances."""
    missed = [entry for entry in score.entries if entry.outcome == "missed"]
    late = sorted((entry for entry in score.entries if entry.outcome == "late"), key=lambda one: -(one.late_s or 0.0))
    found = []
    for entry in missed[:MOST_ENTRIES] + late[:MOST_ENTRIES]:
        after = "no alert while it was inside" if entry.late_s is None else f"alert {number(entry.late_s, 1, 's')} late"
        trackable = entry.trackable_s
        seen = "never trackable" if trackable is None else f"trackable {number(trackable, 1, 's')} before"
        found.append(
            Moment(
                f"{entry.outcome} alert",
                entry.time_ns,
                entry.object,
                f"into {entry.zone}: {after} ({seen})",
                where.object(entry.object, entry.time_ns),
                (entry.time_ns, entry.left_ns),
            )
        )
    nuisances = sorted((each for each in score.episodes if each.worth == "nuisance"), key=lambda one: -_lasted_ns(one))
    for each in nuisances[:MOST_NUISANCES]:
        who = ", ".join(each.objects) or "false track"
        xy = where.object(each.objects[0], each.raised_ns) if each.objects else None
        worst = each.levels[-1][1] if each.levels else "predicted"
        words = f"{each.zone}: nobody came near it; alert {_lasting(each)}, last {worst}"
        found.append(Moment("nuisance alert", each.raised_ns, who, words, xy))
    return found


def _lasted_ns(each: JudgedEpisode) -> int:
    return (OPEN_END_NS if each.cleared_ns is None else each.cleared_ns) - each.raised_ns


def _lasting(each: JudgedEpisode) -> str:
    return "open to the end" if each.cleared_ns is None else f"open for {number(_lasted_ns(each) / SECOND_NS, 0, 's')}"
