"""OpenAir files: every record and notation, arcs against an outside geodesic, and slips that stay where they are."""

from __future__ import annotations

import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pymap3d.vincenty import vdist, vreckon

from adapters import schemas
from adapters.site.airspace.limits import Limit, read_limit
from adapters.site.airspace.notation import read_points
from adapters.site.airspace.published import ZoneFile, slug
from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.zones import load_zones, read_zones, zone_features
from adapters.wire import decode, encode
from adapters.wire.service import zones_message
from fusion.airspace.airspace import Airspace
from fusion.config import ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.types import Place

CZECH = Path(__file__).parents[3] / "shared" / "data" / "airspace" / "CZ-ASP-National-XCSoar.txt"
SITE = AirspaceConfig(qnh_hpa=1013.25, ground_m=300.0)
TIME_NS = 1_777_615_200_000_000_000
FT, NM = 0.3048, 1852.0
HEAD = "AC R\nAN TEST\nAH FL95\nAL GND\n"
SQUARE = "DP 50:00:00 N 014:00:00 E\nDP 50:00:00 N 014:10:00 E\nDP 50:05:00 N 014:10:00 E\nDP 50:05:00 N 014:00:00 E\n"


@pytest.fixture
def read(tmp_path: Path):
    """Reads a text as a file."""

    def read(text: str, site: AirspaceConfig = SITE) -> ZoneFile:
        path = tmp_path / "area.txt"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read_zones(path, site)

    return read


def ring(zone: ZoneConfig) -> list[tuple[float, float]]:
    ((outer,),) = zone.polygons
    assert outer[0] == outer[-1]
    return list(outer[:-1])


def one(file: ZoneFile) -> ZoneConfig:
    assert file.left_out == ()
    (zone,) = file.zones
    return zone


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1000ft MSL", Limit("msl", 1000 * FT)),
        ("1000 AMSL", Limit("msl", 1000 * FT)),
        ("1000 ft ASL", Limit("msl", 1000 * FT)),
        ("3500", Limit("msl", 3500 * FT)),
        ("3500ALT", Limit("msl", 3500 * FT)),
        ("300m", Limit("msl", 300.0)),
        ("300 M MSL", Limit("msl", 300.0)),
        ("150.5m AGL", Limit("agl", 150.5)),
        ("500ft AGL", Limit("agl", 500 * FT)),
        ("500 ASFC", Limit("agl", 500 * FT)),
        ("500'GND", Limit("agl", 500 * FT)),
        ("-50 MSL", Limit("msl", -50 * FT)),
        ("FL95", Limit("pressure", 9500 * FT)),
        ("FL 095", Limit("pressure", 9500 * FT)),
        ("fl660 STD", Limit("pressure", 66000 * FT)),
        ("4000ft STD", Limit("pressure", 4000 * FT)),
        ("GND", Limit("ground")),
        ("SFC", Limit("ground")),
        ("ASFC", Limit("ground")),
        ("0 AGL", Limit("ground")),
        ("0", Limit("msl", 0.0)),
        ("MSL", Limit("msl", 0.0)),
        ("UNL", Limit("unlimited")),
        ("UNLIM", Limit("unlimited")),
        ("Unlimited", Limit("unlimited")),
    ],
)
def test_every_notation_of_a_height_is_read(text, limit):
    found = read_limit(text)
    assert found.reference == limit.reference
    assert found.height_m == pytest.approx(limit.height_m)


@pytest.mark.parametrize(
    "text",
    ["", "FL", "high", "100m AGL/423m AMSL", "1,500ft", "FL95 AGL", "100 200", "1000 UNL", "5000 XX", "1e9", "ft"],
)
def test_a_height_that_says_two_things_or_nothing_is_refused(text):
    with pytest.raises(ConfigError):
        read_limit(text)


@pytest.mark.parametrize(
    "text",
    [
        "50:07:45 N 013:01:30 E",
        "50:07:45N 013:01:30E",
        "50:07:45.0 n, 13:1:30 e",
        "50:07.75 N 013:01.5 E",
        "50.129166667 N 13.025 E",
        "50:06:60.0 N 013:01:30 E",
    ],
)
def test_every_notation_of_a_point_is_read(text):
    ((lon, lat),) = read_points(text, 1)
    assert lon == pytest.approx(13.025, abs=1e-9)
    assert lat == pytest.approx(50.0 + 7.0 / 60.0 if ":60" in text else 50.129166667, abs=1e-8)


