"""The columns of a frame, each checked by itself: what is wrong in a row rejects that row, with its first reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from adapters.wire.checks import is_text
from adapters.wire.columns import Odd, floats_of, integers_of, quiet
from adapters.wire.limits import MAX_TEXT, Layout, sigma_limits, span
from fusion.errors import MessageRejected, RowRejected, shorten
from fusion.types import Floats, Ints

SIDE_COLUMNS: Final = ("time_ns", "snr_db", "identity")
MAX_REASONS: Final = 20  # rejected rows of one frame that are told one by one; of the rest, the number


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """The rows of one frame that were rejected: how many, and why for the first `MAX_REASONS` in row order."""

    count: int
    first: list[RowRejected]


NO_ROWS: Final = RejectedRows(0, [])


class Faults:
    """The rows of one frame that are rejected, each with its first reason.

    bad: (n,) which rows. A frame may hold nothing but bad rows, so errors are made for a few of them only: the
    first of each column, which are more than enough to tell the first of all.
    """

    def __init__(self, sensor: str, seq: int, rows: int) -> None:
        self.sensor, self.seq = sensor, seq
        self.bad = np.zeros(rows, dtype=np.bool_)
        self._told: list[RowRejected] = []

    def add_odd(self, column: str, odd: Odd | None, allowed: str) -> None:
        if odd:
            bad = np.zeros(len(self.bad), dtype=np.bool_)
            bad[list(odd)] = True
            for row in self._first_new(bad):
                self._tell(column, row, odd[row], allowed)

    def add_where(self, column: str, bad: NDArray[np.bool_], values: Floats | Ints, allowed: str) -> None:
        for row in self._first_new(bad):
            self._tell(column, row, values[row].item(), allowed)

    def add_empty(self, bad: NDArray[np.bool_], allowed: str) -> None:
        for row in self._first_new(bad):
            self._tell("columns", row, None, allowed)

    def told(self) -> RejectedRows:
        first = sorted(self._told, key=lambda rejection: rejection.row)[:MAX_REASONS]
        return RejectedRows(int(self.bad.sum()), first)

    def _first_new(self, bad: NDArray[np.bool_]) -> list[int]:
        """Mark the rows of `bad`. Returns the first of those that were not marked before."""
        new: list[int] = np.flatnonzero(bad & ~self.bad)[:MAX_REASONS].tolist()
        self.bad |= bad
        return new

    def _tell(self, column: str, row: int, value: object, allowed: str) -> None:
        self._told.append(RowRejected(self.sensor, self.seq, column, row, value, allowed))


def read_values(columns: Mapping[str, Any], rows: int, layout: Layout, faults: Faults) -> Floats:
    """The measured values, (n, k), in SI and radians; NaN where not measured."""
    values = np.empty((rows, len(layout.measures)))
    odd_columns: dict[str, Odd] = {}
    for i, name in enumerate(layout.measures):
        column = columns.get(name)
        if column is None:
            values[:, i] = np.nan
            continue
        values[:, i], odd = floats_of(column)
        if odd is not None:
            odd_columns[name] = odd
    inside = (values >= layout.low) & (values <= layout.high)
    if not inside.all():
        values = quiet(values)
        _reject_values(values, inside, odd_columns, layout, faults)
    values *= layout.to_si
    return values


def _reject_values(
    values: Floats, inside: NDArray[np.bool_], odd_columns: Mapping[str, Odd], layout: Layout, faults: Faults
) -> None:
    outside = ~inside & ~np.isnan(values)
    for i, name in enumerate(layout.measures):
        allowed = span((layout.low[i], layout.high[i]))
        faults.add_odd(name, odd_columns.get(name), f"a number, {allowed}, or null")
        faults.add_where(name, outside[:, i], values[:, i], allowed)
    nothing = np.isnan(values).all(axis=1)
    if nothing.any():
        faults.add_empty(np.asarray(nothing), f"a value in at least one of {', '.join(layout.measures)}")


def read_sigmas(columns: Mapping[str, Any], rows: int, layout: Layout, registered: Floats, faults: Faults) -> Floats:
    """Standard deviations, (n, k), in SI and radians: the row's own, or the registered one."""
    sigmas = np.empty((rows, len(layout.measures)))
    sigmas[:] = registered
    if not columns.keys().isdisjoint(layout.sigma_place):
        for name, i in layout.sigma_place.items():
            if name in columns:
                limits = sigma_limits(layout.measures[i])
                given, odd = floats_of(columns[name])
                absent = np.isnan(given)
                faults.add_odd(name, odd, f"a number, {span(limits)}, or null")
                faults.add_where(name, ~absent & ~((given >= limits[0]) & (given <= limits[1])), given, span(limits))
                sigmas[:, i] = np.where(absent, registered[i], quiet(given) * layout.to_si[i])
    return sigmas


def read_times(columns: Mapping[str, Any], rows: int, time_ns: int, period_ns: int, faults: Faults) -> Ints:
    """Each detection's own time: within the look that ends at the frame's time."""
    column = columns.get("time_ns")
    if column is None:
        return np.full(rows, time_ns, dtype=np.int64)
    times, odd = integers_of(column, missing=time_ns)
    earliest = max(time_ns - period_ns, 0)
    allowed = f"{earliest} to {time_ns}: the look that ends at the frame's time"
    faults.add_odd("time_ns", odd, f"an integer, {allowed}")
    bad = (times < earliest) | (times > time_ns)
    if bad.any():
        faults.add_where("time_ns", bad, times, allowed)
    return np.array(times, dtype=np.int64)


def read_snr(columns: Mapping[str, Any], faults: Faults) -> Floats | None:
    """Signal to noise, dB, NaN where a row has none; None without the column."""
    column = columns.get("snr_db")
    if column is None:
        return None
    values, odd = floats_of(column)
    faults.add_odd("snr_db", odd, "a finite number or null")
    infinite = np.isinf(values)
    if infinite.any():
        faults.add_where("snr_db", infinite, values, "a finite number or null")
    return quiet(values)


def read_identity(columns: Mapping[str, Any], sensor: str, faults: Faults) -> tuple[str | None, ...] | None:
    """Identities, an empty string read as none: senders write it so."""
    column = columns.get("identity")
    if column is None:
        return None
    if not isinstance(column, list):
        found = shorten(column)
        raise MessageRejected("columns", f"identity is {found}; allowed is an array of strings or null", sensor)
    odd = {row: name for row, name in enumerate(column) if not (name is None or name == "" or is_text(name))}
    faults.add_odd("identity", odd, f"a string of at most {MAX_TEXT} printable characters, or null")
    return tuple([value or None for value in column])


def count_ignored(columns: Mapping[str, Any], layout: Layout) -> int:
    """How many columns are neither registered nor known."""
    known = sum(name in layout.place or name in layout.sigma_place or name in SIDE_COLUMNS for name in columns)
    return len(columns) - known
