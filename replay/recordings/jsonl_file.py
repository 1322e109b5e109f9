"""Recordings as JSON lines, in files and through standard input and output.

One message a line; its topic follows from its own fields.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from adapters.wire import MAX_MESSAGE_BYTES, Message, decode
from fusion.errors import MessageRejected, RecordingError
from replay.recordings.foreign import beginning, seems_to_be
from replay.recordings.marks import BYTE_ORDER_MARK, MCAP_MARK
from replay.recordings.pieces import PieceFile
from replay.recordings.record import Reader, Record, Writer, open_file, topic_of

STANDARD: Final = "-"  # the path that stands for standard input or output
HELD_BYTES: Final = 2**16  # of lines that are put on the disk together
SKIP_BYTES: Final = 2**16  # of an over-long line at a time


class JsonlReader(Reader):
    """A line that is no message is counted with its place; the rest goes on. Blank lines are nothing."""

    def __init__(self, path: str) -> None:
        if path == STANDARD:
            self._file: BinaryIO = sys.stdin.buffer
            super().__init__("standard input", None)
            return
        self._file = open_file(path, pipes=True)
        super().__init__(path, Path(path).stat().st_size if self._file.seekable() else None)
        head = beginning(path) if self._file.seekable() else b"{"  # what is read of a pipe is gone
        self.seems = "" if head.lstrip().startswith(b"{") else seems_to_be(head)
        if head.startswith(MCAP_MARK):
            self._file.close()
            raise RecordingError(path, f"is not JSON lines: it seems to be {self.seems}", 0)

    def close(self) -> None:
        if self._file is not sys.stdin.buffer:
            self._file.close()

    def skip_to_tail(self, size: int) -> None:
        """Read no more than the last `size` bytes, from the first whole line in them on."""
        if self.size is not None and self.size > size:
            self._file.seek(self.size - size)
            self._file.readline()
            self.offset = self._file.tell()

    def _read(self) -> Iterator[Record]:
        number = 0
        while line := self._file.readline(MAX_MESSAGE_BYTES + 2):
            number += 1
            start = self.offset
            self.offset += len(line)
            ends = line.endswith(b"\n")
            text = line.removeprefix(BYTE_ORDER_MARK).strip() if number == 1 else line.strip()
            if len(text) > MAX_MESSAGE_BYTES or (not ends and len(line) > MAX_MESSAGE_BYTES):
                self.offset += 0 if ends else self._skip_line()
                detail = f"a line of {self.offset - start} bytes; allowed are {MAX_MESSAGE_BYTES}"
                self.problems.add("too large", detail, start, number)
            elif text:
                yield from self._message(text, start, number, ends)

    def _message(self, text: bytes, start: int, number: int, ends: bool) -> Iterator[Record]:
        try:
            if not text.startswith(b"{"):
                raise MessageRejected(
                    "malformed", f"a line begins with {text[:20]!r}; allowed is one JSON object a line"
                )
            message = decode(text)
            topic = topic_of(message)
        except MessageRejected as error:
            self.truncated = not ends
            self.problems.add("truncated" if self.truncated else error.code, error.detail, start, number)
        else:
            yield Record(topic, message["time_ns"], message["time_ns"], text, message)

    def _skip_line(self) -> int:
        skipped = 0
        while piece := self._file.readline(SKIP_BYTES):
            skipped += len(piece)
            if piece.endswith(b"\n"):
                break
        return skipped


class JsonlWriter(Writer):
    """One message a line.

    An alert step that changes its level goes out on two topics; as a line has none, it is written once.
    """

    def __init__(self, path: str) -> None:
        self._file: PieceFile | None = None
        super().__init__("standard output" if path == STANDARD else path)
        if path != STANDARD:
            self._file = PieceFile(path)
        self._lines: list[bytes] = []
        self._held = self._whole = 0
        self._closed = False

    @property
    def size(self) -> int:
        return self._held + (self._file.size if self._file else 0)

    def _write(self, topic: str, message: Message, log_ns: int, opening: bool) -> None:
        if topic.startswith("alert.") and topic != topic_of(message):
            return
        self._line(self._encoded(message, json=True))

    def _write_payload(
        self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int, opening: bool
    ) -> None:
        if topic.startswith("alert.") or not payload.startswith(b"{") or b"\n" in payload or b"\r" in payload:
            self._write(topic, decode(payload), log_ns, opening)
        else:
            self._line(payload)

    def _line(self, text: bytes) -> None:
        line = text.strip() + b"\n"
        if self._file is None:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()  # the next program in the pipe waits for it
            return
        self._lines.append(line)
        self._held += len(line)
        if self._held > HELD_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._file is None:
            sys.stdout.buffer.flush()
            return
        if not self._lines:
            return
        lines, self._lines, self._held = self._lines, [], 0
        try:
            self._file.append(b"".join(lines))
        except OSError as error:
            self._lines, self._held, self.lost = lines, sum(map(len, lines)), len(lines)
            kept = f"{self._whole:,} messages, {self._file.size:,} bytes, are kept in it"
            detail = f"cannot be written: {error.strerror or error}; {kept}; {self.lost:,} after them are lost"
            raise RecordingError(self.path, detail) from error
        self._whole, self.lost = self._whole + len(lines), 0

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._flush()
        finally:
            if self._file is not None:
                self._file.close()
