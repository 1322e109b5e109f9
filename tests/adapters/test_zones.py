"""A zone file is zones or a ConfigError that names the feature and the key, and nothing else."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.site.utc import format_utc, parse_utc
from adapters.site.zones import LARGEST_FILE, load_zones, zone_features
from fusion.airspace.schedule import DailyWindow
from fusion.config import ZoneConfig
from fusion.errors import ConfigError

SQUARE = [[19.0, 47.0], [19.1, 47.0], [19.1, 47.1], [19.0, 47.1], [19.0, 47.0]]
HOLE = [[19.02, 47.02], [19.04, 47.02], [19.04, 47.04], [19.02, 47.02]]
NORTH = [[19.0, 48.0], [19.1, 48.0], [19.1, 48.1], [19.0, 48.0]]
HEIGHTS = {"floor_m": 100, "ceiling_m": 900}


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"id": "tower", **HEIGHTS, **properties}}


def collection(*features: object, **members: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **members}


@pytest.fixture
def load(tmp_path: Path):
    """Writes a document, a text or bytes to a file and loads it."""

    def load(document: object) -> tuple[ZoneConfig, ...]:
        path = tmp_path / "zones.geojson"
        if isinstance(document, bytes):
            path.write_bytes(document)
        else:
            path.write_text(document if isinstance(document, str) else json.dumps(document))
        return load_zones(path)

    return load


def refused(load: Any, document: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(document)
    assert caught.value.file.endswith("zones.geojson")
    assert str(caught.value).startswith(caught.value.file)
    return caught.value


def test_polygons_with_holes_several_parts_and_circles_are_read_with_every_property(load):
    whole = feature(
        {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [NORTH]]},
        name="the tower",
        lookahead_s=120,
        margin_m=50,
        margin_vertical_m=10,
        predicted_probability=0.4,
        imminent_s=30,
        active=[
            ["2026-05-01T06:00:00Z", "2026-05-01T08:00:00.5+02:00"],
            ["2026-05-01T07:00:00Z", "2026-05-02T00:00:00Z"],
        ],
        ignore=["4b1234"],
    )
    plain = feature(polygon(SQUARE), id="plain")
    circle = feature({"type": "Point", "coordinates": [19, 47, 0]}, id="circle", radius_m=500)
    first, second, third = load(collection(whole, plain, circle))
    assert first.name == "the tower"
    assert first.polygons[0][1] == tuple(map(tuple, HOLE))
    assert first.polygons[1] == (tuple(map(tuple, NORTH)),)
    assert first.active is not None
    assert first.active[0] == (1777615200_000000000, 1777615200_500000000)
    assert first.ignore == ("4b1234",)
    assert (first.lookahead_s, first.margin_m, first.imminent_s) == (120.0, 50.0, 30.0)
    assert second == ZoneConfig("plain", 100.0, 900.0, ((tuple(map(tuple, SQUARE)),),))
    assert third.circle == (19.0, 47.0, 500.0)


def test_heights_above_ground_are_taken_to_the_ellipsoid(load):
    (zone,) = load(collection(feature(polygon(SQUARE), height_reference="agl", ground_m=152.5)))
    assert (zone.floor_m, zone.ceiling_m) == (252.5, 1052.5)


def test_foreign_members_and_x_properties_are_left_aside(load):
    one = feature(polygon(SQUARE), **{"x-colour": "red", "margin_m": None})
    one |= {"id": 7, "bbox": [0, 0, 1, 1], "style": {}}
    assert load(collection(one, name="layer", generator={"a": 1})) == load(collection(feature(polygon(SQUARE))))


def test_a_ring_over_the_antimeridian_goes_on_past_180(load):
    ring = [[179, -17], [181, -17], [181, -16], [179, -17]]
    (zone,) = load(collection(feature(polygon(ring))))
    assert zone.polygons[0][0][1] == (181.0, -17.0)
    error = refused(load, collection(feature(polygon([[179, -17], [-179, -17], [-179, -16], [179, -17]]))))
    assert "181 for -179" in error.allowed


BOW = [[19.0, 47.0], [19.1, 47.1], [19.1, 47.0], [19.0, 47.1], [19.0, 47.0]]
POINT = {"type": "Point", "coordinates": [19, 47]}
DAY = ["2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"]
# A feature, the end of the key, and words of the error.
MISTAKES = {
    "self-crossing": (
        feature(polygon(BOW)),
        "geometry.coordinates",
        "self-intersection at lon 19.05, lat 47.05",
    ),
    "hole outside": (feature(polygon(SQUARE, NORTH)), "geometry.coordinates", "hole lies outside shell"),
    "second part": (
        feature({"type": "MultiPolygon", "coordinates": [[SQUARE], [BOW]]}),
        "geometry.coordinates[1]",
        "self-intersection",
    ),
    "no area": (
        feature(polygon([[1, 1], [2, 2], [3, 3], [1, 1]])),
        "geometry.coordinates",
        "not a valid polygon",
    ),
    "three positions": (
        feature(polygon(SQUARE[:2] + SQUARE[:1])),
        "geometry.coordinates[0]",
        "at least 4 positions",
    ),
    "open": (feature(polygon(SQUARE[:4])), "geometry.coordinates[0]", "is open"),
    "latitude of 95": (
        feature(polygon([[19, 95], *SQUARE])),
        "geometry.coordinates[0][0][1]",
        "is 95; allowed is a latitude",
    ),
    "swapped": (
        feature({"type": "Point", "coordinates": [47, 119]}, radius_m=1),
        "coordinates[1]",
        "are they swapped?",
    ),
    "longitude": (
        feature(polygon([[400, 5], *SQUARE])),
        "geometry.coordinates[0][0][0]",
        "a longitude from -180",
    ),
    "not a number": (
        feature(polygon([[math.nan, 5], *SQUARE])),
        "geometry.coordinates[0][0][0]",
        "a finite number",
    ),
    "bool": (feature(polygon([[True, 5], *SQUARE])), "geometry.coordinates[0][0][0]", "is true"),
    "long integer": (
        feature(polygon([[10**400, 5], *SQUARE])),
        "geometry.coordinates[0][0][0]",
        "a longitude",
    ),
    "short position": (
        feature(polygon([[19], *SQUARE])),
        "geometry.coordinates[0][0]",
        "a position [lon, lat]",
    ),
    "no rings": (feature(polygon()), "geometry.coordinates", "a list of rings"),
    "a line": (
        feature({"type": "LineString", "coordinates": SQUARE}),
        "geometry.type",
        "'Polygon', 'MultiPolygon'",
    ),
    "no geometry": (feature(None), "geometry", "is null"),
    "no radius": (feature(POINT), "properties.radius_m", "is missing"),
    "radius of 0": (feature(POINT, radius_m=0), "properties.radius_m", "greater than 0"),
    "radius of a polygon": (
        feature(polygon(SQUARE), radius_m=5),
        "properties.radius_m",
        "left out for a Polygon",
    ),
    "ceiling under floor": (
        feature(polygon(SQUARE), ceiling_m=50),
        "properties.ceiling_m",
        "greater than floor_m, which is 100",
    ),
    "ceiling at floor": (
        feature(polygon(SQUARE), ceiling_m=100),
        "properties.ceiling_m",
        "greater than floor_m",
    ),
    "null floor": (feature(polygon(SQUARE), floor_m=None), "properties.floor_m", "is null"),
    "text floor": (
        feature(polygon(SQUARE), floor_m="100"),
        "properties.floor_m",
        "is '100'; allowed is a number",
    ),
    "infinite": (feature(polygon(SQUARE), ceiling_m=math.inf), "properties.ceiling_m", "a finite number"),
    "id": (feature(polygon(SQUARE), id="a.b"), "properties.id", "1 to 64"),
    "id of a number": (feature(polygon(SQUARE), id=5), "properties.id", "is 5"),
    "unknown": (feature(polygon(SQUARE), lookahed_s=5), "properties.lookahed_s", "did you mean lookahead_s?"),
    "probability": (
        feature(polygon(SQUARE), predicted_probability=1),
        "properties.predicted_probability",
        "less than 1",
    ),
    "no pressure": (
        feature(polygon(SQUARE), height_reference="pressure"),
        "properties.qnh_hpa",
        "is missing",
    ),
    "unknown reference": (
        feature(polygon(SQUARE), height_reference="geoid"),
        "properties.height_reference",
        "one of 'ellipsoid', 'msl', 'pressure', 'agl'",
    ),
    "no ground": (feature(polygon(SQUARE), height_reference="agl"), "properties.ground_m", "is missing"),
    "ground unasked": (feature(polygon(SQUARE), ground_m=5), "properties.ground_m", "left out unless"),
    "time": (
        feature(polygon(SQUARE), active=[["2026-05-01", DAY[1]]]),
        "properties.active[0][0]",
        "RFC 3339",
    ),
    "backwards": (feature(polygon(SQUARE), active=[DAY[::-1]]), "properties.active[0]", "from before to"),
    "window": (feature(polygon(SQUARE), daily=[["06:00Z"]]), "properties.daily[0]", "06:00Z"),
    "window of no day": (feature(polygon(SQUARE), daily=[["06:00Z", "22:00Z", "Mon"]]), "properties.daily[0]", "MON"),
    "window in local time": (feature(polygon(SQUARE), daily=[["06:00", "22:00"]]), "properties.daily[0]", "06:00Z"),
    "overlap": (
        feature(polygon(SQUARE), active=[DAY, DAY]),
        "properties.active[1]",
        "from 2026-05-02T00:00:00Z on",
    ),
    "ignore": (feature(polygon(SQUARE), ignore=["a", 5]), "properties.ignore[1]", "is 5; allowed is a text"),
    "half a character": (feature(polygon(SQUARE), name="\ud800"), "properties", "not Unicode"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_file_feature_key_found_and_allowed(load, name):
    broken, key, words = MISTAKES[name]
    error = refused(load, collection(feature(polygon(SQUARE), id="first"), broken))
    assert error.key.startswith("features[1]")
    assert isinstance(broken["properties"]["id"], int) or f'"{broken["properties"]["id"]}"' in error.key
    assert error.key.endswith(key)
    assert words in str(error)


def test_every_mistake_of_a_file_is_told_at_once(load):
    error = refused(load, collection(*(broken for broken, _, _ in MISTAKES.values())))
    assert len(error.mistakes) >= len(MISTAKES)


def test_an_id_that_stands_twice_names_both_features(load):
    error = refused(load, collection(feature(polygon(SQUARE)), feature(polygon(NORTH))))
    assert error.key == 'features[1] "tower".properties.id'
    assert "features[0] has it" in error.allowed


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "not JSON"),
        ('{"type": "FeatureCollection",\n "features": [}', ":2: "),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 100 + "]" * 100, "nested too deeply"),
        ("9" * 5000, "not JSON"),
        ("null", "a GeoJSON FeatureCollection"),
        (b"\xff{}", "not UTF-8"),
        (b" " * (LARGEST_FILE + 1), "more than"),
        ('{"type": "FeatureCollection", "features": [], "features": []}', "'features' is there twice"),
        ({"type": "Feature"}, "type is 'Feature'; allowed is 'FeatureCollection'"),
        ({"type": "FeatureCollection"}, "features is missing"),
        (collection(5), "features[0] is 5"),
        (collection({"type": "Polygon"}), "features[0].type is 'Polygon'"),
        (collection({"type": "Feature", "geometry": POINT}), "features[0].properties is missing"),
        (collection(crs={"properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}), "EPSG::3857"),
    ],
)
def test_what_is_no_collection_of_features_is_refused(load, document, words):
    assert words in str(refused(load, document))


def test_an_empty_collection_and_one_that_names_wgs84_are_read(load):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert load(collection(crs=crs)) == ()


def test_a_time_of_2026_is_what_the_calendar_says():
    assert parse_utc("2026-05-01T06:00:00Z") == 1777615200 * 10**9
    assert parse_utc("1969-12-31t23:00:00.000000001-02:00") == 3600 * 10**9 + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-01",
        "2026-05-01T06:00:00",
        "2026-02-30T06:00:00Z",
        "2026-05-01T24:00:00Z",
        "2026-05-01T06:00:60Z",
        "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "２026-05-01T06:00:00Z",
        "2026-05-01T06:00:00+24:00",
    ],
)
def test_a_time_that_is_none_or_not_to_be_held_is_refused(text):
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_utc(text)


@given(st.integers(0, 9_214_646_399_999_999_999))
def test_times_come_back_as_they_were_written(time_ns):
    assert parse_utc(format_utc(time_ns)) == time_ns


def box(west: float, south: float, inset: float) -> tuple[tuple[float, float], ...]:
    low, high = inset, 9 - inset
    corners = [(low, low), (high, low), (high, high), (low, high), (low, low)]
    return tuple((west + x, south + y) for x, y in corners)


@st.composite
def windows(draw: st.DrawFn) -> DailyWindow:
    clock = st.integers(0, 86_400)
    return DailyWindow(draw(clock), draw(clock), tuple(sorted(draw(st.sets(st.integers(0, 6))))))


@st.composite
def zones(draw: st.DrawFn, name: str) -> ZoneConfig:
    """Any zone that a file may hold: circles, and polygons of rectangles with or without a hole."""
    number = st.floats(0, 1000)
    parts: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        west, south = draw(st.floats(-180, 300)), draw(st.floats(-80, 70))
        rings = (box(west, south, 0), box(west, south, 2))
        parts.append(rings if draw(st.booleans()) else rings[:1])
    floor = draw(st.floats(-1000, 1000))
    edges = sorted(draw(st.sets(st.integers(0, 2**62), max_size=6)))
    return ZoneConfig(
        id=name,
        floor_m=floor,
        ceiling_m=floor + draw(st.floats(1, 1000)),
        polygons=tuple(parts),
        circle=None if parts else draw(st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(0.1, 9e5))),
        name=draw(st.text("aé '\"", max_size=9)),
        lookahead_s=draw(st.floats(1, 3600)),
        margin_m=draw(number),
        margin_vertical_m=draw(number),
        predicted_probability=draw(st.floats(0.01, 0.99)),
        imminent_s=draw(number),
        active=draw(st.sampled_from([None, tuple(zip(edges[::2], edges[1::2], strict=False))])),
        ignore=tuple(draw(st.lists(st.text("0aF", max_size=6), max_size=3))),
        kind=draw(st.sampled_from(["", "CTR"])),
        daily=tuple(draw(st.lists(windows(), max_size=2))),
    )


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_zones_written_as_features_are_read_as_the_same_zones(load, data):
    written = tuple(data.draw(zones(f"zone-{i}")) for i in range(data.draw(st.integers(0, 3))))
    assert load(collection(*zone_features(written))) == written


HOSTILE = st.one_of(
    [st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)],
) | st.sampled_from([[], {}, [[[]]], 10**400, "\ud800", [[1, 1]], {"type": "Feature"}, SQUARE])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_a_zone_file_is_zones_or_a_named_mistake(load, data):
    """Any value anywhere in the tree is dropped or replaced by a hostile one."""
    document = collection(
        feature(polygon(SQUARE, HOLE), name="a", active=[DAY], ignore=["x"]),
        feature(POINT, id="c", radius_m=5),
    )
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        inner: Any = document
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(inner[key], dict | list) and inner[key] and data.draw(st.integers(0, 4)):
                inner = inner[key]
                continue
            if data.draw(st.booleans()):
                inner[key] = copy.deepcopy(data.draw(HOSTILE))
            else:
                del inner[key]
            break
    try:
        outcome: tuple[ZoneConfig, ...] | ConfigError = load(document)
    except ConfigError as error:
        outcome = error
    mistakes = outcome.mistakes if isinstance(outcome, ConfigError) else ()
    assert mistakes or isinstance(outcome, tuple)
    for mistake in mistakes:
        assert mistake.file.endswith("zones.geojson")
        assert mistake.key
        assert mistake.allowed
        assert str(mistake).isprintable()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=40) | st.text(max_size=20).map(lambda text: f'{{"features": "{text}"}}'.encode()))
def test_any_bytes_are_a_named_mistake(load, content):
    refused(load, content)
