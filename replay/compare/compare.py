"""Two runs on one recording compared: each figure of both, its difference, and how certain that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fusion.errors import ConfigError, RecordingError
from fusion.types import Floats, Ints
from replay.compare.bootstrap import LEAST_BLOCKS, RESAMPLES, Interval, Ratio, block_length, difference, starts
from replay.compare.common import common
from replay.compare.measures import Better, Measure, measures
from replay.scoring.compared import Compared as Assigned
from replay.scoring.compared import compare as assign
from replay.scoring.results import Score, ScoreOptions
from replay.scoring.run import Run
from replay.scoring.score import score_run
from replay.scoring.truths import collect

# Of the block length that makes the variance's error least: an interval suffers from a variance that is too small more
# than from one that is unsteady, and twice the length halves what a block cuts off.
STRETCH = 2.0
LEAST_BLOCK_S = 60.0  # a manoeuvre, a fade or a filter's memory lasts tens of seconds: shorter blocks would cut them


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both runs; a, b: None where a run has nothing to divide by.

    interval: of b - a (for `one`: of how far each is from 1, as |ln|); None: either run has no such figure.
    """

    name: str
    unit: str
    better: Better
    percent: bool
    a: float | None
    b: float | None
    interval: Interval | None

    @property
    def winner(self) -> str | None:
        """`A` or `B`, by the figure alone; None where they are alike or cannot be compared."""
        if self.interval is None or self.interval.difference == 0.0:
            return None
        return "B" if (self.interval.difference > 0.0) == (self.better == "more") else "A"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """names: of the two recordings.  block, blocks: instants in a block, and how many blocks make a resample.

    rule: in words, how the block came to its length.
    """

    names: tuple[str, str]
    a: Score
    b: Score
    figures: tuple[Compared, ...]
    block: int
    blocks: int
    seed: int
    resamples: int
    rule: str
    notes: tuple[str, ...]


def compare_runs(
    a: Run,
    b: Run,
    options: ScoreOptions | None = None,
    *,
    names: tuple[str, str] = ("A", "B"),
    block_s: float | None = None,
    seed: int = 0,
) -> Comparison:
    """Score both at their common instants and compare. block_s: of the bootstrap; None: by the rule of `_block`.

    Raises NothingToScoreError; RecordingError where they are not runs on one recording; ConfigError for `block_s`.
    """
    options = options or ScoreOptions()
    pair = common(a, b, options, names)
    at = replace(options, period_s=None, from_s=0.0)
    scores = [score_run(run, at) for run in (pair.a, pair.b)]
    assigned = [assign(run.pictures, collect(run.truth), at) for run in (pair.a, pair.b)]
    for name, each in zip(names, assigned, strict=True):
        _check_ever_right(name, each, options.c_m)
    own = [{one.name: one for one in measures(*both)} for both in zip(scores, assigned, strict=True)]
    shared = [(each, own[1][name]) for name, each in own[0].items() if name in own[1]]
    block, rule = _block(shared, scores[0], block_s)
    begins = starts(scores[0].instants, block, seed)
    notes = list(pair.notes)
    if (scores[0].alerts is None) != (scores[1].alerts is None):
        notes.append(f"only {'B' if scores[0].alerts is None else 'A'} holds zones: alerts are not compared")
    if begins.shape[1] < LEAST_BLOCKS:
        notes.append(f"the run holds {begins.shape[1]} blocks of time; below {LEAST_BLOCKS} no interval is told")
    return Comparison(
        names,
        scores[0],
        scores[1],
        tuple(_compared(one, other, begins, block) for one, other in shared),
        block,
        begins.shape[1],
        seed,
        RESAMPLES,
        rule,
        tuple(notes),
    )


def _compared(a: Measure, b: Measure, begins: Ints, block: int) -> Compared:
    values = [one.ratio.value() for one in (a, b)]
    known = [value if math.isfinite(value) else None for value in values]
    return Compared(
        a.name, a.unit, a.better, a.percent, known[0], known[1], difference(a.ratio, b.ratio, begins, block)
    )


def _check_ever_right(name: str, own: Assigned, c_m: float) -> None:
    """A run that shows tracks and never one near any object is one on another recording."""
    if len(own.points.id) and not len(own.matches.truth) and not own.matches.ignored.any():
        raise RecordingError(
            name,
            f"none of its {len(own.points.id):,} track points is within {c_m:g} m of an object of the truth: it is "
            "not a run on the recording of that truth (or --c is too small)",
        )


def _block(shared: list[tuple[Measure, Measure]], score: Score, block_s: float | None) -> tuple[int, str]:
    """Instants in a block, and in words why.

    As asked for; else `STRETCH` times what the differences' own autocorrelation asks for (the largest over the
    figures), at least `LEAST_BLOCK_S`, and at most so that `LEAST_BLOCKS` fit into the run.
    """
    n, period = score.instants, score.period_s
    if block_s is not None:
        block = round(block_s / period)
        if not 1 <= block <= n:
            raise ConfigError("--block", block_s, f"{period:g} to {n * period:g} s: one instant to the whole run")
        return block, "as asked for"
    wished = STRETCH * max((block_length(_influence(a.ratio, b.ratio)) for a, b in shared), default=1.0)
    least = LEAST_BLOCK_S / period
    most = n // LEAST_BLOCKS
    found = max(wished, least)
    if found > most:
        rule = f"an eighth of the run: {found * period:,.0f} s would be better, the run is short"
        return max(most, 1), rule
    by = "by the autocorrelation of the differences" if wished > least else "the least, above their autocorrelation"
    return min(math.ceil(found), most), by


def _influence(a: Ratio, b: Ratio) -> Floats:
    """(t,) what each instant adds to the difference, but for its mean."""
    parts = []
    for one in (a, b):
        total, value = float(one.bottom.sum()), one.value()
        slope = 1.0 / total if total > 0.0 else 0.0
        if one.root:
            slope *= 0.5 / value if value > 0.0 else 0.0
        elif one.to_one and value > 0.0:
            slope *= math.copysign(1.0, math.log(value)) / value if value != 1.0 else 0.0
        parts.append(slope * one.factor * one.influence())
    return parts[1] - parts[0]
