"""The instants at which a recording of pictures is scored.

A picture is due at every report period: one that is missing between the first and the last is an empty
picture, so that a tracker cannot improve its score by saying nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.errors import ConfigError
from fusion.types import SECOND_NS, Ints

JITTER = 0.01  # of a period: a report this near to its due time is the one that was due
MAX_INSTANTS = 10_000_000  # a year of pictures every 3 s: more is a broken clock, not a recording


@dataclass(frozen=True, slots=True, eq=False)
class Instants:
    """times_ns: (t,) ascending.  picture: (t,) which of the given times it is, or -1: missing, so empty.

    unused: how many of the given times lie off the asked-for grid.
    """

    times_ns: Ints
    picture: Ints
    period_s: float
    unused: int

    @property
    def missing(self) -> int:
        return int((self.picture < 0).sum())


def choose(times_ns: Ints, period_s: float | None, from_s: float) -> Instants:
    """Which instants to score. times_ns: (n,) of the pictures, ascending, each once, at least one.

    Without `period_s` every picture is scored and gaps are filled at the pace at which pictures came. With
    it, the whole multiples of the period in UTC are (or, if no picture is at one, its multiples from the
    first picture). The first `from_s` seconds are left out.
    """
    if period_s is None:
        found = _filled(times_ns)
    else:
        period_ns = round(period_s * SECOND_NS)
        found = _on_grid(times_ns, period_ns, 0)
        if not (found.picture >= 0).any():
            found = _on_grid(times_ns, period_ns, int(times_ns[0]) % period_ns)
    keep = found.times_ns >= times_ns[0] + round(from_s * SECOND_NS)
    return Instants(found.times_ns[keep], found.picture[keep], found.period_s, found.unused)


def pace_ns(times_ns: Ints) -> int:
    """The report period of (n,) times: the least step, if all steps are its multiples; else the median."""
    steps = np.diff(times_ns)
    if not len(steps):
        return SECOND_NS
    least = int(steps.min())
    odd = np.abs(steps - np.round(steps / least) * least)
    return least if (odd <= JITTER * least).all() else int(np.median(steps))


def _filled(times_ns: Ints) -> Instants:
    period_ns = pace_ns(times_ns)
    steps = np.diff(times_ns)
    parts = np.maximum(np.rint(steps / period_ns), 1.0).astype(np.int64)
    _check_count(float(parts.sum()) + 1.0, period_ns)
    first = np.cumsum(np.append(0, parts))
    picture = np.full(first[-1] + 1, -1, dtype=np.int64)
    picture[first] = np.arange(len(times_ns))
    owner = np.repeat(np.arange(len(steps)), parts)
    within = np.arange(first[-1]) - first[:-1][owner]
    filled = times_ns[:-1][owner] + np.rint(steps[owner] * (within / parts[owner])).astype(np.int64)
    return Instants(np.append(filled, times_ns[-1]), picture, period_ns / SECOND_NS, 0)


def _on_grid(times_ns: Ints, period_ns: int, phase_ns: int) -> Instants:
    tolerance = round(JITTER * period_ns)
    first = -(-(int(times_ns[0]) - phase_ns - tolerance) // period_ns)
    last = (int(times_ns[-1]) - phase_ns + tolerance) // period_ns
    _check_count(last - first + 1.0, period_ns)
    grid = np.arange(first, last + 1, dtype=np.int64) * period_ns + phase_ns
    picture = np.full(len(grid), -1, dtype=np.int64)
    place = (times_ns - phase_ns + period_ns // 2) // period_ns - first
    near = (place >= 0) & (place < len(grid))
    near[near] = np.abs(times_ns[near] - grid[place[near]]) <= tolerance
    picture[place[near]] = np.flatnonzero(near)
    times = np.where(picture >= 0, times_ns[picture], grid) if len(grid) else grid
    return Instants(times, picture, period_ns / SECOND_NS, len(times_ns) - int((picture >= 0).sum()))


def _check_count(count: float, period_ns: int) -> None:
    if count > MAX_INSTANTS:
        raise ConfigError(
            "--period",
            period_ns / SECOND_NS,
            f"a period that gives at most {MAX_INSTANTS:,} instants between the first and the last picture "
            f"(this one: {count:,.0f})",
        )
