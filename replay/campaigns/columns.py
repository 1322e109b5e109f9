"""A score as one row of a table: each number of it under its path, as `totals.gospa_m`.

The fields of the dataclasses decide which columns there are, so that what a score learns to say comes by itself.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Union, get_args, get_origin

import numpy as np

from replay.scoring.results import Score

Value = float | int | None
Row = dict[str, Value]
# The options are the same for all runs; objects, entries and episodes are others in every run.
LEFT_OUT: Final = ("options", "over_time", "objects", "entries", "infringements", "episodes")
# Entries of a tuple that such a field tells apart have columns of their own, as `alerts.warnings.shares.60.share`.
LABELS: Final = ("id", "component", "zone", "seconds")
NUMBERS: Final = (bool, int, float, np.integer, np.floating, np.bool_)


def flatten(value: Any, prefix: str = "") -> Row:
    """Every number in a dataclass, and in those within it, properties too; what is not finite is None.

    Texts, arrays and lists of what differs from run to run are left out.
    """
    row: Row = {}
    hints = _hints(type(value))
    for name, inner in _parts(value):
        path = f"{prefix}{name}"
        if isinstance(inner, NUMBERS) or (inner is None and _leads(hints[name], ())):
            row[path] = _number(inner)
        elif dataclasses.is_dataclass(inner):
            row |= flatten(inner, f"{path}.")
        else:
            for label, one in _entries(inner):
                row |= flatten(one, f"{path}.{label}.") if dataclasses.is_dataclass(one) else {}
                row |= {f"{path}.{label}": _number(one)} if isinstance(one, NUMBERS) else {}
    return row


def exists(path: str) -> bool:
    """Whether some score may have a column of this path."""
    return _leads(Score, path.split("."))


def _leads(hint: Any, steps: Sequence[str]) -> bool:
    """Whether a path below a type ends at a number."""
    if get_origin(hint) in (Union, types.UnionType):
        return any(_leads(arm, steps) for arm in get_args(hint))
    if not steps:
        return isinstance(hint, type) and issubclass(hint, NUMBERS)
    if dataclasses.is_dataclass(hint):
        return steps[0] not in LEFT_OUT and _leads(_hints(hint).get(steps[0]), steps[1:])
    args = get_args(hint)
    if get_origin(hint) is tuple and dataclasses.is_dataclass(args[0]):  # a label: any
        return bool(set(_hints(args[0])) & set(LABELS)) and _leads(args[0], steps[1:])
    return len(args) == 2 and _leads(args[1], steps[1:])


def _hints(kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = _known_hints(kind)
    return found


@functools.cache
def _known_hints(kind: Any) -> dict[str, Any]:
    found = typing.get_type_hints(kind)
    for name, attribute in vars(kind).items():
        if isinstance(attribute, property):
            found[name] = typing.get_type_hints(attribute.fget).get("return")
    return found


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if field.name not in LEFT_OUT:
            yield field.name, getattr(value, field.name)
    for name, attribute in vars(type(value)).items():
        if isinstance(attribute, property):
            yield name, getattr(value, name)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """What is inside a mapping, or a tuple of what has labels, by its name."""
    if isinstance(value, Mapping):
        yield from ((str(key), value[key]) for key in sorted(value, key=str))
    for one in value if isinstance(value, tuple) else ():
        label = next((getattr(one, name) for name in LABELS if hasattr(one, name)), None)
        if label is not None:
            yield f"{label:g}" if isinstance(label, float) else str(label), one


def _number(value: Any) -> Value:
    if value is None:
        return None
    if isinstance(value, bool | int | np.integer | np.bool_):
        return int(value)
    return float(value) if math.isfinite(value) else None
