from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastkml
import geojson
import numpy as np
import pytest
import shapely
from fastkml.gx import Track
from fastkml.validator import validate
from hypothesis import given
from hypothesis import strategies as st

from adapters.heights import undulation_m
from adapters.wire import Sender, tracks_message, zones_message
from fusion.config import ZoneConfig
from replay.export.lines import Piece, cut
from replay.export.run import export
from replay.export.shapes import polygons_of
from replay.export.source import Wanted
from replay.recordings.files import open_writer
from tests.replay.test_export_tables import ROW, SECOND_NS, START_NS, picture_of, record

SCHEMAS = Path(fastkml.__file__).parent / "schema"
UTC_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def way_of(points: list[tuple[float, float]]) -> Piece:
    """Points of unwrapped longitude and latitude, a second apart, on the map."""
    lon = np.array([(point[0] + 180.0) % 360.0 - 180.0 for point in points])
    heights = 10.0 * np.arange(len(points))
    times = START_NS + SECOND_NS * np.arange(len(points), dtype=np.int64)
    return Piece(times, np.stack([lon, np.array([point[1] for point in points]), heights], axis=1))


STEPS = st.lists(st.tuples(st.floats(-120, 120), st.floats(-20, 20)), min_size=1, max_size=12)


@given(st.floats(-500, 500), STEPS)
def test_a_cut_way_is_the_same_way_within_the_map(first, steps):
    """No piece leaves the map or crosses its edge; joined and unwrapped, the pieces pass through every point."""
    lon = np.cumsum([first, *(step[0] for step in steps)])
    way = way_of(list(zip(lon.tolist(), [0.0, *(step[1] for step in steps)], strict=True)))
    pieces = cut(way)
    for piece in pieces:
        assert np.abs(piece.position[:, 0]).max() <= 180.0
        assert (np.abs(np.diff(piece.position[:, 0])) <= 180.0).all()
        assert (np.diff(piece.times_ns) >= 0).all()
        assert len(piece.times_ns) > 1 or len(pieces) == 1
    for before, after in itertools.pairwise(pieces):
        assert {before.position[-1, 0], after.position[0, 0]} == {180.0, -180.0}
        np.testing.assert_allclose(before.position[-1, 1:], after.position[0, 1:], atol=1e-9)
        assert before.times_ns[-1] == after.times_ns[0]
    found = np.concatenate([np.column_stack([piece.times_ns - START_NS, piece.position]) for piece in pieces])
    for time_ns, point in zip(way.times_ns, way.position, strict=True):
        there = found[found[:, 0] == time_ns - START_NS]
        around = (there[:, 1] - point[0] + 180.0) % 360.0 - 180.0
        assert (np.abs(around) < 1e-9).any()


def test_a_crossing_is_joined_to_the_edge_between_its_points():
    pieces = cut(way_of([(179.0, 10.0), (182.0, 13.0), (183.0, 14.0)]))
    assert [piece.position.tolist() for piece in pieces] == [
        [[179.0, 10.0, 0.0], [180.0, 11.0, pytest.approx(10 / 3)]],
        [[-180.0, 11.0, pytest.approx(10 / 3)], [-178.0, 13.0, 10.0], [-177.0, 14.0, 20.0]],
    ]
    assert [(piece.times_ns - START_NS).tolist() for piece in pieces] == [
        [0, 333_333_333], [333_333_333, SECOND_NS, 2 * SECOND_NS],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("points", "longitudes"),
    [
        ([(10.0, 0.0)], [[10.0]]),
        ([(10.0, 0.0), (11.0, 0.0)], [[10.0, 11.0]]),
        ([(180.0, 0.0), (181.0, 0.0)], [[-180.0, -179.0]]),
        ([(179.0, 0.0), (180.0, 0.0)], [[179.0, 180.0]]),
        ([(179.0, 0.0), (180.0, 0.0), (181.0, 0.0)], [[179.0, 180.0], [-180.0, -179.0]]),
        ([(179.0, 0.0), (180.0, 0.0), (179.0, 0.0)], [[179.0, 180.0], [180.0, 179.0]]),
    ],
)
def test_points_on_the_edge_itself_stand_on_the_side_they_belong_to(points, longitudes):
    assert [piece.position[:, 0].tolist() for piece in cut(way_of(points))] == longitudes


def zone(**shape: Any) -> ZoneConfig:
    return ZoneConfig(id="gate", name="Gate <1> & co", floor_m=100.0, ceiling_m=900.0, **shape)


def square(west: float, size: float = 2.0, south: float = 0.0) -> tuple[tuple[float, float], ...]:
    """Clockwise: against RFC 7946."""
    corners = [(0.0, 0.0), (0.0, size), (size, size), (size, 0.0), (0.0, 0.0)]
    return tuple(((west + x + 180.0) % 360.0 - 180.0, south + y) for x, y in corners)


