"""The bytes of MCAP's records (https://mcap.dev/spec), as the reader, the writer and the recovery share them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, Final

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.data_stream import ReadDataStream, RecordBuilder
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, McapRecord

from replay.recordings.marks import MCAP_MARK

RECORD_BYTES: Final = 2**28  # no honest chunk is larger; what a damaged length asks for must not be allocated
HEAD: Final = struct.Struct("<BQ")  # opcode and length of every record
MESSAGE_HEAD: Final = struct.Struct("<HIQQ")  # channel, sequence, log_time, publish_time
DAMAGE: Final = (McapError, struct.error, ValueError, zstandard.ZstdError, RuntimeError, EOFError, OverflowError)
MAGIC: Final = MCAP_MARK
ENCODINGS: Final = ("msgpack", "json")
OPENING: Final = {"opening": "true"}  # metadata of a channel with the state that was there when the recording began


def bytes_of(record: McapRecord) -> bytes:
    """A record with its opcode and length."""
    builder: Any = RecordBuilder()  # it has no types
    record.write(builder)
    data: bytes = builder.end()
    return data


def stream(body: bytes) -> ReadDataStream:
    """What the `mcap` package reads a record's body from."""
    return ReadDataStream(io.BytesIO(body))


def is_opening(channel: Channel) -> bool:
    """Whether its messages are of the state with which the recording begins."""
    return channel.metadata.get("opening") == "true"


def unpack(chunk: Chunk) -> bytes:
    """The chunk's records, their checksum compared. Raises one of DAMAGE; a small chunk never fills the memory."""
    size = chunk.uncompressed_size
    if size > RECORD_BYTES:
        raise ValueError(f"a chunk claims {size} bytes uncompressed; allowed are {RECORD_BYTES}")
    match chunk.compression:
        case "zstd":
            claimed = zstandard.frame_content_size(chunk.data)
            if claimed > size:
                raise ValueError(f"a chunk of {size} bytes claims {claimed} bytes inside")
            unzip = zstandard.ZstdDecompressor()  # anew: one must not be used by two threads, and it costs 20 µs
            data = unzip.decompress(chunk.data, max_output_size=size) if size else b""
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
