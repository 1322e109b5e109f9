"""Plays the frames and the truth of a recording into a running service, at the pace of their event time.

Times stay as they were recorded. Each run and each loop is a sender's new run: every epoch of the recording
becomes a new one, so that `seq`, which stays too, starts over by rule.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from adapters.clock import Clock, SystemClock
from adapters.wire import Message, encode
from fusion.errors import MessageRejected, RecordingError
from fusion.types import SECOND_NS
from replay.recordings.files import Problems, Reader, Record, open_reader

PLAYED: Final = ("frame", "truth")  # what a service takes in
NAP_S: Final = 0.1  # a longer wait is cut into these, so that a stop is noticed


class Sink(Protocol):
    """Where messages go: blocks while the other side is full."""

    def push(self, topic: str, payload: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """What is played, and how fast.

    rate: seconds of event time in a second; 0 or infinity: as fast as the service takes it.
    start_offset_s: from the first played event time. duration_s: of event time from there.
    topics: each a topic (`frame.north`) or the first part of some (`frame`); empty: all.
    """

    rate: float = 1.0
    loop: bool = False
    start_offset_s: float = 0.0
    duration_s: float = math.inf
    topics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        limits = (("rate", self.rate), ("start-offset", self.start_offset_s), ("duration", self.duration_s))
        for name, value in limits:
            if not value >= 0.0:
                raise ValueError(f"{name} is {value}; allowed is 0 or more")

    @property
    def paced(self) -> bool:
        return 0.0 < self.rate < math.inf

    def takes(self, record: Record) -> bool:
        """Whether the record is of a played kind and topic."""
        topic = record.topic
        return record.kind in PLAYED and (
            not self.topics or any(topic == name or topic.startswith(name.rstrip(".") + ".") for name in self.topics)
        )


@dataclass(slots=True)
class Played:
    """What was sent. late_ns: the most by which a paced message left after its deadline."""

    messages: int = 0
    loops: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    late_ns: int = 0
    problems: Problems = field(default_factory=Problems)
    truncated: bool = False


def never() -> bool:
    """Plays to the end."""
    return False


def quiet(state: Played, reader: Reader) -> None:
    """Progress for those who do not look."""


def play(
    path: str | Path,
    sink: Sink,
    selection: Selection,
    clock: Clock | None = None,
    stop: Callable[[], bool] = never,
    progress: Callable[[Played, Reader], None] = quiet,
    run: str | None = None,
) -> Played:
    """Send the selected records of `path` until they end, or for ever with `loop`, or until `stop()`.

    progress: called after each message with what was sent so far and the reader (its `offset` of `size`).
    run: names this run, for its epochs; random if left out.
    Raises RecordingError for what cannot be read, and for a loop over standard input or over nothing.
    """
    clock = clock or SystemClock()
    run = run or secrets.token_hex(8)
    played = Played()
    while True:
        before = played.messages
        with open_reader(path) as reader:
            if selection.loop and reader.size is None:
                raise RecordingError(reader.path, "cannot be played in a loop; allowed is a file")
            _play_once(reader, sink, selection, clock, stop, progress, f"{run}-{played.loops}", played)
            if played.loops == 0:
                played.problems, played.truncated = reader.problems, reader.truncated
        played.loops += 1
        if not selection.loop or stop():
            return played
        if played.messages == before:
            raise RecordingError(str(path), "has no message to play in a loop")


def _play_once(
    reader: Reader,
    sink: Sink,
    selection: Selection,
    clock: Clock,
    stop: Callable[[], bool],
    progress: Callable[[Played, Reader], None],
    run: str,
    played: Played,
) -> None:
    start_ns: int | None = None
    from_ns = clock.monotonic_ns()
    for record in _selected(reader, selection):
        if start_ns is None:
            start_ns = record.time_ns
            from_ns = clock.monotonic_ns()
        try:
            payload = encode(_renewed(record.message, run))
        except MessageRejected as error:
            reader.problems.add(error.code, f"{record.topic}: {error.detail}", reader.offset)
            continue
        if selection.paced:
            deadline_ns = from_ns + round((record.time_ns - start_ns) / selection.rate)
            _wait_until(deadline_ns, clock, stop)
            if record.time_ns >= start_ns:
                played.late_ns = max(played.late_ns, clock.monotonic_ns() - deadline_ns)
        if stop():
            return
        sink.push(record.topic, payload)
        played.messages += 1
        played.topics[record.topic] = played.topics.get(record.topic, 0) + 1
        progress(played, reader)


def _selected(reader: Reader, selection: Selection) -> Iterator[Record]:
    """The records to play, in file order, those before the start and after the end left out."""
    first_ns: int | None = None
    earliest_s = selection.start_offset_s or -math.inf
    latest_s = selection.start_offset_s + selection.duration_s
    for record in reader:
        if selection.takes(record):
            first_ns = record.time_ns if first_ns is None else first_ns
            if earliest_s <= (record.time_ns - first_ns) / SECOND_NS <= latest_s:
                yield record


def _renewed(message: Message, run: str) -> Message:
    """The message as this run's: another epoch for each source and epoch that it had."""
    name = f"{run} {message['source']} {message['epoch']}"
    return {**message, "epoch": hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}


def _wait_until(deadline_ns: int, clock: Clock, stop: Callable[[], bool]) -> None:
    while (left_s := (deadline_ns - clock.monotonic_ns()) / SECOND_NS) > 0.0 and not stop():
        clock.sleep(min(left_s, NAP_S))
