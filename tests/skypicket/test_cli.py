from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.simulated.scenario import load_scenario
from fusion.registration.registration import Estimate
from replay.offline import TrackSummary
from skypicket.cli import main, parser
from skypicket.commands.track import tell_biases

ENDINGS = "allowed is a path that ends in .mcap or .jsonl, or -"
ROOT = Path(__file__).parents[2]
COMMANDS = (
    "demo",
    "serve",
    "simulate",
    "track",
    "record",
    "replay",
    "player",
    "alerts",
    "score",
    "explain",
    "plot",
    "info",
    "cat",
    "filter",
    "convert",
    "export",
    "check",
    "schema",
    "version",
)
SITE = """
[service]
origin = { lat_deg = 47.5, lon_deg = 19.0, alt_m = 0.0 }
zones = ["zones.geojson"]

[[sensor]]
id = "north"
kind = "radar"
pose = { lat_deg = 47.6, lon_deg = 19.1, alt_m = 210.0 }
measures = ["range_m", "azimuth_deg"]
sigma = { range_m = 30.0, azimuth_deg = 0.1 }
coverage = { range_m = [500.0, 80000.0], azimuth_deg = [0.0, 360.0] }
"""
ZONE = {
    "type": "Feature",
    "properties": {"id": "airport", "floor_m": 0, "ceiling_m": 500, "radius_m": 1000},
    "geometry": {"type": "Point", "coordinates": [19.1, 47.6]},
}


def zones(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "zones.geojson").write_text(zones(ZONE))
    (tmp_path / "site.toml").write_text(SITE)
    return tmp_path / "site.toml"


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_explains_it_and_names_an_example_that_is_accepted(command, capsys):
    text = help_of(command, capsys)
    paragraph, _, examples = text.partition("\nExample")
    assert len(paragraph) > 200
    lines = [line.strip() for line in examples.splitlines() if line.startswith("  skypicket ")]
    assert lines
    for line in lines:
        words = shlex.split(line.partition(">")[0])[1:]
        assert words[0] == command
        assert callable(parser().parse_args(words).run)


def test_the_list_of_commands_is_whole(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"    {command} " in text for command in COMMANDS)
    assert "Exit codes: 0 done" in text


HELP = """
import sys
from skypicket.cli import main
try:
    main(["track", "--help"])
except SystemExit:
    heavy = ("numpy", "zmq", "msgpack", "logging", "json")
    print(*[name for name in heavy if name in sys.modules], file=sys.stderr)
"""


