"""Pictures of a campaign: how long before entries the warnings came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.alerts.model import WARNING_TIMES_S
from replay.alerts.score import AlertScore
from replay.pictures.plot_style import DPI, LIGHT, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_S: Final = 300.0  # longer warnings are shown at the end
BIN_S: Final = 10.0


def draw_warnings(score: AlertScore, title: str = "Warning before entry") -> Figure:
    """How many entries had a warning of each length, and what share had one at least so long."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.0), dpi=DPI, facecolor=LIGHT.background)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.11, 0.82, 0.75))
    dress(axes, LIGHT)
    could = [entry for entry in score.entries if entry.trackable_s is not None and entry.trackable_s > 0.0]
    seconds = np.minimum(np.array([entry.warning_s for entry in could]), LONGEST_S)
    edges = np.arange(0.0, LONGEST_S + BIN_S + 1.0, BIN_S)
    axes.hist(seconds, edges.tolist(), color=LIGHT.parts[0], alpha=0.55, rwidth=0.92)
    axes.set_xlim(0.0, LONGEST_S + BIN_S)
    axes.set_xlabel(f"seconds of warning ({LONGEST_S:.0f} and more at the right)")
    axes.set_ylabel("entries")
    shares = axes.twinx()
    dress(shares, LIGHT)
    shares.grid(False)
    shares.set_ylim(0.0, 1.0)
    shares.set_ylabel("share warned so long before")
    whole = max(len(seconds), 1)
    exact = np.arange(LONGEST_S + 1.0)
    shares.plot(exact, [(seconds >= s).sum() / whole for s in exact], color=LIGHT.ink, linewidth=1.6)
    words = f"{len(could):,} entries"
    for share in score.warnings.shares:
        if share.share is not None and share.seconds in WARNING_TIMES_S:
            words += f" · {share.share:.0%} at {share.seconds:.0f} s"
    axes.set_title(title, color=LIGHT.ink, fontsize=12, loc="left", pad=26)
    axes.text(0.0, 1.03, words, transform=axes.transAxes, color=LIGHT.soft, fontsize=9)
    return figure
