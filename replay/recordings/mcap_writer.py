"""Writing recordings as MCAP (https://mcap.dev/spec): chunked, compressed, indexed, readable by the public tools.

The records are those of the `mcap` package. Its own writer compresses at a fixed level and copies each message
several times, which was a tenth of the time of tracking; so messages and chunks are put together here.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC as MAGIC

from adapters import schemas
from adapters.wire import Message, decode, encode
from fusion.errors import RecordingError
from replay.recordings.record import METADATA_NAME, Writer, open_file

CHUNK_BYTES: Final = 2**20  # uncompressed: large enough to compress well, small enough to be read in one go
CHANNELS: Final = 2**16 - 1  # a channel's number has 16 bits in MCAP
LEVEL: Final = 1  # of zstd: half the time of its default of 3, for files of numbers 7 % larger
COMPRESSION: Final = b"zstd"
MESSAGE: Final = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, log_time, publish_time
MESSAGE_HEAD_BYTES: Final = MESSAGE.size - 9  # less opcode and length themselves
CHUNK: Final = struct.Struct("<BQQQQII4sQ")  # opcode, length, first and last time, size, checksum, compression, length
INDEX: Final = struct.Struct("<BQHI")  # opcode, length, channel, length of its entries
ENTRY: Final = struct.Struct("<QQ")  # log_time, offset in the chunk
FOOTER: Final = struct.Struct("<BQQQ")  # opcode, length, start of the summary, start of its offsets


class McapWriter(Writer):
    """The same records in the same order, flushed at the same places, give the same bytes."""

    def __init__(self, path: str, metadata: Mapping[str, str]) -> None:
        super().__init__(path)
        self._file = open_file(path, "wb")
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._channels: dict[str, Channel] = {}
        self._schemas: dict[str, Schema] = {}
        self._counts: dict[int, int] = {}
        self._span_ns: tuple[int, int] | None = None
        self._indexes: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []
        self._begin()
        self._put(MAGIC + _bytes_of(Header(profile="", library="skypicket")))
        if metadata:
            record = _bytes_of(Metadata(name=METADATA_NAME, metadata={key: metadata[key] for key in sorted(metadata)}))
            self._metadata.append(MetadataIndex(offset=self._file.tell(), length=len(record), name=METADATA_NAME))
            self._put(record)

    def _write(self, topic: str, message: Message, log_ns: int) -> None:
        self._add(topic, self._encoded(message), message["time_ns"], log_ns, message["seq"])

    def _write_payload(self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int) -> None:
        if payload[:1] == b"{":
            payload = encode(decode(payload))
        self._add(topic, payload, time_ns, log_ns, sequence)

    def _add(self, topic: str, payload: bytes, time_ns: int, log_ns: int, sequence: int) -> None:
        channel = (self._channels.get(topic) or self._open_channel(topic)).id
        head = MESSAGE.pack(
            Opcode.MESSAGE,
            MESSAGE_HEAD_BYTES + len(payload),
            channel,
            sequence & 0xFFFFFFFF,  # MCAP has 32 bits for it
            log_ns,
            time_ns,
        )
        self._entries.setdefault(channel, []).append((log_ns, self._size))
        self._counts[channel] = self._counts.get(channel, 0) + 1
        self._hold(head)
        self._hold(payload)
        if self._size > CHUNK_BYTES:
            self._end_chunk()

    def _begin(self) -> None:
        """A new chunk: its parts, their bytes, and where each channel's messages stand among them."""
        self._parts: list[bytes] = []
        self._size = 0
        self._entries: dict[int, list[tuple[int, int]]] = {}

    def _hold(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)

    def _put(self, data: bytes) -> None:
        self._file.write(data)

    def _end_chunk(self) -> None:
        """Compress the chunk in progress and write it with its index. Without a message in it, it goes on."""
        if not self._entries:
            return
        data = b"".join(self._parts)
        packed = self._compressor.compress(data)
        times = [log_ns for entries in self._entries.values() for log_ns, _ in entries]
        first, last = min(times), max(times)
        start = self._file.tell()
        length = CHUNK.size - 9 + len(packed)
        head = CHUNK.pack(
            Opcode.CHUNK, length, first, last, len(data), zlib.crc32(data), len(COMPRESSION), COMPRESSION, len(packed)
        )
        self._put(head)
        self._put(packed)
        offsets, at = {}, start + len(head) + len(packed)
        for channel, entries in self._entries.items():
            offsets[channel] = at
            size = ENTRY.size * len(entries)
            index = [INDEX.pack(Opcode.MESSAGE_INDEX, INDEX.size - 9 + size, channel, size)]
            self._put(b"".join(index + [ENTRY.pack(*entry) for entry in entries]))
            at += INDEX.size + size
        index_bytes = at - start - len(head) - len(packed)
        self._indexes.append(
            ChunkIndex(
                chunk_length=len(head) + len(packed),
                chunk_start_offset=start,
                compression=COMPRESSION.decode(),
                compressed_size=len(packed),
                message_end_time=last,
                message_index_length=index_bytes,
                message_index_offsets=offsets,
                message_start_time=first,
                uncompressed_size=len(data),
            )
        )
        known = self._span_ns or (first, last)
        self._span_ns = min(first, known[0]), max(last, known[1])
        self._begin()

    def _open_channel(self, topic: str) -> Channel:
        if len(self._channels) >= CHANNELS:
            raise RecordingError(self.path, f"topic {topic!r} would be number {CHANNELS + 1}; allowed are {CHANNELS}")
        kind = topic.partition(".")[0]
        channel = Channel(
            id=len(self._channels) + 1,
            topic=topic,
            message_encoding="msgpack",
            schema_id=self._schema_id(kind),
            metadata={},
        )
        self._channels[topic] = channel
        self._hold(_bytes_of(channel))
        return channel

    def _schema_id(self, kind: str) -> int:
        """0, MCAP's number for no schema, where the contract knows no such message."""
        if kind not in schemas.names():
            return 0
        if kind not in self._schemas:
            text = json.dumps(schemas.load(kind), separators=(",", ":"), sort_keys=True)
            number = len(self._schemas) + 1
            self._schemas[kind] = Schema(id=number, data=text.encode(), encoding="jsonschema", name=f"skypicket.{kind}")
            self._hold(_bytes_of(self._schemas[kind]))
        return self._schemas[kind].id

    def _flush(self) -> None:
        self._end_chunk()
        self._file.flush()

    def _close(self) -> None:
        try:
            self._end_chunk()
            self._put(_bytes_of(DataEnd(0)))
            self._summarise()
        finally:
            self._file.close()

    def _summarise(self) -> None:
        """The index at the end: groups of records of one kind, where each group stands, and where all this begins."""
        start = self._file.tell()
        groups: list[tuple[Opcode, list[McapRecord]]] = [
            (Opcode.SCHEMA, list(self._schemas.values())),
            (Opcode.CHANNEL, list(self._channels.values())),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, list(self._indexes)),
            (Opcode.METADATA_INDEX, list(self._metadata)),
        ]
        body, offsets = b"", b""
        for opcode, records in groups:
            group = b"".join(map(_bytes_of, records))
            if group:
                offsets += _bytes_of(
                    SummaryOffset(group_opcode=opcode, group_start=start + len(body), group_length=len(group))
                )
            body += group
        offset_start = start + len(body)
        checked = body + offsets + FOOTER.pack(Opcode.FOOTER, 20, start, offset_start)
        self._put(body + offsets + _bytes_of(Footer(start, offset_start, zlib.crc32(checked))) + MAGIC)

    def _statistics(self) -> Statistics:
        first, last = self._span_ns or (0, 0)
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=len(self._indexes),
            message_count=sum(self._counts.values()),
            message_end_time=last,
            message_start_time=first,
            metadata_count=len(self._metadata),
            schema_count=len(self._schemas),
        )


def _bytes_of(record: McapRecord) -> bytes:
    builder: Any = RecordBuilder()  # it has no types
    record.write(builder)
    data: bytes = builder.end()
    return data
