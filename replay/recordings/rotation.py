"""Recordings in parts: `run_0001.mcap`, `run_0002.mcap`, …, each complete in itself.

A part opens with what made the recording and with the state at that moment: zones, air picture, open alerts, status.
These messages stood in the part before, so they carry a `seq` that was there already, and in MCAP their channels are
marked: `Record.opening`. `read_parts` leaves them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.intake.sequence import Stream
from adapters.wire import Message
from fusion.errors import MessageRejected, RecordingError
from replay.recordings.files import check_output, open_reader, open_writer
from replay.recordings.record import Record, Writer

State = Callable[[], Iterable[tuple[str, Message]]]
Describe = Callable[[], Mapping[str, str]]
DIGITS: Final = 4  # of a part's number, at least


@dataclass(frozen=True, slots=True)
class Limits:
    """When the next part begins, and how many are kept. None: no limit.

    size_bytes: of one part; only an opening state and a single message that are larger make a larger one. duration_ns:
    of arrival, from the first message of a part. files: the newest that are kept, whichever run wrote them.
    """

    size_bytes: int | None = None
    duration_ns: int | None = None
    files: int | None = None

    @property
    def rotate(self) -> bool:
        """Whether there are parts at all."""
        return self.size_bytes is not None or self.duration_ns is not None


class RotatingWriter(Writer):
    """Writes into one part after another. Numbers go on from the parts that are there.

    state: the messages with which a part opens. describe: its metadata. Both are asked when a part begins. `path` is
    that of the part in progress, `parts` how many were begun.
    """

    def __init__(self, path: str, limits: Limits, state: State, describe: Describe) -> None:
        super().__init__(path)
        check_output(path)
        self._base, self._limits, self._state, self._describe = Path(path), limits, state, describe
        self._number = max((number for number, _ in numbered_parts(path)), default=0)
        self._taken = self._finished = self._since_ns = self.parts = 0
        self._part = self._begin()

    @property
    def size(self) -> int:
        return self._finished + self._part.size

    def _write(self, topic: str, message: Message, log_ns: int, opening: bool) -> None:
        self._turn(topic, log_ns, 0)
        self._part.write(topic, message, log_ns, opening)
        self._taken += not opening

    def _write_payload(
        self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int, opening: bool
    ) -> None:
        self._turn(topic, log_ns, len(payload))
        try:
            self._part.write_payload(topic, payload, time_ns, log_ns, sequence, opening)
        finally:
            self.lost, self.shortened = self._part.lost, self._part.shortened
        self._taken += not opening

    def _turn(self, topic: str, log_ns: int, coming: int) -> None:
        """Begin the next part where the message that arrived at `log_ns`, of so many bytes, is one too many."""
        limits = self._limits
        if not self._taken:
            self._since_ns = log_ns
            return
        self._since_ns = min(self._since_ns, log_ns)  # the clock may have been set back
        full = limits.size_bytes is not None and self._part.size_with(topic, coming) > limits.size_bytes
        if not full and (limits.duration_ns is None or log_ns - self._since_ns < limits.duration_ns):
            return
        self._part.close()
        self._finished += self._part.size
        self._part, self._since_ns = self._begin(), log_ns
        for topic, message in self._state():
            self._part.write(topic, message, log_ns, opening=True)

    def _begin(self) -> Writer:
        self._number += 1
        self.parts += 1
        self._taken = 0
        self.path = str(self._base.with_name(f"{self._base.stem}_{self._number:0{DIGITS}}{self._base.suffix}"))
        part = open_writer(self.path, {**self._describe(), "part": str(self._number)})
        if self._limits.files is not None:
            for _, old in numbered_parts(self._base)[: -self._limits.files]:
                try:
                    old.unlink(missing_ok=True)
                except OSError as error:
                    part.close()
                    raise RecordingError(str(old), f"cannot be removed: {error.strerror or error}") from error
        return part

    def _add_metadata(self, metadata: Mapping[str, str]) -> None:
        self._part.add_metadata(metadata)

    def _flush(self) -> None:
        try:
            self._part.flush()
        finally:
            self.lost = self._part.lost

    def _close(self) -> None:
        self._part.close()


def numbered_parts(path: str | Path) -> list[tuple[int, Path]]:
    """The parts that are there of a recording by this name, `run.mcap`, in the order of their numbers."""
    base = Path(path)
    name = re.compile(re.escape(base.stem) + rf"_([0-9]{{{DIGITS},9}})" + re.escape(base.suffix))
    found = [(match, each) for each in base.parent.iterdir() if (match := name.fullmatch(each.name))]
    return sorted((int(match[1]), each) for match, each in found)


def read_parts(paths: Iterable[str | Path]) -> Iterator[Record]:
    """The messages of parts, given in their order, each once: of the opening states, only that of the first part."""
    streams: dict[tuple[str, str, str], Stream] = {}
    for place, path in enumerate(paths):
        with open_reader(path) as reader:
            for record in reader:
                if not _repeated(record, streams, first=place == 0):
                    yield record


def _repeated(record: Record, streams: dict[tuple[str, str, str], Stream], first: bool) -> bool:
    """Whether a message was there: it is marked so, or its `seq` was, as JSON lines have no marks."""
    if record.opening and not first:
        return True
    try:
        message = record.message
    except MessageRejected:
        return False
    stream = streams.setdefault((record.topic, message["source"], message["epoch"]), Stream())
    seen = stream.is_duplicate(message["seq"])
    stream.accept(message["seq"])
    return seen
