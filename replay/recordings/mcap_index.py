"""The index at the end of an MCAP file (https://mcap.dev/spec#summary-section), and whether to believe it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Metadata, MetadataIndex, Statistics
from mcap.writer import MCAP0_MAGIC as MAGIC

from fusion.errors import RecordingError
from replay.recordings.record import METADATA_NAME, open_file

LONGEST_INDEX: Final = 2**28  # bytes: a week of chunks of 1 MiB each second has a tenth of it
HEAD: Final = struct.Struct("<BQ")  # opcode and length of every record
FOOTER: Final = struct.Struct("<BQQQI")  # opcode, length, start of the summary, of its offsets, checksum
CHUNK_HEAD: Final = struct.Struct("<QQQII")  # first and last time, bytes inside, checksum, length of the compression
MESSAGE_INDEX: Final = struct.Struct("<HI")  # channel, length of the entries
UNSOUND: Final = (McapError, struct.error, ValueError, EOFError, OverflowError, KeyError)


@dataclass(slots=True)
class Chunks:
    """count; bytes in the file, and inside when unpacked; compressions: name -> chunks."""

    count: int = 0
    packed: int = 0
    inside: int = 0
    compressions: dict[str, int] = field(default_factory=dict)

    def add(self, packed: int, inside: int, compression: str) -> None:
        """Count one more."""
        self.count, self.packed, self.inside = self.count + 1, self.packed + packed, self.inside + inside
        self.compressions[compression] = self.compressions.get(compression, 0) + 1


@dataclass(slots=True)
class IndexedTopic:
    """messages: how many. first_ns, last_ns: times of arrival; None where the index does not tell."""

    messages: int = 0
    first_ns: int | None = None
    last_ns: int | None = None


@dataclass(slots=True)
class McapIndex:
    """What an index says. Times are those of arrival, as MCAP indexes no other."""

    messages: int
    from_ns: int
    to_ns: int
    topics: dict[str, IndexedTopic]
    chunks: Chunks
    metadata: dict[str, str]
    attachments: int


def read_index(path: str) -> McapIndex:
    """The index of a file, checked against what it points at. Reads of each chunk its head alone.

    Raises RecordingError where there is none, or it is not sound: the reason in words.
    """
    with open_file(path) as file:
        try:
            return _Summary(file).checked()
        except UNSOUND as error:
            raise RecordingError(path, f"no sound index: {str(error) or type(error).__name__}") from None
        except OSError as error:
            raise RecordingError(path, f"cannot be read: {error.strerror or error}") from error


def count_chunks(path: str) -> Chunks:
    """The chunks of a file, index or not, by walking over its records: of each the head is read, no more."""
    chunks = Chunks()
    with open_file(path) as file:
        size = file.seek(0, io.SEEK_END)
        position = len(MAGIC)
        while position + HEAD.size <= size:
            file.seek(position)
            opcode, length = HEAD.unpack(file.read(HEAD.size))
            position += HEAD.size + length
            if opcode == Opcode.CHUNK and position <= size and length >= CHUNK_HEAD.size:
                _, _, inside, _, name = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
                compression = file.read(min(name, 16)).decode("ascii", "replace")
                chunks.add(HEAD.size + length, inside, compression)
            if opcode == Opcode.FOOTER:
                break
    return chunks


class _Summary:
    """The records of the section that the footer points at."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        self._channels: dict[int, str] = {}
        self._chunks: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []
        self._statistics: Statistics | None = None
        for opcode, body in self._records():
            stream = ReadDataStream(io.BytesIO(body))
            if opcode == Opcode.CHANNEL:
                channel = Channel.read(stream)
                self._channels[channel.id] = channel.topic
            elif opcode == Opcode.STATISTICS:
                self._statistics = Statistics.read(stream)
            elif opcode == Opcode.CHUNK_INDEX:
                self._chunks.append(ChunkIndex.read(stream))
            elif opcode == Opcode.METADATA_INDEX:
                self._metadata.append(MetadataIndex.read(stream))

    def _at(self, offset: int, length: int) -> bytes:
        if not 0 <= offset <= self._size - length:
            raise ValueError(f"it points at byte {offset}, the file has {self._size}")
        self._file.seek(offset)
        return self._file.read(length)

    def _records(self) -> Iterator[tuple[int, bytes]]:
        end = self._size - len(MAGIC) - FOOTER.size
        if end < len(MAGIC) or self._at(0, len(MAGIC)) != MAGIC:
            raise ValueError("this is no MCAP file")
        footer = self._at(end, FOOTER.size)
        opcode, length, start, _, checksum = FOOTER.unpack(footer)
        if self._at(self._size - len(MAGIC), len(MAGIC)) != MAGIC or (opcode, length) != (Opcode.FOOTER, 20):
            raise ValueError("the file ends without one")
        if not start:
            raise ValueError("the file was written without one")
        if not len(MAGIC) <= start <= end or end - start > LONGEST_INDEX:
            raise ValueError(f"the footer points at byte {start}")
        data = self._at(start, end - start)
        if checksum and zlib.crc32(data + footer[:-4]) != checksum:
            raise ValueError("its checksum is wrong")
        position = 0
        while position < len(data):
            opcode, length = HEAD.unpack_from(data, position)
            position += HEAD.size + length
            yield opcode, data[position - length : position]

    def checked(self) -> McapIndex:
        """The index. Raises one of UNSOUND where its parts contradict each other or the file."""
        statistics = self._statistics
        if statistics is None:
            raise ValueError("it has no statistics")
        counts = statistics.channel_message_counts
        if sum(counts.values()) != statistics.message_count or statistics.chunk_count != len(self._chunks):
            raise ValueError("its numbers contradict each other")
        chunks = Chunks()
        for chunk in self._chunks:
            head = HEAD.unpack(self._at(chunk.chunk_start_offset, HEAD.size))
            if head != (Opcode.CHUNK, chunk.chunk_length - HEAD.size):
                raise ValueError(f"there is no chunk at byte {chunk.chunk_start_offset}, where it says so")
            chunks.add(chunk.chunk_length, chunk.uncompressed_size, chunk.compression)
        topics: dict[str, IndexedTopic] = {}
        for channel, count in counts.items():
            topic = topics.setdefault(self._channels[channel], IndexedTopic())
            topic.messages += count
            if count:
                self._add_span(topic, channel)
        return McapIndex(
            statistics.message_count,
            statistics.message_start_time,
            statistics.message_end_time,
            topics,
            chunks,
            self._read_metadata(),
            statistics.attachment_count,
        )

    def _add_span(self, topic: IndexedTopic, channel: int) -> None:
        """Look into the chunks that may hold the channel's first and its last message, and no others."""
        holding = [chunk for chunk in self._chunks if channel in chunk.message_index_offsets]
        for chunk in sorted(holding, key=lambda chunk: chunk.message_start_time):
            if topic.first_ns is not None and chunk.message_start_time >= topic.first_ns:
                break
            topic.first_ns = min(self._times(chunk, channel) + ([] if topic.first_ns is None else [topic.first_ns]))
        for chunk in sorted(holding, key=lambda chunk: -chunk.message_end_time):
            if topic.last_ns is not None and chunk.message_end_time <= topic.last_ns:
                break
            topic.last_ns = max(self._times(chunk, channel) + ([] if topic.last_ns is None else [topic.last_ns]))

    def _times(self, chunk: ChunkIndex, channel: int) -> list[int]:
        offset = chunk.message_index_offsets[channel]
        opcode, length = HEAD.unpack(self._at(offset, HEAD.size))
        body = self._at(offset + HEAD.size, length)
        if opcode != Opcode.MESSAGE_INDEX or MESSAGE_INDEX.unpack_from(body)[0] != channel:
            raise ValueError(f"there is no index of messages at byte {offset}, where it says so")
        return [time_ns for time_ns, _ in struct.iter_unpack("<QQ", body[MESSAGE_INDEX.size :])]

    def _read_metadata(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for entry in self._metadata:
            if entry.name == METADATA_NAME:
                opcode, length = HEAD.unpack(self._at(entry.offset, HEAD.size))
                if opcode != Opcode.METADATA:
                    raise ValueError(f"there is no metadata at byte {entry.offset}, where it says so")
                body = self._at(entry.offset + HEAD.size, length)
                found.update(Metadata.read(ReadDataStream(io.BytesIO(body))).metadata)
        return found
