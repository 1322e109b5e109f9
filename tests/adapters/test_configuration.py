"""A site file is a SiteConfig or a ConfigError that tells a person what to change, and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.site.configuration import LARGEST_TOML, load_site
from adapters.site.toml_lines import line_of
from fusion.config import AlertsConfig, SiteConfig
from fusion.errors import ConfigError

SITE = """\
[service]
name = "valley"
origin = { lat_deg = 47.5, lon_deg = 19.0, alt_m = 0.0 }
zones = ["zones.geojson"]

[tracker]
lateness_s = 2.0
altitude_m = { mean = 3000.0, sigma = 3000.0 }
motions = ["cruise", "manoeuvre", "turn"]
still_objects = true

[[sensor]]
id = "north"
kind = "radar"
pose = { lat_deg = 47.6, lon_deg = 19.1, alt_m = 210.0, yaw_deg = 10.0 }
measures = ["range_m", "azimuth_deg", "elevation_deg"]
sigma = { range_m = 30.0, azimuth_deg = 0.1, elevation_deg = 0.2 }
coverage = { range_m = [500.0, 80000.0], azimuth_deg = [0.0, 360.0], elevation_deg = [-1.0, 45.0] }
detection_probability = 0.9
false_alarms = 10.0
period_s = 4.0