def test_south_and_west_are_negative():
    assert read_points("33:30:00 S 070:15:00 W", 1) == [(-70.25, -33.5)]


@pytest.mark.parametrize(
    "text", ["", "50 N", "91 N 10 E", "50:61:00 N 010:00:00 E", "50:00:00 010:00:00", "50 N 10 E 5"]
)
def test_a_point_that_is_none_is_refused(text):
    with pytest.raises(ConfigError):
        read_points(text, 1)


def test_a_volume_has_name_class_type_heights_and_a_ring(read):
    zone = one(read(f"AC D\nAY CTR\nAN CTR RUZYNĚ 134.560\nAF 134.56\nAH 3500 MSL\nAL 0 AGL\n{SQUARE}"))
    assert (zone.id, zone.name, zone.kind) == ("CTR-RUZYNE", "CTR RUZYNĚ 134.560", "CTR")
    assert ring(zone)[0] == (14.0, 50.0)
    assert len(ring(zone)) == 4
    assert zone.ceiling_m == pytest.approx(3500 * FT + 44.8, abs=1.0)  # the geoid is 44.8 m up there
    assert zone.floor_m == pytest.approx(44.8, abs=1.0)  # sea level: nothing flies below the ground above it


def test_a_circle_is_a_circle(read):
    zone = one(read(f"{HEAD}V X=50:00:00 N 014:00:00 E *ARP\nDC 2.5\n"))
    assert zone.circle == (14.0, 50.0, 2.5 * NM)
    assert zone.polygons == ()


def off_the_arc(points: list[tuple[float, float]], lat: float, lon: float, radius_m: float) -> float:
    """How far the drawn edges, at their ends and between them, lie from the true arc: by another geodesic, m."""
    worst = 0.0
    for (lon_a, lat_a), (lon_b, lat_b) in itertools.pairwise(points):
        for share in (0.0, 0.25, 0.5, 1.0):
            place = lat_a + share * (lat_b - lat_a), lon_a + share * (lon_b - lon_a)
            worst = max(worst, abs(float(np.squeeze(vdist(lat, lon, *place)[0])) - radius_m))
    return worst


@pytest.mark.parametrize("lat", [0.0, 50.0, -65.0, 78.0])
@pytest.mark.parametrize("radius", [0.5, 10.0, 200.0])
def test_a_drawn_arc_lies_within_5_m_of_the_true_one(read, lat, radius):
    hemisphere = f"{abs(lat)} {'S' if lat < 0 else 'N'} 014 E"
    zone = one(read(f"{HEAD}V X={hemisphere}\nDP {hemisphere}\nDA {radius}, 300, 80\n"))
    points = ring(zone)[1:]  # without the centre, which closes the sector
    assert off_the_arc(points, lat, 14.0, radius * NM) < 5.0
    turned = [float(np.squeeze(vdist(lat, 14.0, place[1], place[0])[1])) for place in (points[0], points[-1])]
    assert turned == pytest.approx([300.0, 80.0], abs=1e-3)


def sweep(zone: ZoneConfig, lat: float, lon: float) -> float:
    """By how many degrees the ring's arc turns round a centre, clockwise positive."""
    azimuths = [float(np.squeeze(vdist(lat, lon, y, x)[1])) for x, y in ring(zone)]
    return sum((b - a + 180.0) % 360.0 - 180.0 for a, b in itertools.pairwise(azimuths))


@pytest.mark.parametrize(("sign", "turn"), [("+", 90.0), ("-", -270.0)])
def test_arcs_turn_both_ways_by_bearings_and_by_ends(read, sign, turn):
    centre = "V X=50:00:00 N 014:00:00 E\n"
    by_bearings = one(read(f"{HEAD}{centre}V D={sign}\nDA 10, 0, 90\n"))
    assert sweep(by_bearings, 50.0, 14.0) == pytest.approx(turn, abs=1e-3)
    (north_lat, north_lon), (east_lat, east_lon) = (vreckon(50.0, 14.0, 10 * NM, azimuth) for azimuth in (0.0, 90.0))
    ends = f"{float(north_lat):.9f} N {float(north_lon):.9f} E, {float(east_lat):.9f} N {float(east_lon):.9f} E"
    by_ends = one(read(f"{HEAD}{centre}V D={sign}\nDB {ends}\n"))
    assert sweep(by_ends, 50.0, 14.0) == pytest.approx(turn, abs=1e-3)
    assert off_the_arc(ring(by_ends), 50.0, 14.0, 10 * NM) < 5.0


