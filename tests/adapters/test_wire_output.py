"""What goes out holds against its schema, says what was put in, and can be read back."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters import schemas
from adapters.wire import (
    Message,
    Sender,
    alert_message,
    alert_step,
    decode,
    encode,
    read_alert,
    read_tracks,
    read_truth,
    status_message,
    tracks_message,
    truth_message,
    zones_message,
)
from fusion.config import ZoneConfig
from fusion.errors import MessageRejected
from fusion.types import TRACK_STATUSES, AlertStep, Picture, Place, Truth

TIME_NS = 1_760_000_000_000_000_000
VALIDATORS = {name: Draft202012Validator(schemas.load(name)) for name in schemas.names()}
latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
metres = st.floats(-1e6, 1e6)
probabilities = st.floats(0, 1)
times = st.integers(1, TIME_NS)
ids = st.text("abcXYZ019_-", min_size=1, max_size=64)


def over_the_wire(body: Message, as_json: bool = False) -> Message:
    """Stamped, held against its schema, sent and received."""
    message = Sender("service", "e1").stamp(body["type"], body)
    VALIDATORS[body["type"]].validate(json.loads(encode(message, json=True)))
    assert encode(message, json=as_json) == encode(message, json=as_json)
    return decode(encode(message, json=as_json))


def column(draw: st.DrawFn, n: int, cell: st.SearchStrategy[Any]) -> list[Any]:
    return draw(st.lists(cell, min_size=n, max_size=n))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    n = draw(st.integers(0, 4))
    unique = st.lists(st.integers(0, 2**53 - 1), min_size=n, max_size=n, unique=True)
    return Picture(
        time_ns=TIME_NS,
        id=np.array(draw(unique), dtype=np.int64),
        status=tuple(column(draw, n, st.sampled_from(TRACK_STATUSES))),
        existence=np.array(column(draw, n, probabilities)),
        lat_deg=np.array(column(draw, n, latitudes)),
        lon_deg=np.array(column(draw, n, longitudes)),
        alt_m=np.array(column(draw, n, metres)),
        east_mps=np.array(column(draw, n, metres)),
        north_mps=np.array(column(draw, n, metres)),
        up_mps=np.array(column(draw, n, metres)),
        covariance=np.array(column(draw, 21 * n, metres)).reshape(n, 21),
        mode=tuple(column(draw, n, st.sampled_from(["cruise", "turn_left"]))),
        mode_probability=np.array(column(draw, n, probabilities)),
        updated_ns=np.array(column(draw, n, times), dtype=np.int64),
        created_ns=np.array(column(draw, n, times), dtype=np.int64),
        hits=np.array(column(draw, n, st.integers(0, 10**9)), dtype=np.int64),
        sensors=tuple(column(draw, n, st.lists(ids, max_size=2).map(tuple))),
        identity=tuple(column(draw, n, st.none() | ids)),
        diverted_ns=tuple(column(draw, n, st.none() | times)),
        reason=tuple(column(draw, n, st.none() | st.just("existence fell below 0.2"))),
    )


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    n = draw(st.integers(0, 4))
    return Truth(
        time_ns=TIME_NS,
        id=tuple(draw(st.lists(ids, min_size=n, max_size=n, unique=True))),
        lat_deg=np.array(column(draw, n, latitudes)),
        lon_deg=np.array(column(draw, n, longitudes)),
        alt_m=np.array(column(draw, n, metres)),
        east_mps=np.array(column(draw, n, metres)),
        north_mps=np.array(column(draw, n, metres)),
        up_mps=np.array(column(draw, n, metres)),
        ignore=np.array(column(draw, n, st.booleans()), dtype=np.bool_),
    )


def assert_equal_to(read: Any, sent: Any, decimals: dict[str, int]) -> None:
    for field in dataclasses.fields(sent):
        one, other = getattr(read, field.name), getattr(sent, field.name)
        if field.name in decimals:
            # half a unit of the last decimal, and the last bits of large numbers
            np.testing.assert_allclose(one, other, rtol=1e-15, atol=0.51 * 10.0 ** -decimals[field.name])
        elif isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other, field.name


MOTION = {"lat_deg": 9, "lon_deg": 9, "alt_m": 4, "east_mps": 4, "north_mps": 4, "up_mps": 4}


@given(pictures(), st.booleans())
@settings(deadline=None)
def test_a_picture_written_and_read_is_the_same_picture(picture: Picture, as_json: bool) -> None:
    read = read_tracks(over_the_wire(tracks_message(picture), as_json))
    assert_equal_to(read, picture, {**MOTION, "covariance": 9, "existence": 6, "mode_probability": 6})


@given(truths(), st.booleans())
@settings(deadline=None)
def test_truth_written_and_read_is_the_same_truth(truth: Truth, as_json: bool) -> None:
    assert_equal_to(read_truth(over_the_wire(truth_message(truth), as_json)), truth, MOTION)


def truth_columns(**changes: object) -> Message:
    columns: dict[str, object] = {"id": ["a", 7], **{name: [1.0, 2.0] for name in MOTION}}
    columns = {name: value for name, value in {**columns, **changes}.items() if value != "left out"}
    return Sender("sim", "e").stamp("truth", {"type": "truth", "time_ns": TIME_NS, "columns": columns})


def test_truth_takes_integer_ids_as_text_and_ignores_nothing_by_default() -> None:
    truth = read_truth(decode(encode(truth_columns())))
    assert truth.id == ("a", "7")
    assert truth.ignore.tolist() == [False, False]
    assert len(read_truth({**truth_columns(), "columns": {}}).id) == 0


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("lat_deg", [1.0, 95.0], r"lat_deg\[1\] is 95\.0; allowed is -90 to 90"),
        ("lat_deg", [1.0, math.nan], r"lat_deg\[1\] is nan"),
        ("up_mps", [None, 1.0], r"up_mps\[0\] is nan; allowed is a finite number"),
        ("alt_m", ["1", 1.0], r"alt_m\[0\] is '1'"),
        ("alt_m", [1.0], "'alt_m' has 1 rows, 'id' 2"),
        ("alt_m", "left out", "alt_m is missing"),
        ("id", [1, True], r"id\[1\] is True"),
        ("id", [7, "7"], r"id\[1\] is '7'; allowed is each once"),
        ("id", "left out", "id is missing"),
        ("ignore", [0, 1], r"ignore\[0\] is 0; allowed is true or false"),
        ("ignore", bytes(16), "ignore is b"),
    ],
)
def test_truth_with_a_wrong_value_is_refused_with_its_place(name: str, value: object, found: str) -> None:
    with pytest.raises(MessageRejected, match=found) as caught:
        read_truth(decode(encode(truth_columns(**{name: value}))))
    assert caught.value.code == "columns"


def track_columns(**changes: object) -> Message:
    columns = {"id": [5, 6], "lat_deg": [1.0, 2.0], "lon_deg": [1.0, 2.0], "alt_m": [1.0, 2.0], **changes}
    return Sender("other", "e").stamp("tracks", {"type": "tracks", "time_ns": TIME_NS, "columns": columns})


def test_tracks_of_another_tracker_need_only_ids_and_places() -> None:
    picture = read_tracks(decode(encode(track_columns())))
    assert picture.status == ("confirmed", "confirmed")
    assert picture.existence.tolist() == [1.0, 1.0]
    assert np.isnan(picture.covariance).all()
    assert np.isnan(picture.east_mps).all()
    assert picture.created_ns.tolist() == [TIME_NS, TIME_NS]
    assert picture.sensors == ((), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"id": [5, 5]},
        {"id": [5, 2**53]},
        {"id": [5, None]},
        {"id": [5, 1.0]},
        {"status": ["confirmed", "lost"]},
        {"existence": [0.5, 1.5]},
        {"covariance": [[1.0] * 21, [1.0] * 20]},
        {"covariance": [[1.0] * 21, ["x"] * 21]},
        {"covariance": [[1.0] * 21, 3]},
        {"covariance": bytes(21 * 8)},
        {"covariance": bytes(17)},
        {"covariance": np.full((2, 21), math.inf)},
        {"sensors": [["a"], ["a.b"]]},
        {"sensors": ["a", "b"]},
        {"updated_ns": [1, -1]},
        {"hits": bytes(15)},
        {"lat_deg": [1.0, -91.0]},
    ],
)
def test_tracks_with_a_wrong_value_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MessageRejected, match="columns"):
        read_tracks(decode(encode(track_columns(**changes))))


STEP = AlertStep(
    time_ns=TIME_NS,
    alert="01JABCDEFGHJKMNPQRSTVWXYZ0",
    step=3,
    zone="airport",
    track=2**53 - 1,
    tracks=(5, 2**53 - 1),
    level="imminent",
    previous_level="predicted",
    state="updated",
    acknowledged={"who": "ops", "time_ns": TIME_NS, "note": "seen"},
    probability=0.876543219,
    time_to_entry_s=(20.0, 31.23456, 55.0),
    entry=Place(47.4, 19.2, 300.0),
    closest_distance_m=0.0,
    closest_time_s=31.2,
    track_status="confirmed",
    suppressed_until_ns=None,
    position=Place(47.5000000001, 19.1, 305.12346),
    velocity_mps=(10.0, -20.00001, -0.000001),
    sensors=("north", "camera"),
    reason="P(entry) 0.88 within 180 s; 31 s to go; north and camera saw it 1 s ago",
)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"acknowledged": None, "time_to_entry_s": None, "entry": None, "sensors": ()},
        {"state": "cleared", "track_status": "lost inside", "suppressed_until_ns": TIME_NS + 1, "test": True},
        {"track": np.int64(5), "probability": np.float64(1.0), "level": "infringing"},
    ],
)
def test_an_alert_step_written_is_read_as_the_contract_words_it(changes: dict[str, Any], as_json: bool) -> None:
    step = dataclasses.replace(STEP, **changes)
    message = read_alert(over_the_wire(alert_message(step, 41), as_json))
    contract = (
        "number alert step zone track tracks level state acknowledged probability time_to_entry_s entry "
        "closest track_status suppressed_until_ns position velocity sensors reason test"
    )
    assert list(message)[6:] == contract.split()
    assert (message["number"], message["step"], message["test"]) == (41, 3, step.test)
    assert message["position"] == {"lat_deg": 47.5, "lon_deg": 19.1, "alt_m": 305.1235}
    assert message["velocity"] == {"east_mps": 10.0, "north_mps": -20.0, "up_mps": 0.0}
    assert math.copysign(1.0, message["velocity"]["up_mps"]) == 1.0
    if step.time_to_entry_s:
        assert message["time_to_entry_s"] == {"p10": 20.0, "p50": 31.235, "p90": 55.0}
    again = alert_step(message)
    assert alert_message(again, 41) == alert_message(step, 41)
    assert again.previous_level is None
    same = ("tracks", "sensors", "acknowledged", "level", "alert", "reason", "test", "suppressed_until_ns")
    assert [getattr(again, name) for name in same] == [getattr(step, name) for name in same]


def test_a_step_is_read_from_the_journal_s_form_and_from_no_other() -> None:
    body = alert_message(STEP, 41)
    assert alert_message(alert_step(body), 41) == body
    with pytest.raises(MessageRejected, match="time: time_ns is None"):
        alert_step({key: value for key, value in body.items() if key != "time_ns"})
    with pytest.raises(MessageRejected, match="alert: position is "):
        alert_step({**body, "position": {}})


@pytest.mark.parametrize("key", sorted(alert_message(STEP, 1).keys() - {"type", "time_ns"}))
@pytest.mark.parametrize("value", ["left out", [[]], {"p10": True}, -1, ""])
def test_an_alert_with_any_key_wrong_is_refused_by_reader_and_schema(key: str, value: object) -> None:
    message = Sender("service", "e1").stamp("alert", alert_message(STEP, 1))
    message[key] = value
    if value == "left out":
        del message[key]
    with pytest.raises(MessageRejected, match=f"alert: {key} is "):
        read_alert(decode(encode(message)))
    assert not VALIDATORS["alert"].is_valid(message)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("probability", math.nan),
        ("position", {"lat_deg": 95.0, "lon_deg": 0.0, "alt_m": 0.0}),
        ("closest", {"distance_m": math.inf, "time_s": 0.0}),
        ("reason", "a\x1b[2J"),
    ],
)
def test_an_alert_from_outside_with_a_hidden_mistake_is_refused(key: str, value: object) -> None:
    message = {**Sender("service", "e1").stamp("alert", alert_message(STEP, 1)), key: value}
    with pytest.raises(MessageRejected, match=f"alert: {key} is "):
        read_alert(decode(encode(message)))


def test_tracks_read_from_other_types_are_refused() -> None:
    for read in (read_alert, read_tracks, read_truth):
        with pytest.raises(MessageRejected, match="type"):
            read({"type": "status"})


COUNTS = {
    "frames": 10,
    "detections": 100,
    "rejected": 2,
    "duplicates": 1,
    "late": 0,
    "gaps": 3,
    "last_ns": TIME_NS,
    "rate_hz": 0.25,
    "clock_offset_s": None,
    "last_rejection": "pose: pose.lat_deg is 95.0; allowed is -90 to 90",
}


def test_status_holds_against_its_schema_even_before_anything_came_in() -> None:
    empty = status_message(
        time_ns=TIME_NS,
        state="ok",
        watermark_ns=None,
        uptime_s=0.0,
        tracks={},
        alerts={},
        last={},
        sensors={},
        version="0.1.0",
    )
    over_the_wire(empty)
    full = status_message(
        time_ns=TIME_NS,
        state="degraded",
        watermark_ns=TIME_NS - 1,
        uptime_s=12.3456,
        tracks={"confirmed": 2, "coasting": 0},
        alerts={"imminent": 1},
        last={"tracks": 7, "alert.airport.imminent": 0},
        sensors={"north": {**COUNTS, "registration": {"range_m": {"value": 198.1, "sigma": 3.8}}}},
        identities=[{"identity": "4b1a", "kind": "swapped", "tracks": (7, 9), "time_ns": TIME_NS}],
        suppressed=[{"zone": "airport", "until_ns": TIME_NS, "who": "ops", "note": ""}],
        test_returned_ns=TIME_NS,
        version="0.1.0",
    )
    received = over_the_wire(full, as_json=True)
    assert received["sensors"]["north"] == {**COUNTS, "registration": {"range_m": {"value": 198.1, "sigma": 3.8}}}
    assert received["identities"] == [{"identity": "4b1a", "kind": "swapped", "tracks": [7, 9], "time_ns": TIME_NS}]
    assert received["uptime_s"] == 12.346


@dataclass(frozen=True)
class State:
    id: str
    state: str
    next_change_ns: int | None


RING = ((19.0, 47.0), (19.2, 47.0), (19.2, 47.2), (19.0, 47.0))
ZONES = (
    ZoneConfig("a", 0.0, 500.0, polygons=((RING,),), name="Airport", ignore=("4b1a",)),
    ZoneConfig("b", 0.0, 500.0, polygons=((RING, RING), (RING,)), active=((TIME_NS, TIME_NS + 1_500_000_000),)),
    ZoneConfig("c", -10.0, 500.0, circle=(19.0, 47.0, 2500.0), margin_m=100.0),
)


def test_zones_are_geojson_features_as_configured_with_their_state() -> None:
    states = [State("c", "active", None), State("b", "pre-active", TIME_NS + 5), State("a", "inactive", None)]
    message = over_the_wire(zones_message(TIME_NS, ZONES, states, {"a": True, "b": False}))
    kinds = [feature["geometry"]["type"] for feature in message["features"]]
    assert kinds == ["Polygon", "MultiPolygon", "Point"]
    airport, border, tower = [feature["properties"] for feature in message["features"]]
    assert (airport["state"], airport["watched"], airport["name"]) == ("inactive", True, "Airport")
    assert (border["state"], border["watched"], border["next_change_ns"]) == (
        "pre-active",
        False,
        TIME_NS + 5,
    )
    assert border["active"] == [["2025-10-09T08:53:20Z", "2025-10-09T08:53:21.5Z"]]
    assert (tower["radius_m"], tower["watched"], tower["margin_m"]) == (2500.0, False, 100.0)
