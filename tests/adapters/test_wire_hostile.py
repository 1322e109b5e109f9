"""Whatever arrives: reading raises MessageRejected or nothing, and the next good message is read as ever."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire import decode, encode, read_alert, read_frame, read_tracks, read_truth
from fusion.config import SensorConfig
from fusion.errors import MessageRejected
from fusion.types import Coverage, Pose

TIME_NS = 1_760_000_000_000_000_000
SENSOR = SensorConfig(
    id="north",
    kind="radar",
    measures=("range_m", "azimuth_deg", "elevation_deg"),
    sigma={"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2},
    coverage=Coverage(range_m=(500.0, 80_000.0), azimuth_deg=(0.0, 360.0)),
    pose=Pose(47.6, 19.1, 210.0),
    period_s=4.0,
)
ENVELOPE = {"v": 1, "source": "sim", "seq": 17, "epoch": "9f", "time_ns": TIME_NS}
POSE = {"lat_deg": 47.0, "lon_deg": 19.0, "alt_m": 100.0, "yaw_deg": 1.0, "pitch_deg": 0.0, "roll_deg": 0.0}
PLACES: dict[str, object] = {
    name: [1.0, 2.0] for name in ("lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps")
}
GOOD: list[dict[str, Any]] = [
    {
        **ENVELOPE,
        "type": "frame",
        "sensor": "north",
        "pose": POSE,
        "swept": {"azimuth_deg": [350, 20], "elevation_deg": [0, 40], "range_m": [500, 80_000]},
        "columns": {
            "range_m": [1000.0, 2000.0],
            "azimuth_deg": [1.0, 2.0],
            "elevation_deg": [1.0, None],
            "sigma_range_m": [1.0, 2.0],
            "time_ns": [TIME_NS, TIME_NS - 1],
            "snr_db": [1.0, 2.0],
            "identity": ["a", None],
        },
    },
    {**ENVELOPE, "type": "truth", "columns": {"id": ["a", 7], **PLACES, "ignore": [True, False]}},
    {
        **ENVELOPE,
        "type": "tracks",
        "columns": {
            "id": [1, 2],
            "status": ["confirmed", "ended"],
            "existence": [0.5, 1.0],
            **PLACES,
            "covariance": [[1.0] * 21, None],
            "mode": ["cruise", "cruise"],
            "mode_probability": [1.0, 1.0],
            "updated_ns": [1, 2],
            "created_ns": [1, 2],
            "hits": [1, 2],
            "sensors": [["north"], []],
            "identity": [None, "a"],
            "diverted_ns": [None, 5],
            "reason": [None, "it left"],
        },
    },
    {
        **ENVELOPE,
        "type": "alert",
        "number": 1,
        "alert": "01J",
        "step": 1,
        "zone": "airport",
        "track": 1,
        "tracks": [1],
        "level": "imminent",
        "state": "raised",
        "acknowledged": {"who": "me", "time_ns": 1, "note": ""},
        "probability": 0.5,
        "time_to_entry_s": {"p10": 1.0, "p50": 2.0, "p90": 3.0},
        "entry": {"lat_deg": 1.0, "lon_deg": 2.0, "alt_m": 3.0},
        "closest": {"distance_m": 1.0, "time_s": 1.0},
        "track_status": "confirmed",
        "suppressed_until_ns": None,
        "position": {"lat_deg": 1.0, "lon_deg": 2.0, "alt_m": 3.0},
        "velocity": {"east_mps": 1.0, "north_mps": 2.0, "up_mps": 3.0},
        "sensors": ["north"],
        "reason": "it heads for the zone",
        "test": False,
    },
]
oddities: st.SearchStrategy[object] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**63 - 1,
        2**64 - 1,
        -(2**63),
        1e308,
        -1e-320,
        math.nan,
        math.inf,
        "",
        "x" * 200,
        "a\x1b[2J",
        b"",
        b"\x00" * 7,
        b"\xff" * 16,
        b"\xff" * 336,
        [],
        {},
        [None],
        [[[[[]]]]],
        {"a": {"b": {}}},
        [math.nan] * 21,
        ["confirmed", 1, True, b"", None, 2.5, {}, []],
    ]
)


def read(payload: bytes) -> object:
    message = decode(payload)
    readers = {"truth": read_truth, "tracks": read_tracks, "alert": read_alert}
    if message["type"] == "frame":
        return read_frame(message, SENSOR)
    return readers[message["type"]](message) if message["type"] in readers else None


def rejection_of(act: Callable[[], object]) -> MessageRejected | None:
    """Why it was refused; any other exception passes through and fails the test."""
    try:
        act()
    except MessageRejected as rejection:
        return rejection
    return None


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every entry of a nested message."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [inner for key, entry in entries for inner in [(*path, key), *places_in(entry, (*path, key))]]


def changed(message: Any, path: tuple[Any, ...], value: object, drop: bool) -> Any:
    """A copy of the message with one entry replaced or left out."""
    copy = dict(message) if isinstance(message, dict) else list(message)
    if len(path) > 1:
        copy[path[0]] = changed(message[path[0]], path[1:], value, drop)
    elif drop:
        del copy[path[0]]
    else:
        copy[path[0]] = value
    return copy


@given(st.sampled_from(GOOD), st.data(), st.booleans())
@settings(deadline=None, max_examples=600)
def test_a_good_message_with_anything_changed_raises_nothing_but_message_rejected(
    message: dict[str, Any], data: st.DataObject, as_json: bool
) -> None:
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places_in(message)))
        message = changed(message, path, data.draw(oddities), data.draw(st.booleans()))
        if not places_in(message):
            break
    rejection = rejection_of(lambda: read(encode(message, json=as_json)))
    assert rejection is None or len(rejection.detail) < 500


@given(st.sampled_from(GOOD), st.booleans(), st.data())
@settings(deadline=None, max_examples=300)
def test_a_good_message_with_bytes_changed_raises_nothing_but_message_rejected(
    message: dict[str, Any], as_json: bool, data: st.DataObject
) -> None:
    payload = bytearray(encode(message, json=as_json))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    rejection = rejection_of(lambda: read(bytes(payload)))
    assert rejection is None or len(rejection.detail) < 500


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_after_any_bytes_the_next_good_frame_is_read_as_if_nothing_had_been(payload: bytes) -> None:
    before, _, _ = read_frame(decode(encode(GOOD[0])), SENSOR)
    rejection_of(lambda: read(payload))
    after, rejected, ignored = read_frame(decode(encode(GOOD[0])), SENSOR)
    np.testing.assert_array_equal(after.values, before.values)
    assert (rejected.count, ignored) == (0, 0)


def test_what_the_changes_start_from_is_good() -> None:
    for message in GOOD:
        for as_json in (False, True):
            assert read(encode(message, json=as_json)) is not None
