import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.wire import read_alert, read_tracks
from fusion.config import SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.errors import ConfigError, RecordingError
from fusion.types import SECOND_NS, Coverage, Place, Pose
from replay.offline import TrackSummary, track
from replay.recordings.files import inspect, open_reader, open_writer

START_NS = 1_700_000_000_000_000_000
SECONDS = 112  # in at 40 s, out at 80 s
SPEED_MPS = 50.0
ORIGIN = (47.0, 19.0)


def sensor(name: str) -> SensorConfig:
    return SensorConfig(
        id=name,
        kind="position",
        measures=("east_m", "north_m", "up_m"),
        sigma={"east_m": 10.0, "north_m": 10.0, "up_m": 10.0},
        coverage=Coverage(east_m=(-2e4, 2e4), north_m=(-2e4, 2e4), up_m=(-100.0, 5000.0)),
        pose=Pose(*ORIGIN, 0.0),
        detection_probability=0.95,
        false_alarms=0.01,
        period_s=1.0,
    )


SITE = SiteConfig(
    service=ServiceConfig(origin=Place(*ORIGIN, 0.0), name="test site"),
    tracker=TrackerConfig(motions=("cruise",), initial_speed_mps=50.0, lateness_s=1.0),
    sensor=(sensor("a"), sensor("b")),
    zones=(ZoneConfig(id="gate", floor_m=0.0, ceiling_m=3000.0, circle=(19.0, 47.0, 1000.0), lookahead_s=40.0),),
)


def frame(name: str, seq: int, time_ns: int, east_m: float, epoch: str = "e1") -> dict[str, Any]:
    noise = random.Random(f"{name} {seq}")
    columns = {
        "east_m": [east_m + noise.gauss(0.0, 10.0)],
        "north_m": [noise.gauss(0.0, 10.0)],
        "up_m": [500.0 + noise.gauss(0.0, 10.0)],
    }
    return {
        "v": 1,
        "type": "frame",
        "source": "sim",
        "sensor": name,
        "seq": seq,
        "epoch": epoch,
        "time_ns": time_ns,
        "columns": columns,
    }


def flight(epoch: str = "e1", start_ns: int = START_NS) -> list[dict[str, Any]]:
    """One object that flies east through the zone, seen by two sensors half a second apart."""
    frames = []
    for second in range(SECONDS):
        for name, after_s in (("a", 0.0), ("b", 0.5)):
            east_m = SPEED_MPS * (second + after_s) - 3000.0
            time_ns = start_ns + round((second + after_s) * SECOND_NS)
            frames.append(frame(name, second, time_ns, east_m, epoch))
    return frames


def recording(path: Path, messages: list[dict[str, Any]]) -> Path:
    with open_writer(path) as writer:
        for message in messages:
            topic = f"frame.{message['sensor']}" if message["type"] == "frame" else message["type"]
            writer.write(topic, message, message["time_ns"])
    return path


def messages_of(path: Path) -> list[dict[str, Any]]:
    with open_reader(path) as reader:
        return [record.message for record in reader]


def tracked(folder: Path, messages: list[dict[str, Any]], **options: Any) -> tuple[TrackSummary, bytes]:
    path = recording(folder / "in.jsonl", messages)
    summary = track(path, SITE, folder / "out.jsonl", **options)
    return summary, (folder / "out.jsonl").read_bytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrackSummary, bytes]:
    """The flight, in order, tracked."""
    return tracked(tmp_path_factory.mktemp("plain"), flight())


def test_a_recording_becomes_zones_tracks_and_alerts(plain: tuple[TrackSummary, bytes]) -> None:
    summary, output = plain
    messages = [json.loads(line) for line in output.splitlines()]
    kinds = Counter(message["type"] for message in messages)
    assert messages[0]["type"] == "zones"
    assert kinds == {"zones": 1, "tracks": SECONDS, "alert": summary.steps}
    times = [message["time_ns"] for message in messages]
    assert times == sorted(times)
    pictures = [read_tracks(message) for message in messages if message["type"] == "tracks"]
    assert [picture.time_ns for picture in pictures] == [START_NS + i * SECOND_NS for i in range(SECONDS)]
    assert summary.pictures == SECONDS
    assert (summary.frames, summary.detections, summary.tracks) == (2 * SECONDS, 2 * SECONDS, 1)
    assert (summary.from_ns, summary.to_ns) == (START_NS, START_NS + round((SECONDS - 0.5) * SECOND_NS))
    assert not summary.rejected
    assert not summary.problems


