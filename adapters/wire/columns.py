"""Columns from outside: an array of numbers or a `bin`, made into numpy without trusting a value of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, Final

import numpy as np

from adapters.wire.checks import number
from adapters.wire.limits import MAX_INTEGER, MAX_ROWS
from fusion.errors import MessageRejected, shorten
from fusion.types import Floats, Ints

_NUMBERS: Final = frozenset((float, int, NoneType))
_WHOLE_NUMBERS: Final = frozenset((int,))
_ITEM_BYTES: Final = 8
_NARROW: Final[dict[str, int]] = {}

Odd = dict[int, object]  # row -> what stands there and is no number


def columns_of(
    message: Mapping[str, Any], sensor: str | None = None, widths: Mapping[str, int] = _NARROW
) -> tuple[dict[str, Any], int]:
    """The message's columns and their common length. widths: numbers a row in the `bin` of a named column.

    Raises MessageRejected: `columns` where one is neither array nor `bin`, or they differ in length; `rows`
    where they are too long. Left out or empty, there is no row.
    """
    columns = message.get("columns", {})
    if not isinstance(columns, dict):
        raise MessageRejected("columns", f"columns is {shorten(columns)}; allowed is a map of columns", sensor)
    rows = -1
    for name, column in columns.items():
        length = _length(name, column, widths.get(name, 1), sensor)
        if rows < 0:
            rows = length
        elif length != rows:
            first = next(iter(columns))
            found = f"{shorten(name)} has {length} rows, {shorten(first)} {rows}"
            raise MessageRejected("columns", f"{found}; allowed is one length", sensor)
    if rows > MAX_ROWS:
        raise MessageRejected("rows", f"{rows} rows; allowed is {MAX_ROWS}", sensor)
    return columns, max(rows, 0)


def _length(name: object, column: object, width: int, sensor: str | None) -> int:
    if isinstance(column, list):
        return len(column)
    if not isinstance(column, bytes):
        raise MessageRejected("columns", f"{shorten(name)} is {shorten(column)}; allowed is an array or bin", sensor)
    size = _ITEM_BYTES * width
    if len(column) % size:
        found = f"{shorten(name)} is a bin of {len(column)} bytes"
        raise MessageRejected("columns", f"{found}; allowed is a multiple of {size}", sensor)
    return len(column) // size


def floats_of(column: list[Any] | bytes) -> tuple[Floats, Odd | None]:
    """A column as float64, NaN where it holds null. What is no number stands as NaN too, and in the map of
    odd values; with none of those the map is None."""
    if isinstance(column, bytes):
        return np.frombuffer(column, dtype="<f8"), None
    if _NUMBERS.issuperset(map(type, column)):
        try:
            return np.array(column, dtype=np.float64), None
        except OverflowError:  # an integer beyond every float
            pass
    odd: Odd = {}
    values = np.full(len(column), np.nan)
    for row, value in enumerate(column):
        if type(value) is float:
            values[row] = value
        elif value is not None:
            found = number(value)
            if found is None:
                odd[row] = value
            else:
                values[row] = found
    return values, odd


def quiet(values: Floats) -> Floats:
    """A copy with one kind of NaN: a `bin` may hold signalling ones, and arithmetic warns of those."""
    copy = np.array(values, dtype=np.float64)
    copy[np.isnan(copy)] = np.nan
    return copy


def integers_of(column: list[Any] | bytes, missing: int) -> tuple[Ints, Odd | None]:
    """A column as int64, `missing` where it holds null. What is no 64-bit integer is handed back as odd."""
    if isinstance(column, bytes):
        return np.frombuffer(column, dtype="<i8"), None
    if _WHOLE_NUMBERS.issuperset(map(type, column)):
        try:
            return np.array(column, dtype=np.int64), None
        except OverflowError:
            pass
    odd: Odd = {}
    values = np.full(len(column), missing, dtype=np.int64)
    for row, value in enumerate(column):
        if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:
            values[row] = value
        elif value is not None:
            odd[row] = value
    return values, odd
