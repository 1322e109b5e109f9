"""How far the probabilities of alerts may be trusted, as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from replay.alerts.calibration import Calibration
from replay.pictures.plot_style import DPI, THEMES, Theme, dress
from replay.text import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ThemeName = Literal["light", "dark"]
SURE = 1.96  # standard deviations: 95 of 100 honest bars reach the diagonal
QUESTION = "Do probabilities come true?"


def draw_reliability(told: Calibration, title: str = "", theme: ThemeName = "light") -> Figure:
    """The reliability diagram of any forecasts alone, with their figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = THEMES[theme]
    figure = Figure(figsize=(7.0, 7.6), dpi=DPI, facecolor=colours.background)
    FigureCanvasAgg(figure)
    _diagram(figure, told, colours, (0.11, 0.08, 0.85, 0.80), title or QUESTION)
    return figure


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
