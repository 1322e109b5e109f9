"""Air pictures that are too large for one message, made to fit: what matters least is left out first, and said.

A row of `tracks` takes about 300 bytes in MessagePack, 168 of them covariance, and 450 in JSON: 8 MiB hold 28 000
rows, and 18 000 in JSON. Beyond that go, one after the other and no more than needed: the tentative tracks; the
covariance, null then; the tracks that are least likely to exist. `left_out` in the message says how many `tracks`
are missing, and whether the `covariance` is: who does not know that key reads the message as any other.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from adapters.wire.limits import COVARIANCE_WIDTH, MAX_MESSAGE_BYTES

SPARE: Final = 0.98  # of what would fit were all rows alike: they are not


def shorter(message: Mapping[str, Any], size: int) -> dict[str, Any] | None:
    """The next shorter form of a `tracks` message that is `size` bytes long; None where there is none."""
    columns = message.get("columns")
    if message.get("type") != "tracks" or not isinstance(columns, dict) or "existence" not in columns:
        return None
    if any(isinstance(column, bytes) for name, column in columns.items() if name != "covariance"):
        return None
    rows = len(columns["existence"])
    said = {"tracks": 0, "covariance": False, **message.get("left_out", {})}
    firm = np.array([status != "tentative" for status in columns.get("status", ())], bool)
    if len(firm) == rows and not firm.all():
        return _with_rows(message, columns, firm, said)
    if not said["covariance"] and "covariance" in columns:
        return {
            **message,
            "columns": {**columns, "covariance": [None] * rows},
            "left_out": {**said, "covariance": True},
        }
    room = int(rows * SPARE * MAX_MESSAGE_BYTES / size)
    if not room:
        return None
    existence = np.array(columns["existence"], float)
    kept = np.zeros(rows, bool)
    kept[np.argsort(-existence, kind="stable")[:room]] = True
    return _with_rows(message, columns, kept, said)


def _with_rows(
    message: Mapping[str, Any], columns: Mapping[str, Any], kept: np.ndarray[Any, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    chosen = {name: _chosen(column, kept) for name, column in columns.items()}
    missing = said["tracks"] + int(np.count_nonzero(~kept))
    return {**message, "columns": chosen, "left_out": {**said, "tracks": missing}}


def _chosen(column: Sequence[Any] | bytes, kept: np.ndarray[Any, Any]) -> Any:
    if isinstance(column, bytes):
        return np.frombuffer(column, "<f8").reshape(-1, COVARIANCE_WIDTH)[kept]
    if isinstance(column, np.ndarray):
        return column[kept]
    return list(itertools.compress(column, kept.tolist()))
