"""The whole job with real processes over real sockets, as a user starts them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import PATIENCE_S, ended, until_service

from adapters.client import Restart, request, subscribe
from adapters.line.publish import Pusher
from adapters.wire import Message, read_alert
from replay.recordings.files import open_reader
from skypicket.children import Child, Family
from skypicket.cli import main

SITE = Path(__file__).parents[1] / "adapters/simulated/scenarios/airport-drones/site.toml"
DURATION_S = 60  # of the scenario: one drone raises alerts for both zones, and is inside one
FREE = "tcp://127.0.0.1:*"
Step = tuple[str, int, str, str, int]


@pytest.fixture
def family() -> Iterator[Family]:
    with Family() as children:
        yield children


def serve(family: Family, data: Path, **addresses: str) -> tuple[Child, dict[str, str]]:
    """A service by event time, once it is ready."""
    words = [f"--{name}={addresses.get(name, FREE)}" for name in ("ingest", "publish", "requests")]
    child = family.start("serve", f"--config={SITE}", "--time=event", "--json", f"--data={data}", *words)
    found: dict[str, str] = json.loads(child.wait_for(lambda line: line.startswith("{"), 120.0))
    return child, found


def simulate(family: Family, addresses: dict[str, str]) -> Child:
    words = ("--rate=0", "--start=scenario", f"--duration={DURATION_S}")
    return family.start("simulate", "airport-drones", f"--to={addresses['ingest']}", *words)


def snapshot(addresses: dict[str, str]) -> Message:
    found: Message = request(addresses["requests"], {"request": "snapshot"}, timeout_s=PATIENCE_S)
    return found


def reported(addresses: dict[str, str], frames: int) -> Message | None:
    """The snapshot, once so many frames were taken in and everything up to the newest is reported."""
    found = snapshot(addresses)
    sensors = found["status"]["sensors"]
    taken = sum(counts["frames"] for name, counts in sensors.items() if name != "_truth")
    newest_ns = max((counts["last_ns"] or 0 for counts in sensors.values()), default=0)
    done = found["tracks"] is not None and found["tracks"]["time_ns"] + 10**9 > newest_ns
    return found if taken >= frames and done else None


def frames_sent(sender: Child) -> int:
    """As a simulator or a player says at its end."""
    line = sender.wait_for(lambda text: "sent to" in text, PATIENCE_S)
    if "frames with" in line:
        return number(line.split()[0])
    topics = line.partition("(")[2].rstrip(")").split(", ")
    return sum(number(topic.split()[1]) for topic in topics if topic.startswith("frame."))


def number(text: str) -> int:
    return int(text.replace(",", ""))


def steps(path: Path) -> list[Step]:
    """The alert steps of a recording: zone, track, level, state, time; each once, the line's own tests left out."""
    found: dict[int, Step] = {}
    with open_reader(path) as reader:
        for record in reader:
            if record.kind == "alert":
                alert = read_alert(record.message)
                if alert["test"]:
                    continue
                found[alert["number"]] = tuple(alert[n] for n in ("zone", "track", "level", "state", "time_ns"))  # type: ignore[assignment]
    return [found[number] for number in sorted(found)]


def turns(found: list[Step]) -> list[tuple[str, int, str]]:
    """What was raised, and each change of level: zone, track, level."""
    told: dict[tuple[str, int], str] = {}
    turned = []
    for zone, track, level, state, _ in found:
        if state != "cleared" and told.get((zone, track)) != level:
            told[zone, track] = level
            turned.append((zone, track, level))
    return turned


def run_recorded(family: Family, folder: Path, name: str, feed: Callable[[dict[str, str]], Child]) -> Path:
    """A service of its own, fed, and recorded until everything is reported."""
    service, addresses = serve(family, folder / f"{name}-data")
    out = folder / f"{name}.mcap"
    words = (f"--from={addresses['publish']}", f"--requests={addresses['requests']}", f"--out={out}")
    recorder = family.start("record", *words)
    recorder.wait_for(lambda line: "recording" in line, PATIENCE_S)
    frames = frames_sent(feed(addresses))
    until_service(addresses["publish"], lambda: reported(addresses, frames))
    family.end(recorder)
    family.end(service)
    assert (recorder.code, service.code) == (0, 0)
    assert "0 lost on the way" in recorder.words
    return out


def test_a_replay_and_the_offline_tracker_raise_the_same_alerts_as_the_live_service(family, tmp_path):
    live = run_recorded(family, tmp_path, "live", lambda addresses: simulate(family, addresses))
    found = steps(live)
    assert {(zone, level) for zone, _, level, _, _ in found} >= {
        ("control-zone", "predicted"),
        ("control-zone", "imminent"),
        ("control-zone", "infringing"),
        ("runway", "predicted"),
    }
    again = run_recorded(family, tmp_path, "again", lambda addresses: replayed(family, live, addresses))
    assert turns(steps(again)) == turns(found)
    offline = tmp_path / "offline.mcap"
    assert main(["track", str(live), "--config", str(SITE), "--out", str(offline)]) == 0
    assert turns(steps(offline)) == turns(found)


