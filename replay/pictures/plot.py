"""A picture of a run: the map, and over time the heights and the score. Drawn without any global state."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Literal

import numpy as np

from fusion.config import SiteConfig, ZoneConfig
from fusion.errors import RecordingError
from fusion.types import SECOND_NS, Frame, Picture, Truth
from replay.pictures.plot_map import draw_map
from replay.pictures.plot_style import DPI, SIZE_INCHES, THEMES, Theme, dress, track_colour
from replay.pictures.scene import Scene, compose
from replay.scoring.results import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

HEIGHTS_FROM_M = 30.0  # heights that differ by less are not worth a panel
MOST_LISTED = 6  # tracks named beside the map


def plot_run(
    out: str | FilePath,
    truth: Iterable[Truth] = (),
    pictures: Sequence[Picture] = (),
    frames: Iterable[Frame] = (),
    site: SiteConfig | None = None,
    zones: Sequence[ZoneConfig] = (),
    score: Score | None = None,
    title: str = "",
    theme: Literal["light", "dark"] = "light",
) -> None:
    """Write a PNG of 1400 × 1000 px. Anything may be left out; frames need the `site` of their sensors.

    zones: as recorded; without them those of `site` are drawn. Raises RecordingError where it cannot write.
    """
    scene = compose(truth, pictures, frames, site, zones or (site.zones if site is not None else ()))
    write_png(out, draw(scene, score, title, theme))


def write_png(out: str | FilePath, figure: Figure) -> None:
    """Write a figure to a file. Raises RecordingError where it cannot be written."""
    content = png(figure)
    try:
        FilePath(out).write_bytes(content)
    except OSError as error:
        raise RecordingError(str(out), f"cannot be written: {error.strerror or error}") from error


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": "skypicket"})
    return buffer.getvalue()


def draw(
    scene: Scene, score: Score | None = None, title: str = "", theme: Literal["light", "dark"] = "light"
) -> Figure:
    """The whole page as a matplotlib figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor=colours.background)
    FigureCanvasAgg(figure)
    panels = _panels(scene, score)
    left, bottom, width, height = 0.062, 0.065, 0.605 if panels else 0.70, 0.825
    axes = figure.add_axes((left, bottom, width, height))
    draw_map(axes, scene, colours, width * SIZE_INCHES[0] / (height * SIZE_INCHES[1]))
    column = left + width + 0.022
    figure.text(left, 0.95, title or "Run", color=colours.ink, fontsize=17, fontweight="bold", va="center")
    figure.text(left, 0.916, _subtitle(scene, score), color=colours.soft, fontsize=11, va="center")
    top = _legend(figure, scene, colours, column, bottom + height)
    _fill(figure, panels, scene, score, colours, (column + 0.042, bottom, 0.985 - column - 0.042, top - bottom))
    return figure


def _panels(scene: Scene, score: Score | None) -> list[str]:
    heights = [path.height_m for path in scene.objects if not path.faint.all()]
    heights += [path.height_m for path in scene.tracks]
    span = np.ptp(np.concatenate(heights)) if heights else 0.0
    wanted = ["heights"] if span >= HEIGHTS_FROM_M else []
    return wanted + (["gospa", "counts"] if score is not None else [])


def _fill(
    figure: Figure,
    panels: list[str],
    scene: Scene,
    score: Score | None,
    theme: Theme,
    box: tuple[float, float, float, float],
) -> None:
    """Stack the panels over one time axis in what room there is."""
    left, bottom, width, height = box
    drawers = {"heights": _draw_heights, "gospa": _draw_gospa, "counts": _draw_counts}
    gap = 0.055
    each = min((height - 0.03 - gap * (len(panels) - 1)) / max(len(panels), 1), 0.25)
    for place, name in enumerate(panels):
        low = bottom + (len(panels) - 1 - place) * (each + gap)
        axes = figure.add_axes((left, low, width, each))
        dress(axes, theme)
        drawers[name](axes, scene, score, theme)
        axes.set_xlim(0.0, max((scene.end_ns - scene.start_ns) / SECOND_NS, 1.0))
        if place == len(panels) - 1:
            axes.set_xlabel("seconds from the start")
        else:
            axes.tick_params(labelbottom=False)


def _draw_heights(axes: Axes, scene: Scene, score: Score | None, theme: Theme) -> None:
    thin, thick = (0.2, 0.5) if scene.crowded else (0.9, 1.8)
    for number, path in enumerate(scene.tracks):
        times = (path.times_ns - scene.start_ns) / SECOND_NS
        broken = np.where(np.append(False, np.diff(path.times_ns) > path.gap_ns), np.nan, path.height_m)
        axes.plot(times, broken, color=track_colour(number), linewidth=thick, alpha=0.85)
    for path in scene.objects:
        if not path.faint.all():
            times = (path.times_ns - scene.start_ns) / SECOND_NS
            axes.plot(times, path.height_m, color=theme.truth, linewidth=thin)
    _headline(axes, theme, "Height above the ellipsoid, m")


