"""A player with hands on it: pause, step, burst, rate, seek, by its methods and by its request socket."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters import schemas
from adapters.clock import ManualClock
from adapters.line.player_requests import PLAYER_PARAMETERS
from adapters.wire import decode, encode, unpack
from fusion.errors import RecordingError
from fusion.types import SECOND_NS
from replay.playing.control import open_requests
from replay.playing.playback import Playback
from replay.playing.player import Player
from replay.recordings.files import open_writer

START_NS = 1_700_000_000 * SECOND_NS
COUNT = 100  # messages, one a second


def frame(seq: int, at_s: float, epoch: str = "first") -> dict[str, Any]:
    message = {"v": 1, "type": "frame", "source": "sim", "seq": seq, "epoch": epoch, "sensor": "north"}
    return {**message, "time_ns": START_NS + round(at_s * SECOND_NS), "columns": {}}


@pytest.fixture(params=["mcap", "jsonl"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    found = tmp_path / f"x.{request.param}"
    with open_writer(found) as writer:
        for seq in range(COUNT):
            writer.write("frame.north", frame(seq + 1000, seq), START_NS)
            if request.param == "mcap" and seq % 10 == 9:
                writer.flush()
    return found


class Hands:
    """Plays with a clock that waiting moves. plan: the clock's seconds -> what is done to the player then."""

    def __init__(self, path: Path, plan: dict[float, Callable[[Player], object]], **playback: Any) -> None:
        self.clock = ManualClock()
        self.plan = plan
        self.at_s: list[float] = []
        self.messages: list[dict[str, Any]] = []
        self.until_s = math.inf
        self.player = Player(path, self, Playback(**playback), self.clock, self.idle, run="test")

    def push(self, topic: str, payload: bytes) -> None:
        self.at_s.append(self.now_s)
        self.messages.append(decode(payload))

    @property
    def now_s(self) -> float:
        return self.clock.monotonic_ns() / SECOND_NS

    def idle(self, seconds: float) -> None:
        due = [at for at in self.plan if at <= self.now_s + 1e-9]
        for at in sorted(due):
            self.plan.pop(at)(self.player)
        if not due:
            ahead = [at - self.now_s for at in self.plan]
            self.clock.advance(min([seconds, *ahead]))

    def play(self, until_s: float = math.inf) -> Hands:
        self.player.play(lambda: self.now_s >= until_s)
        assert until_s < math.inf or self.plan == {}
        return self

    @property
    def event_s(self) -> list[float]:
        return [(message["time_ns"] - START_NS) / SECOND_NS for message in self.messages]

    @property
    def epochs(self) -> list[str]:
        return list(dict.fromkeys(message["epoch"] for message in self.messages))


def pause(player: Player) -> None:
    player.paused = True


def resume(player: Player) -> None:
    player.paused = False


def rate(value: float) -> Callable[[Player], None]:
    return lambda player: setattr(player, "rate", value)


def seek(at_s: float) -> Callable[[Player], None]:
    return lambda player: player.seek(START_NS + round(at_s * SECOND_NS))


def test_a_pause_delays_what_follows_by_its_length(path: Path) -> None:
    hands = Hands(path, {2.5: pause, 10.0: resume}).play(until_s=15.4)
    assert hands.at_s == pytest.approx([0, 1, 2, 10.5, 11.5, 12.5, 13.5, 14.5], abs=1e-6)
    assert hands.event_s == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_change_of_rate_counts_from_where_it_is(path: Path) -> None:
    hands = Hands(path, {2.5: rate(5.0), 4.5: rate(1.0)}).play(until_s=6.2)
    # at 2.5 s of the clock the position is 2.5; at 4.5 s it is 12.5
    assert hands.event_s == list(range(15))
    expected = [0, 1, 2, *(2.5 + (at - 2.5) / 5 for at in range(3, 13)), 5.0, 6.0]
    assert hands.at_s == pytest.approx(expected, abs=1e-6)


def test_steps_and_bursts_come_at_once_and_the_pace_goes_on_from_there(path: Path) -> None:
    plan: dict[float, Callable[[Player], object]] = {
        1.5: pause,
        2.0: lambda player: player.burst(1),
        3.0: lambda player: player.burst(4),
        5.0: resume,
    }
    hands = Hands(path, plan).play(until_s=7.5)
    assert hands.event_s == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert hands.at_s == pytest.approx([0, 1, 2, 3, 3, 3, 3, 6, 7], abs=1e-6)
    assert len(hands.epochs) == 1


def test_a_player_that_starts_paused_sends_nothing_until_it_is_let(path: Path) -> None:
    hands = Hands(path, {5.0: resume}, start_paused=True).play(until_s=7.5)
    assert hands.at_s == pytest.approx([5, 6, 7], abs=1e-6)


