"""A score as text for a terminal and as plain data for programs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from replay.alerts.report import alert_tables
from replay.scoring.figures import completeness, groups, left_out, totals
from replay.scoring.results import ObjectScore, Score
from replay.text import Rows, aligned, number, percent, utc

MOST_OBJECTS = 20  # in the text; the page and the data have all
MOST_ENTRIES = 20


def as_dict(score: Score, over_time: bool = False) -> dict[str, Any]:
    """Everything in a score as JSON knows it: maps, lists, strings, finite numbers, null.

    over_time: the columns of every instant too.
    """
    found: dict[str, Any] = {
        field.name: _plain(getattr(score, field.name))
        for field in dataclasses.fields(score)
        if field.name != "over_time"
    }
    found["objects"] = [_plain(one) | {"completeness": one.completeness} for one in score.objects]
    if score.sensors is not None:
        found["sensors"]["sensors"] = [
            _plain(one) | {"detection_ratio": one.detection_ratio, "false_per_look": one.false_per_look}
            for one in score.sensors.sensors
        ]
    if over_time:
        found["over_time"] = _plain(score.over_time)
    return found


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value.tolist()]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value


def as_text(score: Score) -> str:
    """The score as a person reads it: what was compared, the figures by what they tell, each object, the alerts."""
    lines = [heading(score), aligned(totals(score))]
    lines += [f"{title}\n{aligned(rows)}" for title, rows in groups(score)]
    if score.objects:
        lines.append(f"Objects, the worst tracked first\n{aligned(object_table(score, MOST_OBJECTS))}")
    lines += alert_text(score)
    lines += [f"Note: {note}." for note in score.notes]
    lines += [f"Passed over: {problem}" for problem in score.problems]
    return "\n\n".join(lines) + "\n"


def alert_text(score: Score) -> list[str]:
    """The tables of alerts, each under its title; none where the run held no zones."""
    if score.alerts is None:
        return []
    return [f"{title}\n{aligned(rows).lstrip()}" for title, rows in alert_tables(score.alerts, MOST_ENTRIES)]


def heading(score: Score) -> str:
    """What was scored, in a sentence."""
    where = "in the plane" if score.options.dims == 2 else "with height"
    many = "1 instant" if score.instants == 1 else f"{score.instants:,} instants"
    return (
        f"Scored {many}, one each {score.period_s:g} s, from {utc(score.begin_ns)} to {utc(score.end_ns)}, "
        f"{where}, cut-off {score.options.c_m:g} m."
    )


def figures(score: Score) -> Rows:
    """The main figures in one table: (name, value, what it says)."""
    errors, told = score.errors, score.consistency
    median, high = number(errors.position_median_m, 1, "m"), number(errors.position_95_m, 1, "m")
    bounds = f"1 is honest; {number(told.low, 2)} to {number(told.high, 2)} if pairs were independent"
    return [
        *totals(score)[:4],
        ("position error", number(errors.position_rmse_m, 2, "m"), f"RMS; median {median}, 95 % below {high}"),
        ("height error", number(errors.height_rmse_m, 2, "m"), "RMS"),
        ("velocity error", number(errors.velocity_rmse_mps, 2, "m/s"), "RMS"),
        *completeness(score)[:2],
        ("identity switches", f"{score.switches:,}", f"{score.breaks:,} breaks"),
        ("tracks", f"{score.tracks:,}", f"{score.tracks_never_right:,} of them false throughout"),
        ("NEES / dimension", number(told.nees_per_dof, 2), bounds),
        *left_out(score),
    ]


def object_table(score: Score, most: int | None = None) -> Rows:
    """One row for each object, the worst tracked first; `most`: no more than these."""
    head = ("object", "instants", "tracked", "tracks", "switches", "breaks", "longest", "first after", "position error")
    rows = [_object_row(one) for one in sorted(score.objects, key=lambda one: (one.completeness, one.id))]
    hidden = len(rows) - (most or len(rows))
    more = [(f"and {hidden:,} more", *[""] * (len(head) - 1))] if hidden > 0 else []
    return [head, *rows[:most], *more] if rows else []


def _object_row(one: ObjectScore) -> tuple[str, ...]:
    return (
        one.id,
        f"{one.instants:,}",
        percent(one.completeness),
        f"{one.tracks:,}",
        f"{one.switches:,}",
        f"{one.breaks:,}",
        number(one.longest_s, 0, "s"),
        number(one.first_track_s, 1, "s"),
        number(one.position_rmse_m, 1, "m"),
    )
