import json
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader

from adapters.clock import ManualClock
from adapters.wire import Message, Sender, encode
from fusion.errors import RecordingError
from replay.recordings.files import inspect, open_reader
from replay.recordings.recorder import record
from replay.recordings.rotation import Limits, RotatingWriter, numbered_parts, read_parts
from replay.recordings.state import LatestState

S = 1_000_000_000
START_NS = 1_700_000_000 * S


class Traffic:
    """What a service publishes, ten messages a second of the clock: an alert is raised at 5 s, another at 8 s, and the
    first is cleared at 12 s; zones are said once, at the start."""

    def __init__(self, clock: ManualClock, seconds: int) -> None:
        self.clock, self.sender = clock, Sender("service", "e1")
        self.feed = Sender("radar", "r1")
        self.sent: list[tuple[str, bytes]] = []
        self.lines = iter([line for second in range(seconds) for line in self._second(second)])

    def receive(self, timeout_s: float) -> tuple[str, bytes] | None:
        self.clock.advance(0.1)
        line = next(self.lines, None)
        if line is not None:
            self.sent.append(line)
        return line

    def _second(self, second: int) -> list[tuple[str, bytes]]:
        lines = [self._line("zones", second, features=[{"id": "airport"}])] if not second else []
        lines += [
            self._line("tracks", second, columns={"id": [second], "pad": ["x" * 400]}),
            self._line("status", second, version="1.2"),
        ]
        for at, name, state in ((5, "A", "raised"), (8, "B", "raised"), (12, "A", "cleared")):
            if second == at:
                lines.append(self._line("alert.airport.predicted", second, alert=name, state=state))
        while len(lines) < 10:
            lines.append(self._line("frame.north", second, columns={"range_m": [1.5] * 30}))
        return lines

    def _line(self, topic: str, second: int, **rest: Any) -> tuple[str, bytes]:
        kind, _, name = topic.partition(".")
        body: Message = {"type": kind, "time_ns": START_NS + second * S, **rest}
        if kind == "alert":
            body |= dict(zip(("zone", "level"), name.split("."), strict=True))
        if kind == "frame":
            return topic, encode(self.feed.stamp(topic, body | {"sensor": name}))
        return topic, encode(self.sender.stamp(topic, body))


def rotate(path: Path, limits: Limits, seconds: int = 40) -> Traffic:
    clock, state = ManualClock(START_NS + 5 * S), LatestState()
    traffic = Traffic(clock, seconds)

    def describe() -> dict[str, str]:
        return {**state.metadata(), "site.toml": "[service]"}

    with RotatingWriter(str(path), limits, state.messages, describe) as writer:
        record(traffic, writer, clock=clock, follow=state.follow, duration_s=seconds + 1.0)
    return traffic


def names(path: Path) -> list[str]:
    return [part.name for _, part in numbered_parts(path)]


