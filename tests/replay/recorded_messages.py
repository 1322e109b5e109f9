"""Messages of every kind for Hypothesis, written as other programs may, and what two of them being equal means."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fusion.types import TRACK_STATUSES

START_NS = 1_700_000_000_000_000_000
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
MEASURED = st.one_of(NUMBERS, st.none(), st.just(float("nan")))
IDS = st.sampled_from(["north", "east-2", "gate", "A_1"])
TEXTS = st.one_of(st.none(), st.text(st.characters(exclude_categories=("Cs",)), max_size=8))


def doubles(values: list[Any]) -> bytes:
    return struct.pack(f"<{len(values)}d", *(float("nan") if value is None else value for value in values))


def columns_of(draw: st.DrawFn, names: list[str], rows: int, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Each column as `bin` or as an array: NaN stands in a `bin` alone, as MessagePack arrays of ours have null."""
    columns: dict[str, Any] = {}
    for name in names:
        column = draw(st.lists(values, min_size=rows, max_size=rows))
        plain = [None if value is None or value != value else value for value in column]
        columns[name] = doubles(column) if draw(st.booleans()) else plain
    return columns


@st.composite
def frames(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.integers(0, 4))
    columns = columns_of(draw, ["range_m", "azimuth_deg", "sigma_range_m", "unknown"], rows, MEASURED)
    times = draw(st.lists(st.integers(1, 2**62), min_size=rows, max_size=rows))
    columns["time_ns"] = struct.pack(f"<{rows}q", *times) if draw(st.booleans()) else times
    columns["identity"] = draw(st.lists(TEXTS, min_size=rows, max_size=rows))
    columns["snr_db"] = draw(st.lists(st.integers(-5, 5), min_size=rows, max_size=rows))
    return {"type": "frame", "sensor": draw(IDS), "columns": columns, "pose": {"lat_deg": draw(NUMBERS)}}


@st.composite
def pictures(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.integers(0, 3))
    covariance: Any = draw(st.lists(st.lists(NUMBERS, min_size=21, max_size=21), min_size=rows, max_size=rows))
    if draw(st.booleans()):
        covariance = struct.pack(f"<{21 * rows}d", *(value for row in covariance for value in row))
    elif rows and draw(st.booleans()):
        covariance[0] = None
    return {
        "type": "tracks",
        "columns": {
            "id": draw(st.lists(st.integers(0, 2**53 - 1), min_size=rows, max_size=rows, unique=True)),
            "lat_deg": draw(st.lists(st.floats(-90, 90), min_size=rows, max_size=rows)),
            "lon_deg": draw(st.lists(st.floats(-180, 180), min_size=rows, max_size=rows)),
            "alt_m": draw(st.lists(st.floats(-1e4, 1e6), min_size=rows, max_size=rows)),
            "east_mps": draw(st.lists(st.one_of(st.none(), NUMBERS), min_size=rows, max_size=rows)),
            "status": draw(st.lists(st.sampled_from(TRACK_STATUSES), min_size=rows, max_size=rows)),
            "sensors": draw(st.lists(st.lists(IDS, max_size=2), min_size=rows, max_size=rows)),
            "diverted_ns": draw(st.lists(st.one_of(st.none(), st.integers(1, 2**62)), min_size=rows, max_size=rows)),
            "covariance": covariance,
        },
    }


@st.composite
def alerts(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "type": "alert", "zone": draw(IDS), "level": draw(st.sampled_from(["predicted", "imminent"])),
        "probability": draw(st.floats(0, 1)), "reason": draw(TEXTS), "time_to_entry_s": None,
    }  # fmt: skip


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), NUMBERS, TEXTS)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(IDS, inner, max_size=3))


@st.composite
def messages(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A recording's messages, of every kind, with a good envelope."""
    other = st.builds(
        lambda kind, tree: {"type": kind, "what": tree}, st.sampled_from(["status", "zones", "truth"]), TREES
    )
    bodies = draw(st.lists(st.one_of(frames(), pictures(), alerts(), other), min_size=1, max_size=8))
    return [
        {
            "v": 1,
            "source": "test",
            "seq": seq,
            "epoch": "e",
            "time_ns": START_NS + draw(st.integers(-5, 5)) + seq,
            **body,
        }
        for seq, body in enumerate(bodies)
    ]


def meaning(message: dict[str, Any]) -> dict[str, Any]:
    """What a message says, however its columns are packed: a `bin` as an array, NaN as null. Slow and plain."""
    columns = message.get("columns")
    if not isinstance(columns, dict):
        return message
    return {**message, "columns": {name: _column(name, column) for name, column in columns.items()}}


def _column(name: str, column: Any) -> Any:
    if isinstance(column, bytes) and name == "covariance":
        flat = [None if value != value else value for (value,) in struct.iter_unpack("<d", column)]
        return [flat[k : k + 21] for k in range(0, len(flat), 21)]
    if isinstance(column, bytes):
        values = [value for (value,) in struct.iter_unpack("<q" if name == "time_ns" else "<d", column)]
        return [None if value != value else value for value in values]
    if name == "covariance":
        return [[None] * 21 if row is None else row for row in column]
    return column


def same(one: Any, other: Any) -> bool:
    """Equal values of equal types, floats to the bit of their sign."""
    if isinstance(one, float) and isinstance(other, float):
        return np.array(one).tobytes() == np.array(other).tobytes()
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
