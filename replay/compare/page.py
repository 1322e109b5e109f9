"""A comparison as one HTML page: what is better where, how certain, and GOSPA of both over time."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from replay.compare.compare import Compared, Comparison
from replay.compare.report import CAUTION, figure_table, heading, problems, words
from replay.page.curves import Chart, Curve, chart_data
from replay.page.page import chart_figures
from replay.page.shell import CURVES, cards, document, remarks, table, write

FOREST_HELP = (
    "Each bar is the 95 % interval of a difference, as a share of the larger of the two values; a bar that leaves the "
    "middle line is certain, the others are not"
)


def write_comparison(out: str | Path, found: Comparison) -> None:
    """Write the page. Raises RecordingError where it cannot be written."""
    write(out, comparison_page(found))


def comparison_page(found: Comparison) -> str:
    """The page's text. What comes from outside is escaped."""
    shown, over = _charts(found), found.a.over_time
    worst = np.maximum(over.gospa_m, found.b.over_time.gospa_m)
    data, notes = chart_data(shown, over.time_ns, found.a.begin_ns, worst)
    title = "A against B"
    parts = [
        f"<header><h1>{title}</h1>",
        *(f"<p><b>{name}</b> {html.escape(path)}</p>" for name, path in zip("AB", found.names, strict=True)),
        f'<p class="soft">{html.escape(heading(found))}</p></header>',
        cards(_cards(found)),
        "<h2>Which is better</h2>",
        f'<p class="soft">{FOREST_HELP}.</p>',
        forest(found.figures),
        "<h2>Figures</h2>",
        table(figure_table(found)),
        *chart_figures(shown),
        *remarks([*(f"Note: {text}." for text in (*found.notes, *notes, CAUTION)), *problems(found)]),
    ]
    return document(title, parts, {"begin_ms": found.a.begin_ns / 1e6, **data}, (*CURVES, "page.js"))


def forest(figures: Sequence[Compared]) -> str:
    """A row for each figure that can be compared: its interval left (A is better) or right of the middle."""
    rows = [(one, bar) for one in figures if (bar := _shares(one)) is not None]
    if not rows:
        return '<p class="soft">Nothing to compare.</p>'
    reach = min(max([abs(end) for _, bar in rows for end in bar] + [0.01]) * 1.05, 1.0)
    parts = [
        '<div class="forest"><div></div><div class="sides"><span>← A is better</span><span>B is better →</span></div>'
    ]
    for one, (low, middle, high) in rows:
        sure = "sure" if one.interval is not None and one.interval.certain else ""
        ends = [50.0 + 50.0 * min(max(value / reach, -1.0), 1.0) for value in (low, middle, high)]
        cut = " cut" if max(abs(low), abs(high)) > reach else ""
        said = html.escape(f"{one.name.strip()}: {words(one)}")
        place = f"left:{ends[0]:.2f}%;width:{ends[2] - ends[0]:.2f}%"
        parts.append(
            f'<div class="who">{html.escape(one.name.strip())}</div><div class="lane" title="{said}" role="img" '
            f'aria-label="{said}"><i class="span {sure}{cut}" style="{place}"></i>'
            f'<i class="dot {sure}" style="left:{ends[1]:.2f}%"></i></div>'
        )
    scale = "".join(
        f"<span>{f'{share:+.0%}' if share else '0'}</span>" for share in (-reach, -reach / 2.0, 0.0, reach / 2.0, reach)
    )
    return "".join([*parts, f'<div></div><div class="scale" aria-hidden="true">{scale}</div></div>'])


def _shares(one: Compared) -> tuple[float, float, float] | None:
    """low, middle, high of a difference as shares of the larger value, better for B above 0; None: no interval."""
    interval = one.interval
    if interval is None or interval.low is None or interval.high is None:
        return None
    base = 1.0 if one.better == "one" else max(abs(one.a or 0.0), abs(one.b or 0.0))
    if base == 0.0:
        return (0.0, 0.0, 0.0)
    found = [value / base for value in (interval.low, interval.difference, interval.high)]
    low, middle, high = found if one.better == "more" else [-value for value in reversed(found)]
    return low, middle, high


def _charts(found: Comparison) -> list[Chart]:
    a, b = found.a.over_time, found.b.over_time
    squares = np.cumsum(b.gospa_m**2 - a.gospa_m**2)
    total = np.sign(squares) * np.sqrt(np.abs(squares) / len(squares))
    return [
        Chart(
            "GOSPA of both",
            "at each common instant",
            [Curve("A", a.gospa_m, "one", fill=True), Curve("B", b.gospa_m, "two")],
            unit="m",
        ),
        Chart(
            "Where the difference comes from",
            "the root, with its sign, of Σ (GOSPA² of B − of A) so far over all instants: where it falls, B is better",
            [Curve("B − A", total, "five", fill=True)],
            unit="m",
        ),
        Chart(
            "Missed and false",
            "objects without a track, tracks without an object",
            [
                Curve("A missed", a.missed, "one", step=True),
                Curve("B missed", b.missed, "two", step=True),
                Curve("A false", a.false, "four", step=True, dash=True),
                Curve("B false", b.false, "three", step=True, dash=True),
            ],
        ),
    ]


def _cards(found: Comparison) -> list[tuple[str, str]]:
    shown = []
    for one in found.figures:
        if one.name in ("GOSPA", "position error", "completeness", "entries alerted before") and one.winner is not None:
            certain = one.interval is not None and one.interval.certain
            shown.append((f"{one.winner} better" if certain else "open", f"{one.name}: {words(one)}"))
    return shown