def test_help_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "usage: skypicket track" in done.stdout
    assert done.stderr.split() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "required: COMMAND"),
        (["nix"], "invalid choice: 'nix'"),
        (["track", "a.jsonl"], "required: --config, --out"),
        (["replay", "a.jsonl", "-r", "-1"], "allowed is a number of 0 or more"),
        (["simulate", "airport-drones", "--rate", "nan"], "allowed is a number of 0 or more"),
        (["simulate", "airport-drones", "--seed", "1.5"], "allowed is a whole number of 0 or more"),
        (["serve", "--config", "site.toml", "--time", "past"], "choose from"),
        (
            ["track", "a.jsonl", "--config", "s.toml", "--out", "b.jsonl", "--report-period", "1e-9"],
            "allowed is a number of 0.01 or more, up to 3600",
        ),
        (["track", "a.txt", "--config", "s.toml", "--out", "b.jsonl"], ENDINGS),
        (["track", "a.jsonl", "--config", "s.toml", "--out", "x.txt"], ENDINGS),
        (["track", "a.jsonl", "--config", "s.toml", "--out", "nowhere/x.mcap"], "a folder that exists"),
        (["simulate", "airport-drones", "--out", "x.txt"], ENDINGS),
        (["simulate", "airport-drones", "--log-times", "nowhere/x"], "a folder that exists"),
        (["record", "--out", "x"], ENDINGS),
        (["replay", "x.csv"], ENDINGS),
        (["score", "x.txt", "--truth", "a.jsonl"], ENDINGS),
        (["score", "a.jsonl", "--truth", "x.txt"], ENDINGS),
        (["score", "a.jsonl", "--truth", "a.jsonl", "--html", "x.mcap"], "ends in .html or .htm"),
        (["plot", "x.txt", "--out", "a.png"], ENDINGS),
        (["plot", "a.mcap", "--out", "a.mcap"], "ends in .png"),
        (["plot", "a.mcap", "--out", "a.png", "--truth", "x.txt"], ENDINGS),
        (["plot", "a.mcap", "--out", "a.png", "--detections", "x.txt"], ENDINGS),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_allowed(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("= 30.0", "= -30.0"), 'site.toml:11: sensor[0] "north".sigma.range_m is -30.0; allowed is'),
        (('"radar"', '"sonar"'), "one of 'radar', 'infrared', 'position'"),
        (("origin", "orgin"), "did you mean origin?"),
        (("[service]", "[service"), "not TOML"),
        (("[service]", "[service]\nreport_period_s = 1e-9"), "report_period_s is 1e-09; allowed is a number from 0.01"),
        (
            ("[service]", '[service]\ningest = "tcp://127.0.0.1:6000"\nrequests = "tcp://localhost:6000"'),
            "service.requests is 'tcp://localhost:6000'; allowed is another address than that of ingest",
        ),
        (('"zones.geojson"', '"nowhere.geojson"'), "site.toml:4: service.zones[0] is 'nowhere.geojson'"),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve", "track"])
def test_a_mistake_in_the_configuration_exits_with_2_and_names_the_place(command, change, said, site, capsys):
    site.write_text(SITE.replace(*change))
    words = {
        "check": ["check", str(site)],
        "serve": ["serve", "--config", str(site)],
        "track": ["track", "-", "--config", str(site), "--out", str(site.with_name("out.mcap"))],
    }
    assert main(words[command]) == 2
    streams = capsys.readouterr()
    assert streams.err.startswith("skypicket: ")
    assert said in streams.err
    assert "Traceback" not in streams.err


CROSSED = {
    "type": "Feature",
    "properties": {"id": "bow", "floor_m": 0, "ceiling_m": 500},
    "geometry": {"type": "Polygon", "coordinates": [[[19, 47], [20, 48], [20, 47], [19, 48], [19, 47]]]},
}


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([CROSSED], '"bow"'),
        ([{**ZONE, "properties": {**ZONE["properties"], "ceiling_m": -5}}], "ceiling_m"),
        ([ZONE, ZONE], "an id that no other zone has"),
        ([{**ZONE, "properties": {**ZONE["properties"], "floor": 3}}], "did you mean floor_m?"),
    ],
)
def test_a_mistake_in_the_zones_exits_with_2_and_names_file_and_key(features, said, site, capsys):
    file = site.with_name("zones.geojson")
    file.write_text(zones(*features))
    for checked in (file, site):
        assert main(["check", str(checked)]) == 2
        text = capsys.readouterr().err
        assert f"skypicket: {file}" in text
        assert said in text