def test_an_arc_by_its_ends_keeps_the_published_points(read):
    """Ends written to whole seconds lie some metres off the circle; the ring goes through them all the same."""
    ends = "DB 50:00:00 N 013:45:00 E, 50:00:00 N 014:15:10 E\n"
    text = f"{HEAD}DP 49:58:00 N 014:00:00 E\nV X=50:00:00 N 014:00:00 E\n{ends}"
    points = ring(one(read(text)))
    assert points[1] == (13.75, 50.0)
    assert points[-1] == (14.0 + 15.0 / 60.0 + 10.0 / 3600.0, 50.0)


def test_the_direction_goes_back_to_clockwise_with_each_volume(read):
    text = f"{HEAD}V D=-\nV X=50 N 14 E\nDA 10,0,90\n\nAC R\nAN B\nAH FL95\nAL GND\nV X=50 N 14 E\nDA 10,0,90\n"
    first, second = read(text).zones
    assert sweep(first, 50.0, 14.0) == pytest.approx(-270.0, abs=1e-3)
    assert sweep(second, 50.0, 14.0) == pytest.approx(90.0, abs=1e-3)


def test_an_airway_is_as_wide_as_said(read):
    import shapely

    zone = one(read(f"{HEAD}V W=10\nDY 50:00:00 N 014:00:00 E\nDY 50:00:00 N 015:00:00 E\nDY 50:30:00 N 015:00:00 E\n"))
    area = shapely.union_all([shapely.Polygon(polygon[0]) for polygon in zone.polygons])
    for azimuth, inside in ((0.0, 4.95), (180.0, 4.95), (0.0, 5.05), (180.0, 5.05)):
        lat, lon = (float(v) for v in vreckon(50.0, 14.5, inside * NM, azimuth))
        assert area.contains(shapely.Point(lon, lat)) == (inside < 5.0)
    assert area.contains(shapely.Point(15.05, 49.96))  # the outer side of the bend


def test_a_ring_over_the_antimeridian_goes_on(read):
    corners = ("52:00:00 N 179:30:00 E", "52:00:00 N 179:30:00 W", "52:30:00 N 179:30:00 W", "52:30:00 N 179:30:00 E")
    zone = one(read(HEAD + "".join(f"DP {corner}\n" for corner in corners)))
    assert [lon for lon, _ in ring(zone)] == [179.5, 180.5, 180.5, 179.5]


def test_activation_times_become_intervals(read):
    text = f"{HEAD}AA 2026-05-01T06:00Z/2026-05-01T24:00Z\nAA NONE/2026-04-01T00:00:00Z\n{SQUARE}"
    zone = one(read(text))
    assert zone.active == ((0, 1_775_001_600_000_000_000), (1_777_615_200_000_000_000, 1_777_680_000_000_000_000))
    assert one(read(f"{HEAD}AA NONE\n{SQUARE}")).active == ()


def test_edges_that_cross_by_rounding_are_mended_and_a_bow_is_not(read):
    sliver = (
        "DP 50:00:00 N 014:00:00 E\nDP 50:00:00 N 014:20:00 E\nDP 50:10:00 N 014:20:00 E\nDP 49:59:59 N 014:10:00 E\n"
    )
    assert len(one(read(HEAD + sliver)).polygons) == 2
    bow = "DP 50 N 14 E\nDP 50.1 N 14.1 E\nDP 50 N 14.1 E\nDP 50.1 N 14 E\n"
    assert "self-intersection" in str(read(HEAD + bow).left_out[0])


