import json
import math
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from adapters.clock import ManualClock
from adapters.line.publish import Pusher, SendTimeout
from adapters.wire import decode
from fusion.errors import RecordingError
from fusion.types import SECOND_NS
from replay.playing.playback import Playback
from replay.playing.player import play
from replay.recordings.files import open_writer
from replay.recordings.selection import TopicSelection

START_NS = 1_700_000_000_000_000_000


def message(kind: str, seq: int, at_s: float, **rest: object) -> dict[str, Any]:
    time_ns = START_NS + round(at_s * SECOND_NS)
    return {"v": 1, "type": kind, "source": "sim", "seq": seq, "epoch": "first", "time_ns": time_ns, **rest}


def frame(seq: int, at_s: float, sensor: str = "north", **rest: object) -> dict[str, Any]:
    return message("frame", seq, at_s, sensor=sensor, columns={"range_m": [100.0 + seq]}, **rest)


def recording(path: Path, messages: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(each) + "\n" for each in messages))
        return path
    with open_writer(path) as writer:
        for each in messages:
            topic = f"frame.{each['sensor']}" if each["type"] == "frame" else each["type"]
            writer.write(topic, each, each["time_ns"] + 5)
    return path


class Heard:
    """Takes what is played, and notes when."""

    def __init__(self, clock: ManualClock, busy_s: float = 0.0) -> None:
        self.clock, self.busy_s = clock, busy_s
        self.at_s: list[float] = []
        self.topics: list[str] = []
        self.messages: list[dict[str, Any]] = []

    def push(self, topic: str, payload: bytes) -> None:
        self.at_s.append(self.clock.monotonic_ns() / SECOND_NS)
        self.topics.append(topic)
        self.messages.append(decode(payload))
        self.clock.advance(self.busy_s)


def played(path: Path, playback: Playback, busy_s: float = 0.0, stop: Callable[[], bool] | None = None) -> Heard:
    clock = ManualClock()
    heard = Heard(clock, busy_s)
    play(path, heard, playback, clock, stop or (lambda: False))
    return heard


def has_heard(heard: Heard, count: int) -> bool:
    return len(heard.messages) >= count


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
@pytest.mark.parametrize("rate", [0.5, 1.0, 10.0])
def test_messages_leave_at_their_event_time_over_the_rate(ending: str, rate: float, tmp_path: Path) -> None:
    times = [0.0, 0.25, 0.25, 1.0, 7.5]
    path = recording(tmp_path / f"x.{ending}", [frame(seq, at) for seq, at in enumerate(times)])
    heard = played(path, Playback(rate=rate))
    assert heard.at_s == pytest.approx([at / rate for at in times], abs=1e-6)


def test_a_slow_listener_delays_only_what_it_holds_up(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 5.0]
    path = recording(tmp_path / "x.jsonl", [frame(seq, at) for seq, at in enumerate(times)])
    heard = played(path, Playback(), busy_s=1.0)
    assert heard.at_s == pytest.approx([0.0, 1.0, 2.0, 5.0], abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, math.inf])
def test_without_a_rate_nothing_waits(rate: float, tmp_path: Path) -> None:
    path = recording(tmp_path / "x.jsonl", [frame(seq, 100.0 * seq) for seq in range(4)])
    assert played(path, Playback(rate=rate)).at_s == [0.0] * 4


def test_in_file_order_a_late_frame_keeps_its_place_and_stops_nothing(tmp_path: Path) -> None:
    times = [1.0, 2.0, 0.5, 3.0]
    path = recording(tmp_path / "x.jsonl", [frame(seq, at) for seq, at in enumerate(times)])
    heard = played(path, Playback(file_order=True))
    assert [each["seq"] for each in heard.messages] == [0, 1, 2, 3]
    assert heard.at_s == pytest.approx([0.0, 1.0, 1.0, 2.0], abs=1e-6)


