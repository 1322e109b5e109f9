"""Where in a recording an event time stands, so that reading may begin there and not at its start.

The index of an MCAP file is of arrival times, and those of a replay that was recorded say nothing of event time.
So it is asked for the places of the chunks alone, and the first message of each chunk for its event time: some
kilobytes of each, unpacked no further. Any other recording is read from its start.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO, Final

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Channel
from mcap.summary import Summary

from fusion.errors import RecordingError
from fusion.types import SECOND_NS
from replay.recordings.files import Reader, open_reader
from replay.recordings.jsonl_file import STANDARD, JsonlReader
from replay.recordings.mcap_file import McapReader
from replay.recordings.mcap_records import DAMAGE, HEAD, MESSAGE_HEAD
from replay.recordings.record import is_file, open_file

DISORDER_NS: Final = 10 * SECOND_NS  # messages stand up to this much too early in a file: several times a lateness
CHUNK_HEAD: Final = struct.Struct("<BQQQQII")  # opcode, length, first and last time, size, checksum, name's length
PEEK_BYTES: Final = 136 * 1024  # of a chunk: zstd unpacks blocks of at most 128 KiB, each as a whole
FIRST_BYTES: Final = 64 * 1024  # unpacked: the first message's head stands there, behind some schemas at most
TAILS: Final = (2**20, 2**24)  # bytes at the end of a file: of its last messages, then of whatever size one has
MISLED: Final = (*DAMAGE, MemoryError, OSError)  # what comes of following an index that lies


class Places:
    """The places of event times in one recording; each part is found out when it is first asked for.

    seekable: whether it can be read from anywhere at all, which standard input cannot.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.named = "standard input" if self.path == STANDARD else self.path
        self.seekable = self.path != STANDARD and is_file(self.path)
        self._chunks: list[tuple[int, int]] | None = None  # offset, event time of the first message; in file order
        self._channels: tuple[Channel, ...] = ()
        self._last_ns: int | None = None
        self._looked = False  # for the end

    def open_at(self, time_ns: int) -> Reader:
        """A reader from before the first message of `time_ns` or later; who asks leaves out what is earlier.

        Raises RecordingError for what cannot be read, and for standard input.
        """
        if not self.seekable:
            raise RecordingError(
                "a pipe" if self.path != STANDARD else "standard input",
                "cannot be read from another place; allowed is a file",
            )
        reader = open_reader(self.path)
        if isinstance(reader, McapReader):
            offset = self._offset(time_ns)
            if offset is not None:
                reader.start_at(offset, self._channels)
        return reader

    def last_ns(self) -> int | None:
        """The newest event time near the end of the file: where a position bar ends. None where it is not known."""
        if not self._looked and self.seekable:
            self._looked = True
            try:
                self._last_ns = self._find_last()
            except (RecordingError, OSError):
                return None
        return self._last_ns

    def _offset(self, time_ns: int) -> int | None:
        """Of the last chunk before all that could hold `time_ns`; None: the start of the file."""
        found = None
        for offset, first_ns in self._table():
            if first_ns > time_ns - DISORDER_NS:
                break
            found = offset
        return found

    def _table(self) -> list[tuple[int, int]]:
        if self._chunks is None:
            with open_file(self.path) as file:
                try:
                    self._chunks = self._chunk_times(file)
                except MISLED:  # an index that lies is as good as none
                    self._chunks = []
        return self._chunks

    def _chunk_times(self, file: BinaryIO) -> list[tuple[int, int]]:
        """The chunks as the index has them. Raises one of MISLED where anything of it is not as it says."""
        summary = make_reader(file).get_summary()
        if summary is None or not _is_whole(summary):
            return []
        self._channels = tuple(summary.channels.values())
        offsets = sorted(chunk.chunk_start_offset for chunk in summary.chunk_indexes)
        return [(offset, _first_time(file, offset)) for offset in offsets]

    def _find_last(self) -> int | None:
        """From the last two chunks, as the newest message may stand in the one before; from the last lines."""
        for size in TAILS:
            with open_reader(self.path) as reader:
                if isinstance(reader, JsonlReader):
                    reader.skip_to_tail(size)
                elif isinstance(reader, McapReader) and len(table := self._table()) > 1:
                    reader.start_at(table[-2][0], self._channels)
                elif reader.size is None or reader.size > size:
                    continue
                times = [record.time_ns for record in reader if not record.opening]
            if times:
                return max(times)
        return None


def _is_whole(summary: Summary) -> bool:
    """Whether the index has every chunk, as far as the file itself says how many there are."""
    told = summary.statistics
    return bool(summary.chunk_indexes) and (told is None or told.chunk_count == len(summary.chunk_indexes))


def _first_time(file: BinaryIO, offset: int) -> int:
    """The event time of the first message of the chunk at `offset`. Raises one of MISLED."""
    file.seek(offset)
    data = file.read(PEEK_BYTES)
    opcode, length, _, _, size, _, name_length = CHUNK_HEAD.unpack_from(data)
    if opcode != Opcode.CHUNK:
        raise ValueError(f"no chunk at {offset}")
    name = data[CHUNK_HEAD.size : CHUNK_HEAD.size + name_length]
    start = CHUNK_HEAD.size + name_length + 8
    for wanted in (FIRST_BYTES, size):
        time_ns = _first_message(_unpacked(name, data[start : HEAD.size + length], wanted))
        if time_ns is not None:
            return time_ns
        data += file.read(max(HEAD.size + length - len(data), 0))
    raise ValueError(f"no message in the chunk at {offset}")


def _unpacked(compression: bytes, data: bytes, wanted: int) -> bytes:
    """The beginning of a chunk's records, at most `wanted` bytes."""
    match compression:
        case b"zstd":
            with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as stream:
                return stream.read(wanted)
        case b"lz4":
            found: bytes = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=wanted)
            return found
        case b"":
            return data[:wanted]
    raise ValueError(f"a chunk is compressed with {compression[:40]!r}")


def _first_message(records: bytes) -> int | None:
    position = 0
    while position + HEAD.size <= len(records):
        opcode, length = HEAD.unpack_from(records, position)
        position += HEAD.size
        if opcode == Opcode.MESSAGE and position + MESSAGE_HEAD.size <= len(records):
            time_ns: int = MESSAGE_HEAD.unpack_from(records, position)[3]
            return time_ns
        position += length
    return None