def replayed(family: Family, recording: Path, addresses: dict[str, str]) -> Child:
    return family.start("replay", str(recording), f"--to={addresses['ingest']}", "--rate=0")


def test_who_comes_late_gets_the_open_alerts_and_learns_of_a_crash_and_what_waits_since_then(family, tmp_path):
    service, addresses = serve(family, tmp_path)
    frames = frames_sent(simulate(family, addresses))
    until_service(addresses["publish"], lambda: reported(addresses, frames))
    notices: list[object] = []
    with subscribe(
        addresses["publish"], requests=addresses["requests"], report=notices.append, silence_s=PATIENCE_S
    ) as alerts:
        open_ = [alerts.wait(PATIENCE_S), alerts.wait(PATIENCE_S)]
        assert {(step["zone"], step["level"]) for step in open_ if step} == {
            ("control-zone", "infringing"),
            ("runway", "predicted"),
        }
        assert notices == []
        family.end(service, signal.SIGKILL)
        serve(family, tmp_path, **addresses)
        waiting = [alerts.wait(PATIENCE_S), alerts.wait(PATIENCE_S)]
    assert {step["alert"] for step in waiting if step} == {step["alert"] for step in open_ if step}
    assert all(step is not None and step["state"] == "updated" for step in waiting)
    assert all(step is not None and "started anew" in step["reason"] for step in waiting)
    assert any(isinstance(notice, Restart) for notice in notices)


JUNK = (b"", b"\x00" * 10, b"\xff" * 1000, b'{"v":1', b"{" * 50_000, b"[" * 50_000, b"z" * (9 * 2**20), b"\xc1")


@dataclass(frozen=True)
class Served:
    """A service that was sent junk, then a scenario; `told` is what a command of `skypicket alerts` was told."""

    addresses: dict[str, str]
    follower: Child
    told: Path
    after_junk: Message
    after_all: Message


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    told = folder / "told"
    with Family() as family:
        _, addresses = serve(family, folder / "data")
        words = (
            f"--from={addresses['publish']}",
            f"--requests={addresses['requests']}",
            f"--exec=sh -c 'cat >> {told}; echo told $SKYPICKET_NUMBER'",
        )
        follower = family.start("alerts", "--json", *words)
        pusher = Pusher(addresses["ingest"])
        for payload in JUNK:
            pusher.push("frame.tower", payload)
        pusher.close()
        after_junk = until_service(addresses["publish"], lambda: rejected(addresses, len(JUNK)))
        frames = frames_sent(simulate(family, addresses))
        after_all = until_service(addresses["publish"], lambda: reported(addresses, frames))
        follower.wait_for(lambda line: line == f"told {after_all['number']}", PATIENCE_S)
        family.end(follower, signal.SIGINT)
        yield Served(addresses, follower, told, after_junk["status"], after_all)


def rejected(addresses: dict[str, str], count: int) -> Message | None:
    """The snapshot, once so many messages that nobody can be named for were rejected."""
    found = snapshot(addresses)
    other = found["status"]["sensors"].get("_other")
    return found if other is not None and other["rejected"] == count else None


def test_bad_bytes_are_counted_and_what_follows_is_processed_as_ever(served):
    assert served.after_junk["state"] == "degraded"
    assert served.after_junk["sensors"]["_other"]["last_rejection"]
    assert {alert["zone"] for alert in served.after_all["alerts"]} == {"control-zone", "runway"}
    assert served.after_all["status"]["sensors"]["tower"]["rejected"] == 0


def test_a_command_runs_once_for_each_alert_step_that_is_printed(served):
    lines = [json.loads(line) for line in served.told.read_text().splitlines()]
    journalled = request(served.addresses["requests"], {"request": "alerts", "limit": 10_000})
    assert [line["number"] for line in lines] == [step["number"] for step in journalled if not step["test"]]
    assert {line["level"] for line in lines} == {"predicted", "imminent", "infringing"}


def test_control_c_ends_a_follower_without_a_traceback(served):
    assert served.follower.code == 130, served.follower.words
    assert "Traceback" not in served.follower.words


def test_a_service_whose_port_is_taken_says_so_and_ends_with_2(served, family, tmp_path):
    words = (f"--config={SITE}", f"--data={tmp_path}", f"--ingest={served.addresses['ingest']}")
    second = family.start("serve", *words)
    second.wait_for(lambda line: "free to bind" in line, PATIENCE_S)
    assert ended(second) == 2
    assert "Traceback" not in second.words


def test_the_demo_ends_by_itself_with_a_summary_a_page_a_picture_and_a_recording(tmp_path):
    with Family() as family:
        demo = family.start("demo", f"--out={tmp_path}", "--rate=60")
        demo.wait_for(lambda line: line.startswith("── Files"), 120.0)
        assert ended(demo) == 0
    words = demo.words
    assert "INFRINGING   control-zone  inside" in words
    assert "CLEARED      runway  was predicted" in words
    assert "From a frame's sending to its alert's arrival" in words
    assert "GOSPA" in words
    assert (tmp_path / "airport-drones.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "airport-drones.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["check", str(tmp_path / "airport-drones.mcap")]) == 0
    assert main(["check", str(tmp_path / "site.toml")]) == 0
