"""Charts of a campaign: a panel for each metric, a line for each configuration, its runs, its mean and the interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from replay.campaigns.summary import Difference, Figure, Metric
from replay.pictures.plot_style import DPI, LIGHT, THEMES, Theme, dress, track_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

ACROSS: Final = 3  # panels beside each other
WIDTH_INCHES: Final = 12.0
LINE_INCHES: Final = 0.36
TITLE_INCHES, SCALE_INCHES = 0.34, 0.36  # above and below the lines of a panel
BESIDE_INCHES, EDGE_INCHES, NAMES_INCHES = 0.35, 0.15, 0.12  # between panels, right of the last, right of the names
MOST_DOTS: Final = 200  # of one line: more are one blot
JITTER: Final = 0.22  # of a line's height, so that equal runs lie beside each other
VERDICTS: Final = {"better": "#009988", "worse": "#d1242f", "different": "#cc7711"}
DARK_VERDICTS: Final = {"better": "#2cc4b0", "worse": "#ff6b6b", "different": "#f0a93b"}


def draw(found: Sequence[Figure] | Sequence[Difference], theme: Literal["light", "dark"] = "light") -> Canvas:
    """One scenario's figures, or its differences with a line at 0, as a matplotlib figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    look = THEMES[theme]
    names = list(dict.fromkeys(one.configuration for one in found))
    metrics = [metric for metric in dict.fromkeys(one.metric for one in found) if _shown(found, metric)]
    down = max(1, math.ceil(len(metrics) / ACROSS))
    height = down * (TITLE_INCHES + LINE_INCHES * len(names) + SCALE_INCHES)
    canvas = MatplotlibFigure(figsize=(WIDTH_INCHES, height), dpi=DPI, facecolor=look.background)
    FigureCanvasAgg(canvas)
    panels = canvas.subplots(down, ACROSS, squeeze=False).ravel().tolist()
    for place, axes in enumerate(panels):
        if place >= len(metrics):
            axes.set_axis_off()
            continue
        own = {one.configuration: one for one in found if one.metric == metrics[place]}
        _panel(axes, [own[name] for name in names], names if place % ACROSS == 0 else [], look)
    _place(canvas, panels[0], len(names))
    return canvas


def _place(canvas: Canvas, first: Axes, lines: int) -> None:
    """Panels of one size, as far right as the names need: matplotlib's own layout takes as long as the drawing."""
    width, height = canvas.get_size_inches().tolist()
    left = max([label.get_window_extent().width for label in first.get_yticklabels()], default=0.0) / DPI + NAMES_INCHES
    panel = (width - EDGE_INCHES - left - (ACROSS - 1) * BESIDE_INCHES) / ACROSS
    canvas.subplots_adjust(
        left=left / width, right=1.0 - EDGE_INCHES / width, wspace=BESIDE_INCHES / panel,
        bottom=SCALE_INCHES / height, top=1.0 - TITLE_INCHES / height,
        hspace=(TITLE_INCHES + SCALE_INCHES) / (LINE_INCHES * lines),
    )  # fmt: skip


def _shown(found: Sequence[Figure] | Sequence[Difference], metric: Metric) -> bool:
    """Whether a metric's panel has something to see: what is the same in all runs is in the table."""
    return len({value for one in found if one.metric == metric for value in one.values}) > 1


def _panel(axes: Axes, lines: Sequence[Figure | Difference], names: Sequence[str], theme: Theme) -> None:
    dress(axes, theme)
    axes.grid(False, axis="y")
    metric = lines[0].metric
    unit = f", {metric.unit}" if metric.unit else ""
    axes.set_title(f"{metric.name}{unit}", color=theme.ink, fontsize=10, loc="left")
    if isinstance(lines[0], Difference):
        axes.axvline(0.0, color=theme.soft, linewidth=1.0)
    for place, one in enumerate(lines):
        colour = _colour(one, place, theme)
        dots = np.array(one.values)[:: max(1, math.ceil(len(one.values) / MOST_DOTS))]
        shift = JITTER * np.linspace(-1.0, 1.0, len(dots)) if len(dots) > 1 else np.zeros(len(dots))
        axes.scatter(dots, place + shift, s=16, color=colour, alpha=0.5, linewidths=0)
        value = one.value
        if value.mean is None:
            axes.text(
                0.5, place, "none", transform=axes.get_yaxis_transform(), color=theme.soft, fontsize=8, va="center"
            )
            continue
        if value.low is not None and value.high is not None:
            axes.plot([value.low, value.high], [place, place], color=colour, linewidth=2.2, solid_capstyle="round")
        axes.scatter([value.mean], [place], s=42, color=colour, edgecolors=theme.background, linewidths=1.0, zorder=3)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), names or [""] * len(lines))
    axes.tick_params(axis="y", colors=theme.ink)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)


def _colour(one: Figure | Difference, place: int, theme: Theme) -> str:
    if isinstance(one, Figure):
        return track_colour(place)
    verdicts = VERDICTS if theme is LIGHT else DARK_VERDICTS
    return verdicts.get(one.verdict, theme.soft)
