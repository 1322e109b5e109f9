"""ED-269 and ED-318: each volume with its shape, heights and times, or named with what is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.site.airspace.published import ZoneFile
from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.utc import parse_utc
from adapters.site.zones import read_zones
from fusion.airspace.schedule import DailyWindow
from fusion.config import ZoneConfig
from fusion.errors import ConfigError

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "airspace" / "ed269"
SITE = AirspaceConfig(ground_m=500.0)
RING = [[7.0, 46.0], [7.1, 46.0], [7.1, 46.1], [7.0, 46.0]]
GEOID = 52.0  # m, of the geoid above the ellipsoid there, within 1.5
HOUR = 3600


def volume(**members: object) -> dict[str, Any]:
    limits = {"lowerLimit": 100, "lowerVerticalReference": "AGL", "upperLimit": 300, "upperVerticalReference": "AGL"}
    projection = {"type": "Polygon", "coordinates": [RING]}
    return {"uomDimensions": "M", **limits, "horizontalProjection": projection, **members}


def zone269(*volumes: dict[str, Any], **members: object) -> dict[str, Any]:
    head = {"identifier": "LSX", "country": "CHE", "name": "Sample", "restriction": "PROHIBITED"}
    return {**head, "applicability": [{"permanent": "YES"}], "geometry": list(volumes or [volume()]), **members}


def zone318(geometry: dict[str, Any] | None = None, **members: object) -> dict[str, Any]:
    layer = {"lower": 100, "lowerReference": "AMSL", "upper": 300, "upperReference": "WGS84", "uom": "m"}
    head = {"identifier": "LSX", "country": "CHE", "type": "PROHIBITED", "variant": "COMMON"}
    names = [{"text": "Muster", "lang": "de-CH"}, {"text": "Sample", "lang": "en-GB"}]
    shape = geometry or {"type": "Polygon", "coordinates": [RING], "layer": layer}
    return {
        "type": "Feature",
        "geometry": shape,
        "properties": {**head, "name": names, "reason": ["NATURE"], **members},
    }


def circle318(**members: object) -> dict[str, Any]:
    layer = {"lower": 0, "lowerReference": "AGL", "upper": 400, "upperReference": "AGL", "uom": "ft"}
    extent = {"subType": "Circle", "radius": 250}
    return {"type": "Point", "coordinates": [7.0, 46.0], "extent": extent, "layer": layer, **members}


@pytest.fixture
def read(tmp_path: Path):
    """Reads zones as an ED-269 document, features as an ED-318 one."""

    def read(*zones: dict[str, Any], site: AirspaceConfig = SITE) -> ZoneFile:
        published: dict[str, Any] = {"UASZoneList": list(zones)}
        if zones[0].get("type") == "Feature":
            published = {"type": "FeatureCollection", "metadata": {}, "features": list(zones)}
        path = tmp_path / "zones.json"
        path.write_text(json.dumps(published))
        return read_zones(path, site)

    return read


def one(file: ZoneFile) -> ZoneConfig:
    assert file.left_out == ()
    (zone,) = file.zones
    return zone


def test_an_ed269_zone_is_read(read):
    zone = one(read(zone269()))
    assert (zone.id, zone.name, zone.kind) == ("LSX", "Sample", "PROHIBITED")
    assert zone.polygons == ((tuple(map(tuple, RING)),),)
    assert (zone.floor_m, zone.ceiling_m) == (600.0, 800.0)
    assert (zone.active, zone.daily) == (None, ())


def test_an_ed318_zone_is_read(read):
    zone = one(read(zone318()))
    assert (zone.id, zone.name, zone.kind, zone.ceiling_m) == ("LSX", "Sample", "PROHIBITED", 300.0)
    assert zone.floor_m == pytest.approx(100.0 + GEOID, abs=1.5)


@pytest.mark.parametrize(
    ("members", "floor", "ceiling"),
    [
        ({"lowerLimit": "0", "upperLimit": None}, GEOID, 100_000.0),
        ({"lowerLimit": None, "upperLimit": 1000, "uomDimensions": "FT"}, GEOID, 500.0 + 304.8),
        ({"lowerVerticalReference": "AMSL", "upperVerticalReference": "AMSL"}, 100.0 + GEOID, 300.0 + GEOID),
        ({"lowerVerticalReference": "WGS84", "upperLimit": 99999}, 100.0, 100_000.0),
    ],
)
def test_limits_are_numbers_texts_or_none_of_each_reference(read, members, floor, ceiling):
    zone = one(read(zone269(volume(**members))))
    assert zone.floor_m == pytest.approx(floor, abs=1.5)
    assert zone.ceiling_m == pytest.approx(ceiling, abs=1.5)


def test_circles_are_circles_of_metres_whatever_the_unit_of_heights(read):
    projection = {"type": "Circle", "center": [7.0, 46.0], "radius": 250}
    assert one(read(zone269(volume(horizontalProjection=projection, uomDimensions="FT")))).circle == (7.0, 46.0, 250.0)
    zone = one(read(zone318(circle318())))
    assert zone.circle == (7.0, 46.0, 250.0)
    assert zone.ceiling_m == pytest.approx(500.0 + 400 * 0.3048)


def test_each_volume_of_a_zone_is_one_with_an_id_of_its_own(read):
    file = read(zone269(volume(), volume(lowerLimit=400, upperLimit=500)), zone269())
    assert [(zone.id, zone.floor_m) for zone in file.zones] == [("LSX", 600.0), ("LSX-2", 900.0), ("LSX-3", 600.0)]
    collection = {"type": "GeometryCollection", "geometries": [circle318(), circle318(coordinates=[7.5, 46.0])]}
    assert [zone.id for zone in read(zone318(collection)).zones] == ["LSX", "LSX-2"]


def test_the_older_form_of_ed269_is_known_by_its_members(tmp_path):
    path = tmp_path / "zones.json"
    path.write_text(json.dumps({"title": "zones", "features": [zone269()]}))
    assert one(read_zones(path, SITE)).id == "LSX"


PERIOD = {"permanent": "NO", "startDateTime": "2026-06-01T00:00:00Z", "endDateTime": "2026-06-30T22:00:00+02:00"}
SPAN = (parse_utc("2026-06-01T00:00:00Z"), parse_utc("2026-06-30T20:00:00Z"))


def daily(begin: str | None, end: str | None, *days: str) -> dict[str, Any]:
    return {"day": list(days), "startTime": begin, "endTime": end}


@pytest.mark.parametrize(
    ("periods", "active", "windows"),
    [
        ([], None, ()),
        ([PERIOD], (SPAN,), ()),
        ([{"permanent": "YES", "dailyPeriod": [daily(None, None)]}], None, ()),
        (
            [{**PERIOD, "schedule": [daily("06:00Z", "22:00:00.00Z", "MON", "TUE")]}],
            (SPAN,),
            (DailyWindow(6 * HOUR, 22 * HOUR, (0, 1)),),
        ),
        ([{"schedule": [daily("22:00Z", "05:00Z", "ANY")]}], None, (DailyWindow(22 * HOUR, 5 * HOUR),)),
        (
            [{"schedule": [daily("01:00:00+02:00", "03:00:00+02:00", "MON")]}],
            None,
            (DailyWindow(23 * HOUR, HOUR, (6,)),),
        ),
        ([{"schedule": [daily(None, None, "SUN")]}], None, (DailyWindow(0, 0, (6,)),)),
        ([PERIOD, {"endDateTime": "2026-01-01T00:00:00Z"}], ((0, parse_utc("2026-01-01T00:00:00Z")), SPAN), ()),
    ],
)
def test_periods_become_intervals_and_windows(read, periods, active, windows):
    for zone in (zone269(applicability=periods), zone318(limitedApplicability=periods)):
        found = one(read(zone))
        assert (found.active, found.daily) == (active, windows)


def test_periods_of_different_windows_become_the_intervals_in_which_any_applies(read):
    first = {**PERIOD, "endDateTime": "2026-06-03T00:00:00Z", "schedule": [daily("06:00Z", "07:00Z")]}
    second = {"startDateTime": "2026-06-02T06:30:00Z", "endDateTime": "2026-06-02T12:00:00Z"}
    found = one(read(zone269(applicability=[first, second]))).active
    hours = [("2026-06-01T06:00:00Z", "2026-06-01T07:00:00Z"), ("2026-06-02T06:00:00Z", "2026-06-02T12:00:00Z")]
    assert found == tuple((parse_utc(begin), parse_utc(end)) for begin, end in hours)


MISTAKES = {
    "no identifier": (zone269(identifier=None), "UASZoneList[1].identifier"),
    "restriction": (zone269(restriction=5), "restriction"),
    "unit": (zone269(volume(uomDimensions="KM")), "geometry[0].uomDimensions"),
    "limit": (zone269(volume(lowerLimit="low")), "geometry[0].lowerLimit"),
    "reference": (zone269(volume(upperVerticalReference="QNH")), "geometry[0].upperVerticalReference"),
    "upside down": (zone269(volume(lowerLimit=900)), "ceiling"),
    "shape": (zone269(volume(horizontalProjection={"type": "Point"})), "geometry[0].horizontalProjection"),
    "ring": (
        zone269(volume(horizontalProjection={"type": "Polygon", "coordinates": [RING[:3]]})),
        "horizontalProjection.coordinates[0]",
    ),
    "radius": (
        zone269(volume(horizontalProjection={"type": "Circle", "center": [7, 46], "radius": 0})),
        "geometry[0].horizontalProjection.radius",
    ),
    "sunset": (
        zone269(applicability=[{"schedule": [{"day": ["ANY"], "startTime": "06:00Z", "endEvent": "SS"}]}]),
        "applicability[0].schedule[0].endEvent",
    ),
    "clock": (zone269(applicability=[{"schedule": [daily("6:00", "7:00")]}]), "schedule[0].startTime"),
    "day": (zone269(applicability=[{"schedule": [daily("06:00Z", "07:00Z", "Mo")]}]), "schedule[0].day"),
    "time": (zone269(applicability=[{"startDateTime": "2026-06-01"}]), "applicability[0].startDateTime"),
    "for ever": (
        zone269(applicability=[{"schedule": [daily("06:00Z", "07:00Z")]}, PERIOD]),
        "applicability",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_malformed_zone_is_named_and_the_others_are_used(read, name):
    bad, key = MISTAKES[name]
    file = read(zone269(identifier="A"), bad, zone269(identifier="B"))
    assert [zone.id for zone in file.zones] == ["A", "B"]
    (error,) = file.left_out
    assert error.key.startswith("UASZoneList[1]")
    assert error.key.endswith(key)
    assert error.file.endswith("zones.json")


def test_only_the_malformed_volume_of_a_zone_is_left_out(read):
    file = read(zone269(volume(), volume(upperLimit="x"), volume(lowerLimit=200)))
    assert [zone.floor_m for zone in file.zones] == [600.0, 700.0]
    assert file.left_out[0].key == 'UASZoneList[0] "LSX".geometry[1].upperLimit'


def test_a_height_above_ground_without_the_ground_is_refused(read):
    file = read(zone269(), site=AirspaceConfig())
    assert file.zones == ()
    assert file.left_out[0].key.endswith("ground_m")


HOSTILE: list[Any] = [
    None,
    True,
    5,
    -1e308,
    "x",
    "99999999999999999999",
    [],
    {},
    [[[]]],
    "\ud800",
    {"type": "Feature"},
    RING,
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_a_zone_leaves_the_others_as_they_were(read, data):
    """Any value anywhere in one zone is dropped or replaced by a hostile one."""
    full = {**PERIOD, "schedule": [daily("06:00Z", "22:00Z", "MON")]}
    circle = {"type": "Circle", "center": [7.0, 46.0], "radius": 250}
    changed: Any = copy.deepcopy(
        data.draw(
            st.sampled_from(
                [
                    zone269(volume(), volume(horizontalProjection=circle), applicability=[full]),
                    zone318(circle318(), limitedApplicability=[full]),
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 3))):
        inner = changed
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            key = data.draw(st.sampled_from(keys))
            if isinstance(inner[key], dict | list) and inner[key] and data.draw(st.booleans()):
                inner = inner[key]
                continue
            break
        if data.draw(st.booleans()):
            inner[key] = copy.deepcopy(data.draw(st.sampled_from(HOSTILE)))
        elif isinstance(inner, dict) and len(inner) > 1 and key != "type":
            del inner[key]
    ed318 = "properties" in changed or changed.get("type") == "Feature"
    good = zone318(identifier="GOOD") if ed318 else zone269(identifier="GOOD")
    try:
        file = read(good, changed, good)
    except ConfigError:
        return
    assert [zone for zone in file.zones if zone.id == "GOOD"] == [one(read(good))]
    assert "GOOD-2" in [zone.id for zone in file.zones]


@pytest.mark.parametrize("coordinates", [{"type": "Feature"}, {}, "x", 3, [], [[]], [{}], None, ...])
def test_coordinates_that_are_no_rings_are_a_mistake_with_a_name(read, coordinates):
    projection = {"type": "Polygon"} | ({} if coordinates is ... else {"coordinates": coordinates})
    file = read(zone269(volume(horizontalProjection=projection)))
    assert not file.zones
    assert "coordinates" in str(file.left_out[0])


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not here")
@pytest.mark.parametrize(("name", "count"), [("cis_source_sample_ed269.json", 1), ("cis_source_sample_ed318.json", 3)])
def test_the_published_samples_are_read(name, count):
    file = read_zones(SAMPLES / name, SITE)
    assert (len(file.zones), file.left_out) == (count, ())
