"""A score as one HTML page to send on: it loads nothing, and is light or dark as the reader has it."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from fusion.errors import RecordingError
from replay.alerts.report import alert_tables
from replay.pictures.plot import draw, png
from replay.pictures.plot_alerts import draw_alerts
from replay.pictures.scene import compose
from replay.scoring.report import figures, heading, object_table
from replay.scoring.results import Score
from replay.scoring.run import Run
from replay.text import Rows, number, numeric, percent

STYLE = """
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --soft: #5d6570; --line: #e1e4e8; --card: #f7f8f9 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12151a; --ink: #e8ebef; --soft: #98a1ad; --line: #2a3038; --card: #191d24 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 76rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { margin: 2.6rem 0 .8rem; font-size: 1.15rem }
p { margin: .5rem 0; max-width: 52rem } .soft { color: var(--soft) }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem;
  margin: 1.6rem 0 }
.card { padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card) }
.card b { display: block; font-size: 1.5rem; line-height: 1.3; font-variant-numeric: tabular-nums }
.card span { color: var(--soft); font-size: .85rem }
img { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: .5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; min-width: 40% }
th, td { padding: .38rem 1.1rem .38rem 0; text-align: left; border-bottom: 1px solid var(--line);
  white-space: pre-wrap; vertical-align: baseline }
th { color: var(--soft); font-weight: 600 } .n { text-align: right; white-space: nowrap }
li { margin: .3rem 0 }
@media print { body { max-width: none; padding: 0 } }
"""


def write_page(out: str | Path, run: Run, score: Score, title: str = "Score") -> None:
    """Write the page of a scored run. Raises RecordingError where it cannot be written."""
    content = page(run, score, title)
    try:
        Path(out).write_text(content, encoding="utf-8")
    except OSError as error:
        raise RecordingError(str(out), f"cannot be written: {error.strerror or error}") from error


def page(run: Run, score: Score, title: str = "Score") -> str:
    """The page's text. Everything from the recording is escaped: names may be anything."""
    scene = compose(run.truth, run.pictures, zones=run.all_zones, max_gap_s=score.options.max_gap_s)
    light, dark = (png(draw(scene, score, "Truth and tracks", theme)) for theme in ("light", "dark"))
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="soft">{html.escape(heading(score))}</p>',
        _cards(score),
        _picture(light, dark, "Map of truth and tracks; heights, GOSPA and number of tracks over time"),
        "<h2>Figures</h2>",
        _table([("", "", ""), *figures(score)]),
        "<h2>Objects, the worst tracked first</h2>",
        _table(object_table(score)),
    ]
    parts += _alerts(score)
    remarks = [f"Note: {note}." for note in score.notes] + [f"Passed over: {text}" for text in score.problems]
    if remarks:
        parts += ["<h2>Remarks</h2>", "<ul>", *(f"<li>{html.escape(text)}</li>" for text in remarks), "</ul>"]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _alerts(score: Score) -> list[str]:
    """The part about alerts; nothing where the run held no zones."""
    if score.alerts is None:
        return []
    span = score.begin_ns, score.end_ns
    light, dark = (png(draw_alerts(score.alerts, *span, theme)) for theme in ("light", "dark"))
    first, *tables = alert_tables(score.alerts)
    parts = [f"<h2>{first[0]}</h2>", _picture(light, dark, "Alerts and entries over time by zone; reliability")]
    parts.append(_table(first[1]))
    for head, table in tables:
        parts += [f"<h2>{head}</h2>", _table(table)]
    return parts


def _picture(light: bytes, dark: bytes, words: str) -> str:
    """The same picture for light and for dark pages; its size is in the PNG's own header."""
    width, height = (int.from_bytes(light[place : place + 4], "big") for place in (16, 20))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{_data_uri(dark)}">'
        f'<img src="{_data_uri(light)}" width="{width}" height="{height}" alt="{html.escape(words)}"></picture>'
    )


def _cards(score: Score) -> str:
    totals, errors = score.totals, score.errors
    shown = [
        (number(totals.gospa_m, 1, "m"), "GOSPA"),
        (number(errors.position_rmse_m, 1, "m"), "position error"),
        (number(errors.velocity_rmse_mps, 1, "m/s"), "velocity error"),
        (percent(score.completeness), "of the time tracked"),
        (f"{score.switches:,}", "identity switches"),
        (number(score.false_time_s, 0, "s"), "of false tracks"),
    ]
    if score.alerts is not None and score.alerts.warnings.entries:
        warned = score.alerts.warnings
        shown.append((f"{warned.before:,} of {warned.entries:,}", "entries alerted before"))
    cards = (f'<div class="card"><b>{value}</b><span>{name}</span></div>' for value, name in shown)
    return f'<div class="cards">{"".join(cards)}</div>'


def _table(rows: Rows) -> str:
    """The first row is the head, left out where it is empty."""
    if not rows:
        return '<p class="soft">None.</p>'
    right = [place > 0 and numeric(rows, place) for place in range(len(rows[0]))]
    lines = [_row(row, right, "td") for row in rows[1:]]
    if any(rows[0]):
        lines.insert(0, _row(rows[0], right, "th"))
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _row(row: tuple[str, ...], right: list[bool], tag: str) -> str:
    cells = (
        f"<{tag}{' class=n' if number_cell else ''}>{html.escape(cell)}</{tag}>"
        for cell, number_cell in zip(row, right, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
