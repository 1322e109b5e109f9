"""Alerts and entries over time, zone by zone, as HTML: each bar is a link to its time."""

from __future__ import annotations

import html

from fusion.types import SECOND_NS
from replay.alerts.episodes import OPEN_END_NS
from replay.alerts.nuisance import JudgedEpisode
from replay.alerts.score import AlertScore
from replay.alerts.warning import Entry
from replay.page.moment import Moment, Where, seconds

MOST_ROWS = 80  # of pairs of zone and object; the tables have all
FALSE_TRACK = "(false track)"
KEY = (
    ("predicted", "predicted"),
    ("imminent", "imminent"),
    ("infringing", "infringing"),
    ("nuisance", "striped: a nuisance"),
    ("inside", "truth inside"),
    ("inside missed", "entry missed or alerted late"),
)


def timeline(score: AlertScore, span_ns: tuple[int, int], where: Where) -> str:
    """A row for each object and zone; nothing where there was neither alert nor entry. span_ns: begin and end."""
    rows = _rows(score, span_ns, where)
    if not rows:
        return '<p class="soft">No alert, no entry.</p>'
    shown = list(rows)[:MOST_ROWS]
    parts = [f'<div class="lanes" data-to="{seconds(max(span_ns[1] - span_ns[0], SECOND_NS))}">']
    zone = None
    for row in shown:
        if row[0] != zone:
            zone = row[0]
            parts.append(f'<div class="zone">{html.escape(zone)}</div>')
        name = html.escape(row[1])
        parts.append(f'<div class="who" title="{name}">{name}</div><div class="lane">{"".join(rows[row])}</div>')
    parts.append('<div class="ticks" aria-hidden="true"></div></div>')
    key = "".join(f'<span><i class="bar {kind}"></i>{words}</span>' for kind, words in KEY)
    hidden = len(rows) - len(shown)
    more = f'<p class="soft">{hidden:,} more rows in the tables.</p>' if hidden else ""
    return f'<p class="key">{key}</p>{"".join(parts)}{more}'


def _rows(score: AlertScore, span_ns: tuple[int, int], where: Where) -> dict[tuple[str, str], list[str]]:
    """(zone, object) -> bars, by zone, in order of what happened first."""
    seen: list[tuple[int, str, str, str]] = []
    for each in score.episodes:
        for name in each.objects or (FALSE_TRACK,):
            seen.append((each.raised_ns, each.zone, name, "".join(_episode(each, name, span_ns, where))))
    seen += [(one.time_ns, one.zone, one.object, _entry(one, span_ns, where)) for one in score.entries]
    place = {zone.zone: number for number, zone in enumerate(score.zones)}
    rows: dict[tuple[str, str], list[str]] = {}
    for _, zone, name, bars in sorted(seen, key=lambda one: (place[one[1]], one)):
        rows.setdefault((zone, name), []).append(bars)
    return rows


def _episode(each: JudgedEpisode, name: str, span_ns: tuple[int, int], where: Where) -> list[str]:
    """A bar for each level that an alert had, one after another."""
    end = span_ns[1] if each.cleared_ns is None or each.cleared_ns >= OPEN_END_NS else each.cleared_ns
    ends = [*(time_ns for time_ns, _ in each.levels[1:]), end]
    worth = " nuisance" if each.worth == "nuisance" else ""
    return [
        _bar(f"{level}{worth}", begin, stop, f"{level} alert{worth and ', a nuisance'}", name, span_ns[0], where)
        for (begin, level), stop in zip(each.levels, ends, strict=True)
    ]


def _entry(entry: Entry, span_ns: tuple[int, int], where: Where) -> str:
    kind = "inside" if entry.outcome == "before" else "inside missed"
    said = {"before": f"alerted {entry.warning_s:.1f} s before", "late": f"alerted {entry.late_s or 0.0:.1f} s late"}
    words = f"inside, {said.get(entry.outcome, 'no alert')}"
    return _bar(kind, entry.time_ns, min(entry.left_ns, span_ns[1]), words, entry.object, span_ns[0], where)


def _bar(kind: str, begin: int, end: int, words: str, name: str, start_ns: int, where: Where) -> str:
    """A link that lies between two times; the style sheet turns --a and --b into places."""
    a, b = (begin - start_ns) / SECOND_NS, (max(end, begin) - start_ns) / SECOND_NS
    link = Moment("", begin, name, words, where.object(name, begin)).link(start_ns)
    title = html.escape(f"{name}: {words}, {a:,.1f} to {b:,.1f} s")
    return (
        f'<a class="bar {kind}" style="--a:{a:.3f};--b:{b:.3f}" href="{link}" title="{title}" aria-label="{title}"></a>'
    )
