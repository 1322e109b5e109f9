"""A campaign's summary as one HTML page to send on: it loads nothing, and is light or dark as the reader has it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from replay.campaigns.forest import draw
from replay.campaigns.grid import Grid, sources
from replay.campaigns.report import grid_rows
from replay.campaigns.results import Entry
from replay.campaigns.summary import Difference, Figure, Summary, difference_rows, figure_rows
from replay.page.shell import cards, document, picture, table, write
from replay.pictures.plot import png
from replay.text import Rows

FILE: Final = "summary.html"
MOST_FAILURES: Final = 100
ABOUT: Final = (
    "Each mean stands with the 95 % interval of the mean (Student's t over the seeds). Differences are taken seed by "
    "seed on the same simulated detections, so that what is hard for both cancels. Of twenty differences that are "
    "none one looks certain by chance."
)


def write_page(folder: Path, grid: Grid, summary: Summary) -> Path:
    """Write `summary.html` into the folder. Raises RecordingError where it cannot be written."""
    path = folder / FILE
    write(path, page(grid, summary))
    return path


def page(grid: Grid, summary: Summary) -> str:
    """The page's text. Everything from outside is escaped: names and errors may be anything."""
    scenarios = list(dict.fromkeys(figure.scenario for figure in summary.figures))
    shown = [
        (f"{summary.ended - len(summary.failed):,}", "runs done"),
        (f"{len(summary.failed):,}", "failed"),
        *([(f"{summary.left:,}", "left")] if summary.left else []),
        (f"{len(scenarios):,}", "scenarios"),
        (f"{len(grid.plan.configurations):,}", "configurations"),
        (f"{summary.seeds:,}", "seeds"),
    ]
    parts = [f"<h1>{html.escape(summary.name)}</h1>", f'<p class="soft">{html.escape(ABOUT)}</p>', cards(shown)]
    for scenario in scenarios:
        own = [figure for figure in summary.figures if figure.scenario == scenario]
        parts += _part(scenario, own, "Runs as dots, their mean with its interval, by configuration")
        parts.append(table(figure_rows(own)))
        off = [one for one in summary.differences if one.scenario == scenario]
        if off:
            parts += _part(
                f"{scenario}: less {summary.baseline}", off, "Differences of runs as dots, mean and interval"
            )
            parts.append(table(difference_rows(off)))
    if summary.failed:
        parts += ["<h2>Failed</h2>", table(_failures(summary.failed))]
    parts += ["<h2>The plan</h2>", table([("", ""), *grid_rows(grid), ("code", sources())])]
    return document(f"Campaign {summary.name}", parts)


def _part(title: str, found: Sequence[Figure] | Sequence[Difference], words: str) -> Iterable[str]:
    parts = [f"<h2>{html.escape(title)}</h2>"]
    if len({value for one in found for value in one.values}) > 1:
        parts.append(picture(png(draw(found, "light")), png(draw(found, "dark")), words))
    return parts


def _failures(failed: Sequence[Entry]) -> Rows:
    rows: Rows = [("run", "error", "said")]
    for entry in failed[:MOST_FAILURES]:
        if entry.failure is not None:
            rows.append((entry.cell.name, entry.failure.kind, entry.failure.text))
    hidden = len(failed) - MOST_FAILURES
    return [*rows, (f"and {hidden:,} more", "", "in results.parquet")] if hidden > 0 else rows