[[sensor]]
id = "gps"
kind = "position"
measures = ["east_m", "north_m"]
[sensor.sigma]
east_m = 1
north_m = 1.0
[sensor.coverage]
east_m = [-1000, 1000]
north_m = [
    -1000,
    1000,
]
[sensor.pose]
lat_deg = 47.6
lon_deg = 19.1
alt_m = 0
"""
ZONE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"id": "airport", "floor_m": 0, "ceiling_m": 500},
            "geometry": {"type": "Polygon", "coordinates": [[[19, 47], [19.1, 47], [19.1, 47.1], [19, 47]]]},
        }
    ],
}


@pytest.fixture
def write(tmp_path: Path):
    """Writes a site with its zones beside it and returns the path."""
    (tmp_path / "zones.geojson").write_text(json.dumps(ZONE))

    def write(text: str | bytes) -> Path:
        path = tmp_path / "site.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    assert str(path.parent) in str(caught.value)
    return caught.value


def changed(old: str, new: str) -> str:
    assert SITE.count(old) == 1, old
    return SITE.replace(old, new)


def test_a_whole_site_is_read_with_its_zones(write, tmp_path):
    site = load_site(write(SITE))
    assert site.service.origin.lat_deg == 47.5
    assert [zone.id for zone in site.zones] == ["airport"]
    north, gps = site.sensor
    assert north.pose is not None
    assert (north.pose.yaw_deg, north.pose.roll_deg) == (10.0, 0.0)
    assert north.sigma["azimuth_deg"] == 0.1
    assert gps.coverage.north_m == (-1000.0, 1000.0)
    assert gps.sigma == {"east_m": 1.0, "north_m": 1.0}
    assert gps.detection_probability == 0.9
    assert site.service.data == str(tmp_path / "skypicket-data")


def test_everything_with_a_default_may_be_left_out(write):
    site = load_site(write("[service]\norigin = { lat_deg = 0, lon_deg = 0, alt_m = 0 }\n"))
    assert site == SiteConfig(site.service)
    assert site.service.report_period_s == 1.0


# What is changed in SITE; then the line, the key and words that the error must have.
MISTAKES = [
    ("lat_deg = 47.5", "lat_deg = 95", 3, "service.origin.lat_deg", "95; allowed is a number from -90 to 90"),
    ("lon_deg = 19.0", "lon_deg = -181", 3, "service.origin.lon_deg", "-180 to 180"),
    ("alt_m = 0.0", "alt_m = nan", 3, "service.origin.alt_m", "a finite number"),
    ("alt_m = 0.0", "alt_m = true", 3, "service.origin.alt_m", "is true; allowed is a number"),
    (", alt_m = 0.0", "", 3, "service.origin.alt_m", "is missing"),
    ("lateness_s = 2.0", "latenes_s = 2.0", 7, "tracker.latenes_s", "did you mean lateness_s?"),
    (
        "lateness_s = 2.0",
        'lateness_s = "2"',
        7,
        "tracker.lateness_s",
        "'2'; allowed is a number from 0 to 600",
    ),
    ("lateness_s = 2.0", "lateness_s = 2026-01-01", 7, "tracker.lateness_s", "2026"),
    ("mean = 3000.0", "mean = inf", 8, "tracker.altitude_m.mean", "is inf; allowed is a finite number"),
    ('"turn"]', '"spiral"]', 9, "tracker.motions[2]", "one of 'cruise', 'manoeuvre', 'turn'"),
    ('"turn"]', '"cruise"]', 9, "tracker.motions", "each motion once"),
    ("still_objects = true", "still_objects = 1", 10, "tracker.still_objects", "true or false"),
    ('id = "north"', 'id = "north.1"', 13, 'sensor[0] "north.1".id', "1 to 64 of A-Z"),
    ('kind = "radar"', 'kind = "rader"', 14, 'sensor[0] "north".kind', "'radar', 'infrared', 'position'"),
    ('kind = "radar"', 'kind = "position"', 16, 'sensor[0] "north".measures', "for a position sensor"),
    ('"range_m", "az', '"range", "az', 16, 'sensor[0] "north".measures[0]', "one of 'range_m'"),
    ("range_m = 30.0", "range_m = 0", 17, 'sensor[0] "north".sigma.range_m', "from 1e-06"),
    (
        "azimuth_deg = 0.1",
        "azimuth = 0.1",
        17,
        'sensor[0] "north".sigma.azimuth',
        "did you mean azimuth_deg?",
    ),
    (", elevation_deg = 0.2", "", 17, 'sensor[0] "north".sigma', "add ['elevation_deg']"),
    ("[500.0, 80000.0]", "[500.0]", 18, 'sensor[0] "north".coverage.range_m[1]', "is missing"),
    ("[500.0, 80000.0]", "[9, 8]", 18, 'sensor[0] "north".coverage.range_m', "low < high"),
    (
        "[-1.0, 45.0]",
        "[-1.0, 95.0]",
        18,
        'sensor[0] "north".coverage.elevation_deg[1]',
        "95.0; allowed is a number",
    ),
    (
        "detection_probability = 0.9",
        "detection_probability = 1",
        19,
        'sensor[0] "north".detection_probability',
        "less than 1",
    ),
    (
        "false_alarms = 10.0",
        'altitude_reference = "geoid"',
        20,
        'sensor[0] "north".altitude_reference',
        "one of 'ellipsoid', 'msl', 'pressure', 'agl'",
    ),
    (
        "false_alarms = 10.0",
        'altitude_reference = "pressure"',
        12,
        'sensor[0] "north".qnh_hpa',
        "a number, with altitude_reference 'pressure'",
    ),
    ("false_alarms = 10.0", "ground_m = 10.0", 20, 'sensor[0] "north".ground_m', "left out unless"),
    ('id = "gps"', 'id = "north"', 24, 'sensor[1] "north".id', "an id that no other sensor has"),
    ("east_m = 1\n", "east_m = -1\n", 28, 'sensor[1] "gps".sigma.east_m', "is -1"),
    ("    1000,", "    false,", 32, 'sensor[1] "gps".coverage.north_m[1]', "is false"),
    ("alt_m = 0\n", "", 36, 'sensor[1] "gps".pose.alt_m', "is missing"),
    ('zones = ["zones.geojson"]', 'zones = ["none.geojson"]', 4, "service.zones[0]", "exists"),
    ('zones = ["zones.geojson"]', 'publish = "udp://127.0.0.1:1"', 4, "service.publish", "tcp://host:port"),
    (
        'zones = ["zones.geojson"]',
        'publish = "tcp://127.0.0.1:70000"',
        4,
        "service.publish",
        "tcp://host:port",
    ),
    ('name = "valley"', 'name = "\\u001b[31m"', 2, "service.name", "printable"),
    (", yaw_deg = 10.0", ", yaw = 10.0", 15, 'sensor[0] "north".pose.yaw', "did you mean yaw_deg?"),
    ("[tracker]", "[trakcer]", 6, "trakcer", "did you mean tracker?"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_a_mistake_names_file_line_key_found_and_allowed(write, old, new, line, key, words):
    path = write(changed(old, new))
    error = refused(path)
    assert (error.file, error.line, error.key) == (str(path), line, key)
    assert str(error).startswith(f"{path}:{line}: {key} ")
    assert words in str(error)


def test_every_mistake_is_told_at_once_in_the_order_of_the_lines(write):
    text = changed("lat_deg = 47.5", "lat_deg = 95").replace("period_s = 4.0", "perod_s = 4").replace("= 2.0", "= -2")
    error = refused(write(text))
    assert [mistake.line for mistake in error.mistakes] == [3, 7, 21]
    assert len(str(error).splitlines()) == 3


def test_a_great_many_mistakes_are_counted_and_not_all_shown(write):
    error = refused(write(SITE + "\n".join(f"k{i} = 1" for i in range(100))))
    assert len(error.mistakes) == 100
    assert str(error).endswith("and 80 more")


def test_an_origin_is_asked_for_in_an_empty_file(write):
    error = refused(write(""))
    assert error.key == "service"
    assert "is missing" in str(error)
    assert "origin" in error.allowed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[service\n", 1),
        ("a = 1\nb = \n", 2),
        ("a = 1\na = 2\n", 2),
        ("x = [1,\n2\n", 3),
        (b"a = 1\nb = '\xff'\n", 2),
    ],
)
def test_a_slip_in_the_syntax_names_its_line(write, text, line):
    assert refused(write(text)).line == line


@pytest.mark.parametrize(
    "text",
    [
        b"#" * (LARGEST_TOML + 1),
        "x = " + "[" * 5000,
        "x = " + "[" * 100 + "]" * 100,
        "x = " + "9" * 5000,
        "[" + ".".join("a" * 200) + "]",
    ],
    ids=["huge", "unclosed", "deep", "digits", "deep table"],
)
def test_what_would_choke_a_parser_is_refused(write, text):
    refused(write(text))


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    assert "is missing" in str(refused(tmp_path / "none.toml"))
    assert "directory" in str(refused(tmp_path))


def test_a_zone_id_that_another_file_has_names_both_files(write, tmp_path):
    (tmp_path / "more.geojson").write_text(json.dumps(ZONE))
    error = refused(write(changed('"zones.geojson"', '"zones.geojson", "more.geojson"')))
    assert error.file == str(tmp_path / "more.geojson")
    assert error.key == 'zone "airport"'
    assert "zones.geojson has it" in error.allowed


def test_mistakes_in_zone_files_name_the_zone_file(write, tmp_path):
    broken = copy.deepcopy(ZONE)
    broken["features"][0]["properties"]["ceiling_m"] = -1  # type: ignore[index]
    (tmp_path / "zones.geojson").write_text(json.dumps(broken))
    error = refused(write(SITE))
    assert error.file == str(tmp_path / "zones.geojson")
    assert "greater than floor_m" in error.allowed


def test_lines_are_found_whatever_stands_round_them():
    text = '# [no]\n\ntext = """\n[[sensor]]\nid = 1\n"""\n[[sensor]]\r\nid = 2\n[[sensor]]\n'
    text += '"a b".c = { d = 1 }\n  [[sensor.x]]\ny=1\n'
    assert line_of(text, ("sensor", 0, "id")) == 8
    assert line_of(text, ("sensor", 1, "a b", "c", "d")) == 10
    assert line_of(text, ("sensor", 1, "x", 0, "y")) == 12
    assert line_of(text, ("sensor", 1, "none")) == 9
    assert line_of(text, ("none",)) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_a_site_is_a_site_or_a_named_mistake(write, data):
    """Lines dropped, doubled or swapped, values replaced by hostile ones, bytes flipped."""
    lines = SITE.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        what = data.draw(st.sampled_from(["drop", "double", "value", "bytes", "swap"]))
        if what == "drop":
            lines[i] = ""
        elif what == "double":
            lines[i] += "\n" + lines[i]
        elif what == "swap":
            k = data.draw(st.integers(0, len(lines) - 1))
            lines[i], lines[k] = lines[k], lines[i]
        elif what == "value":
            value = data.draw(
                st.sampled_from(["nan", "-inf", "true", '""', "[]", "{}", "1e308", "[[1]]", "9" * 400, "'é\u2028'"])
            )
            lines[i] = f"{lines[i].partition('=')[0]}= {value}"
        else:
            lines[i] += data.draw(st.text(max_size=5))
    text = "\n".join(lines).encode(errors="surrogatepass")
    path = write(text)
    try:
        outcome: SiteConfig | ConfigError = load_site(path)
    except ConfigError as error:
        outcome = error
    mistakes = outcome.mistakes if isinstance(outcome, ConfigError) else ()
    assert mistakes or isinstance(outcome, SiteConfig)
    for mistake in mistakes:
        assert mistake.file.startswith(str(path.parent))
        assert mistake.key
        assert mistake.allowed
        assert str(mistake).isprintable()


def test_malformed_zones_are_left_out_where_the_site_says_so(write, tmp_path):
    """A whole volume of one file, a feature of another, and an id that is there already; the others are used."""
    ring = "DP 47 N 19 E\nDP 47 N 19.1 E\nDP 47.1 N 19.1 E\n"
    good, bad = f"AC R\nAN GOOD\nAH 3000 MSL\nAL GND\n{ring}\n", f"AC R\nAN BAD\nAH HIGH\nAL GND\n{ring}\n"
    (tmp_path / "area.txt").write_text(good + bad)
    broken = copy.deepcopy(ZONE)
    broken["features"].append(copy.deepcopy(broken["features"][0]))  # type: ignore[attr-defined]
    broken["features"][1]["properties"] |= {"id": "lost", "floor_m": "low"}  # type: ignore[index]
    (tmp_path / "more.geojson").write_text(json.dumps(broken))
    files = changed('"zones.geojson"', '"zones.geojson", "area.txt", "more.geojson"')
    assert len(refused(write(files)).mistakes) == 3
    site = load_site(write(files.replace("[service]", '[service]\nbad_zones = "leave out"')))
    assert [zone.id for zone in site.zones] == ["airport", "GOOD"]
    places = [(Path(error.file).name, error.line, error.key) for error in site.left_out]
    assert places == [
        ("area.txt", 11, '"BAD".AH'),
        ("more.geojson", None, 'features[1] "lost".properties.floor_m'),
        ("more.geojson", None, 'zone "airport"'),
    ]


def test_a_zone_file_that_cannot_be_read_stops_whatever_the_site_says(write, tmp_path):
    (tmp_path / "zones.geojson").write_text("{")
    refused(write(SITE.replace("[service]", '[service]\nbad_zones = "leave out"')))


def test_the_line_is_tested_never_or_at_most_once_a_second():
    """A journal of a test each millisecond would be nothing but tests."""
    assert AlertsConfig(test_every_s=0.0).test_every_s == 0.0
    assert AlertsConfig(test_every_s=1.0).test_every_s == 1.0
    with pytest.raises(ConfigError, match="0 for never"):
        AlertsConfig(test_every_s=0.5)
