"""Pictures of a score of alerts: alerts against entries over time, and how far their probabilities may be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from fusion.types import SECOND_NS
from replay.alerts.calibration import Calibration
from replay.alerts.episodes import OPEN_END_NS
from replay.alerts.nuisance import JudgedEpisode
from replay.alerts.score import AlertScore
from replay.pictures.plot_style import DPI, SIZE_INCHES, THEMES, Theme, dress
from replay.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ThemeName = Literal["light", "dark"]
MOST_ROWS = 24  # pairs of zone and object; the tables have all
LEAST_ROWS = 4  # for which there is room: a bar keeps its height
ROW_INCHES = 0.34
LEVELS = ("predicted", "imminent", "infringing")
SURE = 1.96  # standard deviations: 95 of 100 honest bars reach the diagonal
QUESTION = "Do probabilities come true?"
FALSE_TRACK = "(false track)"


def draw_alerts(score: AlertScore, begin_ns: int, end_ns: int, theme: ThemeName = "light") -> Figure:
    """The timeline of alerts and entries, a row for each zone and object, beside the reliability diagram."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    rows = _rows(score)
    height = max(4.6, 1.9 + ROW_INCHES * min(len(rows), MOST_ROWS))
    figure = Figure(figsize=(SIZE_INCHES[0], height), dpi=DPI, facecolor=colours.background)
    FigureCanvasAgg(figure)
    _timeline(
        figure.add_axes((0.16, 0.62 / height, 0.48, 1.0 - 1.5 / height)), score, rows, (begin_ns, end_ns), colours
    )
    _diagram(figure, score.calibration, colours, (0.715, 0.62 / height, 0.27, 1.0 - 1.5 / height), QUESTION)
    return figure