SLIPS = {
    "AH FL XX": ("AH FL95", "AH FLXX", ".AH", 3),
    "no ceiling": ("AH FL95\n", "", ".AH", 1),
    "no name": ("AN TEST\n", "", "without a name", 1),
    "no class": ("AC R\n", "", ".AC", 1),
    "two ceilings": ("AH FL95\n", "AH FL95\nAH FL100\n", ".AH", 4),
    "point": ("DP 50:05:00 N 014:10:00 E", "DP 50:05:00 X 014:10:00 E", ".DP", 7),
    "unknown record": ("DP 50:05:00 N 014:10:00 E", "PD 50:05:00 N 014:10:00 E", "line", 7),
    "arc without centre": ("DP 50:05:00 N 014:10:00 E", "DA 5,0,90", ".DA.V X", 7),
    "bearing": ("DP 50:05:00 N 014:10:00 E", "V X=50 N 14 E\nDA 5,0,900", ".DA", 8),
    "arc of no radius": ("DP 50:05:00 N 014:10:00 E", "V X=50 N 14 E\nDA 0,0,90", ".DA", 8),
    "arc of two radii": ("DP 50:05:00 N 014:10:00 E", "V X=50 N 14 E\nDB 50 N 14.1 E,50 N 14.5 E", ".DB", 8),
    "circle and points": ("DP 50:05:00 N 014:10:00 E", "V X=50 N 14 E\nDC 5", "outline", 1),
    "variable": ("DP 50:05:00 N 014:10:00 E", "V Q=5", ".V", 7),
    "upside down": ("AL GND", "AL FL100", "ceiling", 1),
    "no pressure": ("AL GND", "AL FL10", "qnh_hpa", 1),
    "no ground": ("AL GND", "AL 500 AGL", "ground_m", 1),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_malformed_volume_is_named_with_its_line_and_the_others_are_used(read, name):
    old, new, key, line = SLIPS[name]
    good = f"AC P\nAN {{}}\nAH 3000 MSL\nAL GND\n{SQUARE}\n"
    bad = f"{HEAD}{SQUARE}".replace(old, new, 1)
    site = AirspaceConfig() if name.startswith("no ") else SITE
    file = read(good.format("BEFORE") + bad + "\n" + good.format("AFTER"), site)
    assert [zone.id for zone in file.zones] == ["BEFORE", "AFTER"]
    (error,) = file.left_out
    keys = [mistake.key for mistake in error.mistakes]
    assert any(key in found for found in keys)
    assert {mistake.line for mistake in error.mistakes if key in mistake.key} == {line + 9}
    assert re.match(r".*area\.txt:\d+: ", str(error))


def test_a_volume_without_its_class_does_not_spoil_the_one_above_it_even_without_an_empty_line(read):
    file = read(f"{HEAD}{SQUARE}AN SECOND\nAH FL95\nAL GND\n{SQUARE}")
    assert [zone.id for zone in file.zones] == ["TEST"]
    assert [mistake.key for mistake in file.left_out[0].mistakes] == ['"SECOND".AC']


@pytest.mark.parametrize("around", ["", "\n"])
def test_a_misspelt_corner_is_never_just_lost(read, around):
    corners = SQUARE.splitlines(keepends=True)
    corners[1] = around + corners[1].replace("DP", "PD") + around
    file = read(HEAD + "".join(corners))
    assert file.zones == ()
    assert file.left_out[0].line == 6 + len(around)


def test_load_zones_tells_every_malformed_volume_at_once(tmp_path):
    path = tmp_path / "area.txt"
    path.write_text((f"{HEAD}{SQUARE}\n" * 3).replace("FL95", "FLXX"))
    with pytest.raises(ConfigError) as caught:
        load_zones(path, SITE)
    assert [mistake.line for mistake in caught.value.mistakes] == [3, 12, 21]


def test_ids_are_made_of_names_and_numbered_where_they_repeat(read):
    volumes = [
        f"AC R\nAN {name}\nAH FL95\nAL GND\n{SQUARE}\n" for name in ("ŠUMAVA / II", "Sumava II", "A" * 90, "...")
    ]
    file = read("".join(volumes * 2))
    ids = [zone.id for zone in file.zones]
    assert ids == ["SUMAVA-II", "Sumava-II", "A" * 58, "zone", "SUMAVA-II-2", "Sumava-II-2", "A" * 58 + "-2", "zone-2"]
    assert slug("TMA I 119.375 120.5") == "TMA-I"


def test_only_the_kinds_that_are_asked_for_are_taken(read):
    text = "".join(
        f"AC {c}\nAY {t}\nAN {c}{t}\nAH FL95\nAL GND\n{SQUARE}\n"
        for c, t in (("D", "CTR"), ("E", "RMZ"), ("R", "NONE"))
    )
    file = read(text, AirspaceConfig(kinds=("CTR", "R"), qnh_hpa=1013.25))
    assert [zone.kind for zone in file.zones] == ["CTR", "R"]
    assert file.not_taken == {"RMZ": 1}


def test_what_the_site_says_holds_for_every_zone(read):
    site = AirspaceConfig(qnh_hpa=1013.25, lookahead_s=60.0, margin_m=100.0, margin_vertical_m=50.0, ignore=("4b1234",))
    zone = one(read(HEAD + SQUARE, site))
    assert (zone.lookahead_s, zone.margin_m, zone.margin_vertical_m, zone.ignore) == (60.0, 100.0, 50.0, ("4b1234",))


def test_older_encodings_and_line_ends_are_read(tmp_path):
    path = tmp_path / "area.air"
    path.write_bytes(f"{HEAD}{SQUARE}".replace("TEST", "Grüße").replace("\n", "\r\n").encode("latin-1"))
    assert load_zones(path, SITE)[0].name == "Grüße"


def test_colours_maps_and_comments_are_passed_over(read):
    colours, road = "AC R\nSP 0,2,127,0,127\nSB -1,-1,-1\n", "TO Road\nSP 1\nDP 50 N 14 E\n"
    text = f"* head\n{colours}\n{road}\n{HEAD}AT 50 N 14 E\n* more\n{SQUARE}"
    assert one(read(text)).id == "TEST"


BLOCKS = [
    f"AC R\nAN FIRST\nAH FL95\nAL GND\n{SQUARE}",
    "AC D\nAY CTR\nAN SECOND\nAH 3500 MSL\nAL 500 AGL\nDP 49 N 15 E\n"
    "V D=-\nV X=49:10 N 015:00 E\nDA 5, 90, 270\nDP 49.2 N 15 E\n",
    "AC Q\nAN THIRD\nAH UNLIM\nAL SFC\nV X=48:00:00 N 016:00:00 E\nDC 2\n",
]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_a_volume_leaves_the_others_as_they_were(read, data):
    """Characters of one volume are replaced, added or taken away; nothing but ConfigError comes of it. Without its AC
    line the text of a volume belongs to the one before."""
    which = data.draw(st.integers(0, 2))
    text = BLOCKS[which]
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(text) - 1))
        put = data.draw(
            st.sampled_from(["", "\n", " ", "*", "AC ", "AN x\n", "DP ", "9" * 30, "\0", "é", "\u2028", "\ud800"])
            | st.characters()
        )
        text = text[:place] + put + text[place + data.draw(st.integers(0, 4)) :]
        text = text or "x"
    whole = "\n\n".join(text if i == which else block for i, block in enumerate(BLOCKS))
    good = {zone.name: zone for block in BLOCKS for zone in read(block).zones}
    try:
        found = {zone.name: zone for zone in read(whole).zones}
    except ConfigError:
        return  # a file of no text at all
    for i, name in enumerate(("FIRST", "SECOND", "THIRD")):
        if i != which and (i != which - 1 or text.startswith("AC ")):
            assert found[name] == good[name]