def opening(part: Path) -> list[tuple[str, int]]:
    with open_reader(part) as reader:
        found = [(each.topic, (each.message["time_ns"] - START_NS) // S, each.opening) for each in reader]
    flags = [flag for _, _, flag in found]
    assert flags == sorted(flags, reverse=True)
    return [(topic, second) for topic, second, flag in found if flag]


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
@pytest.mark.parametrize("limits", [Limits(size_bytes=12_000), Limits(duration_ns=7 * S), Limits(9_000, 5 * S)])
def test_the_parts_in_order_give_every_message_exactly_once(limits: Limits, ending: str, tmp_path: Path) -> None:
    traffic = rotate(tmp_path / f"run.{ending}", limits)
    parts = [part for _, part in numbered_parts(tmp_path / f"run.{ending}")]
    assert len(parts) >= 3
    found = [(each.topic, each.message) for each in read_parts(parts)]
    assert [encode(message) for _, message in found] == [payload for _, payload in traffic.sent]
    assert [topic for topic, _ in found] == [topic for topic, _ in traffic.sent]


def test_no_part_is_larger_than_asked_for(tmp_path: Path) -> None:
    limit = 80_000
    rotate(tmp_path / "run.mcap", Limits(size_bytes=limit), seconds=400)
    sizes = [part.stat().st_size for _, part in numbered_parts(tmp_path / "run.mcap")]
    assert len(sizes) > 2
    assert max(sizes) <= limit
    assert min(sizes[:-1]) > limit // 3  # nor is one begun for nothing


def test_no_part_takes_longer_than_asked_for(tmp_path: Path) -> None:
    rotate(tmp_path / "run.mcap", Limits(duration_ns=7 * S))
    spans = []
    for _, part in numbered_parts(tmp_path / "run.mcap"):
        with open_reader(part) as reader:
            arrivals = [each.log_ns for each in reader]
        assert arrivals == sorted(arrivals)
        spans.append((arrivals[-1] - arrivals[0]) / S)
    assert [round(span, 1) for span in spans[:-1]] == [6.9] * 5
    assert spans[-1] <= 6.9


def test_each_part_opens_with_the_state_of_that_moment(tmp_path: Path) -> None:
    """Parts of 7 s: the second begins while A is open, the third while B is, as A was cleared."""
    rotate(tmp_path / "run.mcap", Limits(duration_ns=7 * S))
    parts = [part for _, part in numbered_parts(tmp_path / "run.mcap")]
    alert = "alert.airport.predicted"
    assert opening(parts[0]) == []
    assert opening(parts[1]) == [("zones", 0), ("tracks", 6), (alert, 5), ("status", 6)]
    assert opening(parts[2]) == [("zones", 0), ("tracks", 13), (alert, 8), ("status", 13)]


def test_each_part_is_complete_for_the_reference_reader_and_says_what_made_it(tmp_path: Path) -> None:
    rotate(tmp_path / "run.mcap", Limits(duration_ns=7 * S))
    for number, part in numbered_parts(tmp_path / "run.mcap"):
        with part.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            schemas = {channel.topic: schema for schema, channel, _ in reader.iter_messages()}
            (metadata,) = reader.iter_metadata()
        assert all(schema is not None for schema in schemas.values())
        assert metadata.metadata["part"] == str(number)
        assert metadata.metadata["site.toml"] == "[service]"
        if number > 1:
            told = {key: metadata.metadata[key] for key in ("source", "epoch", "epoch_start_ns", "service_version")}
            assert told == {
                "source": "service", "epoch": "e1", "epoch_start_ns": str(START_NS), "service_version": "1.2",
            }  # fmt: skip
            assert json.loads(metadata.metadata["zones.geojson"])["features"] == [{"id": "airport"}]
        report = inspect(part)
        assert not report.problems
        assert not report.truncated


def test_only_the_newest_parts_are_kept_whichever_run_wrote_them_and_nothing_else_is_touched(tmp_path: Path) -> None:
    for other in ("run.mcap", "run_x.mcap", "run_0001.jsonl", "rerun_0001.mcap", "run_00001x.mcap"):
        (tmp_path / other).write_bytes(b"mine")
    rotate(tmp_path / "run.mcap", Limits(duration_ns=7 * S))
    assert names(tmp_path / "run.mcap") == [f"run_{number:04d}.mcap" for number in range(1, 7)]
    rotate(tmp_path / "run.mcap", Limits(duration_ns=7 * S, files=4), seconds=10)
    assert names(tmp_path / "run.mcap") == [f"run_{number:04d}.mcap" for number in range(5, 9)]
    assert sum(path.read_bytes() == b"mine" for path in tmp_path.iterdir()) == 5


def test_numbers_grow_beyond_their_digits(tmp_path: Path) -> None:
    (tmp_path / "run_9999.mcap").write_bytes(b"")
    rotate(tmp_path / "run.mcap", Limits(duration_ns=7 * S), seconds=2)
    assert names(tmp_path / "run.mcap") == ["run_9999.mcap", "run_10000.mcap"]


def test_a_clock_that_is_set_back_begins_no_endless_part(tmp_path: Path) -> None:
    state = LatestState()
    sender = Sender("radar", "r1")
    with RotatingWriter(str(tmp_path / "run.jsonl"), Limits(duration_ns=5 * S), state.messages, dict) as writer:
        for log_s in (100, 103, 50, 54, 56, 57):
            message = sender.stamp("status", {"type": "status", "time_ns": START_NS})
            writer.write("status", message, START_NS + log_s * S)
    held = [inspect(part).messages for _, part in numbered_parts(tmp_path / "run.jsonl")]
    assert held == [4, 2]


def test_a_part_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / "run_0001.mcap").mkdir()
    with pytest.raises(RecordingError, match=r"run_0001.mcap: cannot be removed"):
        RotatingWriter(str(tmp_path / "run.mcap"), Limits(duration_ns=S, files=1), list, dict)


def alert(name: str, **rest: object) -> Message:
    return Sender("service", "e1").stamp(
        "alert", {"type": "alert", "time_ns": START_NS, "alert": name, "zone": "z", "level": "imminent", **rest}
    )


def test_the_lines_own_test_is_no_open_alert() -> None:
    state = LatestState()
    for message in (alert("A"), alert("B", test=True), alert("C", state="cleared"), alert("A", step=2)):
        state.follow(message)
    assert [message["alert"] for _, message in state.messages()] == ["A"]
    assert state.messages()[0][1]["step"] == 2


def test_the_start_of_an_epoch_is_the_services_own_or_its_first_message() -> None:
    state = LatestState()
    assert state.metadata() == {}
    state.begin({"source": "service", "epoch": "e1", "started_ns": 7})
    assert state.metadata() == {"source": "service", "epoch": "e1", "epoch_start_ns": "7"}
    state.follow(Sender("service", "e1").stamp("tracks", {"type": "tracks", "time_ns": 20}))
    state.follow(Sender("radar", "r1").stamp("frame", {"type": "frame", "time_ns": 21, "sensor": "north"}))
    assert state.metadata()["epoch_start_ns"] == "7"
    for time_ns in (30, 31):
        state.follow(Sender("service", "e2").stamp("tracks", {"type": "tracks", "time_ns": time_ns}))
    assert state.metadata() == {"source": "service", "epoch": "e2", "epoch_start_ns": "30"}


@pytest.mark.parametrize("snapshot", [{}, {"source": 1}, {"alerts": 7, "zones": [], "status": {"v": 1}}])
def test_a_bad_snapshot_gives_no_state(snapshot: dict[str, Any]) -> None:
    state = LatestState()
    state.begin(snapshot)
    assert (state.messages(), state.metadata()) == ([], {})
