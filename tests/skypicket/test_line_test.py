"""The line's own test: over real sockets, through a relay that can lose or change what it carries."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from jsonschema import Draft202012Validator

from adapters import schemas
from adapters.clock import ManualClock
from adapters.journal import Journal
from adapters.line import sockets
from adapters.line.publish import Publisher
from adapters.wire import Message, Sender, encode, read_alert, unpack
from fusion.types import Place
from skypicket.serving.line_test import ZONE, LineTest, free_name, reachable
from skypicket.serving.logbook import Logbook
from skypicket.serving.outbox import Outbox

TIME_NS = 1_777_885_200_000_000_000
DAY_S = 86_400.0
FREE = "tcp://127.0.0.1:*"
Change = Callable[[list[bytes]], list[bytes] | None]


class Relay:
    """What may stand between a publisher and its subscribers: carries on each message, as `change` leaves it."""

    def __init__(self, address: str) -> None:
        self.change: Change = lambda parts: parts
        self.socket = sockets.open_socket("SUB", queue=1000, largest=2**20)
        self.socket.subscribe("")
        sockets.connect(self.socket, address)
        self.out = sockets.open_socket("XPUB", queue=1000, largest=2**20)
        self.address = sockets.bind(self.out, FREE)

    def turn(self) -> None:
        while sockets.receive(self.out) is not None:
            pass
        while (parts := sockets.receive(self.socket)) is not None:
            changed = self.change(parts)
            if changed is not None:
                sockets.send(self.out, changed)

    def close(self) -> None:
        self.socket.close()
        self.out.close()


class Line:
    """A journal, a publisher, a relay and the test of them; nothing runs by itself."""

    def __init__(self, folder: Path, every_s: float = DAY_S) -> None:
        self.clock = ManualClock(TIME_NS)
        self.journal = Journal(folder / "alerts.sqlite")
        self.publisher = Publisher(FREE, Sender("site"))
        self.outbox = Outbox(self.publisher, Logbook(self.journal, self.clock))
        self.relay = Relay(self.publisher.address)
        place = Place(47.0, 19.0, 0.0)
        self.test = LineTest(self.relay.address, self.outbox.send_test, self.clock, every_s, place)

    def until(self, reached: Callable[[], bool], tick_s: float = 0.01) -> None:
        """Let it work, with a heartbeat each turn, until something is so."""
        for _ in range(1000):
            self.publisher.publish("status", {"type": "status", "time_ns": TIME_NS})
            sockets.wait((self.relay, self.test), 0.005)
            self.relay.turn()
            self.test.turn(self.clock.time_ns())
            if reached():
                return
            self.clock.advance(tick_s)
        raise AssertionError("never reached")

    def steps(self) -> list[Message]:
        return self.journal.since(0, 1000)

    def close(self) -> None:
        self.test.close()
        self.relay.close()
        self.publisher.close()
        self.journal.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    opened = Line(tmp_path)
    yield opened
    opened.close()


def test_a_test_is_raised_and_cleared_at_once_and_comes_back(line):
    line.until(lambda: line.test.returned_ns is not None)
    assert line.test.works
    assert line.test.returned_ns == line.clock.time_ns()
    steps = line.steps()
    assert [(step["number"], step["step"], step["state"]) for step in steps] == [(1, 1, "raised"), (2, 2, "cleared")]
    assert len({step["alert"] for step in steps}) == 1
    assert all(step["test"] and step["zone"] == ZONE and step["probability"] == 0.0 for step in steps)
    assert all("nothing to do" in step["reason"] for step in steps)
    assert line.outbox.open == {}
    assert line.journal.open_alerts() == []


def test_what_goes_out_is_an_alert_as_every_other(line):
    sent: list[Message] = []

    def watch(parts: list[bytes]) -> list[bytes]:
        if parts[0].startswith(b"alert"):
            sent.append(unpack(parts[1]))
            assert parts[0].decode() == f"alert.{ZONE}.predicted"
            assert line.journal.last >= sent[-1]["number"]
        return parts

    line.relay.change = watch
    line.until(lambda: line.test.returned_ns is not None)
    assert len(sent) == 2
    for message in sent:
        read_alert(message)
        Draft202012Validator(schemas.load("alert")).validate(json.loads(encode(message, json=True)))


def test_it_goes_on_each_day_of_the_clock(line):
    line.until(lambda: line.test.returned_ns is not None)
    line.clock.advance(DAY_S - 10.0)
    line.until(lambda: line.clock.monotonic_ns() > (DAY_S - 1.0) * 1e9, tick_s=0.5)
    assert len(line.steps()) == 2
    line.until(lambda: len(line.steps()) == 4 and line.test.returned_ns > TIME_NS + DAY_S * 1e9)


def test_without_an_interval_there_is_none(tmp_path):
    line = Line(tmp_path, every_s=0.0)
    line.clock.advance(1e6)
    for _ in range(100):
        line.publisher.publish("status", {"type": "status", "time_ns": TIME_NS})
        line.relay.turn()
        line.test.turn(TIME_NS)
    assert line.test.works
    assert line.steps() == []
    line.close()


def lose_alerts(parts: list[bytes]) -> list[bytes] | None:
    return None if parts[0].startswith(b"alert") else parts


def lose_the_clearing(parts: list[bytes]) -> list[bytes] | None:
    return None if b"cleared" in parts[1] else parts


def lose_all(parts: list[bytes]) -> None:
    return None


def cut(parts: list[bytes]) -> list[bytes]:
    return parts if parts[0] == b"status" else [parts[0], parts[1][:-1]]


def change_the_level(parts: list[bytes]) -> list[bytes]:
    return [parts[0], parts[1].replace(b"predicted", b"infringes")]


def change_the_place(parts: list[bytes]) -> list[bytes]:
    if parts[0] == b"status":
        return parts
    message = unpack(parts[1])
    return [parts[0], encode({**message, "position": {**message["position"], "lat_deg": 48.0}})]


def change_the_topic(parts: list[bytes]) -> list[bytes]:
    return [parts[0].replace(b"predicted", b"imminent"), parts[1]]


def say_twice(parts: list[bytes]) -> list[bytes]:
    return [*parts, b"more"] if parts[0] != b"status" else parts


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lose_alerts, "did not return"),
        (lose_the_clearing, "did not return"),
        (lose_all, "nothing is heard at"),
        (cut, "unreadable"),
        (change_the_level, "level is 'infringes'"),
        (change_the_place, "changed: position"),
        (change_the_topic, "changed: topic"),
        (say_twice, "unreadable"),
    ],
)
def test_a_fault_of_the_line_is_told_and_its_end_too(line, caplog, fault, words):
    """Whatever the fault, no test alert stays open in the journal."""
    line.relay.change = fault
    line.until(lambda: not line.test.works, tick_s=0.05)
    assert "the alert line does not work" in caplog.text
    assert words in caplog.text
    assert line.test.returned_ns is None
    assert line.journal.open_alerts() == []
    failed_ns = line.clock.time_ns()
    line.relay.change = lambda parts: parts
    with caplog.at_level(logging.WARNING):
        line.until(lambda: line.test.works, tick_s=1.0)
    assert 59e9 < line.clock.time_ns() - failed_ns < 120e9
    assert "the alert line works again" in caplog.text
    assert line.journal.open_alerts() == []


def test_what_was_waiting_is_read_before_anything_is_called_lost(line):
    """The loop was at work for ten seconds while the message lay in the socket: the line is well."""
    line.until(lambda: len(line.steps()) == 1)
    line.relay.change = lambda parts: parts if parts[0].startswith(b"alert.") else None
    while not (parts := sockets.receive(line.test.socket)) or not parts[0].startswith(b"alert."):
        line.relay.turn()  # heartbeats that were still on their way are let go
    line.publisher.forward(parts[0].decode(), parts[1])
    while not line.test.socket.poll(100, zmq.POLLIN):
        line.relay.turn()
    line.clock.advance(10.0)
    line.test.turn(TIME_NS)
    assert line.test.works
    assert len(line.steps()) == 2


def test_a_zone_of_the_site_keeps_its_name():
    assert free_name(["a", "b"]) == ZONE
    assert free_name([ZONE, f"{ZONE}-2"]) == f"{ZONE}-3"


@pytest.mark.parametrize(
    ("bound", "connected"),
    [
        ("tcp://0.0.0.0:5802", "tcp://127.0.0.1:5802"),
        ("tcp://[::]:5802", "tcp://[::1]:5802"),
        ("tcp://10.0.0.1:5802", "tcp://10.0.0.1:5802"),
        ("ipc:///tmp/x", "ipc:///tmp/x"),
    ],
)
def test_what_is_bound_on_every_interface_is_reached_on_this_machine(bound, connected):
    assert reachable(bound) == connected
