"""Air pictures too large for a message: what goes first, what is said of it, and that everybody can read the rest."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters import schemas
from adapters.wire import (
    MAX_MESSAGE_BYTES,
    Message,
    Sender,
    decode,
    encode,
    encode_fitting,
    read_tracks,
    tracks_message,
)
from fusion.types import Picture

TIME_NS = 1_760_000_000_000_000_000
SCHEMA = Draft202012Validator(schemas.load("tracks"))


def picture(rows: int, tentative: int = 0) -> Picture:
    """`rows` tracks, the first of them tentative; existence falls from row to row."""
    spread = np.linspace(0.0, 1.0, rows)
    times = np.full(rows, TIME_NS)
    return Picture(
        time_ns=TIME_NS,
        id=np.arange(rows) + 2**52,
        status=("tentative",) * tentative + ("confirmed",) * (rows - tentative),
        existence=1.0 - 0.5 * spread,
        lat_deg=40.0 + spread / 3.0,
        lon_deg=10.0 + spread / 7.0,
        alt_m=9000.0 + spread,
        east_mps=100.0 * spread,
        north_mps=-100.0 * spread,
        up_mps=spread,
        covariance=np.random.default_rng(1).normal(size=(rows, 21)),
        mode=("cruise",) * rows,
        mode_probability=spread,
        updated_ns=times,
        created_ns=times - 10**9,
        hits=np.full(rows, 7),
        sensors=(("north", "south"),) * rows,
        identity=(None,) * rows,
        diverted_ns=(None,) * rows,
        reason=(None,) * rows,
    )


def message(rows: int, tentative: int = 0) -> Message:
    return Sender("test", "epoch").stamp("tracks", tracks_message(picture(rows, tentative)))


def test_a_picture_that_fits_goes_out_whole() -> None:
    payload, sent = encode_fitting(message(1000, 500))
    assert "left_out" not in sent
    assert len(decode(payload)["columns"]["id"]) == 1000


def test_tentative_tracks_go_first_and_the_rest_keeps_its_covariance() -> None:
    payload = encode(message(40_000, 20_000))
    read = read_tracks(decode(payload))
    assert len(payload) <= MAX_MESSAGE_BYTES
    assert decode(payload)["left_out"] == {"tracks": 20_000, "covariance": False}
    assert set(read.status) == {"confirmed"}
    assert np.array_equal(read.covariance, np.round(picture(40_000).covariance[20_000:], 9))


def test_fifty_thousand_tracks_go_out_without_their_covariance() -> None:
    decoded = decode(encode(message(50_000)))
    read = read_tracks(decoded)
    assert decoded["left_out"] == {"tracks": 0, "covariance": True}
    assert len(read.id) == 50_000
    assert np.isnan(read.covariance).all()


@pytest.mark.parametrize("as_json", [False, True])
def test_of_more_the_most_likely_stay(as_json: bool) -> None:
    payload = encode(message(90_000), json=as_json)
    decoded = decode(payload)
    kept = len(decoded["columns"]["id"])
    assert 0.9 * MAX_MESSAGE_BYTES < len(payload) <= MAX_MESSAGE_BYTES
    assert decoded["left_out"] == {"tracks": 90_000 - kept, "covariance": True}
    assert decoded["columns"]["id"] == picture(90_000).id[:kept].tolist()


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("limit", [40_000, 20_000, 10_000])
def test_what_is_left_holds_against_the_schema(limit: int, as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("codec", "fitting"):
        monkeypatch.setattr(f"adapters.wire.{module}.MAX_MESSAGE_BYTES", limit)
    payload = encode(message(200, 50), json=as_json)
    plain = decode(payload) if as_json else json.loads(encode(decode(payload), json=True))
    assert len(payload) <= limit
    assert "left_out" in plain
    SCHEMA.validate(plain)


def test_other_messages_are_never_shortened() -> None:
    large = {"type": "status", "columns": {"existence": [0.5] * 1_000_000}}
    assert len(encode(large)) > MAX_MESSAGE_BYTES


numbers = st.floats() | st.integers(-(2**31), 2**63 - 1).map(float)
columns: st.SearchStrategy[Any] = st.one_of(
    st.lists(numbers).map(np.array),
    st.lists(st.integers(-(2**63), 2**63 - 1)).map(lambda values: np.array(values, np.int64)),
    st.lists(st.integers(2**32, 2**63 - 1)).map(lambda values: np.array(values, np.int64)),
    st.lists(st.floats(width=32)).map(lambda values: np.array(values, np.float32)),
    st.lists(st.text(max_size=3) | st.none()).map(tuple),
)


@given(st.dictionaries(st.text(max_size=4), columns, max_size=4))
def test_columns_packed_as_tables_are_the_bytes_of_the_reference_packer(told: dict[str, Any]) -> None:
    """The same as `msgpack` packs lists in which null stands for what is not finite."""
    lists = {
        name: [
            value if value is None or not isinstance(value, float) or np.isfinite(value) else None for value in values
        ]
        for name, values in (
            (name, list(column) if isinstance(column, tuple) else column.tolist()) for name, column in told.items()
        )
    }
    assert encode({"type": "tracks", "columns": told, "seq": 3}) == msgpack.packb(
        {"type": "tracks", "columns": lists, "seq": 3}
    )
