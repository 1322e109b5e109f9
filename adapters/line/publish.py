"""Where messages go out: an XPUB socket for everybody, a PUSH socket toward a service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from adapters.line import sockets
from adapters.wire import Message, Sender, encode
from fusion.errors import SkypicketError

QUEUE = 1000  # messages waiting for one subscriber; a slower one loses what comes then, and sees the gap
LARGEST_SUBSCRIPTION = 4096  # bytes: no topic is as long
SUBSCRIPTIONS = 1000  # taken from the socket at once
PUSH_QUEUE = 256  # messages waiting toward the service before `push` waits too
TURN_S = 0.02  # of waiting for a slow subscriber, until another thread may send
NAP_S = 0.1  # between two looks at whether somebody wants it to stop


class SendTimeout(SkypicketError):
    """Nobody takes what is sent."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self.address, self.timeout_s = address, timeout_s
        super().__init__(f"nobody took messages at {address} for {timeout_s:g} s; is the service running?")


class Publisher:
    """Binds `address` and sends `[topic, payload]` to whoever subscribed.

    sender: stamps `source`, `epoch` and `seq`, and knows the last `seq` of each topic.
    patience_s: how long a subscriber whose queue is full holds everything up. 0: not at all, it loses what comes. One
    that takes nothing for so long loses what comes from then on, until it takes something again.
    address: in full, as bound. Raises ConfigError where it cannot be bound.
    lock: held for each message, so that two threads may send; who waits for the socket holds it too.
    """

    def __init__(self, address: str, sender: Sender, patience_s: float = 0.0) -> None:
        self.sender = sender
        self._patience_s = patience_s
        self._patient = patience_s > 0.0
        self.lock = threading.RLock()
        self.socket = sockets.open_socket("XPUB", queue=QUEUE, largest=LARGEST_SUBSCRIPTION)
        self.address = sockets.bind(self.socket, address)

    def publish(self, topic: str, body: Mapping[str, Any]) -> Message:
        """Stamp `body` and send it. Returns the message as it went out."""
        with self.lock:
            message = self.sender.stamp(topic, body)
            if not self._patience_s:
                self.forward(topic, encode(message))
                return message
        self.forward(topic, encode(message))  # the lock is free while it waits
        return message

    def forward(self, topic: str, payload: bytes) -> None:
        """Send what somebody else stamped, unchanged."""
        if self._patience_s:
            until = time.monotonic() + (self._patience_s if self._patient else 0.0)
            while not self.forward_to_all(topic, payload, TURN_S):  # others who send have their turn between
                if time.monotonic() >= until:
                    self._patient = False
                    break
            else:
                self._patient = True
                return
        with self.lock:
            self.take_subscriptions()
            sockets.send(self.socket, [topic.encode(), payload])

    def forward_to_all(self, topic: str, payload: bytes, timeout_s: float) -> bool:
        """The same, waiting at most so long for subscribers whose queues are full. False: it went to nobody."""
        with self.lock:
            self.take_subscriptions()
            return sockets.send_to_all(self.socket, [topic.encode(), payload], timeout_s)

    def take_subscriptions(self) -> None:
        """Let the socket's news of subscribers go, so that they do not pile up where little is published."""
        with self.lock:
            for _ in range(SUBSCRIPTIONS):
                if sockets.receive(self.socket) is None:
                    return

    def wait_for_subscriber(self, timeout_s: float) -> bool:
        """Whether somebody has subscribed, now or within so long; what was subscribed to is not kept."""
        until = time.monotonic() + timeout_s
        while (parts := sockets.receive(self.socket, until - time.monotonic())) is not None:
            if parts[0][:1] == b"\x01":
                return True
        return False

    def close(self, linger_s: float = 0.0) -> None:
        """Close; what is still on its way to subscribers has so long, in which the process does not end."""
        self.socket.close(linger=round(linger_s * 1000.0))


class Pusher:
    """Connects to a service's ingest and sends `[topic, payload]`. Raises ConfigError for no address.

    stop: asked while nobody takes a message; True interrupts the waiting as Ctrl-C does.
    """

    def __init__(self, address: str, timeout_s: float = 10.0, stop: Callable[[], bool] | None = None) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._stop = stop
        self.socket = sockets.open_socket("PUSH", queue=PUSH_QUEUE, largest=LARGEST_SUBSCRIPTION)
        sockets.only_for_peers_present(self.socket)
        sockets.connect(self.socket, address)

    def push(self, topic: str, payload: bytes) -> None:
        """Send, waiting while the service is busy or absent. Raises SendTimeout, KeyboardInterrupt."""
        parts = [topic.encode(), payload]
        if sockets.send(self.socket, parts):
            return
        until = time.monotonic() + self._timeout_s
        while not sockets.send_in_time(self.socket, parts, min(NAP_S, max(until - time.monotonic(), 0.0))):
            if self._stop is not None and self._stop():
                raise KeyboardInterrupt
            if time.monotonic() >= until:
                raise SendTimeout(self.address, self._timeout_s)

    def wait_for_peer(self, timeout_s: float) -> bool:
        """Whether a service is connected, now or within so long."""
        return sockets.has_peer(self.socket, timeout_s)

    def close(self) -> None:
        """Close; what is still on its way has as long as a message may take."""
        self.socket.close(linger=round(self._timeout_s * 1000.0))