def test_frames_go_out_at_their_event_time_wherever_they_stand(tmp_path: Path) -> None:
    times = [1.0, 2.0, 0.5, 3.0]
    path = recording(tmp_path / "x.jsonl", [frame(seq, at) for seq, at in enumerate(times)])
    heard = played(path, Playback())
    sent_ns = [each["time_ns"] for each in heard.messages]
    assert sent_ns == sorted(sent_ns)
    assert heard.at_s == pytest.approx([0.0, 0.5, 1.5, 2.5], abs=1e-6)


def test_only_frames_and_truth_are_played_with_nothing_but_epoch_and_seq_changed(tmp_path: Path) -> None:
    truth = message("truth", 0, 0.1, columns={"id": ["a"]})
    others = [message(kind, 0, 0.2) for kind in ("tracks", "status", "zones")]
    messages = [frame(7, 0.0, note="kept"), truth, *others, frame(3, 0.3, "south")]
    heard = played(recording(tmp_path / "x.jsonl", messages), Playback())
    assert heard.topics == ["frame.north", "truth", "frame.south"]
    expected = [each for each in messages if each["type"] in ("frame", "truth")]
    assert [each | {"epoch": "first", "seq": 0} for each in heard.messages] == [each | {"seq": 0} for each in expected]
    assert [each["seq"] for each in heard.messages] == [0, 0, 0]
    assert len({each["epoch"] for each in heard.messages} - {"first"}) == 1


def test_each_run_each_loop_and_each_former_epoch_is_an_epoch_of_its_own(tmp_path: Path) -> None:
    messages = [frame(0, 0.0), frame(0, 0.1) | {"epoch": "second"}, frame(0, 0.2) | {"source": "other"}]
    path = recording(tmp_path / "x.jsonl", messages)
    clock = ManualClock()
    heard = Heard(clock)
    for target in (6, 12):
        enough = partial(has_heard, heard, target)
        assert play(path, heard, Playback(loop=True), clock, enough).messages == 6
    assert len({each["epoch"] for each in heard.messages}) == 12
    assert {each["time_ns"] for each in heard.messages} == {each["time_ns"] for each in messages}


def test_each_loop_keeps_the_pace_from_its_own_start(tmp_path: Path) -> None:
    path = recording(tmp_path / "x.jsonl", [frame(0, 0.0), frame(1, 2.0)])
    clock = ManualClock()
    heard = Heard(clock)
    play(path, heard, Playback(loop=True), clock, partial(has_heard, heard, 6))
    assert heard.at_s == pytest.approx([0.0, 2.0, 2.0, 4.0, 4.0, 6.0], abs=1e-6)


