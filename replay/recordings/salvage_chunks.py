"""Where records and chunks of MCAP stand in damaged bytes: by their lengths, their shape and their checksum.

Nothing here copies a record before its shape is known, so that bytes made to look like records cost little.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import zstandard
from mcap.opcode import Opcode
from mcap.records import Chunk

from replay.recordings import mcap_records
from replay.recordings.mcap_records import HEAD, MAGIC, stream, unpack

Data = mmap.mmap
U32: Final = struct.Struct("<I")
CHUNK: Final = struct.Struct("<BQQQQII")  # opcode, length, first and last time, size, checksum, length of the name
PACKED: Final = struct.Struct("<Q")  # after the name of the compression
NAMES: Final = (b"zstd", b"lz4", b"")
ZSTD_MARK: Final = b"\x28\xb5\x2f\xfd"
PIECE: Final = 2**16  # unpacked at a time
ZEROS: Final = 512  # so many at the end of packed data are no data, but a sector that was never written
LONGEST_PRIVATE: Final = 2**20  # of records that others may add: nothing of their shape is known
# A record's head, wherever it stands: a kind, and a length below 2^28 + 2^24.
CANDIDATE: Final = re.compile(rb"(?=[\x01-\x0f].{3}[\x00-\x10]\x00{4})", re.DOTALL)
# The fields of each record: a number is so many bytes, S a text, M a map or other bytes with their length before them.
SHAPES: Final[dict[int, tuple[int | str, ...]]] = {
    Opcode.HEADER: ("S", "S"),
    Opcode.FOOTER: (20,),
    Opcode.SCHEMA: (2, "S", "S", "M"),
    Opcode.CHANNEL: (4, "S", "S", "M"),
    Opcode.MESSAGE_INDEX: (2, "M"),
    Opcode.CHUNK_INDEX: (32, "M", 8, "S", 16),
    Opcode.ATTACHMENT_INDEX: (40, "S", "S"),
    Opcode.STATISTICS: (42, "M"),
    Opcode.METADATA: ("S", "M"),
    Opcode.METADATA_INDEX: (16, "S"),
    Opcode.SUMMARY_OFFSET: (17,),
    Opcode.DATA_END: (4,),
}
MESSAGE_BYTES: Final = 22  # of a message before its payload


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """What the head of a chunk says, whether it is right or not.

    start: of its record. end: behind it. data_start: of what is packed. packed, size: bytes, packed and unpacked.
    whole: its lengths agree and every byte is there. torn: they agree, and the file ends before.
    """

    start: int
    end: int
    data_start: int
    packed: int
    size: int
    checksum: int
    name: bytes
    whole: bool
    torn: bool

    @classmethod
    def at(cls, data: Data, start: int) -> ChunkHead | None:
        """The head of the chunk that begins at `start`; None where nothing is like one."""
        if start + CHUNK.size + len(b"zstd") + PACKED.size > len(data):
            return None
        opcode, length, _, _, size, checksum, name_length = CHUNK.unpack_from(data, start)
        agrees = opcode == Opcode.CHUNK and name_length <= len(b"zstd")
        name_length = name_length if agrees else len(b"zstd")
        name = data[start + CHUNK.size : start + CHUNK.size + name_length]
        (packed,) = PACKED.unpack_from(data, start + CHUNK.size + name_length)
        data_start = start + CHUNK.size + name_length + PACKED.size
        end = start + HEAD.size + length
        agrees = agrees and name in NAMES and data_start + packed == end and length <= mcap_records.RECORD_BYTES
        if not agrees and data[data_start : data_start + len(ZSTD_MARK)] != ZSTD_MARK:
            return None
        there = end <= len(data)
        return cls(start, end, data_start, packed, size, checksum, name, agrees and there, agrees and not there)

    def unpack(self, data: Data) -> bytes:
        """Its records, of a whole chunk. Raises one of DAMAGE."""
        return unpack(Chunk.read(stream(data[self.start + HEAD.size : self.end])))

    def solid(self, data: Data) -> int | None:
        """Where the data of a whole chunk that ends in sectors of zeros really ends; None where it does not."""
        packed = data[self.data_start : self.end]
        solid = len(packed.rstrip(b"\0"))
        return self.data_start + solid if len(packed) - solid >= ZEROS else None

    def front(self, data: Data, until: int) -> bytes:
        """The whole records that can be unpacked of what stands before `until`."""
        packed = data[self.data_start : until]
        records = packed if not self.name else unzip(packed)[0] if self.name == b"zstd" else b""
        position = 0
        while position + HEAD.size <= len(records):
            end = position + HEAD.size + HEAD.unpack_from(records, position)[1]
            if end > len(records):
                break
            position = end
        return records[:position]

    def end_of(self, data: Data) -> int:
        """Where the next record stands, by whichever of its lengths leads to one."""
        lengths = self.end, self.data_start + self.packed
        ends = [end for end in lengths if self.data_start < end <= len(data) and plausible(data, end)]
        return ends[0] if ends else next_record(data, self.data_start)


def unzip(packed: bytes) -> tuple[bytes, bool]:
    """What the front of a zstd frame gives before it ends or is damaged, and whether it came to its end."""
    pieces: list[bytes] = []
    left = mcap_records.RECORD_BYTES
    reader = zstandard.ZstdDecompressor().stream_reader(packed)
    try:
        while left > 0 and (piece := reader.read(min(PIECE, left))):
            pieces.append(piece)
            left -= len(piece)
    except zstandard.ZstdError:
        return b"".join(pieces), False
    return b"".join(pieces), True


def verified(data: Data, head: ChunkHead) -> bytes | None:
    """The records of a chunk whose head is damaged, if what is packed still has the head's checksum."""
    if not head.checksum or data[head.data_start : head.data_start + len(ZSTD_MARK)] != ZSTD_MARK:
        return None
    records, _ = unzip(data[head.data_start : head.data_start + mcap_records.RECORD_BYTES])
    return records if zlib.crc32(records) == head.checksum else None


