"""The index at the end of an MCAP file (https://mcap.dev/spec#summary-section)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Footer, McapRecord, MetadataIndex, Schema, Statistics, SummaryOffset

from replay.recordings.mcap_records import MAGIC, bytes_of

FOOTER: Final = struct.Struct("<BQQQ")  # opcode, length, start of the summary, start of its offsets


def summary(
    start: int,
    schemas: Sequence[Schema],
    channels: Sequence[Channel],
    chunks: Sequence[ChunkIndex],
    metadata: Sequence[MetadataIndex],
    counts: Mapping[int, int],
) -> bytes:
    """Everything behind the end of the data, to stand at the byte `start`.

    Groups of records of one kind, where each group stands, and where all this begins. counts: channel -> messages.
    """
    groups: list[tuple[Opcode, Sequence[McapRecord]]] = [
        (Opcode.SCHEMA, schemas),
        (Opcode.CHANNEL, channels),
        (Opcode.STATISTICS, [_statistics(schemas, channels, chunks, metadata, counts)]),
        (Opcode.CHUNK_INDEX, chunks),
        (Opcode.METADATA_INDEX, metadata),
    ]
    body, offsets = b"", b""
    for opcode, records in groups:
        group = b"".join(map(bytes_of, records))
        if group:
            offset = SummaryOffset(group_opcode=opcode, group_start=start + len(body), group_length=len(group))
            offsets += bytes_of(offset)
        body += group
    offset_start = start + len(body)
    checked = body + offsets + FOOTER.pack(Opcode.FOOTER, 20, start, offset_start)
    return body + offsets + bytes_of(Footer(start, offset_start, zlib.crc32(checked))) + MAGIC


def _statistics(
    schemas: Sequence[Schema],
    channels: Sequence[Channel],
    chunks: Sequence[ChunkIndex],
    metadata: Sequence[MetadataIndex],
    counts: Mapping[int, int],
) -> Statistics:
    return Statistics(
        attachment_count=0,
        channel_count=len(channels),
        channel_message_counts=dict(counts),
        chunk_count=len(chunks),
        message_count=sum(counts.values()),
        message_end_time=max((chunk.message_end_time for chunk in chunks), default=0),
        message_start_time=min((chunk.message_start_time for chunk in chunks), default=0),
        metadata_count=len(metadata),
        schema_count=len(schemas),
    )
