"""A score as one HTML page: map, curves, alerts and the worst moments, tied together by a cursor in time."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fusion.types import SECOND_NS
from replay.alerts.report import alert_tables
from replay.page.curves import Chart, chart_data, charts, height_chart
from replay.page.map_data import map_data
from replay.page.moment import Moment, Where, seconds
from replay.page.moments import worst_moments
from replay.page.shell import CURVES, MAP, cards, document, picture, remarks, table, write
from replay.page.timeline import timeline
from replay.pictures.plot import png
from replay.pictures.plot_reliability import draw_reliability
from replay.pictures.scene import compose
from replay.scoring.compared import Compared, compare
from replay.scoring.figures import groups, totals
from replay.scoring.report import heading, object_table
from replay.scoring.results import Score
from replay.scoring.run import Run
from replay.scoring.truths import collect
from replay.text import number, percent, utc

NO_HEAD = ("", "", "")
NO_SCRIPT = "Map and curves need JavaScript, which this browser has turned off; the tables below do not."
MAP_HELP = (
    "drag to move, wheel or pinch to zoom, arrow keys and + − too; point at a track for its error, click for its time"
)
CURVE_HELP = "drag across a curve to zoom in time, double-click for all of it; click to set the time cursor"


def write_page(out: str | Path, run: Run, score: Score, title: str = "Score", compared: Compared | None = None) -> None:
    """Write the page of a scored run, as `page`. Raises RecordingError where it cannot be written."""
    write(out, page(run, score, title, compared))


def page(run: Run, score: Score, title: str = "Score", compared: Compared | None = None) -> str:
    """The page's text. What comes from recordings is escaped: names may be anything.

    compared: what the score was made from; None: made again.
    """
    found = compared or compare(run.pictures, collect(run.truth), score.options)
    scene = compose(run.truth, run.pictures, run.frames, run.site, run.all_zones, score.options.max_gap_s)
    begin, where = score.begin_ns, Where(scene.plane, {one.id: one for one in found.objects}, score.options.max_gap_s)
    drawn, map_notes = map_data(run, scene, found, begin)
    shown = [*charts(score, found), *height_chart(scene)]
    curves, curve_notes = chart_data(shown, score.over_time.time_ns, begin, score.over_time.gospa_m)
    moments = worst_moments(score, found, where)
    parts = [
        f"<header><h1>{html.escape(title)}</h1>",
        f'<p class="soft">{html.escape(heading(score))}</p></header>',
        cards(_cards(score)),
        f"<noscript><p>{NO_SCRIPT}</p></noscript>",
        _clock(score),
        '<div class="wide"><section id="map-part"><h2>Map</h2><div id="map" tabindex="0" role="application"',
        f' aria-label="Map of truth and tracks: {MAP_HELP}"></div>',
        f'<p class="soft">{_map_words(drawn)}; {MAP_HELP}.</p></section>',
        f"<section><h2>Worst moments</h2>{_moment_table(moments, begin)}</section></div>",
        *chart_figures(shown),
    ]
    parts += _alerts(score, where)
    parts += ['<div class="tables">', f"<section><h2>Figures</h2>{table([NO_HEAD, *totals(score)])}</section>"]
    for head, rows in groups(score):
        plain = len(rows[0]) == len(NO_HEAD)  # figures: name, value, words; tables of more columns have a head
        parts.append(f"<section><h2>{html.escape(head)}</h2>{table([NO_HEAD, *rows] if plain else rows)}</section>")
    parts.append("</div>")
    parts += ["<h2>Objects, the worst tracked first</h2>", table(object_table(score))]
    notes = [f"Note: {note}." for note in (*score.notes, *map_notes, *curve_notes)]
    parts += remarks([*notes, *(f"Passed over: {text}" for text in score.problems)])
    data = {"begin_ms": begin / 1e6, "map": drawn, **curves}
    return document(title, parts, data, (*CURVES, *MAP, "page.js"))


def chart_figures(shown: Sequence[Chart]) -> list[str]:
    """The places of the charts, in the order of the data, with their titles and notes."""
    found = [
        '<section class="charts"><h2>Over time</h2>',
        f'<p class="soft">{CURVE_HELP[0].upper()}{CURVE_HELP[1:]}.</p>',
    ]
    for place, chart in enumerate(shown):
        title, note = html.escape(chart.title), html.escape(chart.note)
        found.append(
            f'<figure data-chart="{place}"><figcaption><b>{title}</b> <span>{note}</span></figcaption>'
            f'<div class="plot" role="img" aria-label="{title} over time"></div></figure>'
        )
    return [*found, "</section>"]


def _clock(score: Score) -> str:
    """The time cursor: a slider that stays in sight."""
    last = seconds(score.end_ns - score.begin_ns)
    return (
        '<div id="clock"><label for="time">Time</label>'
        f'<input id="time" type="range" min="0" max="{last}" step="{score.period_s:g}" value="0">'
        '<output for="time">no time chosen</output><button id="clear" type="button" disabled>whole run</button></div>'
    )


def _map_words(drawn: dict[str, Any]) -> str:
    lat, lon = drawn["middle"]
    middle = f"{abs(lat):.4f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.4f}° {'E' if lon >= 0 else 'W'}"
    return (
        f"North is up; the middle lies at {middle}. Truth in black or white, tracks in colours, thin where they coast"
    )


def _moment_table(moments: Sequence[Moment], begin_ns: int) -> str:
    if not moments:
        return '<p class="soft">Nothing went wrong.</p>'
    rows = []
    for one in moments:
        at = f"{(one.time_ns - begin_ns) / SECOND_NS:,.1f} s"
        time = f'<a href="{one.link(begin_ns)}" title="{utc(one.time_ns)}">{at}</a>'
        who = f"<b>{html.escape(one.who)}</b> " if one.who else ""
        rows.append(
            f"<tr><td class=n>{time}</td><td>{html.escape(one.kind)}</td><td>{who}{html.escape(one.words)}</td></tr>"
        )
    head = "<tr><th class=n>at</th><th>what</th><th>what happened</th></tr>"
    return f'<div class="scroll moments"><table>{head}{"".join(rows)}</table></div>'


def _alerts(score: Score, where: Where) -> list[str]:
    """The part about alerts; nothing where the run held no zones."""
    if score.alerts is None:
        return []
    first, *tables = alert_tables(score.alerts)
    lanes = timeline(score.alerts, (score.begin_ns, score.end_ns), where)
    parts = [f"<section><h2>{first[0]}</h2>", lanes, "</section>", '<div class="wide">']
    parts.append(f"<section>{table(first[1])}</section>")
    if score.alerts.calibration.forecasts:
        light, dark = (png(draw_reliability(score.alerts.calibration, theme=theme)) for theme in ("light", "dark"))
        parts.append(f"<section class=reliability>{picture(light, dark, 'Reliability of the probabilities')}</section>")
    parts.append("</div>")
    for head, rows in tables:
        parts += [f"<h2>{head}</h2>", table(rows)]
    return parts


def _cards(score: Score) -> list[tuple[str, str]]:
    totals, errors, trust = score.totals, score.errors, score.consistency
    shown = [
        (number(totals.gospa_m, 1, "m"), "GOSPA"),
        (number(errors.position_rmse_m, 1, "m"), "position error"),
        (number(errors.velocity_rmse_mps, 1, "m/s"), "velocity error"),
        (percent(score.completeness), "of the time tracked"),
        (f"{score.switches:,}", "identity switches"),
        (number(score.false_time_s, 0, "s"), "of false tracks"),
        (number(trust.nees_per_dof, 2), "NEES per dimension, 1 is honest"),
    ]
    if score.alerts is not None and score.alerts.warnings.entries:
        warned, bad = score.alerts.warnings, score.alerts.nuisances
        shown.append((f"{warned.before:,} of {warned.entries:,}", "entries alerted before"))
        shown.append((f"{bad.nuisance:,} of {bad.episodes:,}", "alerts were nuisances"))
    return shown
