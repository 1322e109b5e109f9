from __future__ import annotations

import json
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from shapely import Point, Polygon, unary_union

from adapters import schemas
from adapters.client import Listener
from adapters.clock import ManualClock
from adapters.journal import Journal, JournalError
from adapters.line import sockets
from adapters.line.publish import Pusher
from adapters.wire import Message, encode, unpack
from fusion.config import AlertsConfig, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig, ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.types import Coverage, Place, Pose
from skypicket.serving.service import Service, source_id

S = 1_000_000_000
START_NS = 1_777_885_200 * S
FREE = "tcp://127.0.0.1:*"
BOX = (-30_000.0, 30_000.0)
SENSORS = tuple(
    SensorConfig(
        name,
        "position",
        ("east_m", "north_m", "up_m"),
        {"east_m": 5.0, "north_m": 5.0, "up_m": 5.0},
        Coverage(east_m=BOX, north_m=BOX, up_m=(-1_000.0, 10_000.0)),
        Pose(47.0, 19.0, 0.0),
        false_alarms=0.01,
        period_s=1.0,
    )
    for name in ("gps", "spare")
)
ZONES = (
    ZoneConfig("airport", 0.0, 1_000.0, circle=(19.05, 47.0, 1_000.0), name="Airport", imminent_s=20.0),
    ZoneConfig("far", 0.0, 1_000.0, circle=(18.8, 47.0, 500.0)),
)
VALIDATORS = {name: Draft202012Validator(schemas.load(name)) for name in schemas.names()}


def frame(second: float, epoch: str = "run-1", sensor: str = "gps", **changes: Any) -> Message:
    """An object on its way east at 60 m/s, 500 m high: 3.8 km from the zone's middle at the start."""
    columns = {"east_m": [60.0 * second], "north_m": [0.0], "up_m": [500.0]}
    return {
        "v": 1,
        "type": "frame",
        "source": "test",
        "sensor": sensor,
        "seq": round(second * 2),
        "epoch": epoch,
        "time_ns": START_NS + round(second * S),
        "columns": columns,
        **changes,
    }


@contextmanager
def no_room(journal: Journal) -> Iterator[None]:
    """The journal may not grow: writing gives EFBIG, as it gives ENOSPC on a full disk. Nor may any other file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_pages(journal: Journal) -> Iterator[None]:
    """SQLite's own "database or disk is full"."""
    execute = journal._database.execute
    execute(f"PRAGMA max_page_count = {execute('PRAGMA page_count').fetchone()[0]}")
    try:
        yield
    finally:
        execute("PRAGMA max_page_count = 1000000000")


