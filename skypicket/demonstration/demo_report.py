"""What the demo tells at its end: alerts, latency, the score against truth, and where the files are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters.site.configuration import load_site
from adapters.wire import LEVELS, Message
from fusion.config import ZoneConfig
from replay.frames_in import FramesIn, TrackSummary
from replay.page.page import write_page
from replay.pictures.plot import plot_run
from replay.scoring.report import alert_text, figures, heading
from replay.scoring.results import ScoreOptions
from replay.scoring.run import Run, load, with_detections
from replay.scoring.score import score_run
from replay.text import Rows, aligned
from skypicket.demonstration.demo import Outcome
from skypicket.demonstration.latency import latencies_s, quantile

TITLE: Final = "Small drones round an airport"


def report(outcome: Outcome, picture: Path) -> str:
    """Score the recording, draw the picture, write the page beside it, and put the most of it into words."""
    name = str(outcome.recording)
    run = load(name, name)
    site = load_site(outcome.site)
    score = score_run(with_detections(run, name, site, ScoreOptions().max_gap_s))
    seen = TrackSummary()
    frames = list(FramesIn(name, site, seen).frames())
    plot_run(picture, run.truth, run.pictures, frames, site, _zones(run), score, TITLE)
    page = picture.with_suffix(".html")
    write_page(page, run, score, TITLE)
    parts = [
        heading_line("Alerts"),
        _counts(outcome, seen, run),
        aligned(alert_rows(outcome.alerts)) if outcome.alerts else "no alert was raised",
        latency_line(outcome),
        *(f"The line was not whole: {notice}." for notice in outcome.notices),
        heading_line("Against truth"),
        heading(score),
        aligned(figures(score)),
        *alert_text(score)[:1],
        heading_line("Files"),
        f"  page       {page}, with all figures\n  picture    {picture}\n"
        f"  recording  {outcome.recording}\n  site       {outcome.site}",
        "The same alerts again, from the recording:\n"
        f"  skypicket serve --config {outcome.site} --time event\n"
        "  skypicket alerts\n"
        f"  skypicket replay {outcome.recording} --rate {outcome.rate:.3g}",
    ]
    return "\n\n".join(parts)


def heading_line(text: str) -> str:
    """A headline over a part of the summary."""
    return f"── {text} " + "─" * (76 - len(text))


def alert_rows(alerts: Sequence[Message]) -> Rows:
    """One row a zone: how many alerts, how many of them reached each level, how many are over."""
    rows: Rows = [("zone", "alerts", *LEVELS, "cleared", "steps")]
    for zone in sorted({alert["zone"] for alert in alerts}):
        own = [alert for alert in alerts if alert["zone"] == zone]
        reached = [len({alert["alert"] for alert in own if alert["level"] == level}) for level in LEVELS]
        cleared = len({alert["alert"] for alert in own if alert["state"] == "cleared"})
        counts = (len({alert["alert"] for alert in own}), *reached, cleared, len(own))
        rows.append((zone, *map(str, counts)))
    return rows


def latency_line(outcome: Outcome) -> str:
    """Median and 99th percentile, in words."""
    arrived = [(alert["time_ns"], when) for alert, when in zip(outcome.alerts, outcome.arrived_ns, strict=True)]
    taken = latencies_s(outcome.sent, arrived)
    if not taken:
        return "No alert followed a frame: no latency to tell."
    median, high = (f"{1000.0 * quantile(taken, part):.1f} ms" for part in (0.5, 0.99))
    return (
        f"From a frame's sending to its alert's arrival, over ZeroMQ: median {median}, "
        f"99 % within {high} ({len(taken)} alert steps)."
    )


def _counts(outcome: Outcome, seen: TrackSummary, run: Run) -> str:
    tracks = {
        int(track)
        for picture in run.pictures
        for track, status in zip(picture.id, picture.status, strict=True)
        if status == "confirmed"
    }
    text = (
        f"{seen.frames:,} frames with {seen.detections:,} detections at {outcome.rate:.3g} times their pace "
        f"-> {len(tracks)} confirmed tracks, {len(outcome.alerts)} alert steps."
    )
    return text + (" The time was up before the scenario was." if outcome.cut_short else "")


def _zones(run: Run) -> tuple[ZoneConfig, ...]:
    return tuple({zone.id: zone for report in run.zones for zone in report.zones}.values())
