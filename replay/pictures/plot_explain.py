"""A picture of an explanation: probability against time, what decides, and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from fusion.types import SECOND_NS
from replay.explain import Explanation, seconds
from replay.pictures.plot_style import DPI, LEVELS, THEMES, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = (14.0, 6.4)
TICKS_AT = -0.045  # detections stand below the axis of probability 0


def draw_explanation(found: Explanation, theme: Literal["light", "dark"] = "light") -> Figure:
    """Probability, the threshold, bands of the published level, ticks of detections, entries by truth."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor=colours.background)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.055, 0.10, 0.925, 0.74))
    dress(axes, colours)
    times = np.array([seconds(moment, found) for moment in found.moments])
    told = np.array([np.nan if moment.probability is None else moment.probability for moment in found.moments])
    least = np.array([np.nan if moment.status == "ended" else moment.least for moment in found.moments])
    seen = [time for time, moment in zip(times, found.moments, strict=True) if moment.detected]
    _bands(axes, found, theme)
    axes.plot(times, least, color=colours.soft, linewidth=1.3, linestyle=(0, (4, 3)), drawstyle="steps-post")
    axes.plot(times, told, color=colours.ink, linewidth=1.8)
    axes.plot(seen, np.full(len(seen), TICKS_AT), "|", color=colours.dots, markersize=7)
    for time_ns in found.entries_ns:
        axes.axvline((time_ns - found.moments[0].time_ns) / SECOND_NS, color=colours.zone, linewidth=1.6)
    axes.set_ylim(-0.09, 1.03)
    axes.set_xlim(0.0, max(float(times[-1]), 1.0))
    axes.set_xlabel("seconds from the track's first evaluation")
    axes.set_ylabel("probability of entering within the look-ahead")
    title = f"Track {found.track} and {found.zone.name or found.zone.id}"
    figure.text(0.055, 0.945, title, color=colours.ink, fontsize=15, fontweight="bold", va="center")
    _key(axes, theme, bool(found.entries_ns))
    return figure


def _bands(axes: Axes, found: Explanation, theme: Literal["light", "dark"]) -> None:
    """The level that was published, from each step to the next."""
    first, last = found.moments[0].time_ns, found.moments[-1].time_ns
    ends = [*(step.time_ns for step in found.steps[1:]), max(last, found.steps[-1].time_ns)] if found.steps else []
    for step, end in zip(found.steps, ends, strict=True):
        if step.state != "cleared" and end > step.time_ns:
            span = ((step.time_ns - first) / SECOND_NS, (end - first) / SECOND_NS)
            axes.axvspan(*span, color=THEMES[theme].parts[LEVELS.index(step.level)], alpha=0.22, linewidth=0.0)


def _key(axes: Axes, theme: Literal["light", "dark"], entered: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    colours = THEMES[theme]
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colours.ink, linewidth=1.8, label="probability"),
        Line2D([], [], color=colours.soft, linewidth=1.3, linestyle=(0, (4, 3)), label="raises, or keeps"),
        Line2D([], [], color=colours.dots, marker="|", linestyle="none", markersize=7, label="new detection"),
    ]
    handles += [Patch(color=colours.parts[k], alpha=0.35, linewidth=0.0, label=level) for k, level in enumerate(LEVELS)]
    if entered:
        handles.append(Line2D([], [], color=colours.zone, linewidth=1.6, label="entry by truth"))
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=7, frameon=False, fontsize=9,
        labelcolor=colours.soft, handlelength=1.6, columnspacing=1.5,
    )  # fmt: skip
