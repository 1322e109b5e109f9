"""Two runs cut to the instants at which both are to be scored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fusion.errors import RecordingError
from fusion.types import SECOND_NS, Ints, Picture
from replay.scoring.instants import Instants, choose
from replay.scoring.results import NothingToScoreError, ScoreOptions
from replay.scoring.run import Run
from replay.text import utc


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Runs that hold a picture at the same instants, and what is to be told of how they came to that."""

    a: Run
    b: Run
    notes: tuple[str, ...]


def common(a: Run, b: Run, options: ScoreOptions, names: tuple[str, str]) -> Pair:
    """Cut both to the instants that both have; a picture that was due and is missing becomes an empty one.

    names: of the files, for the errors. Raises NothingToScoreError, and RecordingError where no instant is common.
    """
    dues = [_due(run, options.period_s, name) for run, name in zip((a, b), names, strict=True)]
    times = np.intersect1d(dues[0].times_ns, dues[1].times_ns)
    if not len(times):
        raise RecordingError(names[1], _nothing_common(dues, names[0]))
    times = times[times >= times[0] + round(options.from_s * SECOND_NS)]
    if not len(times):
        raise RecordingError(names[1], f"no common instant is left after the first {options.from_s:g} s")
    notes = []
    for name, own in zip("AB", dues, strict=True):
        inside = (own.times_ns >= times[0]) & (own.times_ns <= times[-1])
        more, between = len(own.times_ns) - int(inside.sum()), int(inside.sum()) - len(times)
        if more and not options.from_s:
            notes.append(f"{name} has {more:,} instants more, before or after: not compared")
        if between:
            notes.append(f"{name} has {between:,} instants between the common ones: not compared")
    found = []
    for name, run, own in zip("AB", (a, b), dues, strict=True):
        cut, empty = _cut(run, own, times)
        found.append(cut)
        if empty:
            notes.append(f"{empty:,} pictures of {name} were due and are missing: scored as empty")
    return Pair(found[0], found[1], tuple(notes))


def _due(run: Run, period_s: float | None, name: str) -> Instants:
    """The instants at which a run is scored."""
    if not run.pictures:
        raise NothingToScoreError(run.telling(f"{name} holds no `tracks` message"))
    times = np.array([picture.time_ns for picture in run.pictures], dtype=np.int64)
    return choose(times, period_s, 0.0)


def _nothing_common(dues: list[Instants], other: str) -> str:
    (a0, a1), (b0, b1) = ((int(own.times_ns[0]), int(own.times_ns[-1])) for own in dues)
    spans = f"{other} runs from {utc(a0)} to {utc(a1)}, this one from {utc(b0)} to {utc(b1)}"
    if a1 < b0 or b1 < a0:
        return f"it is not a run on the same recording: {spans}; allowed are two runs on one recording"
    return (
        f"no instant is in both: {spans}, their pictures at other times; --period S scores both at whole multiples of S"
    )


def _cut(run: Run, own: Instants, times: Ints) -> tuple[Run, int]:
    """The run with one picture at each of the times, and how many of them are made up, empty."""
    place = np.searchsorted(own.times_ns, times)
    pictures, empty = [], 0
    for time_ns, number in zip(times.tolist(), own.picture[place].tolist(), strict=True):
        empty += number < 0
        pictures.append(run.pictures[number] if number >= 0 else _empty(run.pictures[0], time_ns))
    return replace(run, pictures=tuple(pictures)), empty


def _empty(like: Picture, time_ns: int) -> Picture:
    """A picture without a track."""
    none = {name: getattr(like, name)[:0] for name in Picture.__slots__ if name != "time_ns"}
    return Picture(time_ns=time_ns, **none)
