"""What is left of a damaged MCAP file: every message whose chunk is whole, wherever it stands, and the front of a chunk
that was cut off.

The file is searched for records from front to back. Where there is none, the search goes on byte by byte to the next
place at which a record stands that another one follows. A chunk counts as whole where its checksum holds, even if the
rest of its head is damaged. Messages that no checksum covers must agree with their own envelope.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Generator, Iterator
from typing import Final

from mcap.opcode import Opcode
from mcap.records import Channel, DataEnd, Footer, Header, Metadata, Statistics

from fusion.errors import MessageRejected, RecordingError, shorten
from replay.recordings.losses import Loss, Losses
from replay.recordings.mcap_messages import Messages
from replay.recordings.mcap_records import DAMAGE, HEAD, MAGIC, stream
from replay.recordings.record import METADATA_NAME, Problems, Record, open_file, topic_of
from replay.recordings.salvage_chunks import ChunkHead, fits, kind_and_length, next_record, plausible, verified

FOOTER_BYTES: Final = HEAD.size + 20
INDEXES: Final = (Opcode.MESSAGE_INDEX, Opcode.DATA_END)
NO_INDEX: Final = "the file ends without its index, which is made anew; what was to come after is not known"
INDEX_HEAD_BYTES: Final = 6  # channel and length of a message index; then 16 bytes a message
SUMMARY_CRC_BYTES: Final = 4


class McapSalvage:
    """Iterate it once. `losses` tells what was passed over, `problems` which messages are none of ours.

    expected: how many messages the file's own index counts, where it is there. unverified: messages given that no
    checksum covers. metadata: as of a `Reader`. offset: how far it has come, of `size` bytes.
    """

    kind = "mcap"

    def __init__(self, path: str) -> None:
        with open_file(path) as file:
            try:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:  # ValueError: an empty file
                raise RecordingError(path, f"cannot be recovered: {error}", 0) from error
        self.path, self.size = path, len(self._data)
        self.offset = 0
        self.losses, self.problems = Losses(), Problems()
        self.metadata: dict[str, str] = {}
        self.expected: int | None = None
        self.unverified = 0
        self._messages = Messages(lambda code, detail: self.problems.add(code, detail, self.offset))
        self._lost_chunk: Loss | None = None
        self._after_data = self._ended = False

    def close(self) -> None:
        self._data.close()

    def __iter__(self) -> Iterator[Record]:
        position = 0
        if self._data[: len(MAGIC)] == MAGIC:
            position = len(MAGIC)
        while position < self.size:
            self.offset = position
            end = yield from self._at(position)
            if end is None:
                end = next_record(self._data, position + 1)
                self._pass_over(position, end)
            position = end
        if not self._ended:
            self.losses.add(self.size, self.size, NO_INDEX, 0)

    def _at(self, position: int) -> Generator[Record, None, int | None]:
        """The messages of what stands at `position`. Returns where it ends; None where nothing does."""
        head = ChunkHead.at(self._data, position)
        if head is not None and head.whole:
            return (yield from self._chunk(head))
        if fits(self._data, position):
            try:
                return (yield from self._record(position))
            except DAMAGE as error:
                self.problems.add("damaged", f"a record that cannot be read ({error})", position)
                return position + HEAD.size + kind_and_length(self._data, position)[1]
        if head is not None and (found := verified(self._data, head)) is not None:
            return (yield from self._headless(head, found))
        if head is not None and head.torn:
            return (yield from self._torn(head, next_record(self._data, head.data_start), None))
        if self._data[position : position + len(MAGIC)] == MAGIC:
            return position + len(MAGIC)
        return None

    def _chunk(self, head: ChunkHead) -> Generator[Record, None, int]:
        """A chunk of which every byte is there."""
        try:
            data = head.unpack(self._data)
        except DAMAGE as error:
            self._lost_chunk = None
            if (found := verified(self._data, head)) is not None:
                return (yield from self._headless(head, found))
            if (solid := head.solid(self._data)) is not None:
                return (yield from self._torn(head, solid, head.end))
            why = f"a chunk is damaged ({str(error) or type(error).__name__})"
            end = head.end if plausible(self._data, head.end) else next_record(self._data, head.data_start)
            self._lost_chunk = self.losses.add(head.start, end, why, None)
            return end
        self._lost_chunk = None
        try:
            yield from self._messages.read(data)
        except DAMAGE as error:
            self.losses.add(head.start, head.end, f"in a whole chunk, {error}", None)
        return head.end

    def _headless(self, head: ChunkHead, records: bytes) -> Generator[Record, None, int]:
        """A chunk whose head is damaged, while its content has the right checksum."""
        self._lost_chunk = None
        self.losses.add(head.start, head.data_start, "the head of a chunk is damaged, its content is whole", 0)
        yield from self._messages.read(records)
        return head.end_of(self._data)

    def _torn(self, head: ChunkHead, until: int, end: int | None) -> Generator[Record, None, int]:
        """The front of a chunk whose bytes end at `until`. end: where the next record stands, if not there."""
        before, end = self.unverified, until if end is None else end
        try:
            for record in self._messages.read(head.front(self._data, until)):
                if self._agrees(record):
                    yield record
        except DAMAGE as error:
            self.problems.add("damaged", f"in the front of a chunk that was cut off, {error}", head.start)
        there = f"{until - head.data_start:,} of {head.packed:,} bytes are there"
        given = f"{self.unverified - before:,} messages are recovered from its front"
        self.losses.add(head.start, end, f"a chunk is cut off: {there}, {given}", None)
        return end

    def _agrees(self, record: Record) -> bool:
        """Whether a message that no checksum covers is what its place says: decodable, of its topic and time."""
        try:
            message = record.message
            kind = "alert" if record.kind == "alert" else topic_of(message)
            good = message["time_ns"] == record.time_ns and kind == (record.topic if kind != "alert" else record.kind)
            detail = f"on {record.topic[:80]} is one of {kind} at another time or topic"
        except MessageRejected as error:
            good, detail = False, str(error)
        if good:
            self.unverified += 1
        else:
            self.problems.add("torn", f"a message that no checksum covers, {detail}", self.offset)
        return good

    def _record(self, position: int) -> Generator[Record, None, int]:
        """A record that is no chunk, of which it is known that it can be read."""
        opcode, length = kind_and_length(self._data, position)
        end = position + HEAD.size + length
        body = self._data[position + HEAD.size : end]
        if opcode == Opcode.MESSAGE_INDEX:
            if self._lost_chunk is not None:
                self._lost_chunk.messages = (self._lost_chunk.messages or 0) + (length - INDEX_HEAD_BYTES) // 16
            return end
        self._lost_chunk = None
        if opcode == Opcode.MESSAGE:
            for record in self._messages.read(self._data[position:end]):
                if self._agrees(record):
                    yield record
        elif opcode == Opcode.HEADER:
            self._messages.profile = Header.read(stream(body)).profile
        elif opcode == Opcode.CHANNEL:
            self._messages.learn(Channel.read(stream(body)))
        elif opcode == Opcode.METADATA:
            said = Metadata.read(stream(body))
            if said.name == METADATA_NAME:
                self.metadata.update(said.metadata)
            else:
                self.problems.add("metadata", f"metadata of the name {shorten(said.name)} is left out", position)
        elif opcode == Opcode.ATTACHMENT or opcode > max(Opcode):
            self.problems.add("attachment", f"a record of kind {opcode}, which is not ours, is left out", position)
        elif opcode == Opcode.STATISTICS:
            self.expected = (self.expected or 0) + Statistics.read(stream(body)).message_count
        elif opcode == Opcode.DATA_END:
            self._after_data = True
            self._check(position, DataEnd.read(stream(body)).data_section_crc)
        elif opcode == Opcode.FOOTER:
            return self._footer(position, Footer.read(stream(body)))
        return end

    def _check(self, position: int, wanted: int) -> None:
        """Compare the checksum of all data; where a loss is known already, it says nothing new."""
        if wanted and not self.losses.count and zlib.crc32(memoryview(self._data)[:position]) != wanted:
            why = "the checksum of all data before this is wrong, though that of each chunk is right"
            self.losses.add(position, position, why, 0)

    def _footer(self, position: int, footer: Footer) -> int:
        end = position + FOOTER_BYTES
        self._ended = True
        start = footer.summary_start
        checked = memoryview(self._data)[start : end - SUMMARY_CRC_BYTES] if start else b""
        if footer.summary_crc and zlib.crc32(checked) != footer.summary_crc:
            self.losses.add(min(start, position), end, "the index is damaged: it is made anew", 0)
        if self._data[end : end + len(MAGIC)] != MAGIC:
            self.losses.add(end, min(end + len(MAGIC), self.size), "the closing mark is missing or damaged", 0)
            return min(end + len(MAGIC), self.size)
        return end + len(MAGIC)

    def _pass_over(self, position: int, end: int) -> None:
        opcode, length = kind_and_length(self._data, position)
        self._lost_chunk = None
        messages = 0 if self._after_data or opcode in INDEXES or end - position < HEAD.size else None
        if position == 0:
            why = "the opening mark of an MCAP file is missing or damaged"
        elif self.size - position < HEAD.size:
            why = "a record is cut off in its head"
        elif not self._data[position:end].strip(b"\0"):
            why = "nothing but zero bytes, as a disk leaves them that was never written"
        elif position + HEAD.size + length > self.size:
            why = f"a record of kind {opcode} claims {length:,} bytes, more than are there"
        else:
            why = f"what stands here is no record that can be read (kind {opcode}, {length:,} bytes)"
        self.losses.add(position, end, why, messages)