def test_the_zones_message_of_imported_volumes_is_valid_and_reads_back_as_the_same(read, tmp_path):
    zones = read("\n".join(BLOCKS)).zones
    airspace = Airspace(zones, Plane(Place(49.0, 15.0, 0.0)))
    airspace.set_active("THIRD", False)
    body = zones_message(TIME_NS, zones, airspace.states(TIME_NS), {"FIRST": True})
    message = decode(encode({**body, "v": 1, "source": "x", "seq": 1, "epoch": "e"}, json=True))
    Draft202012Validator(schemas.load("zones")).validate(message)
    states = {feature["properties"]["id"]: feature["properties"]["state"] for feature in message["features"]}
    assert states == {"FIRST": "active", "SECOND": "active", "THIRD": "inactive"}
    for feature in message["features"]:
        for name in ("state", "watched", "next_change_ns"):
            del feature["properties"][name]
    path = tmp_path / "back.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": message["features"]}))
    assert load_zones(path) == zones


@pytest.mark.skipif(not CZECH.exists(), reason="the recordings are not here")
def test_the_whole_czech_file_is_read():
    """270 volumes, as many as AN records; every one on the earth, its arcs kept, and back from its features."""
    file = read_zones(CZECH, SITE)
    assert file.left_out == ()
    names = [line for line in CZECH.read_text().splitlines() if line.startswith("AN ")]
    assert len(file.zones) == len(names) == 270
    assert sum(zone.circle is not None for zone in file.zones) == 71
    assert len({zone.id for zone in file.zones}) == 270
    assert all(
        48.0 < lat < 51.5 and 11.5 < lon < 19.5
        for zone in file.zones
        for polygon in zone.polygons
        for lon, lat in polygon[0]
    )
    assert len(zone_features(file.zones)) == 270
    assert math.isclose(max(zone.ceiling_m for zone in file.zones), 66_000 * FT + 64.0 + 46.0, abs_tol=5.0)