@pytest.mark.parametrize("to_s", [40.0, 1.0])
def test_a_seek_goes_on_from_the_time_as_a_new_run_whose_seq_starts_over(path: Path, to_s: float) -> None:
    hands = Hands(path, {5.5: seek(to_s)}).play(until_s=8.7)
    after = hands.messages[6:]
    assert hands.event_s == [0, 1, 2, 3, 4, 5, to_s, to_s + 1, to_s + 2, to_s + 3]
    assert hands.at_s[6:] == pytest.approx([5.5, 6.5, 7.5, 8.5], abs=1e-6)
    assert [message["seq"] for message in after] == [0, 1, 2, 3]
    assert len(hands.epochs) == 2
    assert {message["epoch"] for message in after} == {hands.epochs[1]}


def test_a_seek_between_two_messages_waits_for_the_next(path: Path) -> None:
    hands = Hands(path, {2.5: seek(49.25)}).play(until_s=4.5)
    assert hands.event_s == [0, 1, 2, 50, 51]
    assert hands.at_s == pytest.approx([0, 1, 2, 3.25, 4.25], abs=1e-6)


def test_a_paused_seek_shows_its_place_and_stays(path: Path) -> None:
    found = []
    plan: dict[float, Callable[[Player], object]] = {
        1.5: pause,
        2.0: seek(30.0),
        3.0: lambda player: found.append(player.state()),
        4.0: lambda player: player.burst(1),
        5.0: lambda player: found.append(player.state()),
    }
    hands = Hands(path, plan).play(until_s=6.0)
    assert hands.event_s == [0, 1, 30]
    assert [(state.state, state.time_ns) for state in found] == [("paused", START_NS + 30 * SECOND_NS)] * 2
    assert (found[1].stretches, found[1].sent) == (2, 3)
    assert (found[1].start_ns, found[1].end_ns) == (START_NS, START_NS + (COUNT - 1) * SECOND_NS)


def test_a_seek_outside_of_what_is_played_is_refused_and_changes_nothing(path: Path) -> None:
    def refused(at_s: float) -> Callable[[Player], None]:
        def attempt(player: Player) -> None:
            with pytest.raises(RecordingError, match=r"allowed is 0 to 80"):
                seek(at_s)(player)

        return attempt

    hands = Hands(path, {1.5: refused(-1.0), 2.5: refused(95.0)}, duration_s=80.0).play(until_s=4.5)
    assert hands.event_s == [0, 1, 2, 3, 4]
    assert len(hands.epochs) == 1


def test_each_pass_and_seek_is_a_new_epoch_and_a_pass_begins_at_its_start(path: Path) -> None:
    hands = Hands(path, {2.5: seek(97.0)}, loop=True, start_offset_s=90.0).play(until_s=7.6)
    assert hands.event_s == [90, 91, 92, 97, 98, 99, 90, 91, 92, 93]
    assert len(hands.epochs) == 3
    assert [message["seq"] for message in hands.messages] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 3]


def test_a_delay_comes_before_each_pass(path: Path) -> None:
    hands = Hands(path, {}, loop=True, duration_s=1.0, delay_s=2.0).play(until_s=6.5)
    assert hands.at_s == pytest.approx([2, 3, 5, 6], abs=1e-6)


def test_an_end_in_event_time_and_one_in_length_the_earlier_counts(path: Path) -> None:
    ends = {"until_ns": START_NS + 4 * SECOND_NS}
    assert Hands(path, {}, duration_s=50.0, **ends).play().event_s == [0, 1, 2, 3, 4]
    assert Hands(path, {}, duration_s=2.0, **ends).play().event_s == [0, 1, 2]


