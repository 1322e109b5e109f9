"""Where frames and truth come in: a PULL socket before the gatekeeper."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.clock import Clock
from adapters.intake.gatekeeper import Gatekeeper
from adapters.line import sockets
from fusion.errors import MessageRejected
from fusion.types import Frame, Truth

LARGEST = 64 * 1024 * 1024  # eight times what is allowed, so that too long is rejected by name and not cut off
QUEUE = 16  # messages waiting from each sender, then PUSH blocks: of two parts each, 1 GiB from a hostile one
BATCH = 256  # messages taken at once before others have their turn


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message, with its bytes as they came. The flags are those of `Gatekeeper`."""

    topic: str
    payload: bytes
    content: Frame | Truth
    arrival_ns: int | None
    new_picture: bool
    moves_watermark: bool


class Ingest:
    """Binds `address` and hands over what the gatekeeper accepts.

    clock: the service's, where it runs live; None where event time alone counts.
    address: in full, as bound. Raises ConfigError where it cannot be bound.

    What is too long is counted as `oversize` up to `LARGEST` bytes. Beyond that libzmq cuts its sender off and
    keeps that to itself: its monitor reports the same bare disconnect as for a sender that just leaves. So such a
    message is not counted. It shows as a gap in its sender's `seq` once that goes on. Nor does libzmq bound the
    parts of one message: one of thousands of parts is held whole before it is here to be counted as `parts`.
    """

    def __init__(self, address: str, gatekeeper: Gatekeeper, clock: Clock | None) -> None:
        self.gatekeeper = gatekeeper
        self.socket = sockets.open_socket("PULL", queue=QUEUE, largest=LARGEST)
        self.address = sockets.bind(self.socket, address)
        self._clock = clock

    def receive(self, limit: int = BATCH) -> list[Received]:
        """What waits now, at most `limit` messages, less the rejected. Never blocks: see `sockets.wait`."""
        accepted = []
        for _ in range(limit):
            parts = sockets.receive(self.socket)
            if parts is None:
                break
            arrival_ns = self._clock.time_ns() if self._clock is not None else None
            received = self._accept(parts, arrival_ns)
            if received is not None:
                accepted.append(received)
        return accepted

    def close(self) -> None:
        self.socket.close()

    def _accept(self, parts: list[bytes], arrival_ns: int | None) -> Received | None:
        if len(parts) != 2:
            found = f"{len(parts)} parts; allowed are two, topic and payload"
            self.gatekeeper.refuse(MessageRejected("parts", found))
            return None
        topic = parts[0].decode("utf-8", "replace")
        content = self.gatekeeper.accept(parts[1], arrival_ns, topic)
        if content is None:
            return None
        gate = self.gatekeeper
        return Received(topic, parts[1], content, arrival_ns, gate.new_picture, gate.moves_watermark)
