"""What `skypicket` writes is what https://mcap.dev/spec says: checked field by field by code that shares nothing with
the writer, and by the public `mcap doctor` (or pymcap-cli's) where one is installed."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zstandard

from replay.recordings.files import open_writer
from replay.recordings.recover import recover

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
STATISTICS, METADATA, METADATA_INDEX, SUMMARY_OFFSET, DATA_END = 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
SUMMARY_KINDS = (SCHEMA, CHANNEL, STATISTICS, CHUNK_INDEX, METADATA_INDEX)
DOCTORS = [name for name in ("mcap", "pymcap-cli") if shutil.which(name)]
START_NS = 1_700_000_000_000_000_000


@dataclass
class Place:
    """One record: its kind, where it begins and ends, and its body."""

    kind: int
    start: int
    end: int
    body: bytes

    def fields(self, layout: str, at: int = 0) -> tuple[Any, ...]:
        return struct.unpack_from("<" + layout, self.body, at)

    def text(self, at: int) -> tuple[str, int]:
        (length,) = self.fields("I", at)
        return self.body[at + 4 : at + 4 + length].decode(), at + 4 + length

    def pairs(self, layout: str, at: int) -> tuple[list[tuple[int, ...]], int]:
        (length,) = self.fields("I", at)
        return list(struct.iter_unpack("<" + layout, self.body[at + 4 : at + 4 + length])), at + 4 + length


def records(data: bytes, start: int, end: int) -> list[Place]:
    found = []
    while start < end:
        kind, length = struct.unpack_from("<BQ", data, start)
        found.append(Place(kind, start, start + 9 + length, data[start + 9 : start + 9 + length]))
        start += 9 + length
    assert start == end, "a record runs past its end"
    return found


@dataclass
class Doctor:
    """Reads a file by the specification; `complaints` are what is wrong with it."""

    data: bytes
    complaints: list[str] = field(default_factory=list)

    def want(self, good: bool, what: str) -> None:
        if not good:
            self.complaints.append(what)

    def examine(self) -> list[str]:
        self.want(self.data[:8] == MAGIC == self.data[-8:], "magic")
        self.places = records(self.data, 8, len(self.data) - 8)
        kinds = [place.kind for place in self.places]
        self.want(kinds[0] == HEADER and kinds[-1] == FOOTER and kinds.count(DATA_END) == 1, "order")
        end = kinds.index(DATA_END)
        self.counts: Counter[int] = Counter()
        self.defined: dict[int, dict[int, bytes]] = {SCHEMA: {}, CHANNEL: {}}
        self.chunks: list[tuple[Any, ...]] = []
        self.metadata: list[tuple[int, int, str]] = []
        self.data_section(self.places[1:end])
        crc = self.places[end].fields("I")[0]
        self.want(crc == zlib.crc32(self.data[: self.places[end].start]) != 0, "data crc")
        self.summary(self.places[end + 1 : -1], self.places[end].end)
        return self.complaints

    def data_section(self, places: list[Place]) -> None:
        indexes: list[Place] = []
        chunk: Place | None = None
        for place in [*places, Place(0, 0, 0, b"")]:
            if place.kind == MESSAGE_INDEX:
                indexes.append(place)
                continue
            if chunk is not None:
                self.chunk(chunk, indexes)
            chunk, indexes = (place if place.kind == CHUNK else None), []
            if place.kind == METADATA:
                self.metadata.append((place.start, place.end - place.start, place.text(0)[0]))
            self.want(place.kind in (0, CHUNK, METADATA), f"a record of kind {place.kind} among the data")

    def chunk(self, place: Place, indexes: list[Place]) -> None:
        first, last, size, crc = place.fields("QQQI")
        compression, at = place.text(28)
        (packed,) = place.fields("Q", at)
        self.want(at + 8 + packed == len(place.body), "chunk length")
        inner = zstandard.decompress(place.body[at + 8 :])
        self.want(compression == "zstd" and len(inner) == size and zlib.crc32(inner) == crc != 0, "chunk crc or size")
        found: dict[int, list[tuple[int, int]]] = {}
        for one in records(inner, 0, len(inner)):
            if one.kind in self.defined:
                number = one.fields("H")[0]
                known = self.defined[one.kind].setdefault(number, one.body)
                self.want(number != 0 and known == one.body, "a definition that changes")
                if one.kind == CHANNEL:
                    self.want(one.fields("H", 2)[0] in (0, *self.defined[SCHEMA]), "a channel before its schema")
            else:
                channel, _, log_ns, _ = one.fields("HIQQ")
                self.want(one.kind == MESSAGE and channel in self.defined[CHANNEL], "a message before its channel")
                found.setdefault(channel, []).append((log_ns, one.start))
                self.counts[channel] += 1
        times = [log_ns for entries in found.values() for log_ns, _ in entries]
        self.want((first, last) == (min(times), max(times)), "chunk times")
        told = {index.fields("H")[0]: index.pairs("QQ", 2)[0] for index in indexes}
        self.want(told == found and len(told) == len(indexes), "message index")
        offsets = {index.fields("H")[0]: index.start for index in indexes}
        length = sum(index.end - index.start for index in indexes)
        sizes = place.end - place.start, length, packed, size
        self.chunks.append((first, last, place.start, offsets, compression, *sizes))

    def summary(self, places: list[Place], start: int) -> None:
        footer = self.places[-1]
        summary_start, offset_start, crc = footer.fields("QQI")
        self.want(summary_start == start, "summary start")
        self.want(crc == zlib.crc32(self.data[start : footer.end - 4]), "summary crc")
        offsets = [place for place in places if place.kind == SUMMARY_OFFSET]
        self.want(offset_start == offsets[0].start and places[-len(offsets) :] == offsets, "summary offset start")
        groups: dict[int, list[Place]] = {}
        for place in places[: -len(offsets)]:
            groups.setdefault(place.kind, []).append(place)
        told = {offset.fields("BQQ")[0]: offset.fields("BQQ")[1:] for offset in offsets}
        real = {kind: (group[0].start, group[-1].end - group[0].start) for kind, group in groups.items()}
        self.want(told == real and set(real) <= set(SUMMARY_KINDS), "summary offsets")
        for kind in (SCHEMA, CHANNEL):
            again = {place.fields("H")[0]: place.body for place in groups.get(kind, [])}
            self.want(again == self.defined[kind], "schemas and channels of the summary")
        self.want([self.chunk_index(place) for place in groups.get(CHUNK_INDEX, [])] == self.chunks, "chunk index")
        indexed = [(*place.fields("QQ"), place.text(16)[0]) for place in groups.get(METADATA_INDEX, [])]
        self.want(indexed == self.metadata, "metadata index")
        self.statistics(groups[STATISTICS][0])

    def chunk_index(self, place: Place) -> tuple[Any, ...]:
        first, last, start, length = place.fields("QQQQ")
        pairs, at = place.pairs("HQ", 32)
        (index_length,) = place.fields("Q", at)
        compression, at = place.text(at + 8)
        packed, size = place.fields("QQ", at)
        return (first, last, start, dict(pairs), compression, length, index_length, packed, size)

    def statistics(self, place: Place) -> None:
        messages, schemas, channels, attachments, metadata, chunks, first, last = place.fields("QHIIIIQQ")
        pairs, _ = place.pairs("HQ", 42)
        self.want(messages == sum(self.counts.values()), "message count")
        self.want((schemas, channels) == tuple(len(found) for found in self.defined.values()), "schemas, channels")
        self.want((attachments, metadata, chunks) == (0, len(self.metadata), len(self.chunks)), "counts")
        times = min((chunk[0] for chunk in self.chunks), default=0), max((chunk[1] for chunk in self.chunks), default=0)
        self.want((first, last) == times, "times")
        self.want(dict(pairs) == dict(self.counts), "messages of each channel")


def written(path: Path) -> bytes:
    """Of every kind, in several chunks, with an opening state, a late channel and metadata at both ends."""
    kinds = ("frame.north", "frame.south", "tracks", "status", "zones", "truth", "alert.airport.imminent", "unknown")
    chance = random.Random(3)
    with open_writer(path, {"site.toml": "[service]"}) as out:
        for seq in range(400):
            topic = kinds[seq % 7 if seq < 300 else 7]
            payload = b"\x80" + chance.randbytes(3000)
            out.write_payload(topic, payload, START_NS + seq, START_NS + 7 * seq % 1000, seq, opening=seq < 3)
            if seq % 90 == 0:
                out.flush()
        out.add_metadata({"epochs": "[]"})
    return path.read_bytes()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("format") / "x.mcap")


def test_every_length_checksum_offset_and_count_of_a_file_is_right(sound: bytes) -> None:
    doctor = Doctor(sound)
    assert doctor.examine() == []
    assert len(doctor.chunks) > 5
    assert sum(doctor.counts.values()) == 400


def test_an_empty_recording_is_a_whole_file(tmp_path: Path) -> None:
    open_writer(tmp_path / "x.mcap").close()
    assert Doctor((tmp_path / "x.mcap").read_bytes()).examine() == []


def test_a_recovered_recording_is_a_whole_file(sound: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_bytes(sound[: len(sound) * 2 // 3])
    recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    assert Doctor((tmp_path / "out.mcap").read_bytes()).examine() == []


def place_of(data: bytes, kind: int, number: int = 0) -> Place:
    return [place for place in records(data, 8, len(data) - 8) if place.kind == kind][number]


def sealed(data: bytearray) -> bytes:
    """With the checksums of data and summary made to fit again, so that only the fault itself can be found."""
    end, footer = place_of(data, DATA_END), place_of(data, FOOTER)
    struct.pack_into("<I", data, end.start + 9, zlib.crc32(data[: end.start]))
    struct.pack_into("<I", data, footer.end - 4, zlib.crc32(data[end.end : footer.end - 4]))
    return bytes(data)


FAULTS: dict[str, tuple[int, int]] = {
    # the complaint: (record, byte in its body)
    "chunk times": (CHUNK, 0),
    "chunk crc or size": (CHUNK, 24),
    "message index": (MESSAGE_INDEX, 6),
    "summary start": (FOOTER, 0),
    "summary offset start": (FOOTER, 8),
    "summary offsets": (SUMMARY_OFFSET, 1),
    "schemas and channels of the summary": (SCHEMA, 6),
    "chunk index": (CHUNK_INDEX, 16),
    "metadata index": (METADATA_INDEX, 0),
    "message count": (STATISTICS, 0),
    "schemas, channels": (STATISTICS, 8),
    "counts": (STATISTICS, 22),
    "times": (STATISTICS, 26),
    "messages of each channel": (STATISTICS, 48),
}


@pytest.mark.parametrize("complaint", FAULTS)
def test_a_planted_fault_is_found(complaint: str, sound: bytes) -> None:
    kind, at = FAULTS[complaint]
    data = bytearray(sound)
    data[place_of(sound, kind).start + 9 + at] ^= 1
    assert complaint in Doctor(sealed(data)).examine()


@pytest.mark.parametrize(("kind", "at", "complaint"), [(DATA_END, 0, "data crc"), (FOOTER, 16, "summary crc")])
def test_a_wrong_checksum_is_found(kind: int, at: int, complaint: str, sound: bytes) -> None:
    data = bytearray(sound)
    data[place_of(sound, kind).start + 9 + at] ^= 1
    assert Doctor(bytes(data)).examine() == [complaint]


@pytest.mark.skipif(not DOCTORS, reason="neither mcap nor pymcap-cli is installed")
def test_the_public_doctor_finds_nothing_and_finds_a_planted_fault(sound: bytes, tmp_path: Path) -> None:
    (tmp_path / "good.mcap").write_bytes(sound)
    damaged = bytearray(sound)
    damaged[place_of(sound, CHUNK, 2).end - 50] ^= 1
    (tmp_path / "bad.mcap").write_bytes(damaged)
    for doctor in DOCTORS:
        codes = [
            subprocess.run([doctor, "doctor", str(tmp_path / name)], check=False, capture_output=True).returncode
            for name in ("good.mcap", "bad.mcap")
        ]
        assert codes[0] == 0
        assert codes[1] != 0
