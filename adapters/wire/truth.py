"""`truth` messages: where a simulator's objects really are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adapters.wire.checks import is_text
from adapters.wire.envelope import Message, require_type
from adapters.wire.limits import MAX_INTEGER
from adapters.wire.tables import PLACE_LIMITS, Table, rounded
from fusion.types import Truth


def read_truth(message: Mapping[str, Any]) -> Truth:
    """A decoded `truth` message; integer ids become their text. Raises MessageRejected: `type`,
    `columns`, `rows`.
    """
    require_type(message, "truth")
    table = Table(message)
    given = table.entries("id", _is_object_id, "a string of 1 to 64 printable characters, or an integer")
    ids = tuple([str(name) for name in given])
    table.unique("id", ids)
    ignore = table.entries("ignore", lambda value: isinstance(value, bool), "true or false", False)
    return Truth(
        time_ns=message["time_ns"],
        id=ids,
        **{name: table.floats(name, limits) for name, limits in PLACE_LIMITS.items()},
        ignore=np.array(ignore, dtype=np.bool_),
    )


def truth_message(truth: Truth) -> Message:
    """The body of a `truth` message; a `Sender` stamps it."""
    columns: dict[str, Any] = {"id": list(truth.id)}
    for name in PLACE_LIMITS:
        columns[name] = rounded(name, getattr(truth, name))
    if truth.ignore.any():
        columns["ignore"] = truth.ignore
    return {"type": "truth", "time_ns": truth.time_ns, "columns": columns}


def _is_object_id(value: object) -> bool:
    return is_text(value) or (type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER)
