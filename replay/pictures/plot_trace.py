"""A picture of a trace: the map, and below it height, speed and each sensor's detections against time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from fusion.types import SECOND_NS, Floats
from replay.pictures.plot_style import DPI, THEMES, Theme, dress
from replay.pictures.plot_trace_map import BAND, ORIGIN, STEPS_S, TICKS, draw_map
from replay.text import utc
from replay.tracing.history import HIT_SHARE
from replay.tracing.origin import APPEARED, TRACK
from replay.tracing.trace import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES: Final = (14.0, 11.2)
MAP: Final = (0.085, 0.345, 0.895, 0.575)  # of the page
HEIGHT: Final = (0.085, 0.215, 0.895, 0.085)
SPEED: Final = (0.085, 0.125, 0.895, 0.075)
SENSORS: Final = (0.085, 0.045, 0.895, 0.065)


def draw_trace(found: Trace, theme: Literal["light", "dark"] = "light") -> Figure:
    """The whole picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor=colours.background)
    FigureCanvasAgg(figure)
    draw_map(figure.add_axes(MAP), found, colours, MAP[2] * SIZE_INCHES[0] / (MAP[3] * SIZE_INCHES[1]))
    height, speed, sensors = (figure.add_axes(place) for place in (HEIGHT, SPEED, SENSORS))
    _heights(height, found, colours)
    _speeds(speed, found, colours)
    _sensors(sensors, found, colours)
    title = f"Track {found.track}: {utc(int(found.times_ns[0]))} to {utc(int(found.times_ns[-1]))}"
    figure.text(0.085, 0.965, title, color=colours.ink, fontsize=15, fontweight="bold", va="center")
    _key(figure, found, colours)
    return figure


def _clock(axes: Axes, found: Trace, labelled: bool) -> Floats:
    """The axis of time, seconds from the first detection; round times of the day as labels."""
    seconds = (found.times_ns - found.times_ns[0]) / SECOND_NS
    last = max(float(seconds[-1]), 1.0)
    step_s = next((step for step in STEPS_S if last / step <= 2 * TICKS), STEPS_S[-1])
    first = -(-int(found.times_ns[0]) // (step_s * SECOND_NS)) * step_s
    origin_s = int(found.times_ns[0]) / SECOND_NS
    marks = [t for t in range(first, first + math.ceil(last) + 1, step_s) if t - origin_s <= last]
    axes.set_xlim(-0.01 * last, 1.01 * last)
    axes.set_xticks([t - origin_s for t in marks])
    axes.set_xticklabels([utc(t * SECOND_NS)[11:19] for t in marks] if labelled else [])
    return np.asarray(seconds)


def _stays(axes: Axes, found: Trace, theme: Theme) -> None:
    """When it was inside a zone itself."""
    for visit in found.visits:
        if not visit.widened:
            ends = [
                found.times_ns[place] if crossing is None else crossing.time_ns[1]
                for place, crossing in ((0, visit.entry), (-1, visit.exit))
            ]
            span = [(int(end) - int(found.times_ns[0])) / SECOND_NS for end in ends]
            axes.axvspan(span[0], span[1], color=theme.zone, alpha=0.12 * visit.probability, linewidth=0.0)


def _heights(axes: Axes, found: Trace, theme: Theme) -> None:
    seconds = _clock(axes, found, labelled=False)
    dress(axes, theme)
    _stays(axes, found, theme)
    sigma = np.sqrt(np.maximum(found.smoothed.covariance[:, 2, 2], 0.0))
    _curve(axes, seconds, found.filtered.alt_m, found.smoothed.alt_m, sigma, theme)
    axes.set_ylabel("height, m")


def _speeds(axes: Axes, found: Trace, theme: Theme) -> None:
    seconds = _clock(axes, found, labelled=False)
    dress(axes, theme)
    _stays(axes, found, theme)
    thin, thick = (np.hypot(way.velocity_mps[:, 0], way.velocity_mps[:, 1]) for way in (found.filtered, found.smoothed))
    way = found.smoothed
    along = way.velocity_mps[:, :2] / np.maximum(thick, 1e-3)[:, None]
    variance = (along[:, :, None] * along[:, None, :] * way.covariance[:, 3:5, 3:5]).sum(axis=(1, 2))
    _curve(axes, seconds, thin, thick, np.sqrt(np.maximum(variance, 0.0)), theme)
    axes.set_ylabel("speed, m/s")


def _curve(axes: Axes, seconds: Floats, thin: Floats, thick: Floats, sigma: Floats, theme: Theme) -> None:
    colour = theme.parts[0]
    axes.fill_between(seconds, thick - BAND * sigma, thick + BAND * sigma, color=colour, alpha=0.22, linewidth=0.0)
    axes.plot(seconds, thin, color=theme.soft, linewidth=0.8, alpha=0.8)
    axes.plot(seconds, thick, color=colour, linewidth=1.8)
    every = np.concatenate([thick - BAND * sigma, thick + BAND * sigma])
    low, high = np.quantile(every, (0.02, 0.98))
    low, high = min(low, float(thick.min())), max(high, float(thick.max()))
    room = max(0.12 * (high - low), 1.0)
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_locator(_few_ticks())


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4, integer=True)


def _sensors(axes: Axes, found: Trace, theme: Theme) -> None:
    """A row a sensor: a tick a detection, a fainter one below for each look that missed."""
    _clock(axes, found, labelled=True)
    dress(axes, theme)
    axes.grid(False, axis="y")
    names = [one.sensor for one in found.sensors]
    for row, name in enumerate(names):
        own = [sight for sight in found.sights if sight.sensor == name]
        times = np.array([(sight.time_ns - int(found.times_ns[0])) / SECOND_NS for sight in own])
        hit = np.array([sight.hit > HIT_SHARE for sight in own], bool)
        axes.vlines(times[hit], row - 0.38, row + 0.38, color=theme.parts[0], linewidth=0.8)
        axes.vlines(times[~hit], row - 0.12, row + 0.12, color=theme.zone, linewidth=0.8)
    axes.set_yticks(range(len(names)))
    axes.set_yticklabels(names)
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)


def _key(figure: Figure, found: Trace, theme: Theme) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = [
        Line2D([], [], color=theme.parts[0], linewidth=2.6, label="smoothed"),
        Patch(color=theme.parts[0], alpha=0.25, linewidth=0.0, label=f"± {BAND:g} sigma"),
        Line2D([], [], color=theme.soft, linewidth=0.8, label="as tracked at the time"),
        Line2D([], [], color=theme.dots, marker="o", linestyle="none", markersize=3, label="detection"),
        Line2D([], [], color=theme.zone, marker="|", linestyle="none", markersize=6, label="look that missed"),
    ]
    if any(region.polygons for region in found.origin.regions):
        words = {TRACK: "its motion, backward", APPEARED: "had it flown in"}.get(
            found.origin.verdict, "where it was before"
        )
        handles.append(Patch(facecolor=ORIGIN, alpha=0.3, linewidth=0.0, label=f"{words}: 50 %, 90 %"))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.077, 0.952), ncols=6, frameon=False, fontsize=9,
        labelcolor=theme.soft, handlelength=1.6, columnspacing=1.5,
    )  # fmt: skip
