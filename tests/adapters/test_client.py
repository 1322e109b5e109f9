"""The client before a real service: real sockets, a real journal, messages really lost."""

from __future__ import annotations

import gc
import logging
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from adapters import client as client_module
from adapters.client import (
    Alerts,
    Forgotten,
    Gap,
    LineSilent,
    Listener,
    NoAnswer,
    Notice,
    RequestRefused,
    Restart,
    Restored,
    Silent,
    Unanswered,
    Unreadable,
    corridor,
    request,
    requests_address,
    subscribe,
    tracks,
)
from adapters.journal import Journal
from adapters.line import sockets
from adapters.line.publish import Publisher
from adapters.line.requests import RequestServer, snapshot_result
from adapters.wire import Message, Sender, alert_message, alert_topics, encode, tracks_message
from fusion.errors import ConfigError
from fusion.types import AlertStep, Picture, Place

TIME_NS = 1_760_000_000_000_000_000
BEAT_S = 0.02
T = TypeVar("T")


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """Nothing here may wait for ever."""

    def expired(*_: object) -> None:
        raise TimeoutError("the test waited too long")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def picture(second: int) -> Picture:
    one = np.array([47.5])
    return Picture(
        time_ns=TIME_NS + second * 10**9,
        id=np.array([second]),
        status=("confirmed",),
        existence=np.array([0.9]),
        **dict.fromkeys(("lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps"), one),
        covariance=np.ones((1, 21)),
        mode=("cruise",),
        mode_probability=np.array([0.8]),
        updated_ns=np.array([TIME_NS]),
        created_ns=np.array([TIME_NS]),
        hits=np.array([5]),
        sensors=(("north",),),
        identity=(None,),
        diverted_ns=(None,),
        reason=(None,),
    )


class Service:
    """A service reduced to its line: what it is told to publish, it journals, stamps and publishes. One thread."""

    def __init__(self, folder: Path) -> None:
        self.beating = True
        self._beat_at = 0.0
        self._orders: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._steps: dict[str, AlertStep] = {}
        self._picture = tracks_message(picture(0))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.do(lambda: self._open("tcp://127.0.0.1:*", "tcp://127.0.0.1:*", folder / "alerts.sqlite"))

    # Called from the test.

    def do(self, order: Callable[[], T]) -> T:
        """Run `order` in the service's thread."""
        done: Future[T] = Future()
        self._orders.put((order, done))
        return done.result(20)

    def step(self, alert: str, level: str = "predicted", lose: bool = False, **changes: Any) -> int:
        """Publish the next step of an alert; returns its number. lose: the line swallows it."""
        return self.do(lambda: self._step(alert, level, lose, **changes))

    def track(self, second: int, lose: bool = False) -> None:
        self.do(lambda: self._track(second, lose))

    def restart(self, journal: Path | None = None) -> None:
        """Go down and come back at the same addresses, with the same journal or another."""
        self.do(lambda: self._restart(journal))

    def close(self) -> None:
        self._orders.put(None)
        self._thread.join(20)

    # In its thread.

    def _open(self, publish: str, requests: str, journal: Path) -> None:
        self.publisher = at_last(lambda: Publisher(publish, Sender("site")))
        handlers: dict[str, Callable[..., object]] = {
            "snapshot": self._snapshot,
            "alerts": self._since,
            "ack": refuse,
            "corridor": corridor_of,
        }
        self.server = at_last(lambda: RequestServer(requests, handlers))
        self.journal = Journal(journal)

    def _run(self) -> None:
        order = self._orders.get()
        while order is not None:
            call, done = order
            try:
                done.set_result(call())
            except Exception as error:
                done.set_exception(error)
            order = self._next_order()
        self._shut()

    def _next_order(self) -> tuple[Callable[[], Any], Future[Any]] | None:
        """Serve, and beat, until there is something to do."""
        while True:
            sockets.wait([self.server], 0.001)
            self.server.serve()
            if self.beating and time.monotonic() >= self._beat_at:
                self._beat_at = time.monotonic() + BEAT_S
                self.beat()
            with suppress(queue.Empty):
                return self._orders.get_nowait()

    def _shut(self) -> None:
        self.server.close()
        self.publisher.close()
        self.journal.close()

    def _restart(self, journal: Path | None) -> None:
        addresses = self.publisher.address, self.server.address
        file = journal or self.journal.file
        self._shut()
        self._open(*addresses, file)

    def beat(self) -> None:
        body = {"type": "status", "time_ns": TIME_NS, "last": dict(self.publisher.sender.last)}
        self.publisher.publish("status", body)

    def _step(self, alert: str, level: str, lose: bool, **changes: Any) -> int:
        last = self._steps.get(alert)
        step = AlertStep(
            time_ns=TIME_NS,
            alert=alert,
            step=last.step + 1 if last else 1,
            zone=changes.get("zone", "airport"),
            track=7,
            tracks=(7,),
            level=level,
            previous_level=last.level if last and last.level != level else None,
            state=changes.get("state", "updated" if last else "raised"),
            acknowledged=None,
            probability=0.7,
            time_to_entry_s=None,
            entry=None,
            closest_distance_m=10.0,
            closest_time_s=20.0,
            track_status="confirmed",
            suppressed_until_ns=None,
            position=Place(47.5, 19.0, 300.0),
            velocity_mps=(1.0, 2.0, 3.0),
            sensors=("north",),
            reason="p = 0.7",
            test=changes.get("test", False),
        )
        self._steps[alert] = step
        (number,) = self.journal.append([step])
        for topic in alert_topics(step):
            self._send(topic, alert_message(step, number), lose)
        return number

    def _track(self, second: int, lose: bool) -> None:
        self._picture = tracks_message(picture(second))
        self._send("tracks", self._picture, lose)

    def _send(self, topic: str, body: Message, lose: bool) -> None:
        if lose:
            self.publisher.sender.stamp(topic, body)
        else:
            self.publisher.publish(topic, body)

    def _since(self, since: int, limit: int) -> list[Message]:
        return self.journal.since(since, limit)

    def _snapshot(self) -> Message:
        return snapshot_result(
            self.publisher.sender,
            number=self.journal.last,
            tracks=self._picture,
            zones={},
            alerts=self.journal.open_alerts(),
            status={},
        )


