"""What is left of damaged JSON lines: every line that is a message, and the messages inside a line that is none.

A lost line end, or zero bytes where a disk was never written, makes one bad line of several messages: each object in it
that is a message for itself is given. JSON lines have no checksums: a changed digit in a number is not seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from adapters.wire import MAX_MESSAGE_BYTES, decode
from fusion.errors import MessageRejected
from replay.recordings.losses import Losses
from replay.recordings.marks import BYTE_ORDER_MARK
from replay.recordings.record import Problems, Record, open_file, topic_of

LONGEST_LINE: Final = 4 * MAX_MESSAGE_BYTES  # of a line that several messages may have become
SKIP_BYTES: Final = 2**16  # of a longer one at a time
OBJECT: Final = re.compile(rb'\{"')
MOST_TRIED: Final = 1000  # beginnings of objects in one bad line: each costs a reading of it


class LinesSalvage:
    """Iterate it once. Fields as of `replay.recordings.salvage_mcap.McapSalvage`."""

    kind = "jsonl"

    def __init__(self, path: str) -> None:
        self._file = open_file(path)
        self.path, self.size = path, Path(path).stat().st_size
        self.offset = 0
        self.losses, self.problems = Losses(), Problems()
        self.metadata: dict[str, str] = {}
        self.expected: int | None = None
        self.unverified = 0

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        while line := self._file.readline(LONGEST_LINE):
            start = self.offset
            self.offset += len(line)
            if not line.endswith(b"\n") and len(line) == LONGEST_LINE:
                self._skip_line()
                self.losses.add(start, self.offset, "a line that is too long for any message")
                continue
            text = line.removeprefix(BYTE_ORDER_MARK).strip() if start == 0 else line.strip()
            if text:
                yield from self._line(text, line, start)

    def _line(self, text: bytes, line: bytes, start: int) -> Iterator[Record]:
        try:
            record = _record(text)
        except MessageRejected as error:
            records = list(_inside(line))
            yield from records
            cut = "the last line is cut off" if not line.endswith(b"\n") else "a line is no message"
            given = f"; {len(records)} messages in it are recovered" if records else ""
            self.losses.add(start, self.offset, f"{cut} ({error}){given}", None if records else 1)
        else:
            yield record

    def _skip_line(self) -> None:
        while piece := self._file.readline(SKIP_BYTES):
            self.offset += len(piece)
            if piece.endswith(b"\n"):
                break


def _record(text: bytes) -> Record:
    if not text.startswith(b"{"):
        raise MessageRejected("malformed", f"it begins with {text[:20]!r}; allowed is one JSON object")
    message = decode(text)
    return Record(topic_of(message), message["time_ns"], message["time_ns"], text, message)


def _inside(line: bytes) -> Iterator[Record]:
    """The messages that stand in a bad line, one behind another."""
    text = line.decode("latin-1")  # one character a byte, so that places stay
    decoder, behind = json.JSONDecoder(), 0
    for tried, match in enumerate(OBJECT.finditer(line)):
        if tried >= MOST_TRIED:
            return
        if match.start() < behind:
            continue
        try:
            _, end = decoder.raw_decode(text, match.start())
            record = _record(line[match.start() : end])
        except (ValueError, RecursionError, MessageRejected):
            continue
        behind = end
        yield record
