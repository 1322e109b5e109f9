"""Reading recordings that are MCAP (https://mcap.dev/spec). Their writer is `replay.recordings.mcap_writer`.

Reading goes through the data section from front to back, never through the index at the end: a file that was
cut off, or whose writer was killed, gives what its complete chunks hold. What a torn chunk or a file with a damaged
structure holds beyond that, `replay.recordings.recover` brings back.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Final

from mcap.opcode import Opcode
from mcap.records import Chunk, DataEnd, Header, Metadata, Statistics

from fusion.errors import RecordingError
from replay.recordings import mcap_records
from replay.recordings.foreign import beginning, seems_to_be
from replay.recordings.mcap_messages import Messages
from replay.recordings.mcap_records import DAMAGE, HEAD, MAGIC, stream
from replay.recordings.record import METADATA_NAME, Reader, Record, open_file

NEEDED: Final = {Opcode.HEADER, Opcode.CHANNEL, Opcode.CHUNK, Opcode.MESSAGE, Opcode.METADATA, Opcode.STATISTICS}
LARGEST_OPCODE: Final = max(Opcode)
PRIVATE: Final = 0x80  # from here on, kinds of records that others may add; the specification has them passed over


class McapReader(Reader):
    """Raises RecordingError at once where the file is no MCAP file."""

    def __init__(self, path: str) -> None:
        self._file = open_file(path)
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        magic = self._file.read(len(MAGIC))
        super().__init__(path, size)
        if magic != MAGIC:
            self._file.close()
            found = "the file is empty" if not magic else f"it begins with {magic!r}"
            seems = seems_to_be(beginning(path)) if magic else ""
            detail = f"is not an MCAP file: {found}; {f'it seems to be {seems}; ' if seems else ''}allowed is {MAGIC!r}"
            raise RecordingError(path, detail, 0)
        self.offset = len(MAGIC)
        self._checked: int | None = zlib.crc32(MAGIC)
        self._messages = Messages(self._problem)

    def close(self) -> None:
        self._file.close()

    def _read(self) -> Iterator[Record]:
        opcode = 0
        while opcode != Opcode.FOOTER:
            head = self._file.read(HEAD.size)
            if len(head) < HEAD.size:
                self._cut_off(f"the file ends without its index, at {self.size}; `skypicket recover` makes it")
                return
            opcode, length = HEAD.unpack(head)
            end = self.offset + HEAD.size + length
            if end > (self.size or 0):
                self._cut_off(
                    f"a record of {length} bytes runs past the end of the file, at {self.size}: what may be readable "
                    "of it and behind it, `skypicket recover` brings back"
                )
                return
            yield from self._record(opcode, head, length)
            self.offset = end
        if self._file.read(len(MAGIC)) != MAGIC:
            self._cut_off("the closing mark is missing")

    def _record(self, opcode: int, head: bytes, length: int) -> Iterator[Record]:
        if length > mcap_records.RECORD_BYTES:
            self._checked = None
            self._file.seek(length, io.SEEK_CUR)
            if opcode in NEEDED:
                self._damaged(f"a record claims {length} bytes; allowed are {mcap_records.RECORD_BYTES}")
            return
        body = self._file.read(length)
        try:
            if opcode == Opcode.CHUNK:
                yield from self._messages.read(mcap_records.unpack(Chunk.read(stream(body))))
            elif opcode in (Opcode.CHANNEL, Opcode.MESSAGE):
                yield from self._messages.read(head + body)
            else:
                self._take(opcode, body)
        except DAMAGE as error:
            self._damaged(str(error) or type(error).__name__)
        if self._checked is not None:
            self._checked = zlib.crc32(body, zlib.crc32(head, self._checked))

    def _take(self, opcode: int, body: bytes) -> None:
        """Everything but messages and their channels. Raises one of DAMAGE."""
        if opcode == Opcode.HEADER:
            self._messages.profile = Header.read(stream(body)).profile
        elif opcode == Opcode.METADATA:
            record = Metadata.read(stream(body))
            if record.name == METADATA_NAME:
                self.metadata.update(record.metadata)
        elif opcode == Opcode.DATA_END:
            wanted = DataEnd.read(stream(body)).data_section_crc
            if wanted and self._checked not in (None, wanted) and not self.problems.count("damaged"):
                self._damaged("the checksum of all data before this is wrong, though that of each chunk is right")
        elif opcode == Opcode.STATISTICS:
            wanted = Statistics.read(stream(body)).message_count
            if wanted != self._messages.found and not self.problems.count("damaged"):
                self._damaged(f"the index counts {wanted} messages; {self._messages.found} are there")
        elif opcode == 0 or LARGEST_OPCODE < opcode < PRIVATE:
            self._damaged(f"a record of kind {opcode}; MCAP has no such kind")

    def _cut_off(self, detail: str) -> None:
        self.truncated = True
        self._problem("truncated", detail)

    def _damaged(self, detail: str) -> None:
        self._problem("damaged", detail)

    def _problem(self, code: str, detail: str) -> None:
        self.problems.add(code, detail, self.offset)