def draw_reliability(told: Calibration, title: str = "", theme: ThemeName = "light") -> Figure:
    """The reliability diagram of any forecasts alone, with their figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    figure = Figure(figsize=(7.0, 7.6), dpi=DPI, facecolor=colours.background)
    FigureCanvasAgg(figure)
    _diagram(figure, told, colours, (0.11, 0.08, 0.85, 0.80), title or QUESTION)
    return figure


def _rows(score: AlertScore) -> list[tuple[str, str]]:
    """(zone, object) of everything to show, by zone, in order of what happened first."""
    seen = [(each.raised_ns, each.zone, name) for each in score.episodes for name in _names(each)]
    seen += [(entry.time_ns, entry.zone, entry.object) for entry in score.entries]
    zones = list(dict.fromkeys(zone.zone for zone in score.zones))
    return list(
        dict.fromkeys((zone, name) for _, zone, name in sorted(seen, key=lambda one: (zones.index(one[1]), one)))
    )


def _names(episode: JudgedEpisode) -> tuple[str, ...]:
    return episode.objects or (FALSE_TRACK,)


def _timeline(axes: Axes, score: AlertScore, rows: list[tuple[str, str]], span: tuple[int, int], theme: Theme) -> None:
    shown = rows[:MOST_ROWS]
    dress(axes, theme)
    axes.grid(False, axis="y")
    place = {row: k for k, row in enumerate(shown)}
    for episode in score.episodes:
        for name in _names(episode):
            if (episode.zone, name) in place:
                _bar(axes, episode, place[episode.zone, name], span, theme)
    for entry in score.entries:
        if (entry.zone, entry.object) in place:
            row, left = place[entry.zone, entry.object], _at(entry.time_ns, span)
            axes.plot([left, _at(entry.left_ns, span)], [row + 0.33] * 2, color=theme.ink, linewidth=2.2)
            axes.plot([left] * 2, [row - 0.38, row + 0.38], color=theme.ink, linewidth=1.6)
    axes.set_ylim(max(len(shown), LEAST_ROWS) - 0.5, -0.5)
    axes.set_xlim(0.0, max(_at(span[1], span), 1.0))
    axes.set_yticks(range(len(shown)), [_label(zone, name) for zone, name in shown])
    axes.set_xlabel("seconds from the start")
    hidden = f", {len(rows) - len(shown)} more in the table" if len(rows) > len(shown) else ""
    axes.set_title(f"Alerts and entries{hidden}", color=theme.ink, fontsize=12, loc="left", pad=30)
    if not shown:
        axes.text(0.5, 0.5, "no alert, no entry", transform=axes.transAxes, color=theme.soft, ha="center")
    _key(axes, theme)


def _bar(axes: Axes, episode: JudgedEpisode, row: int, span: tuple[int, int], theme: Theme) -> None:
    end = span[1] if episode.cleared_ns is None or episode.cleared_ns >= OPEN_END_NS else episode.cleared_ns
    starts = [time_ns for time_ns, _ in episode.levels]
    hatch = "////" if episode.worth == "nuisance" else None
    for (start, level), stop in zip(episode.levels, [*starts[1:], end], strict=True):
        left, width = _at(start, span), max(_at(stop, span) - _at(start, span), 0.0)
        axes.barh(
            row, width, left=left, height=0.46, color=_colour(level, theme), hatch=hatch, edgecolor=theme.panel,
            linewidth=0.0,
        )  # fmt: skip


def _key(axes: Axes, theme: Theme) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = [Patch(color=_colour(level, theme), label=level) for level in LEVELS]
    handles.append(Patch(facecolor=theme.soft, edgecolor=theme.panel, hatch="////", label="nuisance"))
    handles.append(Line2D([], [], color=theme.ink, linewidth=2.2, label="truth inside"))
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=5, frameon=False, fontsize=9,
        labelcolor=theme.soft, handlelength=1.4, columnspacing=1.3, borderaxespad=0.2,
    )  # fmt: skip


def _diagram(
    figure: Figure, told: Calibration, theme: Theme, box: tuple[float, float, float, float], title: str
) -> None:
    """Told against came true, with how many forecasts each tenth has beneath."""
    left, bottom, width, height = box
    counts = figure.add_axes((left, bottom, width, 0.17 * height))
    axes = figure.add_axes((left, bottom + 0.22 * height, width, 0.78 * height), sharex=counts)
    for each in (axes, counts):
        dress(each, theme)
        each.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("came true")
    counts.set_xlabel("probability told")
    counts.set_ylabel("number")
    axes.plot([0.0, 1.0], [0.0, 1.0], color=theme.soft, linewidth=1.2, linestyle=(0, (4, 3)))
    if told.base_rate is not None:
        axes.axhline(told.base_rate, color=theme.soft, linewidth=0.8)
    used = [each for each in told.deciles if each.forecasts]
    mean, share = np.array([each.mean for each in used]), np.array([each.share for each in used])
    bars = np.array([_sure(each.share or 0.0, each.forecasts) for each in used]).reshape(-1, 2)
    axes.vlines(mean, bars[:, 0], bars[:, 1], color=theme.parts[0], linewidth=1.6, alpha=0.7)
    axes.plot(mean, share, color=theme.parts[0], marker="o", markersize=6, linestyle="none", clip_on=False)
    middles = [(each.low + each.high) / 2.0 for each in told.deciles]
    counts.bar(middles, [each.forecasts for each in told.deciles], width=0.085, color=theme.parts[0])
    words = f"{told.forecasts:,} forecasts · error {number(told.ece, 3)} · Brier {number(told.brier, 3)}"
    words += f" · skill {number(told.skill, 2)}"
    axes.set_title(title, color=theme.ink, fontsize=12, loc="left", pad=30)
    axes.text(0.0, 1.03, words, transform=axes.transAxes, color=theme.soft, fontsize=8.5)


def _sure(share: float, count: int) -> tuple[float, float]:
    """Where the true share lies: Wilson (1927), 95 %."""
    square = SURE * SURE
    middle = (share + square / (2.0 * count)) / (1.0 + square / count)
    half = SURE / (1.0 + square / count) * math.sqrt(share * (1.0 - share) / count + square / (4.0 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _colour(level: str, theme: Theme) -> str:
    return theme.parts[LEVELS.index(level)]


def _label(zone: str, name: str) -> str:
    text = f"{zone} · {name}"
    return text if len(text) <= 30 else text[:29] + "…"


def _at(time_ns: int, span: tuple[int, int]) -> float:
    return min(max((time_ns - span[0]) / SECOND_NS, 0.0), (span[1] - span[0]) / SECOND_NS)