def at_last(bind: Callable[[], T]) -> T:
    """An address is free again a moment after its socket was closed."""
    deadline = time.monotonic() + 10.0
    while True:
        try:
            return bind()
        except ConfigError:
            assert time.monotonic() < deadline


def refuse(**_: object) -> None:
    raise RequestRefused("unknown", "no such alert; allowed is one that is open")


def corridor_of(track: int, lookahead_s: float, step_s: float | None) -> object:
    """Of track 7 alone; of track 8 the answer is none."""
    if track not in (7, 8):
        raise RequestRefused("unknown", "no such track")
    return {"track": track, "lookahead_s": lookahead_s, "step_s": step_s, "slices": [] if track == 7 else None}


class Ear:
    """A subscription with what it was told beside."""

    def __init__(self, service: Service, **options: Any) -> None:
        self.notices: list[Notice] = []
        options.setdefault("report", self.notices.append)
        self.alerts: Alerts = subscribe(
            service.publisher.address,
            requests=service.server.address,
            **options,
        )

    def numbers(self, count: int) -> list[int]:
        return [next(self.alerts)["number"] for _ in range(count)]

    def settle(self, service: Service) -> None:
        """Be sure to have joined, and to have heard a status since: from here on a loss is a loss."""
        for _ in range(2):
            mark = service.step("mark", zone="mark")
            while next(self.alerts)["number"] != mark:
                pass
            service.do(service.beat)

    def of(self, kind: type[T]) -> list[T]:
        return [notice for notice in self.notices if isinstance(notice, kind)]