def _draw_gospa(axes: Axes, scene: Scene, score: Score | None, theme: Theme) -> None:
    assert score is not None
    over = score.over_time
    times = (over.time_ns - scene.start_ns) / SECOND_NS
    axes.fill_between(times, over.gospa_m, color=theme.soft, alpha=0.18, linewidth=0.0)
    axes.plot(times, over.gospa_m, color=theme.ink, linewidth=1.3, label="GOSPA")
    parts = (over.localisation_m, over.missed_m, over.false_m)
    for values, name, colour in zip(parts, ("localisation", "missed", "false"), theme.parts, strict=True):
        axes.plot(times, values, color=colour, linewidth=1.2, alpha=0.9, label=name)
    axes.set_ylim(0.0, max(float(over.gospa_m.max()) * 1.28, 1e-3))
    _key(axes, theme)
    _headline(axes, theme, f"GOSPA, m  (c = {score.options.c_m:g} m, {_plane_word(score)})")


def _draw_counts(axes: Axes, scene: Scene, score: Score | None, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    assert score is not None
    over = score.over_time
    times = (over.time_ns - scene.start_ns) / SECOND_NS
    axes.step(times, over.tracks, where="mid", color=theme.parts[0], linewidth=1.6, label="tracks")
    axes.step(times, over.objects, where="mid", color=theme.truth, linewidth=1.0, label="objects asked for")
    axes.set_ylim(0.0, max(int(over.tracks.max()), int(over.objects.max()), 1) * 1.35)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    _key(axes, theme)
    _headline(axes, theme, "How many")


def _key(axes: Axes, theme: Theme) -> None:
    axes.legend(
        loc="upper right",
        ncols=4,
        frameon=False,
        fontsize=8.5,
        labelcolor=theme.soft,
        handlelength=1.2,
        columnspacing=1.0,
        borderaxespad=0.2,
    )


def _headline(axes: Axes, theme: Theme, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10, color=theme.ink, pad=5)


def _plane_word(score: Score) -> str:
    return "in the plane" if score.options.dims == 2 else "with height"


def _subtitle(scene: Scene, score: Score | None) -> str:
    if not scene.end_ns:
        return ""
    begin = str(np.datetime64(scene.start_ns, "ns").astype("datetime64[s]")).replace("T", " ")
    seconds = (scene.end_ns - scene.start_ns) / SECOND_NS
    parts = [f"{begin} UTC, {seconds:,.0f} s", _count(len(scene.tracks), "track")]
    if score is not None:
        parts.append(f"GOSPA {score.totals.gospa_m:.1f} m")
        parts.append(_count(score.switches, "identity switch", "es"))
        if score.completeness is not None:
            parts.append(f"{score.completeness:.0%} of the time tracked")
    return "   ·   ".join(parts)


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def _legend(figure: Figure, scene: Scene, theme: Theme, left: float, top: float) -> float:
    """What the marks mean, then the first tracks by number. Returns the lower edge on the page."""
    entries = _handles(scene, theme)
    step, place = 0.0235, top - 0.012
    for handle, text in entries:
        handle.set_transform(figure.transFigure)
        handle.set_xdata([left, left + 0.013, left + 0.026] if handle.get_linestyle() != "None" else [left + 0.013])
        handle.set_ydata([place] * len(handle.get_xdata()))  # type: ignore[arg-type]
        figure.add_artist(handle)
        figure.text(left + 0.036, place, text, color=theme.ink, fontsize=9.5, va="center")
        place -= step
    return place - 0.02


def _handles(scene: Scene, theme: Theme) -> list[tuple[Line2D, str]]:
    from matplotlib.lines import Line2D

    found: list[tuple[Line2D, str]] = []

    def add(there: bool, text: str, **style: object) -> None:
        if there:
            found.append((Line2D([], [], **style), text))  # type: ignore[arg-type]

    wanted = [path for path in scene.objects if not path.faint.all()]
    add(bool(wanted), "truth (ring: its start)", color=theme.truth, linewidth=1.2)
    cross = {"linestyle": "None", "marker": "x", "markersize": 8, "markeredgewidth": 1.6}
    add(len(wanted) < len(scene.objects), "there, but not asked for", color=theme.soft, **cross)
    for number, path in enumerate(scene.tracks[:MOST_LISTED]):
        add(True, f"{number + 1}   {path.name}", color=track_colour(number), linewidth=2.8)
    hidden = len(scene.tracks) - MOST_LISTED
    add(hidden > 0, f"and {hidden:,} more tracks", color=theme.soft, linewidth=2.8)
    coasting = any(path.faint.any() for path in scene.tracks)
    add(coasting, "thin: coasting", color=theme.soft, linewidth=1.2)
    add(
        bool(len(scene.dots)),
        "detection",
        linestyle="None",
        marker="o",
        color=theme.dots,
        alpha=0.6,
        markersize=4,
    )
    add(bool(len(scene.rays)), "bearing", color=theme.rays, linewidth=0.9, alpha=0.8)
    for kind, marker in (("radar", "^"), ("infrared", "s"), ("position", "D")):
        there = any(station.kind == kind for station in scene.stations)
        add(there, f"{kind} sensor", linestyle="None", marker=marker, color=theme.station, markersize=8)
    add(bool(scene.zones), "zone", color=theme.zone, linewidth=1.6)
    return found
