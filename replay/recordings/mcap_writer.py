"""Writing recordings as MCAP (https://mcap.dev/spec): chunked, compressed, indexed, readable by the public tools.

The records are those of the `mcap` package. Its own writer compresses at a fixed level and copies each message
several times, which was a tenth of the time of tracking; so messages and chunks are put together here.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Final

import zstandard
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Header,
    Metadata,
    MetadataIndex,
    Schema,
)

from adapters import schemas
from adapters.wire import Message, decode, encode
from fusion.errors import RecordingError
from replay.recordings.mcap_records import MAGIC, OPENING, bytes_of
from replay.recordings.mcap_summary import summary
from replay.recordings.pieces import PieceFile
from replay.recordings.record import METADATA_NAME, Writer, naming

CHUNK_BYTES: Final = 2**20  # uncompressed: large enough to compress well, small enough to be read in one go
CHANNELS: Final = 2**16 - 1  # a channel's number has 16 bits in MCAP
LEVEL: Final = 1  # of zstd: half the time of its default of 3, for files of numbers 7 % larger
COMPRESSION: Final = b"zstd"
MESSAGE: Final = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, log_time, publish_time
MESSAGE_HEAD_BYTES: Final = MESSAGE.size - 9  # less opcode and length themselves
CHUNK: Final = struct.Struct("<BQQQQII4sQ")  # opcode, length, first and last time, size, checksum, compression, length
INDEX: Final = struct.Struct("<BQHI")  # opcode, length, channel, length of its entries
ENTRY: Final = struct.Struct("<QQ")  # log_time, offset in the chunk


TAIL_BYTES: Final = 512  # of the end of the data, the statistics, the offsets of the summary and the footer, at most
COUNT_BYTES: Final = 10  # of a channel in the statistics, and in the index of each chunk
CHANNEL_BYTES: Final = 96  # without its topic, rounded up
NAMING: Final = 2  # schemas and channels stand among the data and in the index
CHUNK_INDEX_BYTES: Final = 96  # without its channels, rounded up


class McapWriter(Writer):
    """The same records in the same order, flushed at the same places, give the same bytes.

    Each chunk names the channels of its messages anew, so that it can be read alone. On a full disk what is there is
    closed as a whole recording, if there is room for the index.
    """

    def __init__(self, path: str, metadata: Mapping[str, str]) -> None:
        super().__init__(path)
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._channels: dict[tuple[str, bool], tuple[Channel, bytes]] = {}
        self._schemas: dict[str, Schema] = {}
        self._kept = (0, 0)  # channels and schemas that stand in whole chunks
        self._counts: dict[int, int] = {}
        self._indexes: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []
        self._tail_bytes = TAIL_BYTES
        self._checked = 0
        self._failure: OSError | None = None
        self._closed = False
        self._begin()
        self._file = PieceFile(path)
        front = MAGIC + bytes_of(Header(profile="", library="skypicket"))
        if metadata:
            front += self._described(metadata, len(front))
        try:
            with naming(path):
                self._put(front)
        except RecordingError:
            self._file.close()
            raise

    @property
    def size(self) -> int:
        channels = len(self._entries)
        index = channels * (INDEX.size + COUNT_BYTES) + ENTRY.size * self._held + CHUNK_INDEX_BYTES
        return self._file.size + CHUNK.size + self._size + self._size // 128 + index + self._tail_bytes

    def size_with(self, topic: str, payload_bytes: int) -> int:
        known = super().size_with(topic, payload_bytes)
        if (topic, False) in self._channels:
            return known
        schema = _schema_of(topic.partition(".")[0], 1)
        return known + NAMING * ((len(bytes_of(schema)) if schema else 0) + CHANNEL_BYTES + len(topic))

    def _write(self, topic: str, message: Message, log_ns: int, opening: bool) -> None:
        self._add(topic, self._encoded(message), message["time_ns"], log_ns, message["seq"], opening)

    def _write_payload(
        self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int, opening: bool
    ) -> None:
        if payload[:1] == b"{":
            payload = encode(decode(payload))
        self._add(topic, payload, time_ns, log_ns, sequence, opening)

    def _add(self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int, opening: bool) -> None:
        if self._failure is not None:
            raise self._failure
        channel, named = self._channels.get((topic, opening)) or self._open_channel(topic, opening)
        entries = self._entries.get(channel.id)
        if entries is None:
            entries = self._entries[channel.id] = []
            self._hold(named)
        head = MESSAGE.pack(
            Opcode.MESSAGE,
            MESSAGE_HEAD_BYTES + len(payload),
            channel.id,
            sequence & 0xFFFFFFFF,  # MCAP has 32 bits for it
            log_ns,
            time_ns,
        )
        entries.append((log_ns, self._size))
        self._held += 1
        self._hold(head)
        self._hold(payload)
        if self._size > CHUNK_BYTES:
            self._end_chunk()

    def _begin(self) -> None:
        """A new chunk: its parts, their bytes, and where each channel's messages stand among them."""
        self._parts: list[bytes] = []
        self._size = self._held = 0
        self._entries: dict[int, list[tuple[int, int]]] = {}

    def _hold(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)

    def _put(self, data: bytes) -> None:
        self._file.append(data)
        self._checked = zlib.crc32(data, self._checked)

    def _end_chunk(self) -> None:
        """Compress the chunk in progress and write it with its index. Without a message in it, it goes on."""
        if not self._entries:
            return
        data = b"".join(self._parts)
        packed = self._compressor.compress(data)
        times = [log_ns for entries in self._entries.values() for log_ns, _ in entries]
        first, last = min(times), max(times)
        start = self._file.size
        length = CHUNK.size - 9 + len(packed)
        head = CHUNK.pack(
            Opcode.CHUNK, length, first, last, len(data), zlib.crc32(data), len(COMPRESSION), COMPRESSION, len(packed)
        )
        offsets, at, pieces = {}, start + len(head) + len(packed), [head, packed]
        for channel, entries in self._entries.items():
            offsets[channel] = at
            size = ENTRY.size * len(entries)
            pieces.append(INDEX.pack(Opcode.MESSAGE_INDEX, INDEX.size - 9 + size, channel, size))
            pieces += [ENTRY.pack(*entry) for entry in entries]
            at += INDEX.size + size
        try:
            self._put(b"".join(pieces))
        except OSError as error:
            raise self._fail(error) from error
        self._indexes.append(
            ChunkIndex(
                chunk_length=len(head) + len(packed),
                chunk_start_offset=start,
                compression=COMPRESSION.decode(),
                compressed_size=len(packed),
                message_end_time=last,
                message_index_length=at - start - len(head) - len(packed),
                message_index_offsets=offsets,
                message_start_time=first,
                uncompressed_size=len(data),
            )
        )
        self._tail_bytes += CHUNK_INDEX_BYTES + COUNT_BYTES * len(offsets)
        for channel, entries in self._entries.items():
            self._counts[channel] = self._counts.get(channel, 0) + len(entries)
        self._kept = len(self._channels), len(self._schemas)
        self._begin()

    def _fail(self, error: OSError) -> RecordingError:
        """There is no room: close what is there, and say what that is and what is lost."""
        self._failure, self.lost = error, self._held
        kept = f"{sum(self._counts.values()):,} messages, {self._file.size:,} bytes, are kept in it"
        try:
            self._finish()
            self._closed = True
            whole = "complete, with their index"
        except OSError:
            whole = f"without their index: `skypicket recover {self.path}` makes it where there is room"
        detail = f"cannot be written: {error.strerror or error}; {kept}, {whole}; {self.lost:,} after them are lost"
        return RecordingError(self.path, detail)

    def _open_channel(self, topic: str, opening: bool) -> tuple[Channel, bytes]:
        if len(self._channels) >= CHANNELS:
            raise RecordingError(self.path, f"topic {topic!r} would be number {CHANNELS + 1}; allowed are {CHANNELS}")
        channel = Channel(
            id=len(self._channels) + 1,
            topic=topic,
            message_encoding="msgpack",
            schema_id=self._schema_id(topic.partition(".")[0]),
            metadata=dict(OPENING) if opening else {},
        )
        named = bytes_of(channel)
        self._channels[topic, opening] = channel, named
        self._tail_bytes += len(named) + COUNT_BYTES
        return channel, named

    def _schema_id(self, kind: str) -> int:
        """0, MCAP's number for no schema, where the contract knows no such message."""
        known = self._schemas.get(kind)
        if known is None:
            known = _schema_of(kind, len(self._schemas) + 1)
            if known is None:
                return 0
            self._schemas[kind] = known
            named = bytes_of(known)
            self._tail_bytes += len(named)
            self._hold(named)
        return known.id

    def _described(self, metadata: Mapping[str, str], offset: int) -> bytes:
        """The record of what made the recording, which is to stand at `offset`."""
        told = {_as_text(key): _as_text(metadata[key]) for key in sorted(metadata)}
        record = bytes_of(Metadata(name=METADATA_NAME, metadata=told))
        self._metadata.append(MetadataIndex(offset=offset, length=len(record), name=METADATA_NAME))
        self._tail_bytes += CHUNK_INDEX_BYTES
        return record

    def _add_metadata(self, metadata: Mapping[str, str]) -> None:
        if metadata and self._failure is None:
            self._put(self._described(metadata, self._file.size))

    def _flush(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._end_chunk()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._failure is not None:
                raise self._failure
            self._end_chunk()
            self._finish()
        finally:
            self._file.close()

    def _finish(self) -> None:
        """The end of the data, the index and the footer, in one piece."""
        end = bytes_of(DataEnd(self._checked))
        channels, schema_count = self._kept
        self._file.append(
            end
            + summary(
                self._file.size + len(end),
                list(self._schemas.values())[:schema_count],
                [channel for channel, _ in self._channels.values()][:channels],
                self._indexes,
                self._metadata,
                self._counts,
            )
        )
        self._file.close()


def _schema_of(kind: str, number: int) -> Schema | None:
    """The JSON Schema of a kind of message; None where the contract knows no such."""
    if kind not in schemas.names():
        return None
    text = json.dumps(schemas.load(kind), separators=(",", ":"), sort_keys=True)
    return Schema(id=number, data=text.encode(), encoding="jsonschema", name=f"skypicket.{kind}")


def _as_text(text: str) -> str:
    """As UTF-8 has room for it: file names may hold bytes that are none."""
    return text.encode("utf-8", "backslashreplace").decode()
