"""Frames: what is read is what was measured, and what is wrong goes alone, with its reason."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters import schemas
from adapters.wire import (
    MAX_REASONS,
    decode,
    encode,
    frame_message,
    read_frame,
    read_truth,
    registered_sigmas,
    topic_of,
)
from fusion.config import SensorConfig
from fusion.errors import MessageRejected, RowRejected
from fusion.types import COMPONENTS, SECOND_NS, Coverage, Frame, Pose

TIME_NS = 1_760_000_000_000_000_000
RADAR = SensorConfig(
    id="north",
    kind="radar",
    measures=("range_m", "azimuth_deg", "elevation_deg"),
    sigma={"range_m": 30.0, "azimuth_deg": 0.1, "elevation_deg": 0.2},
    coverage=Coverage(range_m=(500.0, 80_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-1.0, 45.0)),
    pose=Pose(47.6, 19.1, 210.0),
    period_s=4.0,
)
SECONDARY = SensorConfig(
    id="ssr",
    kind="radar",
    measures=("range_m", "azimuth_deg", "altitude_m", "range_rate_mps"),
    sigma={"range_m": 50.0, "azimuth_deg": 0.1, "altitude_m": 15.0, "range_rate_mps": 2.0},
    coverage=Coverage(range_m=(500.0, 300_000.0), azimuth_deg=(0.0, 360.0)),
    pose=Pose(47.6, 19.1, 210.0),
    period_s=8.0,
)
CAMERA = SensorConfig(
    id="camera",
    kind="infrared",
    measures=("azimuth_deg",),
    sigma={"azimuth_deg": 0.03},
    coverage=Coverage(range_m=(0.0, 10_000.0), azimuth_deg=(350.0, 20.0)),
    period_s=0.1,
)
BEACON = SensorConfig(
    id="beacon",
    kind="position",
    measures=("north_m", "east_m", "up_m", "altitude_m"),
    sigma={"east_m": 5.0, "north_m": 6.0, "up_m": 7.0, "altitude_m": 8.0},
    coverage=Coverage(east_m=(-1e5, 1e5), north_m=(-1e5, 1e5)),
    pose=Pose(47.0, 19.0, 0.0),
)
RECORDINGS = Path(__file__).parents[3] / "shared" / "data"
FRAME_SCHEMA = Draft202012Validator(schemas.load("frame"))
SPANS = {
    "range_m": (0.0, 1e6),
    "azimuth_deg": (-2 * math.pi, 2 * math.pi),
    "elevation_deg": (-math.pi / 2, math.pi / 2),
    "range_rate_mps": (-2000.0, 2000.0),
    "altitude_m": (-1e4, 1e5),
    "east_m": (-1e6, 1e6),
    "north_m": (-1e6, 1e6),
    "up_m": (-1e6, 1e6),
}
numbers = st.floats(-1e4, 1e4)
poses = st.builds(Pose, st.floats(-90, 90), st.floats(-180, 180), st.floats(-1e4, 1e6), numbers, numbers, numbers)


def message_of(sensor: SensorConfig = RADAR, **changes: object) -> dict[str, object]:
    columns = {
        "range_m": [1000.0, 2000.0, 3000.0],
        "azimuth_deg": [0.0, 90.0, 359.5],
        "elevation_deg": [1.0, 2.0, 3.0],
    }
    envelope = {
        "v": 1,
        "type": "frame",
        "source": "sim",
        "sensor": sensor.id,
        "seq": 17,
        "epoch": "9f",
        "time_ns": TIME_NS,
        "columns": columns,
    }
    return decode(encode({**envelope, **changes}))


def with_columns(**columns: object) -> dict[str, object]:
    message = message_of()
    return {**message, "columns": {**message["columns"], **columns}}  # type: ignore[dict-item]


def code_of(message: dict[str, object], sensor: SensorConfig = RADAR) -> str:
    with pytest.raises(MessageRejected) as caught:
        read_frame(message, sensor)
    assert caught.value.sensor == sensor.id
    return caught.value.code


@st.composite
def frames(draw: st.DrawFn) -> tuple[Frame, SensorConfig]:
    sensor = draw(st.sampled_from([RADAR, SECONDARY, CAMERA, BEACON]))
    n, k = draw(st.integers(0, 5)), len(sensor.measures)
    values = np.empty((n, k))
    for i, name in enumerate(sensor.measures):
        cell = st.floats(*SPANS[name]) | st.just(math.nan)
        values[:, i] = draw(st.lists(cell, min_size=n, max_size=n))
    low, _ = SPANS[sensor.measures[0]]
    values[np.isnan(values).all(axis=1), 0] = max(low, 0.5)
    sigmas = np.tile(registered_sigmas(sensor), (n, 1))
    if draw(st.booleans()) and n:
        sigmas[draw(st.integers(0, n - 1)), draw(st.integers(0, k - 1))] *= draw(st.floats(0.1, 10.0))
    ages = draw(st.lists(st.integers(0, round(sensor.period_s * SECOND_NS)), min_size=n, max_size=n))
    texts = st.none() | st.text("abcXYZ 0-9é", min_size=1, max_size=64)
    swept = Coverage(azimuth_deg=(350.0, 20.0), elevation_deg=(-1.5, 3.25))
    if sensor is BEACON:
        swept = Coverage(east_m=(-10.0, 10.0), up_m=(0.0, 1e3))
    frame = Frame(
        source="sim",
        sensor=sensor.id,
        seq=draw(st.integers(0, 2**63 - 1)),
        epoch="e",
        time_ns=TIME_NS,
        values=values,
        sigmas=sigmas,
        times_ns=TIME_NS - np.array(ages, dtype=np.int64),
        snr_db=np.array(draw(st.lists(numbers | st.just(math.nan), min_size=n, max_size=n)))
        if draw(st.booleans())
        else None,
        identity=tuple(draw(st.lists(texts, min_size=n, max_size=n))) if draw(st.booleans()) else None,
        pose=draw(poses if sensor is CAMERA else st.none() | poses),
        swept=draw(st.sampled_from([None, swept])),
    )
    return frame, sensor


@given(frames(), st.booleans())
@settings(deadline=None, max_examples=200)
def test_a_frame_written_and_read_is_the_same_frame(case: tuple[Frame, SensorConfig], as_json: bool) -> None:
    frame, sensor = case
    message = frame_message(frame, sensor)
    read, rejected, ignored = read_frame(decode(encode(message, json=as_json)), sensor)
    assert (rejected.count, ignored) == (0, 0)
    np.testing.assert_allclose(read.values, frame.values, rtol=1e-15, atol=1e-13)
    np.testing.assert_allclose(read.sigmas, frame.sigmas, rtol=1e-15)
    np.testing.assert_array_equal(read.times_ns, frame.times_ns)
    for name in ("source", "sensor", "seq", "epoch", "time_ns", "identity", "pose", "swept"):
        assert getattr(read, name) == getattr(frame, name), name
    if frame.snr_db is None:
        assert read.snr_db is None
    else:
        np.testing.assert_array_equal(read.snr_db, frame.snr_db)


@given(frames())
@settings(deadline=None)
def test_every_frame_written_holds_against_its_schema(case: tuple[Frame, SensorConfig]) -> None:
    message = frame_message(*case)
    FRAME_SCHEMA.validate(json.loads(encode(message, json=True)))
    assert topic_of(message) == f"frame.{case[1].id}"


def test_values_come_in_radians_in_the_registered_order() -> None:
    columns = {"altitude_m": [7.0], "up_m": [3.0], "east_m": [1.0], "north_m": [2.0]}
    frame, _, _ = read_frame(message_of(BEACON, columns=columns), BEACON)
    assert frame.values.tolist() == [[2.0, 1.0, 3.0, 7.0]]
    frame, _, _ = read_frame(message_of(), RADAR)
    assert frame.values[1].tolist() == [2000.0, math.radians(90.0), math.radians(2.0)]
    assert frame.sigmas[2].tolist() == [30.0, math.radians(0.1), math.radians(0.2)]
    assert frame.times_ns.tolist() == [TIME_NS] * 3


@pytest.mark.parametrize("columns", [{}, {"range_m": []}, {"range_m": b"", "azimuth_deg": [], "identity": []}])
def test_a_frame_without_rows_is_valid(columns: dict[str, object]) -> None:
    frame, rejected, ignored = read_frame(message_of(columns=columns), RADAR)
    assert frame.values.shape == frame.sigmas.shape == (0, 3)
    assert frame.times_ns.shape == (0,)
    assert (rejected.count, ignored) == (0, 0)


def test_a_frame_that_leaves_columns_out_altogether_saw_nothing() -> None:
    message = message_of()
    del message["columns"]
    assert len(read_frame(message, RADAR)[0].values) == 0


@pytest.mark.parametrize("as_json", [False, True])
def test_arrays_bins_integers_and_nulls_mean_the_same(as_json: bool) -> None:
    lists = {
        "range_m": [1000, 2000.0, None],
        "azimuth_deg": [10, 20, 30.5],
        "time_ns": [TIME_NS - 1, None, TIME_NS],
    }
    bins = {
        "range_m": struct.pack("<3d", 1000, 2000, math.nan),
        "azimuth_deg": struct.pack("<3d", 10, 20, 30.5),
        "time_ns": struct.pack("<3q", TIME_NS - 1, TIME_NS, TIME_NS),
    }
    one, _, _ = read_frame(decode(encode(message_of(columns=lists), json=as_json)), RADAR)
    other, _, _ = read_frame(message_of(columns=bins), RADAR)
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.times_ns, other.times_ns)


BAD_ROWS = [
    ("range_m", -0.5, "0 to 1e+09"),
    ("range_m", math.inf, "0 to 1e+09"),
    ("range_m", 2e9, "0 to 1e+09"),
    ("elevation_deg", 95.0, "-90 to 90"),
    ("elevation_deg", -math.inf, "-90 to 90"),
    ("azimuth_deg", 361.0, "-360 to 360"),
    ("azimuth_deg", "90", "a number, -360 to 360, or null"),
    ("azimuth_deg", True, "a number, -360 to 360, or null"),
    ("azimuth_deg", [90.0], "a number, -360 to 360, or null"),
    ("azimuth_deg", {}, "a number, -360 to 360, or null"),
    ("azimuth_deg", b"\x01", "a number, -360 to 360, or null"),
    ("sigma_range_m", 0.0, "1e-06 to 1e+06"),
    ("sigma_range_m", -3.0, "1e-06 to 1e+06"),
    ("sigma_azimuth_deg", math.inf, "1e-06 to 180"),
    ("sigma_azimuth_deg", "wide", "a number, 1e-06 to 180, or null"),
    ("snr_db", math.inf, "a finite number or null"),
    ("snr_db", "loud", "a finite number or null"),
    ("identity", "x" * 65, "a string of at most 64 printable characters, or null"),
    ("identity", "a\x1b[2J", "a string of at most 64 printable characters, or null"),
    ("identity", 7, "a string of at most 64 printable characters, or null"),
    (
        "time_ns",
        TIME_NS + 1,
        f"{TIME_NS - 4 * SECOND_NS} to {TIME_NS}: the look that ends at the frame's time",
    ),
    ("time_ns", TIME_NS - 4 * SECOND_NS - 1, f"{TIME_NS - 4 * SECOND_NS} to {TIME_NS}"),
    ("time_ns", 1.5, "an integer, "),
    ("time_ns", True, "an integer, "),
]


@pytest.mark.parametrize(("column", "value", "allowed"), BAD_ROWS)
def test_a_bad_value_rejects_its_row_alone_and_says_why(column: str, value: object, allowed: str) -> None:
    good = {
        "sigma_range_m": 5.0,
        "sigma_azimuth_deg": 1.0,
        "snr_db": 10.0,
        "identity": "4b1a",
        "time_ns": TIME_NS,
    }
    filler = good.get(column, 1.0)
    clean, _, _ = read_frame(with_columns(**{column: [filler] * 3}), RADAR)
    frame, rejected, _ = read_frame(with_columns(**{column: [filler, value, filler]}), RADAR)
    for name in ("values", "sigmas", "times_ns", "snr_db"):
        expected = getattr(clean, name)
        np.testing.assert_array_equal(getattr(frame, name), None if expected is None else expected[[0, 2]])
    assert frame.identity == (None if clean.identity is None else (clean.identity[0], clean.identity[2]))
    (rejection,) = rejected.first
    assert rejected.count == 1
    assert (rejection.sensor, rejection.seq, rejection.column, rejection.row) == ("north", 17, column, 1)
    assert rejection.value == value
    assert rejection.allowed.startswith(allowed)
    assert str(rejection).startswith(f"frame.north 17: {column}[1] is ")


def test_an_integer_too_long_for_a_float_rejects_its_row_alone() -> None:
    text = encode(with_columns(range_m=[1000.0, 7, 3000.0]), json=True).replace(b",7,", b"," + b"9" * 400 + b",")
    frame, rejected, _ = read_frame(decode(text), RADAR)
    assert len(frame.values) == 2
    assert [(row.column, row.row) for row in rejected.first] == [("range_m", 1)]


def test_a_row_with_nothing_measured_is_rejected_alone() -> None:
    columns = {"range_m": [None, 5.0, None], "azimuth_deg": [None, None, 1.0], "altitude_m": [1.0, 1.0, 1.0]}
    frame, rejected, ignored = read_frame(message_of(columns=columns), RADAR)
    assert np.isnan(frame.values).tolist() == [[False, True, True], [True, False, True]]
    assert [(row.row, row.column) for row in rejected.first] == [(0, "columns")]
    assert rejected.first[0].allowed == "a value in at least one of range_m, azimuth_deg, elevation_deg"
    assert ignored == 1


def test_rows_of_nothing_but_unregistered_columns_are_rejected_not_taken_for_an_empty_look() -> None:
    frame, rejected, ignored = read_frame(message_of(columns={"east_m": [1.0, 2.0], "range": [1, 2]}), RADAR)
    assert (len(frame.values), rejected.count, ignored) == (0, 2, 2)


def test_each_rejected_row_is_told_once_in_row_order() -> None:
    columns = {"range_m": [1.0, -1.0, math.inf, 4.0], "azimuth_deg": [999.0, 999.0, 1.0, 2.0]}
    frame, rejected, _ = read_frame(message_of(columns=columns), RADAR)
    assert [(row.row, row.column) for row in rejected.first] == [(0, "azimuth_deg"), (1, "range_m"), (2, "range_m")]
    assert frame.values[:, 0].tolist() == [4.0]


@given(st.lists(st.tuples(st.floats() | st.none(), st.floats() | st.none()), max_size=8), st.booleans())
@settings(deadline=None)
def test_rows_kept_are_those_that_a_slow_look_at_each_would_keep(
    rows: list[tuple[float | None, float | None]], as_bin: bool
) -> None:
    def good(row: tuple[float | None, float | None]) -> bool:
        measured = [value is not None and not math.isnan(value) for value in row]
        limits = [(0.0, 1e9), (-360.0, 360.0)]
        inside = [limits[i][0] <= (row[i] or 0.0) <= limits[i][1] for i in range(2) if measured[i]]
        return any(measured) and all(inside)

    columns: dict[str, object] = {
        "range_m": [row[0] for row in rows],
        "azimuth_deg": [row[1] for row in rows],
    }
    if as_bin:
        columns = {
            name: struct.pack(f"<{len(rows)}d", *[math.nan if value is None else value for value in column])  # type: ignore[attr-defined]
            for name, column in columns.items()
        }
    frame, rejected, _ = read_frame(message_of(columns=columns), RADAR)
    assert [row.row for row in rejected.first] == [i for i, row in enumerate(rows) if not good(row)]
    expected = [math.nan if row[0] is None else row[0] for row in rows if good(row)]
    np.testing.assert_array_equal(frame.values[:, 0], expected)


def test_a_sigma_left_out_null_or_nan_is_the_registered_one() -> None:
    frame, rejected, _ = read_frame(with_columns(sigma_range_m=[None, 5.0, math.nan], sigma_altitude_m=[0] * 3), RADAR)
    assert frame.sigmas[:, 0].tolist() == [30.0, 5.0, 30.0]
    assert rejected.count == 0


def test_a_signalling_nan_is_a_nan_like_any_other() -> None:
    signalling = struct.pack("<dQd", 1000.0, 0x7FF0_0000_0000_0001, 3000.0)
    message = with_columns(range_m=signalling, sigma_azimuth_deg=signalling[8:16] * 3, snr_db=signalling)
    frame, rejected, _ = read_frame(message, RADAR)
    assert rejected.count == 0
    assert frame.values[:, 0].tolist()[::2] == [1000.0, 3000.0]
    assert np.isnan(frame.values[1, 0])
    assert frame.snr_db is not None
    assert np.isnan(frame.snr_db * 2.0).tolist() == [False, True, False]
    assert frame.sigmas[:, 1].tolist() == [math.radians(0.1)] * 3


def test_an_empty_identity_is_none() -> None:
    assert read_frame(with_columns(identity=["", None, "4b1a"]), RADAR)[0].identity == (None, None, "4b1a")


@pytest.mark.parametrize(
    "columns",
    [
        None,
        [],
        "range_m",
        {"range_m": 1.0},
        {"range_m": None},
        {"range_m": "1,2,3"},
        {"range_m": {"0": 1.0}},
        {"range_m": b"1234567"},
        {"range_m": [1.0, 2.0], "azimuth_deg": [1.0]},
        {"range_m": [1.0, 2.0], "azimuth_deg": bytes(8)},
        {"range_m": [1.0], "snr_db": []},
        {"range_m": [1.0], "unknown": [1.0, 2.0]},
        {"range_m": [1.0], b"key": 3},
        {"range_m": [1.0], "identity": bytes(8)},
    ],
)
def test_columns_of_a_wrong_shape_reject_the_frame(columns: object) -> None:
    assert code_of(message_of(columns=columns)) == "columns"


@pytest.mark.parametrize("rows", [100_001, 1_000_000])
def test_more_than_a_hundred_thousand_rows_reject_the_frame(rows: int) -> None:
    assert code_of(message_of(columns={"range_m": bytes(8 * rows)})) == "rows"


@pytest.mark.parametrize(
    ("columns", "first_row", "column"),
    [
        ({"range_m": np.full(100_000, -1.0), "azimuth_deg": np.zeros(100_000)}, 0, "range_m"),
        ({"range_m": ["far"] * 100_000, "azimuth_deg": [1.0] * 100_000}, 0, "range_m"),
        ({"range_m": [None] * 100_000}, 0, "columns"),
        ({"range_m": [1.0] * 100_000, "identity": [None, None, *[7] * 99_998]}, 2, "identity"),
        ({"range_m": [1.0] * 100_000, "time_ns": np.zeros(100_000, dtype=np.int64)}, 0, "time_ns"),
        (
            {"range_m": [1.0] * 100_000, "sigma_range_m": np.zeros(100_000), "snr_db": ["x"] * 100_000},
            0,
            "sigma_range_m",
        ),
    ],
    ids=["value", "word", "empty", "identity", "time", "sigma"],
)
def test_of_a_hundred_thousand_bad_rows_all_are_counted_and_a_few_are_told(
    columns: dict[str, object], first_row: int, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, made = decode(encode(message_of(columns=columns))), 0

    def count(*arguments: object) -> RowRejected:
        nonlocal made
        made += 1
        return RowRejected(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("adapters.wire.rows.RowRejected", count)
    frame, rejected, _ = read_frame(message, RADAR)
    assert len(frame.values) == first_row
    assert rejected.count == 100_000 - first_row
    assert [row.row for row in rejected.first] == list(range(first_row, first_row + MAX_REASONS))
    assert {row.column for row in rejected.first} == {column}
    assert made <= len(columns) * MAX_REASONS


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=30, max_size=90))
@settings(deadline=None)
def test_the_rows_told_are_the_first_of_all_whatever_column_is_wrong(wrong: list[list[bool]]) -> None:
    names = ("range_m", "sigma_range_m", "snr_db")
    columns = {name: ["x" if row[i] else 1.0 for row in wrong] for i, name in enumerate(names)}
    _, rejected, _ = read_frame(message_of(columns=columns), RADAR)
    expected = [(i, names[row.index(True)]) for i, row in enumerate(wrong) if any(row)]
    assert rejected.count == len(expected)
    assert [(row.row, row.column) for row in rejected.first] == expected[:MAX_REASONS]


def test_a_hundred_thousand_rows_are_read() -> None:
    columns = {"range_m": np.linspace(0.0, 1000.0, 100_000), "azimuth_deg": [1.0] * 100_000}
    frame, rejected, _ = read_frame(message_of(columns=columns), RADAR)
    assert frame.values.shape == (100_000, 3)
    assert rejected.count == 0


def test_a_million_rows_as_an_array_are_refused_while_decoding() -> None:
    with pytest.raises(MessageRejected, match="rows"):
        message_of(columns={"range_m": [1] * 1_000_000})


POSE = {"lat_deg": 47.0, "lon_deg": 19.0, "alt_m": 100.0}


@pytest.mark.parametrize(
    "pose",
    [
        1,
        [47.0, 19.0, 100.0],
        {},
        {**POSE, "lat_deg": 95.0},
        {**POSE, "lat_deg": math.nan},
        {**POSE, "lat_deg": "47"},
        {**POSE, "lat_deg": True},
        {**POSE, "lon_deg": 181.0},
        {**POSE, "alt_m": -math.inf},
        {**POSE, "alt_m": 2e6},
        {**POSE, "yaw_deg": math.inf},
        {**POSE, "roll_deg": None},
    ],
)
def test_a_pose_that_is_nowhere_rejects_the_frame(pose: object) -> None:
    assert code_of(message_of(pose=pose)) == "pose"


def test_a_pose_says_what_was_found_and_what_is_allowed() -> None:
    with pytest.raises(MessageRejected, match=r"pose\.lat_deg is 95\.0; allowed is -90 to 90"):
        read_frame(message_of(pose={**POSE, "lat_deg": 95.0}), RADAR)


def test_angles_that_a_pose_leaves_out_are_zero() -> None:
    frame, _, _ = read_frame(message_of(pose={**POSE, "pitch_deg": 3}), RADAR)
    assert frame.pose == Pose(47.0, 19.0, 100.0, 0.0, 3.0, 0.0)


def test_a_sensor_without_a_registered_pose_needs_one_in_every_frame() -> None:
    columns = {"azimuth_deg": [1.0]}
    assert code_of(message_of(CAMERA, columns=columns), CAMERA) == "pose"
    assert read_frame(message_of(CAMERA, columns=columns, pose=POSE), CAMERA)[0].pose is not None


@pytest.mark.parametrize(
    "swept",
    [
        1,
        [0, 360],
        {"azimuth_deg": [0]},
        {"azimuth_deg": [0, 10, 20]},
        {"azimuth_deg": [0, math.nan]},
        {"azimuth_deg": [0, math.inf]},
        {"azimuth_deg": ["0", "10"]},
        {"azimuth_deg": 360},
        {"elevation_deg": [10, 0]},
        {"elevation_deg": [5, 5]},
        {"range_m": [100, 50]},
        {"east_m": [0, 1]},
    ],
)
def test_a_swept_that_is_no_box_rejects_the_frame(swept: object) -> None:
    assert code_of(message_of(swept=swept)) == "swept"


def test_swept_azimuths_run_over_north_and_unknown_keys_are_ignored() -> None:
    swept = {"azimuth_deg": [350, 20], "range_m": None, "beams": 3}
    assert read_frame(message_of(swept=swept), RADAR)[0].swept == Coverage(azimuth_deg=(350.0, 20.0))


def test_a_frame_of_another_sensor_or_another_message_is_refused() -> None:
    assert code_of(message_of(), dataclasses.replace(RADAR, id="south")) == "sensor"
    with pytest.raises(MessageRejected, match="type"):
        read_frame({**message_of(), "type": "truth"}, RADAR)


def test_the_limits_of_schema_and_reader_are_the_same() -> None:
    limits = FRAME_SCHEMA.schema["properties"]["columns"]["properties"]  # type: ignore[index]
    for name in COMPONENTS:
        kind = "position" if name in ("east_m", "north_m", "up_m") else "radar"
        sensor = dataclasses.replace(BEACON if kind == "position" else SECONDARY, measures=(name,), sigma={name: 1.0})
        for column in (name, f"sigma_{name}"):
            low, high = limits[column]["items"]["minimum"], limits[column]["items"]["maximum"]
            ends = [np.nextafter(low, -np.inf), low, high, np.nextafter(high, np.inf)]
            columns = {name: [1.0] * 4, column: ends}
            frame, rejected, _ = read_frame(message_of(sensor, columns=columns), sensor)
            assert [row.row for row in rejected.first] == [0, 3], column
            assert len(frame.values) == 2


@pytest.mark.parametrize("recording", sorted(RECORDINGS.glob("*/**/*.jsonl")), ids=str)
def test_every_message_of_the_real_recordings_is_read_whole(recording: Path) -> None:
    for line in recording.read_bytes().splitlines():
        message = decode(line)
        if message["type"] == "truth":
            assert len(read_truth(message).id) == len(message["columns"]["id"])
            continue
        measures = ("range_m", "azimuth_deg") if "range_m" in message["columns"] else ("azimuth_deg",)
        sensor = SensorConfig(
            id=message["sensor"],
            kind="radar" if len(measures) == 2 else "infrared",
            measures=measures,  # type: ignore[arg-type]
            sigma=dict.fromkeys(measures, 1.0),  # type: ignore[arg-type]
            coverage=CAMERA.coverage,
            period_s=3.0,
        )
        frame, rejected, ignored = read_frame(message, sensor)
        assert (rejected.count, ignored) == (0, 0)
        again, _, _ = read_frame(decode(encode(frame_message(frame, sensor))), sensor)
        np.testing.assert_allclose(again.values, frame.values, rtol=0, atol=1e-13)
        np.testing.assert_allclose(again.sigmas, frame.sigmas, rtol=1e-15)


@settings(max_examples=200)
@given(st.data())
def test_columns_in_bin_are_read_as_the_same_columns_in_arrays(data: st.DataObject) -> None:
    """The table at once and each column by itself: the same frame to the last bit, the same rejections."""
    n = data.draw(st.integers(0, 6))
    odd = st.sampled_from([float("nan"), -0.0, 0.0, 90.0, -90.0, 90.1, 1e9, 1.1e9, -1.0, float("inf")])
    cells = st.lists(
        st.floats(0.0, 90.0) | odd if data.draw(st.booleans()) else st.floats(0.0, 90.0), min_size=n, max_size=n
    )
    edges = st.sampled_from(
        [TIME_NS, TIME_NS - 4 * SECOND_NS, TIME_NS + 1, TIME_NS - 4 * SECOND_NS - 1, 2**63 - 1, -(2**63)]
    )
    times = data.draw(st.none() | st.lists(st.integers(TIME_NS - SECOND_NS, TIME_NS) | edges, min_size=n, max_size=n))
    columns = {name: data.draw(cells) for name in data.draw(st.sampled_from([RADAR.measures, RADAR.measures[:2]]))}
    bins: dict[str, object] = {name: struct.pack(f"<{n}d", *column) for name, column in columns.items()}
    arrays: dict[str, object] = dict(columns)
    if times is not None:
        bins["time_ns"], arrays["time_ns"] = struct.pack(f"<{n}q", *times), times
    (one, told, ignored), (other, also, passed) = (
        read_frame({**message_of(RADAR), "columns": each}, RADAR) for each in (bins, arrays)
    )
    for name in ("values", "sigmas", "times_ns"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
        assert getattr(one, name).shape == getattr(other, name).shape
    assert (told.count, ignored) == (also.count, passed)
    assert [(row.row, row.column) for row in told.first] == [(row.row, row.column) for row in also.first]
