"""Bytes to maps and back: two formats with one meaning, and MessageRejected for all that is neither."""

from __future__ import annotations

import contextlib
import json
import math
import struct

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire import MAX_MESSAGE_BYTES, MAX_ROWS, decode, encode, unpack
from adapters.wire.limits import MAX_CONTAINERS
from fusion.errors import MessageRejected

FRAME = {
    "v": 1,
    "type": "frame",
    "source": "sim",
    "sensor": "north",
    "seq": 17,
    "epoch": "9f",
    "time_ns": 1_760_000_000_000_000_000,
}
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
)
maps = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
).map(lambda value: {"value": value})


def code_of(payload: bytes) -> str:
    with pytest.raises(MessageRejected) as caught:
        decode(payload)
    return caught.value.code


@given(maps, st.booleans())
@settings(deadline=None)
def test_what_is_encoded_is_decoded_as_it_was(message: dict[str, object], as_json: bool) -> None:
    assert unpack(encode(message, json=as_json)) == message


@given(maps)
@settings(deadline=None)
def test_json_is_one_line_and_the_same_map_gives_the_same_bytes(message: dict[str, object]) -> None:
    text = encode(message, json=True)
    assert text == encode(message, json=True)
    assert text.startswith(b"{")
    assert b"\n" not in text


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=500)
def test_no_bytes_raise_anything_but_message_rejected(payload: bytes) -> None:
    for candidate in (payload, b"{" + payload):
        with contextlib.suppress(MessageRejected):
            decode(candidate)


@pytest.mark.parametrize("end", range(1, 60, 7))
@pytest.mark.parametrize("as_json", [True, False])
def test_a_truncated_message_is_refused(end: int, as_json: bool) -> None:
    assert code_of(encode(FRAME, json=as_json)[:-end]) == "not-decodable"


def test_bytes_after_the_end_are_refused() -> None:
    assert code_of(encode(FRAME) + b"\x00") == "not-decodable"
    assert code_of(encode(FRAME, json=True) + b"{}") == "not-decodable"


def test_a_json_line_may_keep_its_line_end() -> None:
    assert decode(encode(FRAME, json=True) + b"\r\n") == FRAME


def test_more_than_eight_mebibytes_are_refused_unread() -> None:
    assert code_of(b"{" + b" " * MAX_MESSAGE_BYTES) == "oversize"
    assert code_of(bytes(MAX_MESSAGE_BYTES + 1)) == "oversize"


@pytest.mark.parametrize("payload", [b"", b"[]", b" {}", b"\xef\xbb\xbf{}", b"\x01", b"\xc0", b"\x93\x01\x02\x03"])
def test_what_is_no_map_is_refused(payload: bytes) -> None:
    assert code_of(payload) in ("not-a-map", "not-decodable")


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity"])
def test_json_with_numbers_that_json_does_not_have_is_refused(literal: bytes) -> None:
    assert code_of(b'{"v":%b}' % literal) == "not-decodable"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"v":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"v":' * 200_000,
        b"\x91" * 200_000 + b"\x00",
        b"\x81\xa1v" * 200_000 + b"\x00",
    ],
    ids=["json arrays", "json maps", "arrays", "maps"],
)
def test_deep_nesting_is_refused_without_a_crash(payload: bytes) -> None:
    assert code_of(payload) == "not-decodable"


@pytest.mark.parametrize("depth", [10, 200, 400, 900])
def test_nesting_that_can_be_read_can_be_shown_in_the_reason(depth: int) -> None:
    assert code_of(b"\x81\xa1v" + b"\x91" * depth + b"\x00") == "version"
    assert code_of(b'{"v":' + b"[" * depth + b"]" * depth + b"}") in ("version", "not-decodable")


def test_an_integer_of_a_million_digits_is_refused() -> None:
    assert code_of(b'{"v":' + b"9" * 1_000_000 + b"}") == "not-decodable"


def test_integers_beyond_64_bits_are_no_seq() -> None:
    assert code_of(encode({**FRAME, "seq": 0}, json=True).replace(b'"seq":0', b'"seq":' + b"9" * 300)) == "seq"


@pytest.mark.parametrize("code", [-1, 0, 5])
@pytest.mark.parametrize("size", [0, 1, 4, 8, 12])
def test_extension_types_and_timestamps_are_refused(code: int, size: int) -> None:
    value = struct.pack(">BBb", 0xC7, size, code) + bytes(size)
    assert code_of(b"\x81\xa1v" + value) == "not-decodable"


def test_text_that_is_not_utf_8_is_refused() -> None:
    assert code_of(b"\x81\xa1v\xa2\xff\xfe") == "not-decodable"
    assert code_of(b'{"v":"\xff"}') == "not-decodable"


def test_half_a_character_is_refused_and_a_whole_one_is_not() -> None:
    assert code_of(b'{"v":"\\ud800"}') == "not-decodable"
    assert unpack(b'{"v":"\\ud83d\\ude80"}') == {"v": "\U0001f680"}


@pytest.mark.parametrize("key", [b"\x01", b"\xc0", b"\x90", b"\xcb" + bytes(8)])
def test_keys_that_are_no_names_are_refused(key: bytes) -> None:
    assert code_of(b"\x81" + key + b"\x01") == "not-decodable"