def test_an_address_that_is_taken_exits_with_2_and_names_the_site_and_the_key(site, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        free = [f"--{name}=tcp://127.0.0.1:*" for name in ("ingest", "publish", "requests")]
        site.write_text(SITE.replace("[service]", f'[service]\npublish = "{address}"'))
        assert main(["serve", f"--config={site}", free[0], free[2]]) == 2
        assert f"skypicket: {site}: service.publish is '{address}'; allowed is " in capsys.readouterr().err
        assert main(["serve", f"--config={site}", *free[:2], f"--requests={address}"]) == 2
        assert f"skypicket: --requests is '{address}'; allowed is " in capsys.readouterr().err
        assert main(["serve", f"--config={site}", f"--ingest={address}"]) == 2
        said = f"{site}: service.publish is '{address}'; allowed is another address than that of ingest"
        assert said in capsys.readouterr().err


def test_a_recording_is_never_tracked_into_itself(site, tmp_path, capsys):
    recording = tmp_path / "run.jsonl"
    recording.write_text("kept")
    assert main(["track", str(recording), "--config", str(site), "--out", str(recording)]) == 2
    assert "allowed is another file than the recording that is read" in capsys.readouterr().err
    assert recording.read_text() == "kept"


def test_track_tells_at_its_end_which_sensors_are_off(capsys):
    registration = {
        "wrong": {"range_m": Estimate(198.12, 3.84), "azimuth_deg": Estimate(0.5021, 0.0031)},
        "true": {"range_m": Estimate(-4.0, 3.2), "azimuth_deg": Estimate(-0.0007, 0.003)},
    }
    tell_biases(TrackSummary(registration=registration), sys.stdout)
    assert capsys.readouterr().out == "  sensor wrong is off: range_m +198 ± 4, azimuth_deg +0.502 ± 0.003\n"


def test_a_good_site_is_described(site, capsys):
    assert main(["check", str(site)]) == 0
    text = capsys.readouterr().out
    assert "north" in text
    assert "circle of 1000 m" in text


def test_a_simulated_recording_is_tracked_scored_and_checked(tmp_path, capsys):
    recording, tracks = tmp_path / "air.mcap", tmp_path / "tracks.mcap"
    page = tmp_path / "page.html"
    config = ROOT / "adapters/simulated/scenarios/airport-drones/site.toml"
    assert main(["simulate", "airport-drones", "--duration", "30", "--out", str(recording)]) == 0
    assert main(["check", str(recording)]) == 0
    assert "frame.tower" in capsys.readouterr().out
    assert main(["track", str(recording), "--config", str(config), "--out", str(tracks)]) == 0
    assert "confirmed tracks" in capsys.readouterr().out
    assert main(["score", str(tracks), "--truth", str(recording), "--html", str(page)]) == 0
    assert "GOSPA" in capsys.readouterr().out
    assert "</html>" in page.read_text()
    assert main(["score", str(tracks), "--truth", str(recording), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["totals"]["gospa_m"] < 100.0
    assert len(told["over_time"]["gospa_m"]) == told["instants"]


def test_standard_output_carries_the_recording_and_nothing_else(tmp_path):
    words = [sys.executable, "-m", "skypicket"]
    simulate = [*words, "simulate", "airport-drones", "--duration", "3", "--out", "-"]
    made = subprocess.run(simulate, cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert {json.loads(line)["type"] for line in made.stdout.splitlines()} == {"frame", "truth"}
    assert b"messages of truth" in made.stderr
    config = str(ROOT / "adapters/simulated/scenarios/airport-drones/site.toml")
    track = [*words, "track", "-", "--config", config, "--out", "-"]
    tracked = subprocess.run(track, cwd=ROOT, capture_output=True, input=made.stdout, timeout=300, check=True)
    assert {json.loads(line)["type"] for line in tracked.stdout.splitlines()} >= {"tracks", "zones"}


def test_bad_input_that_stops_the_work_exits_with_3(site, tmp_path, capsys):
    out = str(tmp_path / "out.mcap")
    assert main(["track", str(tmp_path / "no.jsonl"), "--config", str(site), "--out", out]) == 3
    assert "no.jsonl" in capsys.readouterr().err
    junk = tmp_path / "junk.mcap"
    junk.write_bytes(b"no recording at all, " * 50)
    assert main(["track", str(junk), "--config", str(site), "--out", out]) == 3
    assert main(["check", str(junk)]) == 3
    assert main(["score", str(junk), "--truth", str(junk)]) == 3


def test_a_damaged_recording_is_told_and_exits_with_3(tmp_path, capsys):
    recording = tmp_path / "air.jsonl"
    assert main(["simulate", "airport-drones", "--duration", "2", "--out", str(recording)]) == 0
    with recording.open("ab") as file:
        file.write(b'{"v":7,"type":"frame"}\nnonsense\n')
    capsys.readouterr()
    assert main(["check", str(recording)]) == 3
    text = capsys.readouterr().out
    assert "damaged" in text
    assert "version" in text
    assert "frame.tower" in text


def test_nothing_to_do_exits_with_4(site, tmp_path, capsys):
    empty, out = tmp_path / "empty.jsonl", tmp_path / "out.jsonl"
    empty.write_text("")
    assert main(["track", str(empty), "--config", str(site), "--out", str(out)]) == 4
    assert not out.exists()
    assert main(["check", str(empty)]) == 4
    assert main(["score", str(empty), "--truth", str(empty)]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_nothing_to_score_says_what_was_passed_over_and_in_which_file(tmp_path, capsys):
    """Truth whose ids are 7 and "7", one name twice, is refused whole: that is why there is none."""
    recording, tracks, bad = tmp_path / "air.jsonl", tmp_path / "tracks.jsonl", tmp_path / "bad.jsonl"
    config = ROOT / "adapters/simulated/scenarios/airport-drones/site.toml"
    assert main(["simulate", "airport-drones", "--duration", "2", "--out", str(recording)]) == 0
    assert main(["track", str(recording), "--config", str(config), "--out", str(tracks)]) == 0
    messages = [json.loads(line) for line in recording.read_text().splitlines()]
    for message in messages:
        if message["type"] == "truth":
            message["columns"]["id"][:2] = [7, "7"]
    bad.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    capsys.readouterr()
    assert main(["score", str(tracks), "--truth", str(bad)]) == 4
    assert "no row of truth; passed over: " in (said := capsys.readouterr().err)
    assert "bad.jsonl: " in said
    assert "allowed is each once" in said
    assert main(["compare", str(tracks), str(recording), "--truth", str(recording)]) == 4
    assert f"{recording} holds no `tracks` message" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "nowhere", "--out", "a.mcap"],
        ["simulate", "airport-drones", "--to", "nonsense"],
        ["simulate", "airport-drones", "--start", "yesterday", "--out", "a.mcap"],
        ["alerts", "--from", "tcp://127.0.0.1:5802", "--level", "grave"],
        ["alerts", "--zone", "no zone"],
        ["alerts", "--exec", ""],
        ["alerts", "--exec", "no-such-program-anywhere"],
        ["schema", "nix"],
        ["check", "picture.png"],
        ["score", "a.mcap", "--truth", "a.mcap", "--c", "0"],
    ],
)
def test_what_cannot_be_meant_exits_with_2_and_a_sentence(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    text = capsys.readouterr().err
    assert text.startswith("skypicket: ")
    assert "allowed is" in text


def test_every_schema_can_be_printed(capsys):
    assert main(["schema"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"frame", "tracks", "alert", "status", "zones", "truth"} <= set(found)
    assert main(["schema", "--list"]) == 0
    assert capsys.readouterr().out.split() == sorted(found)
    assert main(["schema", "alert"]) == 0
    assert json.loads(capsys.readouterr().out) == found["alert"]


def test_versions_are_printed(capsys):
    assert main(["version"]) == 0
    assert "skypicket 0." in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "skypicket", "simulate", "airport-drones", "--out", "-"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


def test_plot_draws_tracks_truth_detections_and_zones_into_one_picture(tmp_path, capsys):
    recording, tracks, picture = (str(tmp_path / name) for name in ("run.jsonl", "tracks.jsonl", "run.png"))
    site = str(load_scenario("airport-drones").site_path)
    assert main(["simulate", "airport-drones", "--out", recording, "--duration", "12"]) == 0
    assert main(["track", recording, "--config", site, "--out", tracks]) == 0
    assert main(
        ["plot", tracks, "--truth", recording, "--detections", recording, "--config", site, "--out", picture]
    ) == 0  # fmt: skip
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    assert main(["plot", tracks, "--detections", recording, "--out", picture]) == 2
    assert "needs --config" in capsys.readouterr().err
    assert main(["plot", recording, "--out", picture]) == 4
