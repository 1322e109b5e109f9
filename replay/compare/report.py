"""A comparison as text for a terminal and as plain data for programs."""

from __future__ import annotations

import math
from typing import Any

from replay.compare.compare import Compared, Comparison
from replay.text import Rows, aligned, number, utc

ALIKE = "the same"
CAUTION = (
    "each interval stands for itself: of twenty figures of two trackers that are equally good, about one is certain by "
    "chance"
)


def heading(found: Comparison) -> str:
    """What was compared, at which instants, and how the intervals came about."""
    one = found.a
    where = "in the plane" if one.options.dims == 2 else "with height"
    block_s = found.block * one.period_s
    span = f"from {utc(one.begin_ns)} to {utc(one.end_ns)}"
    return (
        f"{one.instants:,} common instants, one each {one.period_s:g} s, {span}, "
        f"{where}, cut-off {one.options.c_m:g} m. Intervals of 95 % by {found.resamples:,} paired resamples of "
        f"{found.blocks:,} blocks of {block_s:g} s ({found.rule}; seed {found.seed})."
    )


def as_text(found: Comparison) -> str:
    """The report for a terminal."""
    lines = [f"A  {found.names[0]}", f"B  {found.names[1]}", "", heading(found), "", aligned(figure_table(found))]
    notes = [f"Note: {text}." for text in (*found.notes, CAUTION)]
    return "\n".join([*lines, "", *notes, *problems(found)]) + "\n"


def problems(found: Comparison) -> list[str]:
    """What could not be read of either file."""
    texts = dict.fromkeys((*found.a.problems, *found.b.problems))
    return [f"Passed over: {text}" for text in texts]


def figure_table(found: Comparison) -> Rows:
    """One row for each figure: both values, the difference with its interval, and words."""
    head = ("", "A", "B", "B - A", "95 % from", "to", "what it says")
    return [head, *(_row(one) for one in found.figures)]


def words(one: Compared) -> str:
    """Who is better by how much, and whether that is certain."""
    interval = one.interval
    if interval is None:
        return "cannot be compared: one of them has no such figure"
    if one.winner is None:
        return ALIKE
    told = f"{one.winner} is better by {_amount(one)}"
    if interval.low is None:
        return f"{told}; too little time to say how certain"
    return f"{told}, {'certain' if interval.certain else 'not certain'}"


def as_dict(found: Comparison) -> dict[str, Any]:
    """Everything as JSON knows it."""
    one = found.a
    return {
        "a": found.names[0],
        "b": found.names[1],
        "instants": one.instants,
        "begin_ns": one.begin_ns,
        "end_ns": one.end_ns,
        "period_s": one.period_s,
        "c_m": one.options.c_m,
        "dims": one.options.dims,
        "block_s": found.block * one.period_s,
        "block_rule": found.rule,
        "blocks": found.blocks,
        "resamples": found.resamples,
        "seed": found.seed,
        "figures": [_figure(each) for each in found.figures],
        "notes": list(found.notes),
        "problems": problems(found),
    }


def _figure(one: Compared) -> dict[str, Any]:
    interval = one.interval
    return {
        "name": one.name.strip(),
        "unit": "1" if one.percent else one.unit,
        "better": one.better,
        "a": one.a,
        "b": one.b,
        "difference": None if interval is None else interval.difference,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
        "winner": one.winner,
        "certain": interval is not None and interval.certain,
    }


def _row(one: Compared) -> tuple[str, ...]:
    interval = one.interval
    shown = (None, None, None) if interval is None else (interval.difference, interval.low, interval.high)
    differences = [_signed(one, value) for value in shown]
    return (one.name, _told(one, one.a), _told(one, one.b), *differences, words(one))


def _told(one: Compared, value: float | None) -> str:
    if value is None:
        return "–"
    return number(100.0 * value if one.percent else value, digits(one), one.unit)


def _signed(one: Compared, value: float | None) -> str:
    """A difference with its sign; of a factor from 1 in percent."""
    if value is None:
        return "–"
    if one.better == "one":
        return f"{100.0 * value:+,.1f} %"
    return f"{100.0 * value if one.percent else value:+,.{digits(one)}f}"


def digits(one: Compared) -> int:
    """How many decimals a figure is told with."""
    if one.percent:
        return 1
    return 0 if one.unit in ("", "s") and one.better == "less" else 2


def _amount(one: Compared) -> str:
    assert one.interval is not None
    size = abs(one.interval.difference)
    if one.better == "one":
        return f"a factor of {math.exp(size):.2f} nearer to 1"
    if one.percent:
        return f"{100.0 * size:.1f} points"
    base = max(abs(one.a or 0.0), abs(one.b or 0.0))
    share = f" ({100.0 * size / base:.0f} %)" if base > 0.0 else ""
    return f"{number(size, digits(one), one.unit)}{share}"
