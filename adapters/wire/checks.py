"""Single values from outside: is it what it has to be? A bool is never a number here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from adapters.wire.limits import MAX_TEXT, MAX_TIME_NS
from fusion import config


def is_id(value: object) -> bool:
    """A name that may be part of a topic."""
    return isinstance(value, str) and config.is_id(value)


def is_integer(value: object, low: int, high: int) -> bool:
    """An integer (no bool, no float) from `low` to `high`."""
    return type(value) is int and low <= value <= high


def is_time(value: object) -> bool:
    """UTC nanoseconds after 1970 and before 2255."""
    return type(value) is int and 0 < value <= MAX_TIME_NS


def is_text(value: object, longest: int = MAX_TEXT) -> bool:
    """1 to `longest` printable characters: what is shown at a terminal must not steer it."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def number(value: object) -> float | None:
    """`value` as a finite float, None where it is none (a bool, a string, NaN, an integer beyond floats)."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def number_within(value: object, limits: Sequence[float]) -> float | None:
    """`value` as a float inside `limits`, ends included; None where it is not."""
    found = number(value)
    return found if found is not None and limits[0] <= found <= limits[1] else None