def test_a_zone_is_watched_by_the_sensors_of_the_recording(plain: tuple[TrackSummary, bytes], tmp_path: Path) -> None:
    def is_watched(output: bytes) -> bool:
        found = json.loads(output.splitlines()[0])["features"][0]["properties"]["watched"]
        assert isinstance(found, bool)
        return found

    assert is_watched(plain[1])
    far_away = {"lat_deg": -47.0, "lon_deg": 19.0, "alt_m": 0.0, "yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0}
    moved = [message | {"pose": far_away} for message in flight()[:10]]
    assert not is_watched(tracked(tmp_path, moved)[1])


def test_the_alerts_of_a_flight_through_the_zone_are_numbered_from_one(
    plain: tuple[TrackSummary, bytes],
) -> None:
    summary, output = plain
    messages = [json.loads(line) for line in output.splitlines()]
    alerts = [read_alert(message) for message in messages if message["type"] == "alert"]
    assert [alert["number"] for alert in alerts] == list(range(1, summary.steps + 1))
    assert {alert["zone"] for alert in alerts} == {"gate"}
    levels = list(dict.fromkeys(alert["level"] for alert in alerts))
    assert levels[-2:] == ["infringing", "predicted"]  # inside; then out again, until it clears
    states = [alert["state"] for alert in alerts]
    assert states == ["raised"] + ["updated"] * (len(alerts) - 1), "the recording ends before the hold does"
    assert summary.alerts == len({alert["alert"] for alert in alerts}) == 1


def test_every_message_is_stamped_by_one_sender_of_a_derived_epoch(plain: tuple[TrackSummary, bytes]) -> None:
    summary, output = plain
    messages = [json.loads(line) for line in output.splitlines()]
    assert {(message["source"], message["epoch"]) for message in messages} == {("test-site", summary.epoch)}
    assert [m["seq"] for m in messages if m["type"] == "tracks"] == list(range(SECONDS))


def reversed_order(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return messages[::-1]


def any_order(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return random.Random(1).sample(messages, len(messages))


def sensor_by_sensor(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(messages, key=lambda message: str(message["sensor"]))


def each_sensor_from_a_source_of_its_own(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [m | {"source": m["sensor"], "epoch": f"of-{m['sensor']}"} for m in sensor_by_sensor(messages)]


@pytest.mark.parametrize(
    "arranged", [reversed_order, any_order, sensor_by_sensor, each_sensor_from_a_source_of_its_own]
)
def test_the_order_of_the_recording_does_not_matter(
    arranged: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    plain: tuple[TrackSummary, bytes],
    tmp_path: Path,
) -> None:
    assert tracked(tmp_path, arranged(flight()))[1] == plain[1]


def test_the_container_of_the_recording_does_not_matter(plain: tuple[TrackSummary, bytes], tmp_path: Path) -> None:
    path = recording(tmp_path / "in.mcap", flight())
    track(path, SITE, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == plain[1]
    track(path, SITE, tmp_path / "out.mcap", metadata={"version": "1"})
    assert next(m["type"] for m in messages_of(tmp_path / "out.mcap") if m["type"] != "alert") == "zones"
    report = inspect(tmp_path / "out.mcap")
    with open_reader(tmp_path / "out.mcap") as reader:
        first = next(iter(reader)).message
    told = {"source": first["source"], "epoch": first["epoch"], "epoch_start_ns": str(START_NS)}
    assert report.metadata == {"version": "1", **told}
    assert report.topics["tracks"].messages == SECONDS
    assert "alert.gate.infringing" in report.topics


CHILD = """
import sys
sys.path[:0] = sys.argv[1:3]
from test_offline import SITE
from replay.offline import track
track(sys.argv[3], SITE, sys.argv[4])
"""


def test_a_process_with_another_hash_seed_and_other_threads_writes_the_same_bytes(tmp_path: Path) -> None:
    path = recording(tmp_path / "in.mcap", flight())
    ours = os.environ.get("PYTHONHASHSEED", "random")
    changed = {"PYTHONHASHSEED": "1" if ours != "1" else "2", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    here = Path(__file__)
    arguments = [str(here.parent), str(here.parents[2]), str(path), str(tmp_path / "theirs.mcap")]
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], env=os.environ | changed) as child:
        track(path, SITE, tmp_path / "ours.mcap")
        assert child.wait(120) == 0
    assert (tmp_path / "ours.mcap").read_bytes() == (tmp_path / "theirs.mcap").read_bytes()


def test_another_configuration_is_another_epoch(plain: tuple[TrackSummary, bytes], tmp_path: Path) -> None:
    path = recording(tmp_path / "in.jsonl", flight()[:20])
    epochs = {
        track(path, site, tmp_path / "out.jsonl").epoch
        for site in (SITE, replace(SITE, tracker=replace(SITE.tracker, births_per_s=0.2)))
    }
    assert len(epochs | {plain[0].epoch}) == 3


def test_bad_frames_and_rows_are_counted_with_the_first_reason_and_change_nothing(
    plain: tuple[TrackSummary, bytes], tmp_path: Path
) -> None:
    messages = flight()
    with_bad_rows = messages[10] | {
        "columns": {name: [*column, 1e12, 1e13] for name, column in messages[10]["columns"].items()}
    }
    bad = [
        messages[3],  # again
        frame("stranger", 0, START_NS, 0.0),
        frame("a", 900, START_NS, 0.0) | {"columns": {"east_m": [1.0], "north_m": []}},
        {
            "v": 1,
            "type": "truth",
            "source": "sim",
            "seq": 0,
            "epoch": "e1",
            "time_ns": START_NS,
            "columns": {},
        },
        {"v": 1, "type": "status", "source": "sim", "seq": 0, "epoch": "e1", "time_ns": START_NS},
    ]
    path = recording(tmp_path / "in.jsonl", [*messages[:10], with_bad_rows, *messages[11:], *bad])
    path.write_bytes(path.read_bytes() + b'{"v":3}\nnonsense\n{"v":1,"ty')
    summary = track(path, SITE, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == plain[1]
    counts = {code: count for code, (count, _) in summary.rejected.items()}
    assert counts == {"row": 2, "duplicate": 1, "unregistered": 1, "columns": 1}
    assert "east_m[1]" in summary.rejected["row"][1]
    assert "stranger" in summary.rejected["unregistered"][1]
    assert summary.truth == 1
    assert summary.truncated
    assert [problem.line for problem in summary.problems] == [
        2 * SECONDS + 6,
        2 * SECONDS + 7,
        2 * SECONDS + 8,
    ]


def test_a_recording_cut_short_is_tracked_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "in.mcap"
    writer = open_writer(path)
    for message in flight()[:40]:
        writer.write(f"frame.{message['sensor']}", message, message["time_ns"])
    writer.flush()
    summary = track(path, SITE, tmp_path / "out.jsonl")
    writer.close()
    assert (summary.frames, summary.truncated) == (40, True)


def test_a_recording_without_a_frame_writes_nothing(tmp_path: Path) -> None:
    path = recording(tmp_path / "in.mcap", [])
    summary = track(path, SITE, tmp_path / "out.mcap")
    assert summary.frames == 0
    assert not (tmp_path / "out.mcap").exists()


def test_what_is_no_recording_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "in.mcap").write_bytes(b"junk")
    with pytest.raises(RecordingError, match="not an MCAP file"):
        track(tmp_path / "in.mcap", SITE, tmp_path / "out.mcap")
    assert not (tmp_path / "out.mcap").exists()


def test_a_recording_is_never_tracked_into_itself(tmp_path: Path) -> None:
    path = recording(tmp_path / "in.jsonl", flight()[:4])
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="being read"):
        track(path, SITE, tmp_path / "." / "in.jsonl")
    assert path.read_bytes() == before


def test_the_report_period_can_be_another(tmp_path: Path) -> None:
    summary, _ = tracked(tmp_path, flight(), report_period_s=4.0)
    assert summary.pictures == SECONDS // 4
    pictures = [m for m in messages_of(tmp_path / "out.jsonl") if m["type"] == "tracks"]
    assert {m["time_ns"] % (4 * SECOND_NS) for m in pictures} == {0}


@pytest.mark.parametrize("period", [0.0, 1e-9, 0.0099, -1.0, float("nan"), 4000.0])
def test_a_report_period_that_is_none_is_refused(period: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="report-period"):
        track(tmp_path / "in.jsonl", SITE, tmp_path / "out.jsonl", report_period_s=period)


def test_a_recorded_loop_gives_each_run_its_own_air_picture(plain: tuple[TrackSummary, bytes], tmp_path: Path) -> None:
    summary, output = tracked(tmp_path, [*flight("e1"), *flight("e2")])
    once = [json.loads(line) for line in plain[1].splitlines()]
    twice = [json.loads(line) for line in output.splitlines()]

    def said(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: v for k, v in m.items() if k not in ("epoch", "seq", "number")} for m in messages]

    assert said(twice) == said(once) * 2
    assert summary.frames == 4 * SECONDS
    assert [m["number"] for m in twice if m["type"] == "alert"] == list(range(1, summary.steps + 1))


def test_a_frame_of_another_century_is_left_out_and_said(plain: tuple[TrackSummary, bytes], tmp_path: Path) -> None:
    stray = frame("a", 5000, 8_000_000_000_000_000_000, 0.0)
    summary, output = tracked(tmp_path, [*flight()[:7], stray, *flight()[7:]])
    assert output == plain[1]
    assert summary.rejected["stray"][0] == 1
    assert "frame.a 5000" in summary.rejected["stray"][1]


def test_recordings_of_several_days_are_kept_whole(tmp_path: Path) -> None:
    days = 2 * 86_400 * SECOND_NS
    later = [m | {"seq": m["seq"] + 1000} for m in flight(start_ns=START_NS + days)]
    summary, _ = tracked(tmp_path, [*flight(), *later])
    assert summary.frames == 4 * SECONDS
    assert "stray" not in summary.rejected


def test_progress_tells_what_is_read_and_what_is_tracked(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = recording(tmp_path / "in.jsonl", flight())
    track(path, SITE, tmp_path / "out.jsonl", progress=lambda *news: told.append(news))
    size = path.stat().st_size
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["reading", "tracking"]
    assert told[-1] == ("tracking", 2 * SECONDS, 2 * SECONDS)
    assert ("reading", size, size) in told
    assert all(0 <= done <= (total or 0) for _, done, total in told)
