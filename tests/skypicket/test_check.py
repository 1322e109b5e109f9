"""`skypicket check` of zone files and recordings: what is in them, and what cannot be used."""

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


def line(seq: int, kind: str, columns: object, **more: object) -> str:
    head = {"v": 1, "type": kind, "source": "a", "seq": seq, "epoch": "e", "time_ns": 1_700_000_000_000_000_000 + seq}
    return json.dumps(head | more | {"columns": columns}) + "\n"


def test_what_a_score_would_reject_is_not_called_good(tmp_path, capsys):
    """A message is judged by what it holds, not by its envelope alone, and the good ones beside it are counted."""
    place = {"lat_deg": [47.0], "lon_deg": [19.0], "alt_m": [100.0]}
    place |= {f"{axis}_mps": [0.0] for axis in ("east", "north", "up")}
    file = tmp_path / "run.jsonl"
    good = line(0, "truth", {"id": ["a"], **place}) + line(1, "frame", {"range_m": [1.0]}, sensor="north")
    file.write_text(good + line(2, "tracks", {"id": [7], **place}))
    assert main(["check", str(file)]) == 0
    capsys.readouterr()
    bad = [
        line(3, "truth", {"id": ["a"], **place, "lat_deg": [200.0]}),
        line(4, "tracks", {"id": [7, 8], **place}),
        line(5, "frame", {"range_m": [1.0], "azimuth_deg": []}, sensor="north"),
        line(6, "alert", {}, zone="a", level="imminent"),
    ]
    file.write_text(good + "".join(bad))
    assert main(["check", str(file)]) == 3
    shown = capsys.readouterr().out
    assert "wrong, 6 messages" in shown
    told = shown.split("of these, what holds other than the contract says:")[1]
    for topic in ("truth", "tracks", "frame.north", "alert.a.imminent"):
        assert f": {topic}: " in told
    assert "recover" not in shown  # nothing of it is lost