def test_a_recorded_run_that_began_anew_goes_on_at_the_pace(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with open_writer(path) as writer:
        for message in [
            frame(0, 60),
            frame(1, 61),
            frame(0, 0, "second"),
            frame(1, 1, "second"),
            frame(2, 2, "second"),
        ]:
            writer.write("frame.north", message, START_NS)
    hands = Hands(path, {}).play()
    assert hands.at_s == pytest.approx([0, 1, 1, 2, 3], abs=1e-6)


def test_a_process_that_was_stopped_does_not_catch_up(path: Path) -> None:
    def stopped(player: Player) -> None:
        hands.clock.advance(60.0)

    hands = Hands(path, {2.5: stopped})
    hands.play(until_s=64.6)
    assert hands.at_s == pytest.approx([0, 1, 2, 63, 64], abs=0.11)


class Stopping(ManualClock):
    """Stops for a minute in the last part of a wait, which is slept: before the third message."""

    left = 3

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.left -= 1
        if self.left == 0:
            self.advance(60.0)


def test_nor_does_one_that_was_stopped_in_the_last_milliseconds_of_a_wait(path: Path) -> None:
    hands = Hands(path, {})
    hands.clock = Stopping()
    hands.player = Player(path, hands, Playback(), hands.clock, hands.idle)
    hands.play(until_s=64.6)
    assert hands.at_s == pytest.approx([0, 1, 2, 63, 64], abs=0.11)
    assert hands.player.played.errors.quantile_s(1.0) < 0.01


def test_nor_one_that_was_stopped_between_two_waits(path: Path) -> None:
    hands = Hands(path, {})

    def stopped(player: Player) -> None:
        if player.played.messages == 3:
            hands.clock.advance(60.0)

    hands.player.play(lambda: hands.now_s >= 64.6, stopped)
    assert hands.at_s == pytest.approx([0, 1, 2, 63, 64], abs=0.11)


def test_a_pause_right_after_a_stop_counts_from_where_it_was(path: Path) -> None:
    def stopped(player: Player) -> None:
        hands.clock.advance(60.0)
        pause(player)

    hands = Hands(path, {2.5: stopped, 70.0: resume})
    hands.play(until_s=72.6)
    assert hands.at_s == pytest.approx([0, 1, 2, 70.5, 71.5, 72.5], abs=0.11)


def test_what_a_slow_service_held_up_is_made_up_for(path: Path) -> None:
    class Slow(Hands):
        def push(self, topic: str, payload: bytes) -> None:
            super().push(topic, payload)
            if len(self.messages) == 3:
                self.clock.advance(5.5)

    hands = Slow(path, {}).play(until_s=9.4)
    assert hands.at_s == pytest.approx([0, 1, 2, 7.5, 7.5, 7.5, 7.5, 7.5, 8, 9], abs=1e-6)


def test_standard_input_is_not_sought_in() -> None:
    with pytest.raises(RecordingError, match=r"standard input: cannot be sought in.*allowed is a file"):
        Player("-", Hands.__new__(Hands), Playback()).seek(START_NS)


def test_a_queue_of_one_message_gives_the_same(path: Path) -> None:
    one, many = (Hands(path, {}, rate=10.0, read_ahead=size).play() for size in (1, 1000))
    assert one.messages == many.messages
    assert one.at_s == pytest.approx(many.at_s, abs=1e-6)


ASKED: list[tuple[dict[str, Any], str]] = [
    ({"request": "position"}, "playing"),
    ({"request": "pause"}, "paused"),
    ({"request": "step"}, "paused"),
    ({"request": "burst", "messages": 3}, "paused"),
    ({"request": "rate", "rate": 4}, "paused"),
    ({"request": "seek", "offset_s": 20.5}, "waiting"),
    ({"request": "resume"}, "waiting"),
    ({"request": "seek", "time_ns": START_NS + 30 * SECOND_NS}, "waiting"),
]
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"request": "step"}, "state", "allowed is step while it is paused"),
    ({"request": "seek"}, "parameter", "exactly one of time_ns and offset_s"),
    ({"request": "seek", "offset_s": 1.0, "time_ns": START_NS}, "parameter", "exactly one"),
    ({"request": "seek", "offset_s": -1.0}, "parameter", "allowed is a number of seconds from 0"),
    ({"request": "seek", "offset_s": 1000.0}, "refused", "allowed is 0 to 99.000"),
    ({"request": "rate", "rate": 1001}, "parameter", "allowed is a number from 0 to 1000"),
    ({"request": "rate"}, "parameter", "rate is missing"),
    ({"request": "burst", "messages": 0}, "parameter", "allowed is an integer from 1"),
    ({"request": "health"}, "request", "allowed is pause, resume, position"),
]


def test_requests_are_answered_with_the_state_or_refused_in_words_as_their_schemas_say(path: Path) -> None:
    answers: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def ask_all(player: Player) -> None:
        server = open_requests("tcp://127.0.0.1:*", player)
        try:
            for message, *_ in [*ASKED, *REFUSED]:
                answers.append((message, unpack(server.answer(encode({"v": 1, **message}, json=True)))))
        finally:
            server.close()

    Hands(path, {1.5: ask_all}).play(until_s=2.0)
    for (message, answer), (_, state) in zip(answers, ASKED, strict=False):
        jsonschema.validate({"v": 1, **message}, schemas.load(f"request-{message['request']}"))
        jsonschema.validate(answer["result"], schemas.load("position"))
        assert answer["result"]["state"] in (state, "paused")
    assert [answer["result"]["sent"] for _, answer in answers[:4]] == [2, 2, 3, 6]
    assert answers[4][1]["result"]["rate"] == 4.0
    assert answers[5][1]["result"]["offset_s"] == 20.5
    assert answers[7][1]["result"]["time_ns"] == START_NS + 30 * SECOND_NS
    assert [answer["result"]["stretch"] for _, answer in answers[:8]] == [1, 1, 1, 1, 1, 2, 2, 3]
    for (_, answer), (_, code, words) in zip(answers[len(ASKED) :], REFUSED, strict=True):
        jsonschema.validate(answer, schemas.load("answer"))
        assert answer["error"]["code"] == code
        assert words in answer["error"]["message"]


@pytest.mark.parametrize("name", PLAYER_PARAMETERS)
def test_a_schema_has_the_parameters_that_are_checked(name: str) -> None:
    assert set(schemas.load(f"request-{name}")["properties"]) == {"v", "request", *PLAYER_PARAMETERS[name]}
