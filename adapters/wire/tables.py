"""Columns of `truth` and `tracks`, read all or nothing: one wrong value rejects the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from adapters.wire.columns import Odd, columns_of, floats_of, integers_of
from adapters.wire.limits import DISTANCE_M, LATITUDE_DEG, LONGITUDE_DEG, span
from fusion.errors import MessageRejected, shorten
from fusion.types import Floats, Ints

ANYTHING: Final = (-np.inf, np.inf)
REQUIRED: Final = object()  # stands for no default
# Decimals that output is rounded to: text stays short, nothing that is known gets lost.
DECIMALS: Final = {
    "lat_deg": 9,  # 0.1 mm
    "lon_deg": 9,
    "alt_m": 4,
    "east_mps": 4,
    "north_mps": 4,
    "up_mps": 4,
    "existence": 6,
    "mode_probability": 6,
    "covariance": 9,  # m², down to the square of 0.03 mm
}
PLACE_LIMITS: Final = {
    "lat_deg": LATITUDE_DEG,
    "lon_deg": LONGITUDE_DEG,
    "alt_m": (-DISTANCE_M, DISTANCE_M),  # a ballistic track may be predicted to anywhere
    "east_mps": ANYTHING,
    "north_mps": ANYTHING,
    "up_mps": ANYTHING,
}


def rounded(name: str, values: Floats) -> Floats:
    """Values as they go out; adding 0 turns −0 into 0."""
    result: Floats = np.round(values, DECIMALS[name]) + 0.0
    return result


class Table:
    """The columns of a message, all of one length. What is wrong raises MessageRejected("columns").

    Each method gives one column. With a default, the column may be left out, and null in it is the default.
    """

    def __init__(self, message: Mapping[str, Any], widths: Mapping[str, int] | None = None) -> None:
        self.columns, self.rows = columns_of(message, widths=widths or {})

    def floats(self, name: str, limits: Sequence[float], default: float | None = None) -> Floats:
        """(n,) finite numbers inside the limits."""
        values, odd = floats_of(self._column(name, default is not None))
        good = np.isfinite(values) & (values >= limits[0]) & (values <= limits[1])
        if default is not None:
            good |= np.isnan(values)
        allowed = "a finite number" if limits is ANYTHING else span(limits)
        self._refuse(name, good, values, odd, allowed)
        return np.array(values) if default is None else np.where(np.isnan(values), default, values)

    def integers(self, name: str, low: int, high: int, default: int | None = None) -> Ints:
        """(n,) integers from `low` to `high`."""
        missing = low - 1 if default is None else default
        values, odd = integers_of(self._column(name, default is not None), missing)
        good = (values >= low) & (values <= high)
        self._refuse(name, good, values, odd, f"an integer, {low} to {high}")
        return np.array(values)

    def entries(self, name: str, accepts: Callable[[Any], bool], allowed: str, default: object = REQUIRED) -> list[Any]:
        """n entries, each of which `accepts`."""
        optional = default is not REQUIRED
        column = self._column(name, optional)
        if not isinstance(column, list):
            raise MessageRejected("columns", f"{name} is {shorten(column)}; allowed is an array")
        for row, value in enumerate(column):
            if not (accepts(value) or (optional and value is None)):
                raise _wrong(name, row, value, allowed)
        return [default if value is None else value for value in column] if optional else column

    def unique(self, name: str, values: Sequence[Any]) -> None:
        """Refuses the second of two equal entries."""
        seen: set[Any] = set()
        for row, value in enumerate(values):
            if value in seen:
                raise _wrong(name, row, value, "each once")
            seen.add(value)

    def _column(self, name: str, optional: bool) -> list[Any] | bytes:
        column: list[Any] | bytes | None = self.columns.get(name)
        if column is not None:
            return column
        if optional or not self.columns:
            return [None] * self.rows
        raise MessageRejected("columns", f"{name} is missing; there are {shorten(list(self.columns))}")

    @staticmethod
    def _refuse(name: str, good: NDArray[np.bool_], values: Floats | Ints, odd: Odd | None, allowed: str) -> None:
        if odd:
            row = next(iter(odd))
            raise _wrong(name, row, odd[row], allowed)
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            raise _wrong(name, row, values[row].item(), allowed)


def _wrong(name: str, row: int, found: object, allowed: str) -> MessageRejected:
    return MessageRejected("columns", f"{name}[{row}] is {shorten(found)}; allowed is {allowed}")