class Bench:
    """A service with its clock, something that sends, and something that listens; nothing runs by itself."""

    def __init__(self, folder: Path, live: bool, data: str = "data", test_every_s: float = 0.0) -> None:
        self.clock = ManualClock(START_NS)
        service = ServiceConfig(
            Place(47.0, 19.0, 0.0), "a site", (), ingest=FREE, publish=FREE, requests=FREE, data=str(folder / data)
        )
        alerts = AlertsConfig(test_every_s=test_every_s)
        self.site = SiteConfig(service, TrackerConfig(lateness_s=1.0), SENSORS, ZONES, alerts)
        self.service = Service(self.site, live=live, clock=self.clock)
        self.pusher = Pusher(self.service.ingest.address)
        self.listener = Listener(self.service.publisher.address)
        self.heard: list[tuple[str, bytes]] = []
        self.until(lambda: self.hears("status"), tick_s=1.0)

    def close(self) -> None:
        self.pusher.close()
        self.listener.close()
        self.service.close()

    def until(self, reached: Callable[[], bool], tick_s: float = 0.0) -> None:
        """Let it work until something is so."""
        for _ in range(2000):
            endpoints = self.service.ingest, self.service.publisher, self.service.line_test, self.listener
            sockets.wait(endpoints, 0.005)
            self.clock.advance(tick_s)
            self.service.turn()
            while (received := self.listener.receive(0.0)) is not None:
                self.heard.append(received)
            if reached():
                return
        raise AssertionError(f"never reached; heard {[topic for topic, _ in self.heard][-20:]}")

    def listen(self) -> None:
        """Wait for one more message, while the service does nothing."""
        received = self.listener.receive(10.0)
        assert received is not None
        self.heard.append(received)

    def send(self, *messages: Message) -> None:
        """Send, and let it take all of them in."""
        for message in messages:
            self.push(f"frame.{message['sensor']}", encode(message))

    def push(self, topic: str, payload: bytes) -> None:
        before = self.taken
        self.pusher.push(topic, payload)
        self.until(lambda: self.taken > before)

    @property
    def taken(self) -> int:
        tallies = self.service.gatekeeper.status().values()
        return sum(int(t[name]) for t in tallies for name in ("frames", "rejected", "late", "duplicates"))  # type: ignore[call-overload]

    def fly(self, seconds: int, epoch: str = "run-1") -> None:
        self.fly_on(0, seconds, epoch)

    def fly_on(self, first: int, last: int, epoch: str = "run-1") -> None:
        for second in range(first, last + 1):
            for sensor in ("gps", "spare"):
                self.send(frame(float(second), epoch, sensor))

    def hears(self, prefix: str) -> bool:
        return any(topic.startswith(prefix) for topic, _ in self.heard)

    def messages(self, prefix: str) -> list[Message]:
        return [unpack(payload) for topic, payload in self.heard if topic.startswith(prefix)]

    def status(self) -> Message:
        """The next one: made from now on, not one that is still on its way."""
        before = self.service.publisher.sender.last.get("status", -1)
        self.until(lambda: any(m["seq"] > before for m in self.messages("status")), tick_s=1.0)
        return self.messages("status")[-1]

    def ask(self, request: str, **parameters: Any) -> Any:
        payload = encode({"v": 1, "request": request, **parameters}, json=True)
        answer = json.loads(self.service.requests.answer(payload))
        VALIDATORS["answer"].validate(answer)
        return answer["result"] if answer["ok"] else answer["error"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def begin(live: bool = False, **settings: Any) -> Bench:
        benches.append(Bench(tmp_path, live, **settings))
        return benches[-1]

    yield begin
    for bench in benches:
        bench.close()


def steps(bench: Bench) -> list[Message]:
    """Each alert step once, in order."""
    by_number = {message["number"]: message for message in bench.messages("alert.")}
    return [by_number[number] for number in sorted(by_number)]


def test_frames_become_pictures_and_alerts_by_level(start):
    bench = start()
    bench.fly(60)
    assert steps(bench)[0]["level"] == "predicted"
    assert {step["level"] for step in steps(bench)} == {"predicted", "imminent", "infringing"}
    assert {step["zone"] for step in steps(bench)} == {"airport"}
    pictures = bench.messages("tracks")
    times = [picture["time_ns"] for picture in pictures]
    assert times == [START_NS + second * S for second in range(len(times))]
    assert pictures[-1]["columns"]["status"] == ["confirmed"]


def test_every_message_holds_against_its_schema(start):
    bench = start()
    bench.fly(30)
    bench.ask("suppress", zone="airport", until_ns=START_NS + 3600 * S, who="Eva")
    bench.status()
    for kind in ("tracks", "alert", "status", "zones"):
        found = bench.messages(kind)
        assert found
        for message in found:
            VALIDATORS[kind].validate(json.loads(encode(message, json=True)))
            assert message["source"] == "a-site"


def test_each_topic_counts_up_by_one_and_status_tells_the_last(start):
    bench = start()
    bench.fly(30)
    bench.status()
    last: dict[str, int] = {}
    for topic, payload in bench.heard:
        message = unpack(payload)
        if topic.startswith("frame"):
            continue
        if topic == "status":
            assert last.items() <= message["last"].items()
        assert message["seq"] == last.get(topic, message["seq"] - 1) + 1
        last[topic] = message["seq"]
    assert last["tracks"] >= 29


def test_an_alert_step_is_in_the_journal_before_it_is_published(start, monkeypatch):
    bench = start()
    outbox = bench.service.outbox
    numbers: list[tuple[int, int]] = []
    publish = outbox.publisher.publish

    def watching(topic: str, body: Message) -> Message:
        if body["type"] == "alert":
            numbers.append((body["number"], outbox.logbook.journal.last))
        return publish(topic, body)

    monkeypatch.setattr(outbox.publisher, "publish", watching)
    bench.fly(30)
    assert numbers
    assert all(number <= last for number, last in numbers)
    kept = outbox.logbook.journal.since(0, 1000)
    assert [step["number"] for step in kept] == [step["number"] for step in steps(bench)]


def test_accepted_frames_and_truth_are_published_unchanged(start):
    bench = start()
    truth = {
        "v": 1,
        "type": "truth",
        "source": "test",
        "seq": 0,
        "epoch": "run-1",
        "time_ns": START_NS,
        "extra": "kept",
        "columns": {
            "id": ["a"],
            **{n: [1.0] for n in ("lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps")},
        },
    }
    as_json, as_pack = encode(frame(0.0), json=True), encode(frame(1.0, extra=[1, None]))
    for topic, payload in (("frame.gps", as_json), ("truth", encode(truth)), ("frame.gps", as_pack)):
        bench.push(topic, payload)
    bench.until(lambda: len(bench.messages("frame.gps")) == 2)
    assert [p for t, p in bench.heard if t == "frame.gps"] == [as_json, as_pack]
    assert [p for t, p in bench.heard if t == "truth"] == [encode(truth)]


@pytest.mark.parametrize("seconds", [12])
def test_bad_input_is_counted_with_its_reason_and_the_next_good_frame_counts_as_ever(start, seconds):
    clean, bench = start(data="clean"), start(data="hit")
    clean.fly(seconds)
    bad = [
        ("frame.gps", b""),
        ("frame.gps", b"\xc1" * 1000),
        ("frame.gps", b"{" * 100_000),
        ("frame.gps", encode(frame(1.0))[:50]),
        ("frame.gps", encode(frame(1.0, seq=-1))),
        ("frame.gps", encode(frame(1.0, v=2))),
        ("frame.gps", b"x" * (9 * 1024 * 1024)),
        ("frame.spy", encode(frame(1.0, sensor="spy"))),
        ("frame.spare", encode(frame(1.0))),
        ("frame.gps", encode(frame(1.0, columns={"east_m": [1.0, 2.0], "north_m": [1.0]}))),
        ("frame.gps", encode(frame(1.0, columns={"east_m": [float("inf")], "north_m": [1.0], "up_m": [1.0]}))),
        ("nothing", b"{}"),
    ]
    for second in range(seconds + 1):
        for sensor in ("gps", "spare"):
            bench.send(frame(float(second), "run-1", sensor))
        bench.push(*bad[second % len(bad)])
    status = bench.status()
    assert status["state"] == "degraded"
    assert status["sensors"]["gps"]["last_rejection"]
    assert status["sensors"]["spy"]["last_rejection"].startswith("unregistered: ")
    assert sum(counts["rejected"] for counts in status["sensors"].values()) >= len(bad) - 1
    for bench_ in (clean, bench):
        bench_.until(lambda b=bench_: len(b.messages("tracks")) == seconds + 1, tick_s=1.0)
    assert [m["columns"] for m in bench.messages("tracks")] == [m["columns"] for m in clean.messages("tracks")]


def test_status_tells_biases_with_their_sigma_and_addresses_that_changed(start):
    bench = start()
    bench.fly(10)
    for second in range(11, 20):
        columns = {**frame(float(second))["columns"], "identity": ["4b1a" if second < 15 else "4b1b"]}
        bench.send(frame(float(second), columns=columns))
    status = bench.status()
    clock = status["sensors"]["gps"]["registration"]["time_s"]
    assert (abs(clock["value"]), clock["sigma"]) < (0.1, 0.5)
    ((kind, identity),) = {(each["kind"], each["identity"]) for each in status["identities"]}
    assert (kind, identity) == ("changed", "4b1b")


def test_late_and_repeated_frames_are_left_out_counted_and_not_published(start):
    bench = start()
    bench.fly(10)
    bench.send(frame(5.5), frame(9.0))
    sensors = bench.status()["sensors"]
    assert (sensors["gps"]["late"], sensors["gps"]["duplicates"]) == (1, 1)
    assert sensors["gps"]["frames"] == 11
    assert len(bench.messages("frame.gps")) == 11


def test_a_snapshot_tells_what_is_open_and_where_the_stream_goes_on(start):
    bench = start()
    assert bench.ask("snapshot")["tracks"] is None
    bench.fly(30)
    bench.status()
    snapshot = bench.ask("snapshot")
    assert snapshot["started_ns"] == START_NS
    assert [alert["number"] for alert in snapshot["alerts"]] == [steps(bench)[-1]["number"]]
    assert snapshot["number"] == steps(bench)[-1]["number"]
    assert snapshot["tracks"]["time_ns"] == bench.messages("tracks")[-1]["time_ns"]
    assert snapshot["last"]["tracks"] == bench.messages("tracks")[-1]["seq"]
    assert snapshot["status"]["alerts"] == {snapshot["alerts"][0]["level"]: 1}
    assert [feature["properties"]["id"] for feature in snapshot["zones"]["features"]] == ["airport", "far"]


def test_steps_are_answered_from_the_journal_in_pages(start, monkeypatch):
    bench = start()
    bench.fly(30)
    every = bench.ask("alerts")
    assert [step["number"] for step in every] == list(range(1, len(every) + 1))
    assert bench.ask("alerts", since=1, limit=2) == every[1:3]
    monkeypatch.setattr("adapters.line.requests.PAGE_BYTES", 1)
    assert bench.ask("alerts", since=1) == every[1:2]


def test_an_acknowledgement_silences_and_does_not_clear(start):
    bench = start()
    bench.fly(20)
    (alert,) = bench.ask("snapshot")["alerts"]
    step = bench.ask("ack", alert=alert["alert"], who="Eva", note="seen")
    assert step["acknowledged"]["who"] == "Eva"
    assert step["step"] == alert["step"] + 1
    bench.until(lambda: steps(bench)[-1]["acknowledged"] is not None)
    assert bench.ask("snapshot")["alerts"][0]["state"] == "updated"
    assert bench.ask("ack", alert="01ARZ3NDEKTSV4RRFFQ69G5FAV", who="Eva")["code"] == "unknown"


def test_what_is_suppressed_stands_in_the_status(start):
    bench = start()
    bench.fly(5)
    until_ns = START_NS + 600 * S
    answer = bench.ask("suppress", zone="airport", until_ns=until_ns, who="Eva", note="works")
    assert answer["suppressed"][0]["zone"] == "airport"
    assert bench.status()["suppressed"][0]["until_ns"] == until_ns
    assert bench.ask("suppress", zone="nowhere", until_ns=until_ns, who="Eva")["code"] == "unknown"


def test_a_corridor_tells_where_a_track_will_probably_be(start):
    """It flies east at 60 m/s: its middle does so too, each outline lies round it, and the wider holds the narrower."""
    bench = start()
    bench.fly(20)
    (track,) = bench.ask("snapshot")["tracks"]["columns"]["id"]
    found = bench.ask("corridor", track=track, lookahead_s=60, step_s=15)
    VALIDATORS["corridor"].validate(found)
    assert (found["track"], found["track_status"], found["time_ns"]) == (track, "confirmed", START_NS + 20 * S)
    assert [each["time_s"] for each in found["slices"]] == [0.0, 15.0, 30.0, 45.0, 60.0]
    plane = Plane(Place(47.0, 19.0, 0.0))
    for each in found["slices"]:
        centre = plane.to_local(*each["centre"].values())
        assert abs(centre[0] - 60.0 * (20.0 + each["time_s"])) < 50.0 + 5.0 * each["time_s"]
        assert each["alt_p5_m"] <= each["centre"]["alt_m"] <= each["alt_p95_m"]
        assert [outline["probability"] for outline in each["outlines"]] == [0.5, 0.9]
        areas = [area_of(outline["polygons"]) for outline in each["outlines"]]
        assert areas[0].intersects(Point(each["centre"]["lon_deg"], each["centre"]["lat_deg"]))
        assert areas[0].difference(areas[1]).area < 0.05 * areas[0].area
    widths = [area_of(each["outlines"][1]["polygons"]).area for each in found["slices"]]
    assert widths == sorted(widths)
    assert len(bench.ask("corridor", track=track)["slices"]) == 9
    assert bench.ask("corridor", track=track)["slices"][-1]["time_s"] == 180.0
    assert len(bench.ask("corridor", track=track, lookahead_s=0.3 * 60, step_s=3)["slices"]) == 7


def area_of(polygons: list[list[dict[str, list[float]]]]) -> Any:
    """The area of an outline, in degrees: rings by latitude and longitude, the first point the last."""
    rings = [[list(zip(ring["lon_deg"], ring["lat_deg"], strict=True)) for ring in polygon] for polygon in polygons]
    assert all(ring[0] == ring[-1] for polygon in rings for ring in polygon)
    return unary_union([Polygon(polygon[0], polygon[1:]).buffer(0) for polygon in rings])


def test_a_corridor_that_cannot_be_is_refused_with_what_could(start):
    bench = start()
    refusal = bench.ask("corridor", track=7)
    assert refusal["code"] == "unknown"
    bench.fly(5)
    (track,) = bench.ask("snapshot")["tracks"]["columns"]["id"]
    assert bench.ask("corridor", track=track + 1) == {
        "code": "unknown",
        "message": f"track is {track + 1}; allowed is one that is confirmed or coasting now",
    }
    assert "allowed are 1 to 60 times" in bench.ask("corridor", track=track, lookahead_s=180, step_s=1)["message"]
    assert "allowed are 1 to 60 times" in bench.ask("corridor", track=track, lookahead_s=10, step_s=20)["message"]


def returned(bench: Bench) -> int:
    """When the line's own test came back, once it did."""
    bench.until(lambda: bench.service.line_test.returned_ns is not None, tick_s=0.1)
    found: int = bench.status()["test_returned_ns"]
    return found


@pytest.mark.parametrize("live", [True, False])
def test_the_line_is_tested_at_the_start_and_the_status_says_when_that_came_back(start, live):
    """By the clock, wherever event time is; and no test is an open alert, in no snapshot and no count."""
    bench = start(live=live, test_every_s=3600.0)
    bench.send(frame(0.0))
    assert bench.messages("status")[0]["test_returned_ns"] is None
    first_ns = returned(bench)
    assert START_NS < first_ns <= bench.clock.time_ns()
    tests = steps(bench)
    assert [(step["number"], step["zone"], step["state"], step["test"]) for step in tests] == [
        (1, "line-test", "raised", True),
        (2, "line-test", "cleared", True),
    ]
    for message in tests:
        VALIDATORS["alert"].validate(json.loads(encode(message, json=True)))
    assert [status["alerts"] for status in bench.messages("status")] == [{}] * len(bench.messages("status"))
    assert bench.ask("snapshot")["alerts"] == []
    assert [step["number"] for step in bench.ask("alerts", since=0)] == [1, 2]
    bench.clock.advance(3600.0)
    bench.until(lambda: bench.service.line_test.returned_ns > first_ns, tick_s=0.1)
    every = bench.ask("alerts", since=0)
    assert [step["number"] for step in every] == [1, 2, 3, 4]
    assert (every[-1]["time_ns"] >= START_NS + 3600 * S) == live  # at the time of everything else that is said then


def test_a_broken_line_degrades_the_state(start):
    """What is published goes nowhere: the socket lets go of its address, and of whoever was there."""
    bench = start(test_every_s=3600.0)
    bench.fly(3)
    returned(bench)
    bench.until(lambda: bench.service.health.state(bench.service.monotonic_ns) == "ok", tick_s=0.1)
    bench.service.line_test.socket.disconnect(bench.service.publisher.address)
    bench.clock.advance(3600.0)
    bench.until(lambda: not bench.service.line_test.works, tick_s=0.1)
    assert bench.status()["state"] == bench.ask("health")["state"] == "degraded"


def test_a_service_that_died_in_a_test_of_its_line_leaves_no_open_alert(start):
    bench = start()
    bench.service.line_test._raise(START_NS, 0)
    (open_,) = bench.service.outbox.logbook.journal.open_alerts()
    bench.close()
    again = start()
    assert again.service.outbox.logbook.journal.open_alerts() == []
    assert again.ask("alerts", since=1)[0]["alert"] == open_["alert"]


def test_a_status_is_there_each_second_while_one_piece_of_work_goes_on(start):
    """The loop hangs in a frame; the heartbeat says so, without end of it, and falls silent after half a minute."""
    bench = start(live=True)
    bulletin, clock = bench.service.bulletin, bench.clock
    assert not bulletin.beat()
    said = []
    for _ in range(400):
        clock.advance(0.1)
        said.append(bulletin.beat())
    told: list[Message] = []
    while len(told) < said.count(True):
        bench.listen()
        told = [status for status in bench.messages("status") if status["state"] == "overloaded"]
    times = [status["time_ns"] for status in told]
    assert len(told) == said.count(True) == 29
    assert all(after - before == 1e9 for before, after in pairwise(times))
    assert times[-1] - times[0] < 30e9
    numbers = [status["seq"] for status in bench.messages("status")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for status in told:
        VALIDATORS["status"].validate(json.loads(encode(status, json=True)))
    assert bench.status()["state"] == "degraded"


def test_the_heartbeat_goes_on_in_a_service_whose_loop_is_held_up(start, monkeypatch):
    """In the real loop: three beats while it stands still, by a thread of their own."""
    bench = start(live=True)
    service, held, free = bench.service, threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert free.wait(30.0)

    monkeypatch.setattr(service, "_advance", hold)
    stop = threading.Event()
    loop = threading.Thread(target=service.run, args=(stop.is_set,))
    loop.start()
    assert held.wait(30.0)
    try:
        for _ in range(3):
            bench.clock.advance(1.25)
            state = ""
            while state != "overloaded":
                received = bench.listener.receive(20.0)
                assert received is not None
                state = unpack(received[1]).get("state", "")
    finally:
        stop.set()
        free.set()
        loop.join(30.0)
    assert not loop.is_alive()


def test_a_zone_that_is_switched_off_alerts_no_more_even_in_a_new_picture(start):
    bench = start()
    answer = bench.ask("zone", id="airport", active=False, who="Eva")
    assert [feature["properties"]["state"] for feature in answer["features"]] == ["inactive", "active"]
    bench.until(lambda: any(message["features"] == answer["features"] for message in bench.messages("zones")))
    bench.fly(30)
    bench.fly(30, "run-2")
    assert steps(bench) == []
    assert bench.ask("zone", id="nowhere", active=True, who="Eva")["code"] == "refused"
    bench.status()
    assert bench.ask("health")["state"] == "ok"


def test_what_operators_ordered_outlives_an_air_picture_and_a_restart(start):
    bench = start()
    until_ns = START_NS + 600 * S
    bench.ask("suppress", zone="airport", until_ns=until_ns, who="Eva", note="works")
    bench.ask("suppress", track=77, until_ns=START_NS + 15 * S, who="Eva")
    bench.ask("zone", id="far", active=False, who="Eva")
    suppressed = bench.status()["suppressed"]
    assert [each.get("zone", each.get("track")) for each in suppressed] == ["airport", 77]
    bench.fly(10)
    bench.fly(20, "run-2")
    assert bench.status()["suppressed"] == suppressed[:1]
    bench.close()
    again = start()
    assert again.status()["suppressed"] == suppressed[:1]
    assert [f["properties"]["state"] for f in again.ask("snapshot")["zones"]["features"]] == ["active", "inactive"]
    again.fly(30)
    assert {step["suppressed_until_ns"] for step in steps(again) if step["state"] == "raised"} == {until_ns}
    assert again.ask("suppress", zone="airport", until_ns=1, who="Eva")["suppressed"] == []
    again.close()
    assert start().status()["suppressed"] == []


def test_orders_about_a_zone_that_is_gone_are_dropped(start, caplog):
    bench = start()
    bench.ask("suppress", zone="far", until_ns=START_NS + 600 * S, who="Eva")
    bench.ask("zone", id="far", active=False, who="Eva")
    bench.close()
    site = replace(bench.site, zones=ZONES[:1])
    with Service(site, live=False, clock=bench.clock) as service:
        assert service.bulletin.status["suppressed"] == []
    assert "zone far is gone" in caplog.text


@pytest.mark.parametrize("full", [no_room, no_pages])
def test_a_full_disk_holds_no_alert_back_and_the_record_is_made_up_for(full, start, caplog):
    bench = start()
    bench.fly(2)
    assert bench.status()["state"] == "ok"
    journal = bench.service.outbox.logbook.journal
    with full(journal):
        bench.fly_on(3, 62)
        bench.ask("zone", id="far", active=False, who="Eva")
        status = bench.status()
        bench.until(lambda: steps(bench)[-1]["number"] == bench.service.outbox.logbook.number)
        told = steps(bench)
        assert {step["level"] for step in told} == {"predicted", "imminent", "infringing"}
        assert journal.last < told[-1]["number"] == len(told)
        assert status["state"] == bench.ask("health")["state"] == "degraded"
        assert bench.ask("snapshot")["number"] == len(told)
        assert [step["number"] for step in bench.ask("alerts", since=0)] == list(range(1, len(told) + 1))
        bench.fly(20, "run-2")  # a new air picture needs a number from the disk
    assert caplog.text.count("alerts go out without their record") == 1
    bench.until(lambda: bench.status()["state"] == "ok", tick_s=1.0)
    told = steps(bench)
    assert [step["number"] for step in told] == list(range(1, len(told) + 1))
    kept = journal.since(0, 10_000)
    assert [(step["number"], step["alert"], step["state"]) for step in kept] == [
        (step["number"], step["alert"], step["state"]) for step in told
    ]
    assert journal.orders() == [{"zone": "far", "active": False}]


def test_a_full_disk_at_the_start_is_no_start(start):
    bench = start()
    bench.fly(20)
    bench.close()
    with no_room(bench.service.outbox.logbook.journal), pytest.raises(JournalError, match="cannot be used"):
        Service(bench.site, live=False)


def test_a_new_run_of_the_sender_begins_a_new_picture_with_new_ids(start):
    bench = start()
    bench.fly(30)
    before = steps(bench)
    bench.fly(30, "run-2")
    after = steps(bench)[len(before) :]
    assert [step["state"] for step in before].count("cleared") == 0
    assert after[0]["state"] == "cleared"
    assert "new air picture" in after[0]["reason"]
    assert after[1]["state"] == "raised"
    assert {step["alert"] for step in before}.isdisjoint(step["alert"] for step in after[1:])
    assert {step["track"] for step in before}.isdisjoint(step["track"] for step in after[1:])


def test_over_a_restart_an_alert_keeps_its_episode_and_who_acknowledged_it(start):
    """The object goes on; its track is another. The alert is the same, one step after another, acknowledged."""
    bench = start()
    bench.fly(20)
    (open_,) = bench.ask("snapshot")["alerts"]
    bench.ask("ack", alert=open_["alert"], who="Eva", note="seen")
    bench.fly_on(21, 30)
    bench.until(lambda: bench.service.outbox.logbook.journal.sightings(), tick_s=1.0)
    last = bench.service.outbox.open[open_["alert"]]
    bench.close()
    again = start()
    (waiting,) = again.ask("snapshot")["alerts"]
    assert (waiting["alert"], waiting["state"], waiting["step"]) == (open_["alert"], "updated", last["step"] + 1)
    assert "started anew" in waiting["reason"]
    assert waiting["acknowledged"]["who"] == "Eva"
    assert waiting["time_ns"] >= START_NS + 29 * S > last["time_ns"]  # where it was, though nothing had been said of it
    assert waiting["position"]["lon_deg"] > last["position"]["lon_deg"]
    again.fly_on(35, 62, "run-2")
    found = [step for step in steps(again) if step["number"] > waiting["number"]]
    assert {step["alert"] for step in found} == {open_["alert"]}
    assert [step["step"] for step in found] == list(range(waiting["step"] + 1, waiting["step"] + 1 + len(found)))
    assert {step["acknowledged"]["who"] for step in found} == {"Eva"}
    assert {step["state"] for step in found} == {"updated"}
    assert found[-1]["level"] == "infringing"
    assert len(found[-1]["tracks"]) == 2
    assert found[-1]["tracks"][0] == open_["track"] != found[-1]["track"]


def test_who_is_suppressed_by_track_stays_so_over_a_restart_though_its_track_is_another(start):
    bench = start()
    bench.fly(15)
    (open_,) = bench.ask("snapshot")["alerts"]
    until_ns = START_NS + 600 * S
    bench.ask("suppress", track=open_["track"], until_ns=until_ns, who="Eva", note="ours")
    bench.fly_on(16, 20)
    bench.close()
    again = start()
    assert [each["track"] for each in again.status()["suppressed"]] == [open_["track"]]
    again.fly_on(23, 62, "run-2")
    after = [step for step in steps(again) if step["alert"] == open_["alert"]]
    assert after[-1]["track"] != open_["track"]
    assert {step["suppressed_until_ns"] for step in after} == {until_ns}
    assert len(after) <= 4  # it waits, has another track, is inside: who is suppressed says no more, and never nothing
    again.ask("suppress", track=after[-1]["track"], until_ns=1, who="Eva")
    assert again.ask("snapshot")["alerts"][0]["suppressed_until_ns"] == until_ns


def test_an_alert_that_waits_for_its_object_can_be_acknowledged(start):
    bench = start()
    bench.fly(30)
    (open_,) = bench.ask("snapshot")["alerts"]
    bench.close()
    again = start()
    step = again.ask("ack", alert=open_["alert"], who="Eva")
    assert (step["acknowledged"]["who"], step["step"]) == ("Eva", open_["step"] + 2)
    assert step["time_ns"] == open_["time_ns"]
    again.fly_on(33, 45, "run-2")
    assert {step["acknowledged"]["who"] for step in steps(again)[1:]} == {"Eva"}
    assert {step["alert"] for step in steps(again)} == {open_["alert"]}


@pytest.mark.parametrize("shift", [-60.0, 400.0])
def test_after_a_long_time_or_in_another_one_an_alert_waits_for_nobody(start, shift):
    """Who comes then may be another object: the old alert clears at the first frame, and a new one is raised."""
    bench = start()
    bench.fly(30)
    (open_,) = bench.ask("snapshot")["alerts"]
    bench.close()
    again = start()
    for second in range(31):
        for sensor in ("gps", "spare"):
            when_ns = START_NS + round((second + 30.0 + shift) * S)
            again.send(frame(float(second), "run-2", sensor, time_ns=when_ns))
    cleared, raised = (next(step for step in steps(again) if step["state"] == state) for state in ("cleared", "raised"))
    assert (cleared["alert"], cleared["track"]) == (open_["alert"], open_["track"])
    assert "is not known" in cleared["reason"]
    assert cleared["number"] < raised["number"]
    assert raised["alert"] != open_["alert"]
    assert raised["acknowledged"] is None


def test_where_nothing_is_seen_any_more_an_alert_of_an_earlier_run_clears(start):
    """After a minute without any frame, and after one of frames without its object."""
    bench = start()
    bench.fly(30)
    bench.close()
    again = start()
    again.until(lambda: steps(again) and steps(again)[-1]["state"] == "cleared", tick_s=1.0)
    assert 58.0 <= again.clock.monotonic_ns() / S <= 70.0
    assert "is not known" in steps(again)[-1]["reason"]
    assert again.ask("snapshot")["alerts"] == []
    again.close()
    second = start(data="other")
    second.fly(30)
    second.close()
    third = start(data="other")
    for at in range(31, 95):
        for sensor in ("gps", "spare"):
            third.send(frame(float(at), "run-2", sensor, columns={"east_m": [], "north_m": [], "up_m": []}))
    third.until(lambda: steps(third)[-1]["state"] == "cleared")
    assert "has not found the object" in steps(third)[-1]["reason"]


def test_an_alert_of_a_zone_that_is_gone_clears(start):
    bench = start()
    bench.fly(30)
    bench.close()
    with Service(replace(bench.site, zones=ZONES[1:]), live=False, clock=bench.clock) as service:
        assert service.outbox.logbook.journal.open_alerts() == []
        assert service.outbox.logbook.since(0, 100)[-1]["state"] == "cleared"


def test_by_event_time_reports_up_to_the_newest_frame_go_out_after_a_pause(start):
    bench = start()
    bench.fly(5)
    assert bench.messages("tracks")[-1]["time_ns"] == START_NS + 4 * S
    bench.clock.advance(2.0)
    bench.until(lambda: bench.messages("tracks")[-1]["time_ns"] == START_NS + 5 * S)
    bench.fly(7)
    bench.until(lambda: bench.messages("tracks")[-1]["time_ns"] == START_NS + 6 * S)


def test_live_reports_go_on_where_sensors_fall_silent_and_the_state_says_so(start):
    bench = start(live=True)
    for second in range(4):
        for sensor in ("gps", "spare"):
            bench.send(frame(float(second), "run-1", sensor, time_ns=bench.clock.time_ns()))
        bench.clock.advance(1.0)
    status = bench.status()
    assert status["state"] == "ok"
    assert [f["properties"]["watched"] for f in bench.ask("snapshot")["zones"]["features"]] == [True, True]
    count = len(bench.messages("tracks"))
    bench.until(lambda: len(bench.messages("tracks")) >= count + 10, tick_s=0.1)
    assert bench.status()["state"] == "degraded"
    assert [f["properties"]["watched"] for f in bench.messages("zones")[-1]["features"]] == [False, False]


def test_live_reports_do_not_overtake_sensors_whose_clocks_are_behind(start):
    """A minute behind: one picture a second, as if on time; none is made before its frames and then again."""
    bench = start(live=True)
    for second in range(12):
        late_ns = bench.clock.time_ns() - 60 * S
        for sensor in ("gps", "spare"):
            bench.send(frame(float(second), "run-1", sensor, time_ns=late_ns))
        for _ in range(10):
            bench.clock.advance(0.1)
            bench.service.turn()
    bench.status()
    times = [message["time_ns"] for message in bench.messages("tracks")]
    assert len(times) == len(set(times))
    assert 10 <= len(times) <= 16
    assert max(times) <= bench.clock.time_ns() - 58 * S


def test_live_a_time_far_from_the_clock_is_rejected(start):
    bench = start(live=True)
    bench.send(frame(0.0), frame(4000.0), frame(-100_000.0, seq=9))
    assert bench.status()["sensors"]["gps"]["rejected"] == 2


def test_nobody_reports_before_the_first_frame(start):
    bench = start()
    assert bench.status()["state"] == "degraded"
    assert [f["properties"]["watched"] for f in bench.ask("snapshot")["zones"]["features"]] == [False, False]


def test_two_services_do_not_share_a_data_folder(start):
    bench = start()
    with pytest.raises(JournalError, match="in use by another process"):
        Service(bench.site, live=False)


def test_a_port_that_is_taken_is_a_configuration_mistake_and_leaves_nothing_open(start, tmp_path):
    bench = start()
    service = replace(bench.site.service, publish=bench.service.publisher.address, data=str(tmp_path / "other"))
    with pytest.raises(ConfigError, match=r"^service\.publish is .* free to bind"):
        Service(replace(bench.site, service=service), live=False)
    Journal(tmp_path / "other" / "alerts.sqlite").close()


def test_a_site_without_zones_and_sensors_serves(start):
    site = start().site
    service = replace(site.service, data=f"{site.service.data}-of-another")
    empty = replace(site, sensor=(), zones=(), service=service)
    with Service(empty, live=True, clock=ManualClock(START_NS)) as served:
        served.turn()
        assert served.bulletin.status["state"] == "ok"
        assert served.bulletin.zones["features"] == []


@pytest.mark.parametrize(
    ("name", "source"),
    [("valley", "valley"), ("Flughafen Süd 2", "Flughafen-S-d-2"), ("…", "skypicket"), ("x" * 99, "x" * 64)],
)
def test_a_site_name_becomes_an_id(name, source):
    assert source_id(name) == source
