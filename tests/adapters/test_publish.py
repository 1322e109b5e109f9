"""What goes out: stamped, filtered by topic, never held up by anybody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import zmq

from adapters.line import sockets
from adapters.line.publish import QUEUE, Publisher
from adapters.wire import Sender, decode
from fusion.errors import ConfigError

TIME_NS = 1_760_000_000_000_000_000
BODY = {"type": "status", "time_ns": TIME_NS}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    opened = Publisher("tcp://127.0.0.1:*", Sender("site"))
    yield opened
    opened.close()


@pytest.fixture
def subscribe(publisher: Publisher) -> Iterator[Callable[..., zmq.Socket[bytes]]]:
    opened: list[zmq.Socket[bytes]] = []

    def to_publisher(*prefixes: str, queue: int = 100_000) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        socket.linger = 0
        socket.rcvhwm = queue
        for prefix in ("hello", *prefixes):
            socket.subscribe(prefix)
        socket.connect(publisher.address)
        opened.append(socket)
        deadline = time.monotonic() + 10.0
        while not socket.poll(5):  # each subscription is on its way: greet until one is heard
            assert time.monotonic() < deadline
            publisher.forward("hello", b"")
        while socket.poll(50):
            socket.recv_multipart()
        return socket

    yield to_publisher
    for socket in opened:
        socket.close()


def received(socket: zmq.Socket[bytes]) -> tuple[str, bytes]:
    assert socket.poll(10_000)
    topic, payload = socket.recv_multipart()
    return topic.decode(), payload


def test_messages_are_stamped_for_each_topic_and_the_last_seqs_remembered(
    publisher: Publisher, subscribe: Callable[..., zmq.Socket[bytes]]
) -> None:
    socket = subscribe("status", "tracks")
    for topic in ("status", "tracks", "status"):
        message = publisher.publish(topic, {**BODY, "type": topic})
        heard, payload = received(socket)
        assert heard == topic
        assert decode(payload) == message
    assert publisher.sender.last == {"status": 1, "tracks": 0}


def test_what_others_stamped_is_forwarded_to_the_byte(
    publisher: Publisher, subscribe: Callable[..., zmq.Socket[bytes]]
) -> None:
    socket = subscribe("frame.")
    publisher.forward("frame.north", b"\x81\xa1v\x01 whatever")
    assert received(socket) == ("frame.north", b"\x81\xa1v\x01 whatever")
    assert publisher.sender.last == {}


def test_a_prefix_with_its_dot_takes_one_zone_only(
    publisher: Publisher, subscribe: Callable[..., zmq.Socket[bytes]]
) -> None:
    socket = subscribe("alert.north.")
    for topic in ("alert.north2.predicted", "alert.north.predicted", "alert.south.imminent", "hello"):
        publisher.forward(topic, b"")
    assert received(socket)[0] == "alert.north.predicted"
    assert received(socket)[0] == "hello"


def test_a_subscriber_that_takes_nothing_holds_nobody_up_and_loses_only_its_own(
    publisher: Publisher, subscribe: Callable[..., zmq.Socket[bytes]]
) -> None:
    subscribe("data", queue=1)
    quick = subscribe("data")
    payload = b"x" * 20_000  # far more in sum than all buffers on the way of the slow one
    for number in range(3 * QUEUE):
        publisher.forward("data", payload + str(number).encode())
        assert received(quick)[1] == payload + str(number).encode()


def test_with_patience_a_slow_subscriber_holds_up_and_gets_every_message() -> None:
    patient = Publisher("tcp://127.0.0.1:*", Sender("site"), patience_s=60.0)
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.rcvhwm, socket.rcvbuf, socket.linger = 1, 4096, 0
    socket.subscribe("data")
    socket.connect(patient.address)
    count, payload = 3 * QUEUE, b"x" * 20_000  # far more in sum than all buffers on the way
    try:
        assert patient.wait_for_subscriber(10.0)
        sender = threading.Thread(target=lambda: [patient.forward("data", payload + b"%d" % n) for n in range(count)])
        sender.start()
        sender.join(0.2)
        assert sender.is_alive()  # held up
        patient.publish("status", BODY)  # while another thread waits
        for number in range(count):
            assert received(socket)[1] == payload + b"%d" % number
        sender.join()
    finally:
        socket.close()
        patient.close()


def test_patience_ends_with_a_subscriber_that_takes_nothing_and_the_others_go_on() -> None:
    patient = Publisher("tcp://127.0.0.1:*", Sender("site"), patience_s=0.05)
    stuck, quick = (zmq.Context.instance().socket(zmq.SUB) for _ in range(2))
    try:
        for socket, room, prefix in ((stuck, 1, "data"), (quick, QUEUE, "dat")):  # XPUB tells of new prefixes alone
            socket.rcvhwm, socket.rcvbuf, socket.linger = room, 4096, 0
            socket.subscribe(prefix)
            socket.connect(patient.address)
            assert patient.wait_for_subscriber(10.0)
        for number in range(3 * QUEUE):
            patient.forward("data", b"x" * 20_000 + b"%d" % number)
            assert received(quick)[1] == b"x" * 20_000 + b"%d" % number
    finally:
        stuck.close()
        quick.close()
        patient.close()


def test_junk_from_subscribers_is_let_go(publisher: Publisher, subscribe: Callable[..., zmq.Socket[bytes]]) -> None:
    hostile: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XSUB)
    hostile.linger = 0
    hostile.connect(publisher.address)
    try:
        for junk in (b"", b"\x01", b"\x02junk", b"\x00" + b"never subscribed", b"\xff" * 1000):
            hostile.send_multipart([junk, junk])
        hostile.send(b"\x00" * 100_000)  # cut off for this
        assert sockets.wait([publisher], 10.0)
        socket = subscribe("status")
        publisher.publish("status", BODY)
        assert received(socket)[0] == "status"
    finally:
        hostile.close()


def test_an_address_that_cannot_be_bound_is_named(publisher: Publisher) -> None:
    with pytest.raises(ConfigError, match="in use"):
        Publisher(publisher.address, Sender("site"))
