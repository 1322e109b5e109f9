"""What a recording holds, whatever its container: records in file order, and what was wrong with the rest."""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from adapters import wire
from adapters.wire import Message, is_id
from fusion.errors import MessageRejected, RecordingError, shorten

METADATA_NAME: Final = "skypicket"  # of the MCAP record that says what made the recording
MESSAGE_BYTES: Final = 96  # of a message in a file beside its payload, with its places in the index
KINDS_OF_PROBLEM: Final = 64  # a hostile file must not fill the memory with kinds of its own


class Record:
    """One recorded message.

    topic: as in the contract. time_ns: event time. log_ns: arrival (event time where the container has none).
    payload: the message as stored, MessagePack or JSON. `message` decodes it once, when first asked for, and
    raises MessageRejected if it breaks the contract. sequence: the container's own, 0 where it has none.
    opening: of the state with which a recording begins, so it may stand in the recording before as well (MCAP only).
    """

    __slots__ = ("_message", "log_ns", "opening", "payload", "sequence", "time_ns", "topic")

    def __init__(
        self, topic: str, time_ns: int, log_ns: int, payload: bytes, message: Message | None = None,
        sequence: int = 0, opening: bool = False,
    ) -> None:  # fmt: skip
        self.topic, self.time_ns, self.log_ns, self.payload = topic, time_ns, log_ns, payload
        self._message, self.sequence, self.opening = message, sequence, opening

    @property
    def message(self) -> Message:
        if self._message is None:
            self._message = wire.decode(self.payload)
        return self._message

    @property
    def kind(self) -> str:
        """The message's `type`: the first part of its topic."""
        return self.topic.partition(".")[0]


def topic_of(message: Mapping[str, Any]) -> str:
    """The topic on which the contract sends a message whose envelope was checked.

    Raises MessageRejected("alert") for an alert whose zone or level cannot be part of a topic.
    """
    if message["type"] == "alert":
        for key in ("zone", "level"):
            if not is_id(message.get(key)):
                raise MessageRejected("alert", f"{key} is {shorten(message.get(key))}; allowed is an id")
    return wire.topic_of(message)


@dataclass(slots=True)
class Problem:
    """One kind of damage: how often, and the first of it. `line` counts from 1, in JSON lines only."""

    code: str
    detail: str
    offset: int
    line: int | None = None
    count: int = 1

    def __str__(self) -> str:
        place = f"byte {self.offset}" if self.line is None else f"line {self.line}, byte {self.offset}"
        return f"{self.count} x {self.code}, first at {place}: {self.detail}"


class Problems:
    """Counts by kind, the first of each kept. Of bounded size: kinds beyond the limit count as `other`."""

    def __init__(self) -> None:
        self._kinds: dict[str, Problem] = {}

    def add(self, code: str, detail: str, offset: int, line: int | None = None) -> None:
        if code not in self._kinds and len(self._kinds) >= KINDS_OF_PROBLEM:
            code = "other"
        known = self._kinds.get(code)
        if known is None:
            self._kinds[code] = Problem(code, detail, offset, line)
        else:
            known.count += 1

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._kinds.values())

    def __len__(self) -> int:
        return sum(problem.count for problem in self)

    def count(self, code: str) -> int:
        return self._kinds[code].count if code in self._kinds else 0


class Reader(ABC):
    """Reads a recording once, from its beginning to what is readable of its end.

    Damage does not stop it: `problems` tells what was passed over, `truncated` that the end is missing.
    Something of which nothing at all is readable raises RecordingError. `offset` of `size` bytes have been
    read; of standard input the size is None. seems: what a file that is no recording looks like, in words.
    """

    seems = ""

    def __init__(self, path: str, size: int | None) -> None:
        self.path, self.size = path, size
        self.offset = 0
        self.records = 0
        self.truncated = False
        self.problems = Problems()
        self.metadata: dict[str, str] = {}

    def __iter__(self) -> Iterator[Record]:
        try:
            for record in self._read():
                self.records += 1
                yield record
        except OSError as error:
            raise RecordingError(self.path, f"cannot be read: {error.strerror or error}", self.offset) from error
        if not self.records:
            for problem in self.problems:
                seems = f"; it seems to be {self.seems}" if self.seems else ""
                raise RecordingError(self.path, f"nothing in it is readable: {problem.detail}{seems}", problem.offset)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _read(self) -> Iterator[Record]: ...

    @abstractmethod
    def close(self) -> None: ...


class Writer(ABC):
    """Writes a recording. Every failure of the disk is a RecordingError with the file's name.

    shortened: air pictures that were too large for one message, so that a part of each was left out. lost: messages
    taken that a full disk had no room for; the file is cut back to the last whole piece before them.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.records = 0
        self.shortened = 0
        self.lost = 0

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes that the file would have at most if it were closed now."""

    def size_with(self, topic: str, payload_bytes: int) -> int:
        """The same with one more message in it."""
        return self.size + payload_bytes + MESSAGE_BYTES

    def write(self, topic: str, message: Message, log_ns: int, opening: bool = False) -> None:
        """Append one message, encoded as the container wants it.

        log_ns: its arrival, UTC nanoseconds. opening: as of `Record`, kept where the container has room for it.
        """
        with naming(self.path):
            self._write(topic, message, log_ns, opening)
        self.records += 1

    def write_payload(
        self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int = 0, opening: bool = False
    ) -> None:
        """Append one message already encoded, as MessagePack or JSON: re-encoded only where it must be.

        Raises MessageRejected where it must be and cannot: nothing is written then.
        """
        with naming(self.path):
            self._write_payload(topic, payload, time_ns, log_ns, sequence, opening)
        self.records += 1

    def add_metadata(self, metadata: Mapping[str, str]) -> None:
        """Say more of what made the recording, where the container has room for it: a key said again counts anew."""
        with naming(self.path):
            self._add_metadata(metadata)

    def flush(self) -> None:
        """Put on the disk what was written so far, so that a crash loses none of it."""
        with naming(self.path):
            self._flush()

    def close(self) -> None:
        with naming(self.path):
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except RecordingError:
            if error is None:
                raise

    def _encoded(self, message: Message, json: bool = False) -> bytes:
        payload, sent = wire.encode_fitting(message, json)
        self.shortened += "left_out" in sent
        return payload

    @abstractmethod
    def _write(self, topic: str, message: Message, log_ns: int, opening: bool) -> None: ...

    @abstractmethod
    def _write_payload(
        self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int, opening: bool
    ) -> None: ...

    def _add_metadata(self, metadata: Mapping[str, str]) -> None:
        """Nothing, in a container without metadata."""
        return

    @abstractmethod
    def _flush(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Turns an OSError of writing into a RecordingError that names the file."""
    try:
        yield
    except OSError as error:
        raise RecordingError(path, f"cannot be written: {error.strerror or error}") from error


def open_file(path: str, pipes: bool = False) -> BinaryIO:
    """A file to read. Raises RecordingError where the system refuses.

    pipes: whether it may be a named pipe, which can be read once, from front to back. Devices may it never.
    """
    try:
        mode = Path(path).stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or (pipes and stat.S_ISFIFO(mode))):
            allowed = "a file, or JSON lines through a pipe" if not pipes else "a file, or a pipe"
            raise RecordingError(path, f"is no file but {_kind(mode)}; allowed is {allowed}")
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise RecordingError(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def is_file(path: str) -> bool:
    """Whether it can be read more than once, and from anywhere, if it can be read."""
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return True  # whoever opens it says why it cannot be


def _kind(mode: int) -> str:
    return "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
