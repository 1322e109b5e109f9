"""How pictures look: one set of colours for light pages, one for dark ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 100
LEVELS = ("predicted", "imminent", "infringing")  # of alerts, in the order of `Theme.parts`
SIZE_INCHES = (14.0, 10.0)  # 1400 × 1000 px
# Hues that stay apart on both backgrounds and for colour-blind eyes, after Okabe, Ito (2008) and Tol (2021).
TRACKS = (
    "#0077bb",
    "#ee7733",
    "#009988",
    "#cc3377",
    "#7755cc",
    "#a8860b",
    "#33a02c",
    "#e05252",
    "#3aa6d0",
    "#8c6239",
)


@dataclass(frozen=True, slots=True)
class Theme:
    background: str
    panel: str
    ink: str
    soft: str  # axes, secondary text
    grid: str
    truth: str
    dots: str
    rays: str
    zone: str
    station: str
    parts: tuple[str, str, str]  # localisation, missed, false


LIGHT = Theme(
    background="#ffffff",
    panel="#fbfbfc",
    ink="#1b1f24",
    soft="#69717d",
    grid="#e4e7eb",
    truth="#15181c",
    dots="#5b7083",
    rays="#d98a1f",
    zone="#d1242f",
    station="#1b1f24",
    parts=("#0077bb", "#e08a00", "#d1242f"),
)
DARK = Theme(
    background="#12151a",
    panel="#171b21",
    ink="#e8ebef",
    soft="#98a1ad",
    grid="#2a3038",
    truth="#f4f6f8",
    dots="#8fa6ba",
    rays="#f0b24f",
    zone="#ff6b6b",
    station="#f4f6f8",
    parts=("#45a7e6", "#f0a93b", "#ff6b6b"),
)
THEMES = {"light": LIGHT, "dark": DARK}


def track_colour(number: int) -> str:
    """The colour of the track with this number; they come round again."""
    return TRACKS[number % len(TRACKS)]


def dress(axes: Axes, theme: Theme) -> None:
    """Quiet axes: no box, a light grid beneath the data."""
    axes.set_facecolor(theme.panel)
    axes.set_axisbelow(True)
    axes.grid(True, color=theme.grid, linewidth=0.8)
    axes.tick_params(colors=theme.soft, labelsize=9, length=0, pad=5)
    for spine in axes.spines.values():
        spine.set_color(theme.grid)
    axes.xaxis.label.set_color(theme.soft)
    axes.yaxis.label.set_color(theme.soft)
