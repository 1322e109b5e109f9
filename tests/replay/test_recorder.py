import threading
from pathlib import Path
from typing import Any

import pytest

from adapters.client import Listener
from adapters.clock import ManualClock
from adapters.line.publish import Publisher
from adapters.wire import Sender, encode
from fusion.errors import RecordingError
from replay.recordings.files import inspect, open_reader, open_writer
from replay.recordings.recorder import Recorded, opening_of, record

START_NS = 1_700_000_000_000_000_000


def body(kind: str, second: int = 0, **rest: object) -> dict[str, Any]:
    return {"type": kind, "time_ns": START_NS + second * 1_000_000_000, **rest}


def stamped(sender: Sender, topic: str, second: int = 0, **rest: object) -> tuple[str, bytes]:
    return topic, encode(sender.stamp(topic, body(topic.partition(".")[0], second, **rest)))


class Script:
    """Says its lines one by one, moving the clock by 0.1 s each; None: nothing came in time."""

    def __init__(self, clock: ManualClock, lines: list[tuple[str, bytes] | None]) -> None:
        self.clock, self.lines = clock, iter(lines)

    def receive(self, timeout_s: float) -> tuple[str, bytes] | None:
        self.clock.advance(0.1)
        return next(self.lines, None)


@pytest.fixture
def sender() -> Sender:
    return Sender("service", "e1")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_NS + 5_000_000_000)


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_everything_that_a_real_service_publishes_is_recorded(ending: str, tmp_path: Path, sender: Sender) -> None:
    publisher = Publisher("tcp://127.0.0.1:*", sender)
    listener = Listener(publisher.address)
    assert publisher.socket.poll(10_000), "no subscription came"
    count = 900  # fewer than the publisher queues: it waits for nobody, and drops what is too much
    bodies = [body("tracks", i, columns={"id": [i]}) for i in range(count)]

    def speak() -> None:
        for each in bodies:
            publisher.publish("tracks", each)

    path = tmp_path / f"x.{ending}"
    thread = threading.Thread(target=speak)
    with open_writer(path) as writer:
        thread.start()
        recorded = record(listener, writer, count=800)
        recorded_2 = record(listener, writer, count=1)
    thread.join(10.0)
    listener.close()
    publisher.close()
    assert (recorded.messages, recorded.topics, recorded.gaps, recorded.rejected) == (
        800,
        {"tracks": 800},
        0,
        {},
    )
    assert recorded_2.messages == 1
    with open_reader(path) as reader:
        assert [record.message["columns"]["id"] for record in reader] == [[i] for i in range(801)]


def test_arrival_is_the_log_time_and_event_time_the_publish_time(
    tmp_path: Path, sender: Sender, clock: ManualClock
) -> None:
    lines = [stamped(sender, "tracks", second) for second in range(3)]
    with open_writer(tmp_path / "x.mcap") as writer:
        record(Script(clock, [*lines]), writer, count=3, clock=clock)
    with open_reader(tmp_path / "x.mcap") as reader:
        records = list(reader)
    assert [each.time_ns - START_NS for each in records] == [0, 1_000_000_000, 2_000_000_000]
    assert [each.log_ns - START_NS for each in records] == [5_100_000_000, 5_200_000_000, 5_300_000_000]
    assert [each.payload for each in records] == [payload for _, payload in lines]


def test_the_last_second_is_the_most_that_a_crash_loses(tmp_path: Path, sender: Sender, clock: ManualClock) -> None:
    path = tmp_path / "x.mcap"
    on_disk: list[int] = []

    def look(recorded: Recorded) -> None:
        try:
            on_disk.append(inspect(path).messages)
        except RecordingError:
            on_disk.append(0)

    with open_writer(path) as writer:
        lines: list[tuple[str, bytes] | None] = [stamped(sender, "tracks", i) for i in range(50)]
        record(Script(clock, lines), writer, count=50, clock=clock, progress=look)
    assert max(written - there for written, there in enumerate(on_disk, 1)) <= 11


def test_a_pause_flushes_too(tmp_path: Path, sender: Sender, clock: ManualClock) -> None:
    path = tmp_path / "x.mcap"
    there: list[int] = []

    def stop() -> bool:
        if clock.monotonic_ns() < 3_000_000_000:
            return False
        there.append(inspect(path).messages)
        return True

    with open_writer(path) as writer:
        record(Script(clock, [stamped(sender, "tracks")]), writer, stop=stop, clock=clock)
    assert there == [1]


def test_it_ends_after_its_duration(tmp_path: Path, sender: Sender, clock: ManualClock) -> None:
    lines: list[tuple[str, bytes] | None] = [stamped(sender, "tracks", i) for i in range(100)]
    with open_writer(tmp_path / "x.jsonl") as writer:
        recorded = record(Script(clock, lines), writer, duration_s=2.0, clock=clock)
    assert recorded.messages == 20


def test_what_breaks_the_contract_is_counted_and_not_written(
    tmp_path: Path, sender: Sender, clock: ManualClock
) -> None:
    _, good = stamped(sender, "tracks")
    lines: list[tuple[str, bytes] | None] = [
        ("tracks", b"\xc1"),
        ("tracks", b"{"),
        ("status", good),
        ("tracks", good),
        None,
        ("alert.b.imminent", stamped(sender, "alert.a.imminent", zone="a", level="imminent")[1]),
        ("alert.a.predicted", stamped(sender, "alert.a.predicted", zone="a", level="imminent")[1]),
    ]
    with open_writer(tmp_path / "x.mcap") as writer:
        recorded = record(Script(clock, lines), writer, duration_s=1.0, clock=clock)
    assert {code: count for code, (count, _) in recorded.rejected.items()} == {"not-decodable": 2, "topic": 2}
    assert recorded.topics == {"tracks": 1, "alert.a.predicted": 1}
    assert "wants tracks" in recorded.rejected["topic"][1]
    assert inspect(tmp_path / "x.mcap").messages == 2


def test_lost_messages_are_counted_by_their_seq(tmp_path: Path, sender: Sender, clock: ManualClock) -> None:
    lines = [stamped(sender, "tracks", i) for i in range(10)]
    other = [stamped(Sender("service", "e2"), "tracks", 0)]
    with open_writer(tmp_path / "x.jsonl") as writer:
        recorded = record(Script(clock, [*lines[:3], *lines[5:], *other]), writer, duration_s=2.0, clock=clock)
    assert recorded.gaps == 2


def test_a_snapshot_opens_the_recording(tmp_path: Path, sender: Sender, clock: ManualClock) -> None:
    def complete(topic: str, **rest: Any) -> dict[str, Any]:
        return sender.stamp(topic, body(topic.partition(".")[0], **rest))

    alert = complete("alert.a.imminent", zone="a", level="imminent")
    parts = {"zones": complete("zones"), "tracks": complete("tracks"), "status": {"type": "status"}}
    opening = opening_of({**parts, "alerts": [alert, complete("alert.b"), 7], "last": {}})
    with open_writer(tmp_path / "x.jsonl") as writer:
        record(Script(clock, []), writer, opening=opening, duration_s=0.0, clock=clock)
    with open_reader(tmp_path / "x.jsonl") as reader:
        assert [each.topic for each in reader] == ["zones", "tracks", "alert.a.imminent"]


@pytest.mark.parametrize("snapshot", [{}, {"alerts": 3, "zones": "x", "tracks": None, "status": []}])
def test_a_snapshot_of_nothing_good_opens_with_nothing(snapshot: dict[str, Any]) -> None:
    assert opening_of(snapshot) == []
