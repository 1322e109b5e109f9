"""`skypicket check` of zone files: what is in them, and what cannot be used."""

from __future__ import annotations

import json

from skypicket.cli import main

RING = "DP 47 N 19 E\nDP 47 N 19.1 E\nDP 47.1 N 19.1 E\n"
GOOD = f"AC D\nAY CTR\nAN GOOD\nAH FL95\nAL GND\n{RING}\n"
BAD = f"AC R\nAN BAD\nAH HIGH\nAL GND\n{RING}\n"
SITE = """[service]
origin = { lat_deg = 47.0, lon_deg = 19.0, alt_m = 0.0 }
zones = ["area.txt"]
bad_zones = "leave out"
[airspace]
qnh_hpa = 1013.25
"""


def test_published_files_are_counted_by_kind_without_a_site(tmp_path, capsys):
    file = tmp_path / "area.txt"
    file.write_text(GOOD + GOOD.replace("AY CTR\n", ""))
    assert main(["check", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "good (OpenAir; heights here are for a QNH of 1013.25 hPa and ground at 0 m" in shown
    assert "2 zones: 1 CTR, 1 D" in shown
    assert "GOOD-2" in shown


def test_what_cannot_be_used_is_named_beside_the_rest(tmp_path, capsys):
    file = tmp_path / "area.txt"
    file.write_text(GOOD + BAD)
    assert main(["check", str(file)]) == 2
    told = capsys.readouterr()
    assert "1 zone cannot be used, the others are good" in told.out
    assert "1 zone: 1 CTR" in told.out
    assert f"{file}:12: \"BAD\".AH is 'HIGH'" in told.err


def test_a_site_that_leaves_zones_out_says_so(tmp_path, capsys):
    (tmp_path / "area.txt").write_text(GOOD + BAD)
    site = tmp_path / "site.toml"
    site.write_text(SITE)
    assert main(["check", str(site)]) == 0
    shown = capsys.readouterr().out
    assert "good, but for zones that are left out" in shown
    assert "1 zone cannot be used and is left out:" in shown
    assert 'area.txt:12: "BAD".AH' in shown
    site.write_text(SITE.replace("leave out", "stop"))
    assert main(["check", str(site)]) == 2


def test_an_ed269_file_is_named_as_such(tmp_path, capsys):
    ring = [[7.0, 46.0], [7.1, 46.0], [7.1, 46.1], [7.0, 46.0]]
    volume = {"uomDimensions": "M", "horizontalProjection": {"type": "Polygon", "coordinates": [ring]}}
    zone = {"identifier": "LSX", "restriction": "PROHIBITED", "geometry": [volume]}
    file = tmp_path / "zones.json"
    file.write_text(json.dumps({"UASZoneList": [zone]}))
    assert main(["check", str(file)]) == 0
    assert "good (ED-269;" in capsys.readouterr().out
