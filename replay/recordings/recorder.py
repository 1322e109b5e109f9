"""Records what a running service publishes: everything, as it comes, the last second always on the disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from adapters.clock import Clock, SystemClock
from adapters.intake.sequence import Stream
from adapters.wire import Message, decode
from fusion.errors import MessageRejected, RecordingError, shorten
from fusion.types import SECOND_NS
from replay.recordings.files import Writer, topic_of
from replay.recordings.state import opening_of

__all__ = ["Recorded", "Source", "opening_of", "record"]

FLUSH_NS: Final = SECOND_NS // 2  # a crash loses no more than a second: this, and a moment for the writing itself
NAP_S: Final = 0.1  # a longer wait is cut into these, so that a stop is noticed
STREAMS: Final = 4096  # topics whose gaps are counted; what is beyond has been silent for longest
KINDS_OF_REJECTION: Final = 64


class Source(Protocol):
    """What publishes: `adapters.client.Listener`."""

    def receive(self, timeout_s: float) -> tuple[str, bytes] | None: ...


@dataclass(slots=True)
class Recorded:
    """What was written. gaps: messages that the `seq` of their topics shows to be lost on the way here.

    lost: messages among these that a full disk had no room for.
    rejected: code -> how often, and the first in words, of what breaks the contract: not written.
    """

    messages: int = 0
    bytes: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    gaps: int = 0
    lost: int = 0
    rejected: dict[str, tuple[int, str]] = field(default_factory=dict)


def never() -> bool:
    """Records to the end."""
    return False


def quiet(recorded: Recorded) -> None:
    """Progress for those who do not look."""


def ignore(message: Message) -> None:
    """For recordings whose state nobody follows."""


def record(
    source: Source,
    writer: Writer,
    *,
    opening: Iterable[Message] = (),
    count: int | None = None,
    duration_s: float | None = None,
    stop: Callable[[], bool] = never,
    clock: Clock | None = None,
    progress: Callable[[Recorded], None] = quiet,
    follow: Callable[[Message], None] = ignore,
    recorded: Recorded | None = None,
) -> Recorded:
    """Write what comes from `source` until `stop()`, or `count` messages, or `duration_s` of the clock.

    opening: complete messages to begin with, as a snapshot has them: `opening_of`.
    progress: called after each message and each pause. follow: told each message once it is written.
    recorded: where to count, so that the counts are there when an error ends it.
    The writer stays open. Raises RecordingError where it cannot write.
    """
    clock = clock or SystemClock()
    taking = _Taking(writer, clock, follow, Recorded() if recorded is None else recorded)
    try:
        for message in opening:
            taking.take(topic_of(message), message, None)
        taking.listen(source, count, duration_s, stop, progress)
        writer.flush()
    finally:
        taking.recorded.lost = writer.lost
    return taking.recorded


def _check_topic(topic: str, message: Message) -> None:
    """An alert step also goes out on the topic of the level that it leaves."""
    wanted = topic_of(message)
    if topic != wanted and not (message["type"] == "alert" and topic.startswith(f"alert.{message['zone']}.")):
        raise MessageRejected("topic", f"topic is {shorten(topic)}; the message in it wants {wanted}")


class _Taking:
    """One recording's counts, and what its gaps are counted by."""

    def __init__(self, writer: Writer, clock: Clock, follow: Callable[[Message], None], recorded: Recorded) -> None:
        self.recorded = recorded
        self._writer, self._clock, self._tell = writer, clock, follow
        self._streams: OrderedDict[tuple[str, str, str], Stream] = OrderedDict()

    def listen(
        self, source: Source, count: int | None, duration_s: float | None, stop: Callable[[], bool],
        progress: Callable[[Recorded], None],
    ) -> None:  # fmt: skip
        """Take what comes, and put it on the disk in time. The parameters are those of `record`."""
        clock = self._clock
        begin_ns = flushed_ns = clock.monotonic_ns()
        while not stop() and (count is None or self.recorded.messages < count):
            now_ns = clock.monotonic_ns()
            if duration_s is not None and now_ns - begin_ns >= duration_s * SECOND_NS:
                break
            if now_ns - flushed_ns >= FLUSH_NS:
                self._writer.flush()
                flushed_ns = now_ns
            received = source.receive(NAP_S)
            if received is not None:
                self.receive(*received)
            progress(self.recorded)

    def receive(self, topic: str, payload: bytes) -> None:
        """Write one message that came in, if it keeps to the contract."""
        try:
            message = decode(payload)
            _check_topic(topic, message)
            self.take(topic, message, payload)
        except MessageRejected as rejection:
            rejected = self.recorded.rejected
            code = rejection.code if rejection.code in rejected or len(rejected) < KINDS_OF_REJECTION else "other"
            times, first = rejected.get(code, (0, f"{topic[:80]}: {rejection}"))
            rejected[code] = (times + 1, first)

    def take(self, topic: str, message: Message, payload: bytes | None) -> None:
        """Write one message; `payload` is what it came as."""
        log_ns = self._clock.time_ns()
        try:
            if payload is None:
                self._writer.write(topic, message, log_ns, opening=True)
            else:
                self._writer.write_payload(topic, payload, message["time_ns"], log_ns, message["seq"])
        except RecordingError:
            self.recorded.messages += 1  # it is among the lost ones
            raise
        if payload is not None:
            self._tell(message)
            self._follow(topic, message)
            self.recorded.bytes += len(payload)
        self.recorded.messages += 1
        self.recorded.topics[topic] = self.recorded.topics.get(topic, 0) + 1

    def _follow(self, topic: str, message: Message) -> None:
        key = (topic, message["source"], message["epoch"])
        stream = self._streams.setdefault(key, Stream())
        self._streams.move_to_end(key)
        if len(self._streams) > STREAMS:
            self._streams.popitem(last=False)
        before = stream.gaps
        stream.accept(message["seq"])
        self.recorded.gaps += stream.gaps - before