def test_an_array_that_claims_to_be_huge_takes_no_memory() -> None:
    assert code_of(b"\x81\xa1v\xdd\xff\xff\xff\xff") in ("rows", "not-decodable")
    assert code_of(b"\x81\xa1v" + b"\xdd\x00\x7f\xff\xff" * 1000 + bytes(MAX_MESSAGE_BYTES - 10_000)) == "rows"


@pytest.mark.parametrize("filler", [b"\x90", b"\x80", b"\x91\x00", b"\x81\xa1a\x00"], ids=["[]", "{}", "[0]", "{a: 0}"])
def test_millions_of_small_containers_are_refused(filler: bytes) -> None:
    arrays = (MAX_MESSAGE_BYTES - 100) // (5 + MAX_ROWS * len(filler))
    payload = b"\x81\xa1v" + b"\xdc" + struct.pack(">H", arrays)
    payload += (b"\xdd" + struct.pack(">I", MAX_ROWS) + filler * MAX_ROWS) * arrays
    assert refuses_as_too_many(payload)


@pytest.mark.parametrize("filler", [b"[]", b"{}", b"[0]", b'{"a":0}'])
def test_millions_of_small_containers_in_json_are_refused(filler: bytes) -> None:
    entries = (MAX_MESSAGE_BYTES - 100) // (len(filler) + 1)
    assert refuses_as_too_many(b'{"v":[' + b",".join([filler] * entries) + b"]}")


def refuses_as_too_many(payload: bytes) -> bool:
    assert len(payload) <= MAX_MESSAGE_BYTES
    with pytest.raises(MessageRejected, match=r"not-decodable: .* more than 500000 arrays and maps"):
        decode(payload)
    return True


@pytest.mark.parametrize("as_json", [False, True])
def test_a_message_of_as_many_containers_as_are_allowed_is_read(as_json: bool) -> None:
    rows: list[list[list[int]]] = [[[]] * (MAX_ROWS // 2 - 1)] * (MAX_CONTAINERS // (MAX_ROWS // 2))
    message = {"a": rows[:-1]}
    assert unpack(encode(message, json=as_json)) == message


def test_what_is_not_finite_is_null_in_json_wherever_it_stands() -> None:
    message = {
        "a": math.nan,
        "b": [1.0, math.inf, {"c": -math.inf}],
        "d": np.array([1.0, math.nan]),
        "e": np.float64(math.nan),
        "f": (2.0, math.nan),
    }
    assert json.loads(encode(message, json=True)) == {
        "a": None,
        "b": [1.0, None, {"c": None}],
        "d": [1.0, None],
        "e": None,
        "f": [2.0, None],
    }


def test_numpy_values_become_plain_ones_in_both_formats() -> None:
    message = {
        "a": np.int64(3),
        "b": np.float32(0.5),
        "c": np.bool_(True),
        "d": np.array([[1, 2], [3, 4]]),
        "e": np.array([True, False]),
    }
    plain = {"a": 3, "b": 0.5, "c": True, "d": [[1, 2], [3, 4]], "e": [True, False]}
    assert unpack(encode(message)) == plain
    assert unpack(encode(message, json=True)) == plain


def test_floats_keep_every_bit_in_both_formats() -> None:
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0]
    for as_json in (False, True):
        back = unpack(encode({"a": np.array(values)}, json=as_json))["a"]
        assert struct.pack("<5d", *back) == struct.pack("<5d", *values)


def test_bins_of_a_frame_and_of_tracks_become_arrays_in_json() -> None:
    frame = {**FRAME, "columns": {"range_m": np.array([1.5, np.nan]), "time_ns": np.array([5, 6])}}
    received = decode(encode(frame))
    assert received["columns"]["range_m"] == struct.pack("<2d", 1.5, math.nan)
    assert received["columns"]["time_ns"] == struct.pack("<2q", 5, 6)
    assert decode(encode(received, json=True))["columns"] == {"range_m": [1.5, None], "time_ns": [5, 6]}

    tracks = {**FRAME, "type": "tracks", "columns": {"covariance": np.arange(42.0).reshape(2, 21)}}
    received = decode(encode(tracks))
    assert len(received["columns"]["covariance"]) == 42 * 8
    assert decode(encode(received, json=True))["columns"]["covariance"] == [
        [float(i) for i in range(21)],
        [float(i) for i in range(21, 42)],
    ]


def test_whatever_messagepack_brings_json_can_say() -> None:
    payload = msgpack.packb({**FRAME, "x": b"\x00\xff", "columns": {"odd": b"123", b"key": [1]}})
    assert json.loads(encode(decode(payload), json=True))["x"] == "AP8="


def test_integers_beyond_64_bits_survive_a_change_of_format() -> None:
    message = decode(encode(FRAME, json=True)[:-1] + b',"x":' + b"9" * 40 + b"}")
    assert decode(encode(message))["x"] == float("9" * 40)


@pytest.mark.parametrize(
    ("value", "as_json"), [(object(), False), (object(), True), ({1}, False), ({1}, True), (10**400, False)]
)
def test_what_has_no_place_in_a_message_is_refused(value: object, as_json: bool) -> None:
    with pytest.raises(MessageRejected, match="not-encodable"):
        encode({"a": value}, json=as_json)


@pytest.mark.parametrize("as_json", [False, True])
def test_nesting_too_deep_to_write_is_refused_without_a_crash(as_json: bool) -> None:
    nested: object = 1
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(MessageRejected, match="not-encodable"):
        encode({"a": nested}, json=as_json)