@pytest.mark.parametrize("west", [-180.0, -181.0, 10.0, 178.0, 179.0, 179.999])
def test_a_zone_is_cut_at_the_antimeridian_and_wound_by_the_right_hand(west):
    polygons = polygons_of(zone(polygons=((square(west), square(west + 0.5, 1.0, 0.5)),)))
    shapes = [shapely.Polygon(rings[0], rings[1:]) for rings in polygons]
    assert sum(shape.area for shape in shapes) == pytest.approx(4.0 - 1.0)
    assert len(shapes) == (2 if -182.0 < west < -180.0 or 178.0 < west < 180.0 else 1)
    for shape in shapes:
        assert shape.is_valid
        assert shape.exterior.is_ccw
        assert not any(ring.is_ccw for ring in shape.interiors)
        assert -180.0 <= shape.bounds[0] <= shape.bounds[2] <= 180.0


@pytest.mark.parametrize("lon", [19.0, 180.0, -179.99])
def test_a_circle_has_its_radius_everywhere(lon):
    polygons = polygons_of(zone(circle=(lon, 60.0, 5000.0)))
    area = sum(shapely.Polygon(rings[0]).area for rings in polygons)
    degree_m = 111_412.0  # of latitude at 60°, by WGS-84; of longitude half a degree's at the equator
    assert area == pytest.approx(math.pi * 5000.0**2 / (degree_m * 55_800.0), rel=0.01)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two tracks, one over the antimeridian, zones, and one alert in three steps on two topics."""
    sender = Sender("test", "e")
    path = tmp_path / "run.mcap"
    one = [(1, "confirmed", 1.0, 47.0, 19.0 + k / 10, 5.0, ("north",), "abc", None) for k in range(4)]
    far = [(2, "coasting", 1.0, 5.0, (179.9 + k / 10 + 180.0) % 360.0 - 180.0, 5.0, (), None, None) for k in range(4)]
    gone = (1, "ended", 1.0, 47.0, 20.0, 5.0, ("east",), "gone", None)
    looks = [picture_of(k, [one[k], far[k]]) for k in range(4)] + [picture_of(4, [gone])]
    gate = zone(circle=(19.0, 47.0, 500.0))
    with open_writer(path) as out:
        body = zones_message(START_NS, [gate], [State()], {})
        out.write("zones", sender.stamp("zones", body), START_NS)
        for look in looks:
            out.write("tracks", sender.stamp("tracks", tracks_message(look)), look.time_ns)
        for second, level, state in (
            (1, "predicted", "raised"),
            (2, "imminent", "updated"),
            (3, "imminent", "cleared"),
        ):
            step = sender.stamp(f"alert.gate.{level}", alert_body(second, level, state))
            out.write(f"alert.gate.{level}", step, step["time_ns"])
            out.write("alert.gate.predicted", step, step["time_ns"])
        test = sender.stamp("alert.gate.predicted", alert_body(3, "predicted", "raised") | {"alert": "T", "test": True})
        out.write("alert.gate.predicted", test, test["time_ns"])
    return path


class State:
    id, state, next_change_ns = "gate", "active", None


def alert_body(second: int, level: str, state: str) -> dict[str, Any]:
    place = {"lat_deg": 47.0, "lon_deg": 19.0 + second / 10, "alt_m": 300.0}
    return {
        "type": "alert", "time_ns": START_NS + second * SECOND_NS, "number": second, "alert": "A1", "step": second,
        "zone": "gate", "track": 1, "tracks": [1], "level": level, "state": state, "acknowledged": None,
        "probability": 0.9 if level == "imminent" else 0.5, "time_to_entry_s": None, "entry": None,
        "closest": {"distance_m": 0.0, "time_s": 0.0}, "track_status": "confirmed", "suppressed_until_ns": None,
        "position": place, "velocity": {"east_mps": 0.0, "north_mps": 0.0, "up_mps": 0.0}, "sensors": [],
        "reason": f"{level} & so on", "test": False,
    }  # fmt: skip


def features_of(run: Path, *extras: str, **wanted: Any) -> dict[str, Any]:
    out = run.with_suffix(".geojson")
    export(str(run), str(out), Wanted(**wanted), extras)
    text = out.read_text(encoding="utf-8")
    collection = geojson.loads(text)
    assert collection.is_valid, collection.errors()
    return {feature["id"]: feature for feature in json.loads(text)["features"]}


def test_geojson_has_a_line_with_times_for_each_track(run):
    features = features_of(run)
    assert list(features) == ["track-1", "track-2"]
    one, far = features.values()
    assert one["geometry"]["type"] == "LineString"
    assert one["geometry"]["coordinates"][1] == [19.1, 47.0, 0.0]
    assert one["properties"]["coordTimes"][1] == "2023-11-14T22:13:21Z"
    assert one["properties"]["points"] == 4
    assert (one["properties"]["sensors"], one["properties"]["identity"]) == (["north"], "abc")
    assert one["properties"]["ended"] == "gone"
    assert far["geometry"]["type"] == "MultiLineString"
    shape = shapely.geometry.shape(far["geometry"])
    assert shape.length == pytest.approx(0.3)
    assert [len(part) for part in far["properties"]["coordTimes"]] == [
        len(part) for part in far["geometry"]["coordinates"]
    ]


def test_geojson_carries_zones_and_alerts_where_they_are_asked_for(run):
    features = features_of(run, "zones", "alerts")
    assert list(features) == ["track-1", "track-2", "zone-gate", "alert-A1"]
    gate = shapely.geometry.shape(features["zone-gate"]["geometry"])
    assert gate.contains(shapely.Point(19.0, 47.0))
    assert features["zone-gate"]["properties"]["ceiling_m"] == 900.0
    alert = features["alert-A1"]
    assert alert["geometry"]["coordinates"] == [19.2, 47.0, 300.0]
    found = alert["properties"]
    assert (found["level"], found["probability"], found["reason"]) == ("imminent", 0.9, "imminent & so on")
    assert (found["raised_utc"], found["cleared_utc"]) == ("2023-11-14T22:13:21Z", "2023-11-14T22:13:23Z")


def test_a_choice_of_tracks_holds_for_their_alerts_too(run):
    assert list(features_of(run, "alerts", tracks=frozenset([2]))) == ["track-2"]


def test_a_track_of_one_point_is_a_point(tmp_path):
    run = record(tmp_path / "x.mcap", [picture_of(0, [ROW])])
    assert features_of(run)["track-1"]["geometry"] == {"type": "Point", "coordinates": [19.0, 47.0, 0.0]}


def placemarks(run: Path) -> dict[str, list[Any]]:
    """By folder, as fastkml reads them back; checked against both schemas."""
    out = run.with_suffix(".kml")
    export(str(run), str(out), Wanted(), ("zones", "alerts"))
    for schema in ("ogckml22.xsd", "kml22gx.xsd"):
        assert validate(file_to_validate=out, schema=SCHEMAS / schema)
    assert "<kml:" not in out.read_text(encoding="utf-8")
    document = fastkml.KML.parse(out, strict=True).features[0]
    return {folder.name: folder.features for folder in document.features}


def test_kml_is_valid_and_reads_back_as_what_was_written(run):
    found = placemarks(run)
    assert {name: len(entries) for name, entries in found.items()} == {"Tracks": 2, "Zones": 1, "Alerts": 1}
    track = found["Tracks"][0].kml_geometry
    assert isinstance(track, Track)
    assert found["Tracks"][0].name == "abc 1"
    whens = [item.when.dt for item in track.track_items]
    assert whens == [datetime.fromtimestamp(START_NS / 1e9 + k, UTC) for k in range(4)]
    assert [item.coord.coords[0][:2] for item in track.track_items] == [(19.0 + k / 10, 47.0) for k in range(4)]
    alert = found["Alerts"][0]
    assert alert.name == "imminent: gate"
    assert alert.times.begin.dt == datetime.fromtimestamp(START_NS / 1e9 + 1, UTC)
    assert "imminent & so on" in alert.description


def test_kml_counts_heights_from_sea_level(run):
    """Google Earth has it so: at 47° N 19° E that is 40-odd metres off the ellipsoid (EGM96)."""
    found = placemarks(run)
    height = found["Tracks"][0].kml_geometry.track_items[0].coord.z
    sea_m = float(undulation_m(np.array([47.0]), np.array([19.0]))[0])
    assert 40.0 < sea_m < 50.0
    assert height == pytest.approx(0.0 - sea_m, abs=1e-3)
    ceiling, floor = found["Zones"][0].kml_geometry.kml_geometries
    assert (ceiling.extrude, floor.extrude) == (True, False)
    tops = [point[2] for point in ceiling.outer_boundary.kml_geometry.kml_coordinates.coords]
    assert tops == pytest.approx([900.0 - sea_m] * len(tops), abs=0.1)
    assert floor.outer_boundary.kml_geometry.kml_coordinates.coords[0][2] == pytest.approx(100.0 - sea_m, abs=0.1)


def test_what_xml_cannot_hold_is_left_out_of_names(tmp_path):
    run = tmp_path / "x.mcap"
    sender = Sender("test", "e")
    body = zones_message(START_NS, [zone(circle=(19.0, 47.0, 500.0))], [State()], {})
    body["features"][0]["properties"]["name"] = "a\x00\x1b[31m\ufffeb"
    with open_writer(run) as out:
        out.write("zones", sender.stamp("zones", body), START_NS)
        out.write("tracks", sender.stamp("tracks", tracks_message(picture_of(0, [ROW]))), START_NS)
    assert placemarks(run)["Zones"][0].name == "a[31mb"
