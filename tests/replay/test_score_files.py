"""From recordings on disk to the score, its text and its page; alerts against entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.wire import Sender
from fusion.airspace.schedule import DailyWindow
from fusion.config import SensorConfig, ServiceConfig, SiteConfig
from fusion.errors import MessageRejected, RecordingError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Coverage, Place, Pose
from replay.recordings.files import open_writer
from replay.scoring.report import as_text
from replay.scoring.results import ScoreOptions
from replay.scoring.run import load_frames
from replay.scoring.score import score_files
from replay.scoring.volumes import read_zones, with_activity

START_NS = 1_700_000_000 * SECOND_NS
PLANE = Plane(Place(47.5, 19.0, 0.0))
SPEED_MPS = 50.0
ZONE_AT_M = 3000.0  # the object flies north into the zone's southern edge after 60 s


def columns(north_m: float, **more: Any) -> dict[str, Any]:
    lat, lon, _ = PLANE.to_geodetic(np.array([0.0, north_m, 0.0]))
    velocity = {"east_mps": [0.0], "north_mps": [SPEED_MPS], "up_mps": [0.0]}
    return {"lat_deg": [float(lat)], "lon_deg": [float(lon)], "alt_m": [500.0], **velocity, **more}


def zone_feature(**more: Any) -> dict[str, Any]:
    corners = [
        (-1000.0, ZONE_AT_M),
        (1000.0, ZONE_AT_M),
        (1000.0, 5000.0),
        (-1000.0, 5000.0),
        (-1000.0, ZONE_AT_M),
    ]
    lat, lon, _ = PLANE.to_geodetic(np.array([(x, y, 0.0) for x, y in corners]))
    ring = [[float(a), float(b)] for a, b in zip(lon, lat, strict=True)]
    ring[-1] = ring[0]
    properties = {"id": "field", "name": "The field", "floor_m": 0.0, "ceiling_m": 1000.0, "state": "active"}
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties | more,
    }


def alert(number: int, seconds: float, state: str, track: int = 7, name: str = "A1") -> dict[str, Any]:
    return {
        "type": "alert",
        "time_ns": START_NS + round(seconds * SECOND_NS),
        "number": number,
        "alert": name,
        "step": number,
        "zone": "field",
        "track": track,
        "tracks": [track],
        "level": "predicted",
        "state": state,
        "acknowledged": None,
        "probability": 0.9,
        "time_to_entry_s": None,
        "entry": None,
        "closest": {"distance_m": 0.0, "time_s": 60.0},
        "track_status": "confirmed",
        "suppressed_until_ns": None,
        "position": {"lat_deg": 47.5, "lon_deg": 19.0, "alt_m": 500.0},
        "velocity": {"east_mps": 0.0, "north_mps": 50.0, "up_mps": 0.0},
        "sensors": ["north"],
        "reason": "It comes.",
        "test": False,
    }


def bodies(alerts: list[dict[str, Any]], zone: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """A run of 90 s: one object, one track 10 m beside it that begins after 5 s, one zone."""
    found: list[dict[str, Any]] = [{"type": "zones", "time_ns": START_NS, "features": [zone or zone_feature()]}]
    for second in range(91):
        time_ns, north = START_NS + second * SECOND_NS, SPEED_MPS * second
        found.append({"type": "truth", "time_ns": time_ns, "columns": columns(north, id=["<plane>"])})
        shown = columns(north + 10.0, id=[7], status=["confirmed"])
        empty: dict[str, Any] = {name: [] for name in shown}
        found.append({"type": "tracks", "time_ns": time_ns, "columns": empty if second < 5 else shown})
    return found + alerts


def record(path: Path, messages: list[dict[str, Any]]) -> str:
    sender = Sender("test", epoch="e")
    with open_writer(path) as writer:
        for body in messages:
            kind = body["type"]
            topic = f"alert.{body['zone']}.{body['level']}" if kind == "alert" else kind
            writer.write(topic, sender.stamp(topic, body), body["time_ns"])
    return str(path)


@pytest.mark.parametrize("ending", ["jsonl", "mcap"])
def test_a_recording_scores_alike_in_either_container(tmp_path: Path, ending: str) -> None:
    path = record(tmp_path / f"run.{ending}", bodies([alert(1, 20, "raised"), alert(2, 70, "cleared")]))
    found = score_files(path, path, ScoreOptions(c_m=20.0))
    assert found.instants == 91
    assert found.errors.position_rmse_m == pytest.approx(10.0, rel=1e-3)
    assert found.first_track_s == 5.0
    assert found.problems == ()
    assert found.alerts is not None
    (entry,) = found.alerts.entries
    assert entry.warning_s == pytest.approx(40.0, abs=0.01)
    assert entry.alert == "A1"


@pytest.mark.parametrize(
    ("alerts", "outcome", "worth"),
    [
        ([], "missed", []),
        ([alert(1, 20, "raised")], "before", ["entry"]),
        ([alert(1, 20, "raised"), alert(2, 40, "cleared")], "missed", ["entry"]),
        ([alert(1, 20, "raised", track=8)], "missed", ["nuisance"]),
        ([alert(1, 75, "raised")], "late", ["near"]),
        ([alert(1, 10, "raised"), alert(2, 30, "cleared"), alert(3, 40, "raised", name="A2")], "before", ["entry"] * 2),
    ],
)
def test_an_entry_is_warned_of_by_an_open_alert_of_a_track_that_was_the_object(
    tmp_path: Path, alerts: list[dict[str, Any]], outcome: str, worth: list[str]
) -> None:
    path = record(tmp_path / "run.jsonl", bodies(alerts))
    scored = score_files(path, path, ScoreOptions(c_m=20.0)).alerts
    assert scored is not None
    (entry,) = scored.entries
    assert entry.outcome == outcome
    assert [each.worth for each in scored.episodes] == worth


def test_an_inactive_zone_has_no_entries(tmp_path: Path) -> None:
    path = record(tmp_path / "run.jsonl", bodies([], zone_feature(state="inactive")))
    scored = score_files(path, path).alerts
    assert scored is not None
    assert scored.entries == ()


def test_a_zones_message_gives_back_all_that_judges_alerts() -> None:
    told = {
        "margin_m": 100.0,
        "margin_vertical_m": 50.0,
        "lookahead_s": 90.0,
        "imminent_s": 20.0,
        "active": [["2023-11-14T22:13:30Z", "2023-11-14T22:14:00Z"]],
        "daily": [["22:00Z", "23:00Z"]],
        "ignore": ["friend"],
        "state": "pre-active",
    }
    (zone,) = with_activity([read_zones({"time_ns": START_NS, "features": [zone_feature(**told)]})])
    assert (zone.margin_m, zone.margin_vertical_m, zone.lookahead_s, zone.imminent_s) == (100.0, 50.0, 90.0, 20.0)
    assert zone.active == ((START_NS + 10 * SECOND_NS, START_NS + 40 * SECOND_NS),)
    assert zone.ignore == ("friend",)
    assert zone.daily == (DailyWindow(22 * 3600, 23 * 3600),)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lookahead_s", float("inf")),
        ("margin_m", -1.0),
        ("floor_m", None),
        ("floor_m", "high"),
        ("active", [["x", "y"]]),
    ],
)
def test_a_zone_with_a_value_out_of_its_limits_is_rejected(key: str, value: object) -> None:
    with pytest.raises(MessageRejected, match=r"features\[0\]"):
        read_zones({"time_ns": START_NS, "features": [zone_feature(**{key: value})]})


def test_bad_messages_are_told_and_the_good_ones_beside_them_scored(tmp_path: Path) -> None:
    messages = bodies([])
    path = Path(record(tmp_path / "run.jsonl", messages))
    lines = path.read_text().splitlines()
    broken = json.loads(lines[4])
    broken["columns"]["lat_deg"] = [95.0]
    zones = json.loads(lines[0])
    zones["features"][0]["geometry"]["coordinates"] = "nowhere"
    path.write_text("\n".join([*lines[:4], json.dumps(broken), *lines[4:], "{not json", json.dumps(zones)]) + "\n")
    found = score_files(str(path), str(path), ScoreOptions(c_m=20.0))
    assert found.errors.position_rmse_m == pytest.approx(10.0, rel=1e-3)
    told = "\n".join(found.problems)
    assert "lat_deg" in told
    assert "features[0]" in told
    assert "Passed over" in as_text(found)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.jsonl"):
        score_files(str(tmp_path / "none.jsonl"), str(tmp_path / "none.jsonl"))


def test_the_text_names_zone_entry_and_lead(tmp_path: Path) -> None:
    path = record(tmp_path / "run.jsonl", bodies([alert(1, 20, "raised")]))
    text = as_text(score_files(path, path, ScoreOptions(c_m=20.0)))
    assert "field" in text
    assert "<plane>" in text
    assert "40.0 s" in text


def test_frames_of_registered_sensors_are_loaded_and_others_left_out(tmp_path: Path) -> None:
    sigma: dict[Any, float] = {"range_m": 1.0, "azimuth_deg": 1.0}
    coverage = Coverage(range_m=(0.0, 9000.0), azimuth_deg=(0.0, 360.0))
    radar = SensorConfig("north", "radar", tuple(sigma), sigma, coverage, Pose(47.5, 19.0, 0.0))
    site = SiteConfig(ServiceConfig(Place(47.5, 19.0, 0.0)), sensor=(radar,))
    measured = {"range_m": [100.0], "azimuth_deg": [90.0]}
    uneven = {"range_m": [1.0, 2.0], "azimuth_deg": [1.0]}
    bodies = [
        {"type": "frame", "sensor": name, "time_ns": START_NS, "columns": columns}
        for name, columns in (("north", measured), ("south", measured), ("north", uneven))
    ]
    path = tmp_path / "run.jsonl"
    sender = Sender("test", epoch="e")
    with open_writer(path) as writer:
        for body in bodies:
            writer.write(f"frame.{body['sensor']}", sender.stamp(f"frame.{body['sensor']}", body), START_NS)
    (only,) = load_frames(str(path), site)
    assert only.sensor == "north"
    assert only.values.tolist() == [[100.0, pytest.approx(np.pi / 2.0)]]
