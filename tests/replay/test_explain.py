"""What is told of one track and zone is what the service itself did."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fusion.config import SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, AlertStep, Coverage, Picture, Place, Pose
from replay.explain import Explanation, explain
from replay.explain_text import as_dict, as_text, summary
from replay.frames_in import FramesIn, NoTrackError, TrackSummary
from replay.pictures.plot import png
from replay.pictures.plot_explain import draw_explanation
from replay.recordings.files import open_writer
from skypicket.cli import main

START_NS = 1_700_000_000 * SECOND_NS
SECONDS, SPEED_MPS, FROM_M = 120, 50.0, -6000.0  # in after 100 s; the recording ends inside
ORIGIN = Place(47.0, 19.0, 0.0)
SIGMA: dict[Any, float] = {"east_m": 10.0, "north_m": 10.0, "up_m": 10.0}
SENSOR = SensorConfig(
    "a", "position", tuple(SIGMA), SIGMA,
    Coverage(east_m=(-2e4, 2e4), north_m=(-2e4, 2e4), up_m=(-100.0, 5000.0)),
    Pose(47.0, 19.0, 0.0), detection_probability=0.95, false_alarms=0.01,
)  # fmt: skip
GATE = ZoneConfig(
    id="gate", floor_m=0.0, ceiling_m=3000.0, circle=(19.0, 47.0, 1000.0), lookahead_s=40.0, imminent_s=10.0
)
FAR = ZoneConfig(id="far", floor_m=0.0, ceiling_m=3000.0, circle=(25.0, 47.0, 1000.0), lookahead_s=40.0)
BESIDE = replace(GATE, id="beside", circle=(19.0, 47.0092, 1000.0))  # 23 m beside its way
NIGHT = replace(GATE, id="night", active=((0, 1000),))
SITE = SiteConfig(
    ServiceConfig(ORIGIN),
    TrackerConfig(motions=("cruise",), initial_speed_mps=50.0, lateness_s=1.0),
    (SENSOR,),
    (GATE, FAR, BESIDE, NIGHT),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One object that flies east through the gate, with its truth."""
    out = tmp_path_factory.mktemp("explain") / "run.jsonl"
    noise, plane = random.Random(5), Plane(ORIGIN)
    head = {"v": 1, "source": "sim", "epoch": "e"}
    with open_writer(out) as writer:
        for second in range(SECONDS):
            time_ns, east = START_NS + second * SECOND_NS, FROM_M + SPEED_MPS * second
            seen = {name: [mid + noise.gauss(0.0, 10.0)] for name, mid in zip(SIGMA, (east, 0.0, 500.0), strict=True)}
            frame = {"type": "frame", "sensor": "a", "seq": second, "time_ns": time_ns, "columns": seen}
            place = plane.to_local(47.0, 19.0, 500.0)
            place[0] = east
            lat, lon, alt = (float(each) for each in plane.to_geodetic(place))
            there = {"id": ["a"], "lat_deg": [lat], "lon_deg": [lon], "alt_m": [alt]}
            moving = {"east_mps": [SPEED_MPS], "north_mps": [0.0], "up_mps": [0.0]}
            truth = {"type": "truth", "seq": second, "time_ns": time_ns, "columns": there | moving}
            writer.write("frame.a", head | frame, time_ns)
            writer.write("truth", head | truth, time_ns)
    return str(out)


def events(path: str) -> list[Any]:
    pipeline = Pipeline(SITE, rewind=False)
    found = [event for frame in FramesIn(path, SITE, TrackSummary()).frames() for event in pipeline.receive(frame)]
    return found + pipeline.finish()


@pytest.fixture(scope="module")
def track(path: str) -> int:
    (only,) = {int(each) for event in events(path) if isinstance(event, Picture) for each in event.id}
    return only


@pytest.fixture(scope="module")
def told(path: str, track: int) -> Explanation:
    return explain(path, SITE, track, "gate")


def test_the_steps_are_those_that_are_published_without_anybody_looking(path: str, told: Explanation) -> None:
    published = [event for event in events(path) if isinstance(event, AlertStep) and event.zone == "gate"]
    assert published
    assert list(told.steps) == published
    assert [step for moment in told.moments for step in moment.said] == published


def test_each_moment_has_the_probability_and_time_that_its_step_told(told: Explanation) -> None:
    compared = 0
    for moment in told.moments:
        for step in moment.said:
            if step.level != "infringing":
                assert moment.probability == step.probability
                assert moment.time_s == step.time_to_entry_s
                compared += 1
    assert compared >= 3


def test_an_alert_is_raised_at_the_second_vote_and_then_kept_from_less(told: Explanation) -> None:
    first = next(k for k, moment in enumerate(told.moments) if moment.said)
    before, raised, after = told.moments[first - 1 : first + 2]
    assert (before.state, raised.state) == ("pending", "predicted")
    assert (sum(before.votes), sum(raised.votes)) == (1, 2)
    kept = 0.5 * SITE.alerts.clear_part
    assert (before.least, raised.least, after.least) == (0.5, 0.5, kept)
    assert raised.probability is not None
    assert raised.probability >= 0.5
    text = as_text(told)
    assert "quiet -> pending" in text
    assert "pending -> predicted: probability" in text
    assert "published: raised predicted. Track" in text
    assert "There was an alert" in text.splitlines()[-1]


def test_the_entry_of_the_object_is_known_from_truth(told: Explanation) -> None:
    # 5000 m to the edge at 50 m/s
    assert [entry / SECOND_NS for entry in told.entries_ns] == [pytest.approx(START_NS / SECOND_NS + 100.0, abs=0.1)]


@pytest.mark.parametrize(
    ("zone", "why"),
    [("far", "no sampled path"), ("night", "the zone was not active"), ("beside", "never reached 0.50")],
)
def test_where_there_was_no_alert_the_first_unmet_condition_is_told(path: str, track: int, zone: str, why: str) -> None:
    found = explain(path, SITE, track, zone)
    assert found.steps == ()
    assert summary(found).startswith("There was no alert: ")
    assert why in summary(found)


def test_a_track_or_zone_that_is_not_there_is_told_with_those_that_are(path: str, track: int) -> None:
    with pytest.raises(ConfigError, match=f"--track.*{track}"):
        explain(path, SITE, track + 1, "gate")
    with pytest.raises(ConfigError, match=r"--zone.*beside, far, gate, night"):
        explain(path, SITE, track, "gat")


def test_data_are_json_and_the_picture_is_one(told: Explanation) -> None:
    data = json.loads(json.dumps(as_dict(told), allow_nan=False))
    assert len(data["moments"]) == len(told.moments)
    assert data["moments"][-1]["state"] == "infringing"
    assert png(draw_explanation(told, "dark")).startswith(b"\x89PNG")


def test_the_command_answers_what_is_wrong_with_exit_code_two(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    site.write_text("[service]\norigin = { lat_deg = 47.0, lon_deg = 19.0, alt_m = 0.0 }\n")
    assert main(["explain", path, "--config", str(site), "--track", "1", "--zone", "x"]) == 2
    assert "the site has no zones" in capsys.readouterr().err


def test_a_recording_without_a_track_says_what_was_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text('{"v": 1, "type": "frame"}\n{"v": 1, "type": "truth", "source": "s", "seq": 0, "epoch": "e", '
                    '"time_ns": 1700000000000000000, "columns": {}}\n')  # fmt: skip
    with pytest.raises(NoTrackError, match=r"gives no track.*passed over"):
        explain(str(path), SITE, 1, SITE.zones[0].id)
