"""Reading recordings that are MCAP (https://mcap.dev/spec). Their writer is `replay.recordings.mcap_writer`.

Reading goes through the data section from front to back, never through the index at the end: a file that was
cut off, or whose writer was killed, gives what its complete chunks hold.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Metadata
from mcap.writer import MCAP0_MAGIC as MAGIC

from adapters.wire import MAX_MESSAGE_BYTES, decode
from fusion.errors import MessageRejected, RecordingError
from replay.recordings.record import METADATA_NAME, Reader, Record, open_file, topic_of

RECORD_BYTES: Final = 2**28  # no honest chunk is larger; what a damaged length asks for must not be allocated
HEAD: Final = struct.Struct("<BQ")  # opcode and length of every record
MESSAGE_HEAD: Final = struct.Struct("<HIQQ")  # channel, sequence, log_time, publish_time
NEEDED: Final = {Opcode.CHANNEL, Opcode.CHUNK, Opcode.MESSAGE, Opcode.METADATA}
DAMAGE: Final = (McapError, struct.error, ValueError, zstandard.ZstdError, RuntimeError, EOFError, OverflowError)


class McapReader(Reader):
    """Raises RecordingError at once where the file is no MCAP file."""

    def __init__(self, path: str) -> None:
        self._file = open_file(path, "rb")
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        magic = self._file.read(len(MAGIC))
        super().__init__(path, size)
        if magic != MAGIC:
            self._file.close()
            found = "the file is empty" if not magic else f"it begins with {magic!r}"
            raise RecordingError(path, f"is not an MCAP file: {found}; allowed is {MAGIC!r}", 0)
        self.offset = len(MAGIC)
        self._topics: dict[int, str | None] = {}
        self._unzip = zstandard.ZstdDecompressor()

    def start_at(self, offset: int, topics: Mapping[int, str | None]) -> None:
        """Read from the record at `offset` on, with the channels that stand before it: see `recordings.seeking`."""
        self._file.seek(offset)
        self.offset = offset
        self._topics.update(topics)

    def close(self) -> None:
        self._file.close()

    def _read(self) -> Iterator[Record]:
        opcode = 0
        while opcode != Opcode.FOOTER:
            head = self._file.read(HEAD.size)
            if len(head) < HEAD.size:
                self._cut_off("the file ends without its index")
                return
            opcode, length = HEAD.unpack(head)
            end = self.offset + HEAD.size + length
            if end > (self.size or 0):
                self._cut_off(f"a record of {length} bytes runs past the end of the file, at {self.size}")
                return
            if opcode not in NEEDED:
                self._file.seek(length, io.SEEK_CUR)
            elif length > RECORD_BYTES:
                self._damaged(f"a record claims {length} bytes; allowed are {RECORD_BYTES}")
                self._file.seek(length, io.SEEK_CUR)
            else:
                yield from self._record(opcode, self._file.read(length))
            self.offset = end
        if self._file.read(len(MAGIC)) != MAGIC:
            self._cut_off("the closing mark is missing")

    def _record(self, opcode: int, body: bytes) -> Iterator[Record]:
        try:
            if opcode == Opcode.CHUNK:
                yield from self._messages(self._unpack(Chunk.read(ReadDataStream(io.BytesIO(body)))))
            elif opcode == Opcode.METADATA:
                record = Metadata.read(ReadDataStream(io.BytesIO(body)))
                if record.name == METADATA_NAME:
                    self.metadata.update(record.metadata)
            else:
                yield from self._messages(HEAD.pack(opcode, len(body)) + body)
        except DAMAGE as error:
            self._damaged(str(error) or type(error).__name__)

    def _unpack(self, chunk: Chunk) -> bytes:
        """The chunk's records. Raises one of DAMAGE; a small chunk never fills the memory."""
        size = chunk.uncompressed_size
        if size > RECORD_BYTES:
            raise ValueError(f"a chunk claims {size} bytes uncompressed; allowed are {RECORD_BYTES}")
        match chunk.compression:
            case "zstd":
                claimed = zstandard.frame_content_size(chunk.data)
                if claimed > size:
                    raise ValueError(f"a chunk of {size} bytes claims {claimed} bytes inside")
                data = self._unzip.decompress(chunk.data, max_output_size=size) if size else b""
            case "lz4":
                data = lz4.frame.LZ4FrameDecompressor().decompress(chunk.data, max_length=size + 1)
            case "":
                data = chunk.data
            case other:
                raise ValueError(f"a chunk is compressed with {other[:40]!r}; allowed are zstd, lz4 and nothing")
        if len(data) != size:
            raise ValueError(f"a chunk has {len(data)} bytes; its head says {size}")
        if chunk.uncompressed_crc and zlib.crc32(data) != chunk.uncompressed_crc:
            raise ValueError(f"the checksum of a chunk of {size} bytes is wrong: it is left out")
        return data

    def _messages(self, data: bytes) -> Iterator[Record]:
        unpack_head, unpack_message, topics = HEAD.unpack_from, MESSAGE_HEAD.unpack_from, self._topics
        position, end = 0, len(data)
        while position < end:
            opcode, length = unpack_head(data, position)
            start = position + HEAD.size
            position = start + length
            if position > end:
                raise ValueError(f"a record of {length} bytes runs past the end of its chunk")
            if opcode == Opcode.MESSAGE:
                channel, _, log_ns, time_ns = unpack_message(data, start)
                payload = data[start + MESSAGE_HEAD.size : position]
                if len(payload) > MAX_MESSAGE_BYTES:
                    self._problem("too large", f"a message of {len(payload)} bytes; allowed are {MAX_MESSAGE_BYTES}")
                elif channel not in topics:
                    yield from self._without_channel(log_ns, payload)
                elif (topic := topics[channel]) is not None:
                    yield Record(topic, time_ns, log_ns, payload)
                else:
                    self._problem("encoding", "a channel whose messages are neither msgpack nor json")
            elif opcode == Opcode.CHANNEL:
                entry = Channel.read(ReadDataStream(io.BytesIO(data[start:position])))
                topics[entry.id] = entry.topic if entry.message_encoding in ("msgpack", "json") else None

    def _without_channel(self, log_ns: int, payload: bytes) -> Iterator[Record]:
        """A message whose channel stood in a chunk that was damaged: its own fields give the topic."""
        try:
            message = decode(payload)
            topic = topic_of(message)
        except MessageRejected as error:
            self._problem("unknown channel", f"a message of a channel that is not defined, and {error}")
        else:
            yield Record(topic, message["time_ns"], log_ns, payload, message)

    def _cut_off(self, detail: str) -> None:
        self.truncated = True
        self._problem("truncated", detail)

    def _damaged(self, detail: str) -> None:
        self._problem("damaged", detail)

    def _problem(self, code: str, detail: str) -> None:
        self.problems.add(code, detail, self.offset)
