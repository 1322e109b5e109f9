"""`tracks` messages: the air picture, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from adapters.wire.checks import is_id, is_text, is_time
from adapters.wire.columns import floats_of, quiet
from adapters.wire.envelope import Message, require_type
from adapters.wire.limits import COVARIANCE_WIDTH, MAX_INTEGER, MAX_TIME_NS
from adapters.wire.tables import PLACE_LIMITS, Table, rounded
from fusion.errors import MessageRejected, shorten
from fusion.types import TRACK_STATUSES, Floats, Picture

MAX_TRACK_ID: Final = 2**53 - 1
_LONGEST_REASON: Final = 1000
_PROBABILITY: Final = (0.0, 1.0)


def tracks_message(picture: Picture) -> Message:
    """The body of a `tracks` message; a `Sender` stamps it. Numbers are rounded as `tables.DECIMALS` says."""
    columns: dict[str, Any] = {"id": picture.id, "status": picture.status}
    columns["existence"] = rounded("existence", picture.existence)
    for name in PLACE_LIMITS:
        columns[name] = rounded(name, getattr(picture, name))
    columns["covariance"] = rounded("covariance", picture.covariance)
    columns["mode"] = picture.mode
    columns["mode_probability"] = rounded("mode_probability", picture.mode_probability)
    columns["updated_ns"] = picture.updated_ns
    columns["created_ns"] = picture.created_ns
    columns["hits"] = picture.hits
    columns["sensors"] = picture.sensors
    columns["identity"] = picture.identity
    columns["diverted_ns"] = picture.diverted_ns
    columns["reason"] = picture.reason
    return {"type": "tracks", "time_ns": picture.time_ns, "columns": columns}


def read_tracks(message: Mapping[str, Any]) -> Picture:
    """A decoded `tracks` message, of ours or of another tracker: only `id` and the position must be there.

    What is left out or null reads as confirmed, existence 1, velocity and covariance NaN. Raises
    MessageRejected: `type`, `columns`, `rows`.
    """
    require_type(message, "tracks")
    table = Table(message, {"covariance": COVARIANCE_WIDTH})
    time_ns: int = message["time_ns"]
    ids = table.integers("id", 0, MAX_TRACK_ID)
    table.unique("id", ids.tolist())
    velocity = ("east_mps", "north_mps", "up_mps")
    status = table.entries(
        "status", lambda s: isinstance(s, str) and s in TRACK_STATUSES, ", ".join(TRACK_STATUSES), "confirmed"
    )
    return Picture(
        time_ns=time_ns,
        id=ids,
        status=tuple(status),
        existence=table.floats("existence", _PROBABILITY, default=1.0),
        **{
            name: table.floats(name, limits, default=np.nan if name in velocity else None)
            for name, limits in PLACE_LIMITS.items()
        },
        covariance=_covariance(table),
        mode=tuple(table.entries("mode", is_text, "a name", "")),
        mode_probability=table.floats("mode_probability", _PROBABILITY, default=1.0),
        updated_ns=table.integers("updated_ns", 0, MAX_TIME_NS, default=time_ns),
        created_ns=table.integers("created_ns", 0, MAX_TIME_NS, default=time_ns),
        hits=table.integers("hits", 0, MAX_INTEGER, default=0),
        sensors=tuple([tuple(ids) for ids in table.entries("sensors", _are_ids, "an array of sensor ids", [])]),
        identity=tuple(table.entries("identity", is_text, "1 to 64 printable characters or null", None)),
        diverted_ns=tuple(table.entries("diverted_ns", is_time, "a time or null", None)),
        reason=tuple(table.entries("reason", _is_sentence, "a sentence or null", None)),
    )


def _covariance(table: Table) -> Floats:
    """(n, 21) from a `bin` or an array of arrays; NaN where a row is null or the column is left out."""
    column = table.columns.get("covariance")
    values = np.full((table.rows, COVARIANCE_WIDTH), np.nan)
    if isinstance(column, bytes):
        values = quiet(np.frombuffer(column, dtype="<f8").reshape(-1, COVARIANCE_WIDTH))
        if np.isinf(values).any():
            raise MessageRejected("columns", "covariance holds an infinity; allowed is finite numbers or NaN")
        return values
    for row, entries in enumerate(column or []):
        if entries is None:
            continue
        if not isinstance(entries, list) or len(entries) != COVARIANCE_WIDTH:
            raise _wrong_covariance(row, entries)
        values[row], odd = floats_of(entries)
        if odd or np.isinf(values[row]).any():
            raise _wrong_covariance(row, entries)
    return values


def _wrong_covariance(row: int, found: object) -> MessageRejected:
    return MessageRejected(
        "columns", f"covariance[{row}] is {shorten(found)}; allowed is {COVARIANCE_WIDTH} numbers or null"
    )


def _is_sentence(value: object) -> bool:
    return is_text(value, _LONGEST_REASON)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(map(is_id, value))