@contextmanager
def busy(service: Service) -> Iterator[None]:
    """Steps of several alerts meanwhile, as fast as they go."""
    stop = threading.Event()

    def publish() -> None:
        chance = random.Random(1)
        while not stop.is_set():
            state = "cleared" if chance.random() < 0.2 else "updated"
            service.step(f"A{chance.randrange(5)}", chance.choice(["predicted", "imminent"]), state=state)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = Service(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def listen(service: Service) -> Iterator[Callable[..., Ear]]:
    ears: list[Ear] = []

    def to_service(**options: Any) -> Ear:
        ears.append(Ear(service, **options))
        return ears[-1]

    yield to_service
    for ear in ears:
        ear.alerts.close()


# Joining


def test_who_joins_late_knows_every_open_alert_and_then_what_comes(
    service: Service, listen: Callable[..., Ear]
) -> None:
    service.step("A")
    service.step("B")
    service.step("A", "imminent")
    service.step("B", state="cleared")
    service.step("C")
    ear = listen()
    assert ear.numbers(2) == [3, 5]
    service.step("A", "infringing")
    service.step("D")
    assert ear.numbers(2) == [6, 7]


def test_nothing_is_lost_or_doubled_whenever_one_joins(service: Service, listen: Callable[..., Ear]) -> None:
    heard = []
    with busy(service):
        for _ in range(8):
            ear = listen()
            heard.append((ear, [next(ear.alerts) for _ in range(60)]))
    journal = service.do(lambda: service.journal.since(0, 100_000))
    for ear, alerts in heard:
        numbers = [alert["number"] for alert in alerts]
        assert len(set(numbers)) == len(numbers)
        assert any(
            set(numbers) == {*open_after(journal, joined), *range(joined + 1, max(numbers) + 1)}
            for joined in range(max(numbers))
        )
        assert not any(isinstance(notice, Unanswered | Unreadable | Forgotten) for notice in ear.notices)


def open_after(journal: list[Message], number: int) -> set[int]:
    """The numbers of the last steps of the alerts that are open after step `number`."""
    last = {step["alert"]: step for step in journal[:number]}
    return {step["number"] for step in last.values() if step["state"] != "cleared"}


# Filters


def test_a_zone_is_not_mistaken_for_one_whose_name_begins_alike(service: Service, listen: Callable[..., Ear]) -> None:
    service.step("A", zone="north")
    service.step("B", zone="north2")
    ear = listen(zone="north")
    assert ear.numbers(1) == [1]
    service.step("C", zone="north2")
    service.step("D", zone="north")
    assert ear.numbers(1) == [4]


def test_a_change_of_level_is_given_once_and_to_those_whom_it_concerns(
    service: Service, listen: Callable[..., Ear]
) -> None:
    everybody, imminent, predicted = listen(), listen(level="imminent"), listen(zone="airport", level="predicted")
    service.step("A", "predicted")
    service.step("B", "imminent")
    assert [everybody.numbers(2), imminent.numbers(1), predicted.numbers(1)] == [[1, 2], [2], [1]]
    service.step("A", "imminent")
    service.step("A", "infringing")
    service.step("A", "infringing")
    service.step("B", "imminent")
    service.step("C", "predicted")
    assert everybody.numbers(5) == [3, 4, 5, 6, 7]
    assert imminent.numbers(3) == [3, 4, 6]
    assert predicted.numbers(2) == [3, 7]


def test_the_lines_own_tests_are_given_to_those_who_ask_for_them(service: Service, listen: Callable[..., Ear]) -> None:
    """Live, and where they are fetched after a loss; they are open for nobody, so none is ever missed as open."""
    ears = plain, asking, zoned = listen(), listen(tests=True), listen(tests=True, zone="line-test")
    for ear in (plain, asking):
        ear.settle(service)
    assert zoned.alerts.wait(2 * BEAT_S) is None  # it has joined
    service.step("T", zone="line-test", test=True)
    service.step("T", zone="line-test", test=True, state="cleared", lose=True)
    service.step("A")
    service.restart()
    service.step("U", zone="line-test", test=True)
    last = [service.step("Z", zone=zone) for zone in ("airport", "line-test")]
    told: list[list[str]] = []
    for ear in ears:
        heard: dict[int, str] = {}
        while not heard or max(heard) < last[1]:
            step = next(ear.alerts)
            heard[step["number"]] = step["alert"]
        told.append([heard[number] for number in sorted(heard) if heard[number] != "mark"])
    assert told == [["A", "Z", "Z"], ["T", "T", "A", "U", "Z", "Z"], ["T", "T", "U", "Z"]]
    assert not any(ear.of(Forgotten) for ear in ears)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"zone": "a.b"}, "zone is 'a.b'"),
        ({"level": "red"}, "allowed is predicted, imminent, infringing"),
        ({"silence_s": 0.0}, "silence_s is 0.0"),
        ({"since": -1}, "since is -1"),
        ({"address": "ipc://somewhere"}, "requests is None"),
        ({"address": "tcp://nowhere", "requests": "tcp://127.0.0.1:1"}, "address is 'tcp://nowhere'"),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        subscribe(**options)


# Losses


