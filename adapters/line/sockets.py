"""ZeroMQ sockets, with what all of ours share: limits, bounded waits, errors that name the address."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol

import zmq

from fusion.errors import ConfigError

LONGEST_WAIT_S = 3600.0
LINGER_MS = 0  # on close, nothing holds the process back
ALLOWED = "tcp://HOST:PORT or ipc://PATH"


Socket = zmq.Socket[bytes]
Kind = Literal["PULL", "PUSH", "XPUB", "SUB", "ROUTER", "DEALER"]


class Endpoint(Protocol):
    """Anything here that can be waited for: a socket, or the number of an open file."""

    @property
    def socket(self) -> Socket | int: ...


def open_socket(kind: Kind, *, queue: int, largest: int) -> Socket:
    """A socket with at most `queue` messages waiting each way and none larger than `largest` bytes coming in.

    A peer that sends a larger one is disconnected without a word: `largest` stands above what is allowed, so
    that most over-long messages can still be rejected by name.
    """
    socket: Socket = zmq.Context.instance().socket(getattr(zmq.SocketType, kind))
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.SNDHWM, queue)
    socket.setsockopt(zmq.RCVHWM, queue)
    socket.setsockopt(zmq.MAXMSGSIZE, largest)
    return socket


def bind(socket: Socket, address: str) -> str:
    """Bind and return the address in full (port 0 or * is replaced by the one found). Raises ConfigError."""
    try:
        socket.bind(address)
    except (zmq.ZMQError, TypeError, ValueError) as error:
        socket.close()
        raise ConfigError("address", address, f"{ALLOWED}, free to bind ({error})") from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def connect(socket: Socket, address: str) -> None:
    """Connect; that nobody listens there yet is no error. Raises ConfigError for what is no address."""
    try:
        socket.connect(address)
    except (zmq.ZMQError, TypeError, ValueError) as error:
        socket.close()
        raise ConfigError("address", address, f"{ALLOWED} ({error})") from None


def receive(socket: Socket, timeout_s: float = 0.0) -> list[bytes] | None:
    """All parts of the next message, or None when none comes in time."""
    try:
        return socket.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        if timeout_s <= 0.0 or not socket.poll(_milliseconds(timeout_s)):
            return None
    return socket.recv_multipart()


def send(socket: Socket, parts: Sequence[bytes]) -> bool:
    """Send, without waiting. False where the socket cannot take it: nobody there, or too much waiting."""
    try:
        socket.send_multipart(parts, zmq.NOBLOCK)
    except zmq.ZMQError:
        return False
    return True


def send_to_all(socket: Socket, parts: Sequence[bytes], timeout_s: float) -> bool:
    """Send from an XPUB socket, waiting at most so long while a subscriber's queue is full. False: it went to none."""
    socket.setsockopt(zmq.XPUB_NODROP, 1)
    socket.setsockopt(zmq.SNDTIMEO, _milliseconds(timeout_s))
    try:
        socket.send_multipart(parts)
    except zmq.Again:
        return False
    finally:
        socket.setsockopt(zmq.XPUB_NODROP, 0)
    return True


def send_in_time(socket: Socket, parts: Sequence[bytes], timeout_s: float) -> bool:
    """Send, waiting while nobody is there to take it, at most so long. False: it was not sent."""
    return send(socket, parts) or (bool(socket.poll(_milliseconds(timeout_s), zmq.POLLOUT)) and send(socket, parts))


def has_peer(socket: Socket, timeout_s: float) -> bool:
    """Whether a socket that sends `only_for_peers_present` has somebody who takes it, waiting at most so long."""
    return bool(socket.poll(_milliseconds(timeout_s), zmq.POLLOUT))


def only_for_peers_present(socket: Socket) -> None:
    """Before `connect`: nothing is queued for a peer that is not there yet."""
    socket.setsockopt(zmq.IMMEDIATE, 1)


def wait(endpoints: Sequence[Endpoint], timeout_s: float) -> bool:
    """Return as soon as something came in at one of `endpoints`, True, or after `timeout_s`, False."""
    poller = zmq.Poller()
    for endpoint in endpoints:
        poller.register(endpoint.socket, zmq.POLLIN)
    return bool(poller.poll(_milliseconds(timeout_s)))


def _milliseconds(seconds: float) -> int:
    """Rounded up, so that what is waited for is due afterwards."""
    return max(0, math.ceil(min(seconds, LONGEST_WAIT_S) * 1000.0))