def kind_and_length(data: Data, start: int) -> tuple[int, int]:
    """The head of the record at `start`; zeros for what of it lies behind the end."""
    kind, length = HEAD.unpack(data[start : start + HEAD.size].ljust(HEAD.size, b"\0"))
    return kind, length


def fits(data: Data, start: int) -> bool:
    """Whether a record that is no chunk stands at `start`, by its kind, its length and the lengths in it."""
    if start + HEAD.size > len(data):
        return False
    opcode, length = kind_and_length(data, start)
    position, end = start + HEAD.size, start + HEAD.size + length
    if end > len(data):
        return False
    if opcode == Opcode.MESSAGE:
        return MESSAGE_BYTES <= length <= mcap_records.RECORD_BYTES
    if opcode == Opcode.ATTACHMENT or opcode >= 0x80:
        return length <= LONGEST_PRIVATE and plausible(data, end)
    shape = SHAPES.get(opcode)
    if shape is None:
        return False
    for field in shape:
        if isinstance(field, int):
            position += field
            continue
        if position + U32.size > end:
            return False
        position += U32.size + int(U32.unpack_from(data, position)[0])
    return position == end


def plausible(data: Data, position: int) -> bool:
    """Whether a record may begin at `position`, or the file ends there."""
    if position + HEAD.size > len(data):
        return position == len(data) or data[position:] == MAGIC
    opcode, length = kind_and_length(data, position)
    return 1 <= opcode <= max(Opcode) and position + HEAD.size + length <= len(data)


def next_record(data: Data, position: int) -> int:
    """Where the next record stands at or behind `position` that another follows; the end where there is none."""
    for match in CANDIDATE.finditer(data, position):
        start = match.start()
        head = ChunkHead.at(data, start) if data[start] == Opcode.CHUNK else None
        if head is not None:
            if head.whole or head.torn:
                return start
        elif fits(data, start) and plausible(data, start + HEAD.size + kind_and_length(data, start)[1]):
            return start
    return len(data)