def test_lost_steps_are_fetched_in_order_when_the_next_one_shows_the_gap(
    service: Service, listen: Callable[..., Ear]
) -> None:
    ear = listen()
    ear.settle(service)
    service.beating = False
    for lose in (False, True, True, False):
        service.step("A", lose=lose)
    service.beating = True
    assert ear.numbers(4) == [3, 4, 5, 6]
    assert ear.of(Gap) == [Gap("site", "alert.airport.predicted", 2)]
    service.step("A")
    assert ear.numbers(1) == [7]


def test_a_lost_last_step_is_found_by_the_status(service: Service, listen: Callable[..., Ear]) -> None:
    ear = listen()
    ear.settle(service)
    service.step("A", lose=True)
    assert ear.numbers(1) == [3]
    assert ear.of(Gap) == [Gap("site", "alert.airport.predicted", 1)]


def test_of_very_many_lost_steps_the_newest_are_fetched_and_what_is_open(
    service: Service, listen: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_FETCHED", 10)
    monkeypatch.setattr(client_module, "PAGE", 3)
    ear = listen()
    ear.settle(service)
    service.beating = False
    service.step("A", lose=True)
    for _ in range(20):
        service.step("B", lose=True)
    service.step("B")
    service.beating = True
    assert ear.numbers(11) == [*range(15, 25), 3]
    assert ear.of(Forgotten) == [Forgotten((), 12)]


def test_after_a_restart_the_missed_steps_come_and_no_other(service: Service, listen: Callable[..., Ear]) -> None:
    service.step("A")
    ear = listen()
    ear.settle(service)
    service.step("A", "imminent", lose=True)
    service.restart()
    service.step("A", "infringing")
    assert ear.numbers(2) == [4, 5]
    assert len(ear.of(Restart)) == 1
    service.step("A", "infringing", state="cleared")
    assert ear.numbers(1) == [6]
    assert ear.of(Forgotten) == []


def test_after_a_restart_with_an_empty_journal_the_old_alerts_are_declared_gone(
    service: Service, listen: Callable[..., Ear], tmp_path: Path
) -> None:
    service.step("A")
    ear = listen()
    ear.settle(service)
    service.restart(tmp_path / "other.sqlite")
    service.step("N")
    assert [next(ear.alerts)["alert"] for _ in range(1)] == ["N"]
    assert ear.of(Forgotten) == [Forgotten(("A", "mark"))]
    assert len(ear.of(Restart)) == 1


def test_over_a_bad_line_every_step_comes_exactly_once(service: Service, listen: Callable[..., Ear]) -> None:
    chance = random.Random(3)
    ear = listen()
    ear.settle(service)
    numbers = []
    for _ in range(150):
        state = "cleared" if chance.random() < 0.1 else "updated"
        level = chance.choice(["predicted", "imminent"])
        numbers.append(service.step(f"A{chance.randrange(4)}", level, lose=chance.random() < 0.3, state=state))
        if chance.random() < 0.02:
            service.restart()
    assert sorted(ear.numbers(150)) == numbers
    assert not any(isinstance(notice, Unanswered | Forgotten) for notice in ear.notices)


def test_without_the_request_socket_alerts_still_come(service: Service, listen: Callable[..., Ear]) -> None:
    notices: list[Notice] = []
    alerts = subscribe(service.publisher.address, requests="tcp://127.0.0.1:1", silence_s=0.3, report=notices.append)
    with alerts, busy(service):
        numbers = [next(alerts)["number"] for _ in range(20)]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert isinstance(notices[0], Unanswered)


def test_junk_on_the_line_is_reported_and_skipped(service: Service, listen: Callable[..., Ear]) -> None:
    ear = listen()
    ear.settle(service)
    topic = "alert.airport.predicted"
    good = {"v": 1, "type": "alert", "source": "x", "seq": 0, "epoch": "x", "time_ns": TIME_NS}
    service.do(lambda: service.publisher.forward(topic, b"\xc1"))
    service.do(lambda: service.publisher.forward(topic, encode({"v": 1, "type": "alert"})))
    service.do(lambda: service.publisher.publish(topic, {**good, "level": "predicted"}))
    number = service.step("A")
    assert ear.numbers(1) == [number]
    assert len(ear.of(Unreadable)) == 3
    assert ear.of(Gap) == []


def test_who_was_down_goes_on_after_the_last_step_it_knows(service: Service, listen: Callable[..., Ear]) -> None:
    """What was missed comes in order, whatever has cleared since; what is open and known does not come again."""
    for alert in "AAABB":
        service.step(alert)
    service.step("C", zone="north")
    service.step("B", "imminent")
    service.step("B", "imminent", state="cleared")
    assert listen(since=3).numbers(5) == [4, 5, 6, 7, 8]
    assert listen(since=4, level="imminent").numbers(2) == [7, 8]
    zoned, known = listen(since=0, zone="north"), listen(since=8)
    assert zoned.numbers(1) == [6]
    assert known.alerts.wait(2 * BEAT_S) is None
    service.step("A")
    service.step("C", zone="north")
    assert known.numbers(2) == [9, 10]
    assert zoned.numbers(1) == [10]


def test_a_number_that_the_journal_has_not_reached_is_of_another_journal(
    service: Service, listen: Callable[..., Ear]
) -> None:
    service.step("A")
    service.step("A")
    ear = listen(since=500)
    assert ear.numbers(1) == [2]
    service.step("A")
    assert ear.numbers(1) == [3]


# Silence


def test_a_silent_line_raises_and_can_be_listened_to_again(service: Service, listen: Callable[..., Ear]) -> None:
    ear = listen(silence_s=0.15)
    ear.settle(service)
    service.beating = False
    for _ in range(2):
        with pytest.raises(LineSilent, match=r"no status for 0\.15 s; is the service running\?"):
            next(ear.alerts)
    service.beating = True
    number = service.step("A")
    assert ear.numbers(1) == [number]
    while not ear.of(Restored):
        service.step("A")
        next(ear.alerts)


def test_alerts_without_status_are_a_silent_line_too(service: Service, listen: Callable[..., Ear]) -> None:
    ear = listen(silence_s=0.15)
    ear.settle(service)
    service.beating = False

    def follow() -> None:
        while True:
            service.step("A")
            next(ear.alerts)

    with pytest.raises(LineSilent):
        follow()


def test_a_line_that_was_never_there_is_silent_too(tmp_path: Path) -> None:
    notices: list[Notice] = []
    alerts = subscribe(f"ipc://{tmp_path}/out", requests=f"ipc://{tmp_path}/ask", silence_s=0.1, report=notices.append)
    with alerts, pytest.raises(LineSilent):
        next(alerts)
    assert isinstance(notices[0], Unanswered)
    with pytest.raises(StopIteration):
        next(alerts)


def test_silence_can_be_reported_instead_once_until_the_line_is_back(
    service: Service, listen: Callable[..., Ear]
) -> None:
    ear = listen(silence_s=0.1, on_silence="report")
    ear.settle(service)
    service.beating = False

    def come_back() -> None:
        service.step("A")
        service.beating = True

    timer = threading.Timer(0.5, come_back)
    timer.start()
    assert ear.numbers(1) == [3]
    service.step("A")
    assert ear.numbers(1) == [4]
    timer.join()
    while not ear.of(Restored):
        service.step("A")
        next(ear.alerts)
    assert ear.of(Silent) == [Silent(0.1)]


def test_notices_are_logged_unless_they_are_taken(
    service: Service, listen: Callable[..., Ear], caplog: pytest.LogCaptureFixture
) -> None:
    ear = listen(report=None)
    ear.settle(service)
    with caplog.at_level(logging.WARNING):
        service.step("A", lose=True)
        next(ear.alerts)
    assert "1 lost on alert.airport.predicted from site" in caplog.text


def test_a_program_with_other_work_waits_only_so_long(service: Service, listen: Callable[..., Ear]) -> None:
    ear = listen()
    ear.settle(service)
    assert ear.alerts.wait(0.0) is None
    assert ear.alerts.wait(2 * BEAT_S) is None
    number = service.step("A")
    heard = ear.alerts.wait(10.0)
    assert heard is not None
    assert heard["number"] == number
    ear.alerts.close()
    assert ear.alerts.wait(10.0) is None


# Tracks, raw messages, requests


def test_tracks_begin_with_the_present_picture_and_go_on_live(service: Service) -> None:
    service.track(5)
    notices: list[Notice] = []
    with tracks(service.publisher.address, requests=service.server.address, report=notices.append) as pictures:
        first = next(pictures)
        assert first.time_ns == TIME_NS + 5 * 10**9
        assert first.id.tolist() == [5]
        assert first.covariance.shape == (1, 21)
        seen = 5
        for second in range(6, 12):
            service.track(second, lose=second == 8)
        while seen < 11:
            now = int(next(pictures).id[0])
            assert now >= seen
            seen = now


def test_a_listener_hears_everything_as_it_was_sent(service: Service) -> None:
    listener = Listener(service.publisher.address)
    while listener.receive(BEAT_S) is None:  # on its way
        pass
    service.do(lambda: service.publisher.forward("frame.north", b"as it came"))
    service.do(lambda: sockets.send(service.publisher.socket, [b"three", b"parts", b"here"]))
    service.step("A")
    heard = {}
    while "alert.airport.predicted" not in heard:
        received = listener.receive(10.0)
        assert received is not None
        heard[received[0]] = received[1]
    assert heard["frame.north"] == b"as it came"
    assert "three" not in heard
    listener.close()


def test_requests_give_the_result_or_raise_the_refusal(service: Service) -> None:
    address = service.server.address
    service.step("A")
    assert [step["number"] for step in request(address, {"request": "alerts"})] == [1]
    with pytest.raises(RequestRefused, match="unknown: no such alert") as caught:
        request(address, {"request": "ack", "alert": "A", "who": "Anna"})
    assert caught.value.code == "unknown"
    with pytest.raises(RequestRefused, match="allowed is snapshot, alerts, ack, corridor"):
        request(address, {"request": "nonsense"})


def test_a_corridor_is_asked_for_with_what_was_given_and_defaults_for_the_rest(service: Service) -> None:
    address = service.server.address
    assert corridor(address, 7) == {"track": 7, "lookahead_s": 180.0, "step_s": None, "slices": []}
    assert corridor(address, 7, lookahead_s=60, step_s=5.5)["step_s"] == 5.5
    with pytest.raises(RequestRefused, match="unknown: no such track"):
        corridor(address, 9)
    with pytest.raises(RequestRefused, match="parameter: lookahead_s is 0"):
        corridor(address, 7, lookahead_s=0)
    with pytest.raises(NoAnswer, match="the answer is no corridor"):
        corridor(address, 8)


def test_a_request_that_nobody_answers_ends_in_time(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match=r"no answer to 'health' in 0\.05 s"):
        request(f"ipc://{tmp_path}/none", {"request": "health"}, 0.05)


@pytest.mark.parametrize(
    "answer", [b"\xc1", b"{}", b'{"ok":1}', b'{"ok":true}', b'{"ok":false}', b'{"ok":false,"error":7}']
)
def test_an_answer_that_breaks_the_contract_is_no_answer(answer: bytes) -> None:
    server = RequestServer("tcp://127.0.0.1:*", {})

    def reply() -> None:
        assert sockets.wait([server], 10.0)
        parts = sockets.receive(server.socket)
        assert parts is not None
        sockets.send(server.socket, [parts[0], b"another id", b"{}"])
        sockets.send(server.socket, [*parts[:-1], answer])

    thread = threading.Thread(target=reply)
    thread.start()
    with pytest.raises(NoAnswer, match="the answer"):
        request(server.address, {"request": "health"})
    thread.join()
    server.close()


@pytest.mark.parametrize("wrong", [None, 7, {}, {"number": 1}, {"number": 0, "alerts": [7], "source": "", "epoch": ""}])
def test_a_snapshot_that_breaks_the_contract_is_reported_and_live_goes_on(
    service: Service, listen: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch, wrong: object
) -> None:
    monkeypatch.setattr(service, "_snapshot", lambda: wrong)
    service.restart()
    ear = listen()
    with busy(service):
        numbers = ear.numbers(5)
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert isinstance(ear.notices[0], Unanswered)


def test_where_requests_go_follows_from_where_is_published() -> None:
    assert requests_address("tcp://10.0.0.1:5802") == "tcp://10.0.0.1:5803"
    assert requests_address("tcp://[::1]:6000") == "tcp://[::1]:6001"


def test_a_subscription_that_is_dropped_leaves_no_socket_open(service: Service) -> None:
    alerts = subscribe(service.publisher.address, requests=service.server.address)
    service.step("A")
    for _ in alerts:
        break
    socket = alerts.socket
    del alerts
    gc.collect()
    assert socket.closed