@pytest.mark.parametrize(
    ("offset", "duration", "expected"),
    [
        (0.0, math.inf, [0, 1, 2, 3]),
        (1.0, math.inf, [1, 2, 3]),
        (0.5, 1.5, [1, 2]),
        (9.0, math.inf, []),
        (0.0, 0.0, [0]),
    ],
)
def test_offset_and_duration_are_of_event_time(
    offset: float, duration: float, expected: list[int], tmp_path: Path
) -> None:
    path = recording(tmp_path / "x.mcap", [frame(seq, seq) for seq in range(4)])
    heard = played(path, Playback(start_offset_s=offset, duration_s=duration))
    assert [round((each["time_ns"] - START_NS) / SECOND_NS) for each in heard.messages] == expected
    assert [each["seq"] for each in heard.messages] == list(range(len(expected)))
    assert not heard.at_s or heard.at_s[0] == 0.0


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (("frame",), ["frame.north", "frame.north2"]),
        (("frame.",), ["frame.north", "frame.north2"]),
        (("frame.north",), ["frame.north"]),
        (("truth", "frame.north2"), ["frame.north2", "truth"]),
        (("frame.nor",), []),
        (("tracks",), []),
    ],
)
def test_topics_are_chosen_by_their_parts(topics: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:
    messages = [frame(0, 0.0), frame(1, 0.0, "north2"), message("truth", 0, 0.0), message("tracks", 0, 0.0)]
    heard = played(recording(tmp_path / "x.jsonl", messages), Playback(topics=TopicSelection(topics)))
    assert heard.topics == expected


def test_a_stop_is_noticed_during_a_long_wait(tmp_path: Path) -> None:
    path = recording(tmp_path / "x.jsonl", [frame(0, 0.0), frame(1, 3600.0)])
    clock = ManualClock()
    heard = Heard(clock)
    result = play(path, heard, Playback(), clock, lambda: clock.monotonic_ns() > 2 * SECOND_NS)
    assert (result.messages, len(heard.messages)) == (1, 1)
    assert clock.monotonic_ns() < 3 * SECOND_NS


def test_what_cannot_be_decoded_is_counted_and_the_rest_is_played(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with open_writer(path) as writer:
        writer.write_payload("frame.north", b"\xc1", START_NS, START_NS)
        writer.write("frame.north", frame(1, 0.0), START_NS)
    clock = ManualClock()
    result = play(path, Heard(clock), Playback(), clock)
    assert (result.messages, result.topics) == (1, {"frame.north": 1})
    assert [problem.code for problem in result.problems] == ["not-decodable"]


def test_a_loop_over_nothing_or_over_standard_input_is_refused(tmp_path: Path) -> None:
    path = recording(tmp_path / "x.jsonl", [message("status", 0, 0.0)])
    with pytest.raises(RecordingError, match="no message to play"):
        played(path, Playback(loop=True))
    with pytest.raises(RecordingError, match="loop"):
        play("-", Heard(ManualClock()), Playback(loop=True))


@pytest.mark.parametrize("wrong", [{"rate": -1.0}, {"rate": math.nan}, {"start_offset_s": -1.0}, {"duration_s": -1.0}])
def test_a_negative_selection_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="allowed is 0 or more"):
        Playback(**wrong)  # type: ignore[arg-type]


def test_a_real_service_socket_gets_every_message_as_fast_as_it_takes_them(tmp_path: Path) -> None:
    count = 2000
    path = recording(tmp_path / "x.mcap", [frame(seq, 0.01 * seq) for seq in range(count)])
    found: list[list[bytes]] = []
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.setsockopt(zmq.RCVHWM, 10)
        port = pull.bind_to_random_port("tcp://127.0.0.1")

        def take() -> None:
            while len(found) < count and pull.poll(10_000):
                found.append(pull.recv_multipart())

        thread = threading.Thread(target=take)
        thread.start()
        pusher = Pusher(f"tcp://127.0.0.1:{port}")
        result = play(path, pusher, Playback(rate=0.0))
        thread.join(20.0)
        pusher.close()
    assert result.messages == count
    assert [decode(parts[1])["seq"] for parts in found] == list(range(count))
    assert {parts[0] for parts in found} == {b"frame.north"}


def test_nobody_listening_is_said_with_the_address(tmp_path: Path) -> None:
    path = recording(tmp_path / "x.jsonl", [frame(0, 0.0)])
    pusher = Pusher("ipc:///tmp/skypicket-nobody-listens-here", timeout_s=0.05)
    with pytest.raises(
        SendTimeout, match=r"nobody took messages at ipc:///tmp/skypicket-nobody.* is the service running"
    ):
        play(path, pusher, Playback())
    pusher.close()


def test_the_state_with_which_a_recording_begins_goes_out_at_once_and_moves_no_time(tmp_path: Path) -> None:
    with open_writer(tmp_path / "x.mcap") as writer:
        for at_s in (-600.0, 50.0):
            writer.write("zones", message("zones", 4, at_s), START_NS, opening=True)
        for seq, at_s in enumerate((0.0, 1.0, 2.0)):
            writer.write("frame.north", frame(seq, at_s), START_NS)
    heard = played(tmp_path / "x.mcap", Playback(kinds=None))
    assert heard.topics == ["zones", "zones", "frame.north", "frame.north", "frame.north"]
    assert heard.at_s == pytest.approx([0.0, 0.0, 0.0, 1.0, 2.0], abs=1e-6)
    heard = played(tmp_path / "x.mcap", Playback(kinds=None, start_offset_s=1.5))
    assert heard.topics == ["frame.north"]
