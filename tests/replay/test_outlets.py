"""Where a recording is played to: nobody who is slow loses a message."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import zmq

from adapters.line.publish import Publisher
from adapters.wire import Sender
from replay.playing import outlets as outlets_module
from replay.playing.outlets import Outlets

COUNT = 5000  # messages: more than any queue, and with 10 kB each more than the system's buffers hold
WAIT_MS = 30_000


@pytest.fixture
def publisher() -> Publisher:
    return Publisher("tcp://127.0.0.1:*", Sender("replay"))


@pytest.fixture
def socket(publisher: Publisher) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.SUB) as opened:
        opened.rcvhwm, opened.rcvbuf, opened.linger = 10, 4096, 0
        opened.subscribe("frame.")
        opened.connect(publisher.address)
        assert publisher.wait_for_subscriber(10.0)
        yield opened


def test_a_slow_subscriber_holds_up_and_gets_every_message_to_the_last(
    publisher: Publisher, socket: zmq.Socket[bytes]
) -> None:
    outlets = Outlets(None, publisher)

    def play() -> None:
        for number in range(COUNT):
            outlets.push("frame.north", number.to_bytes(4, "big") + bytes(10_000))
        outlets.close()

    player = threading.Thread(target=play)
    player.start()
    player.join(0.2)
    assert player.is_alive()  # held up
    found = []
    while len(found) < COUNT and socket.poll(WAIT_MS):
        found.append(int.from_bytes(socket.recv_multipart()[1][:4], "big"))
    player.join()
    assert found == list(range(COUNT))
    assert outlets.lost == 0


def test_a_subscriber_that_takes_nothing_holds_up_once_and_what_it_loses_is_counted(
    publisher: Publisher, socket: zmq.Socket[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets_module, "PATIENCE_S", 0.05)
    outlets = Outlets(None, publisher)
    for _ in range(COUNT):
        outlets.push("frame.north", bytes(10_000))
    assert 0 < outlets.lost < COUNT
    outlets.close()
