"""Reading from a place in a recording gives what reading from its start gives, and reads less."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import CompressionType
from mcap.writer import Writer as PublicWriter

from adapters.wire import encode
from fusion.errors import RecordingError
from fusion.types import SECOND_NS
from replay.recordings.files import open_reader, open_writer
from replay.recordings.seeking import DISORDER_NS, Places

START_NS = 1_700_000_000 * SECOND_NS
COUNT = 600


def frame(seq: int, at_s: float, fill: int = 2000) -> dict[str, Any]:
    message = {"v": 1, "type": "frame", "source": "sim", "seq": seq, "epoch": "first", "sensor": f"s{seq % 3}"}
    return {**message, "time_ns": START_NS + round(at_s * SECOND_NS), "columns": {}, "fill": "x" * fill}


def messages(disorder_s: float = 0.0, fill: int = 2000) -> list[dict[str, Any]]:
    draws = random.Random(3)
    return [frame(seq, seq + draws.uniform(-disorder_s, disorder_s) + 100.0, fill) for seq in range(COUNT)]


def recorded(path: Path, found: list[dict[str, Any]]) -> Path:
    """Arrival a year after the event times, so that nothing can follow from it."""
    with open_writer(path) as writer:
        for number, each in enumerate(found):
            writer.write(f"frame.{each['sensor']}", each, START_NS + 365 * 86_400 * SECOND_NS + number)
            if path.suffix == ".mcap" and number % 20 == 0:
                writer.flush()  # many chunks
    return path


def public(path: Path, found: list[dict[str, Any]], compression: CompressionType, chunked: bool = True) -> Path:
    with path.open("wb") as file:
        writer = PublicWriter(file, chunk_size=20_000, compression=compression, use_chunking=chunked)
        writer.start()
        channels = {
            f"frame.s{number}": writer.register_channel(f"frame.s{number}", "msgpack", 0) for number in range(3)
        }
        for each in found:
            payload = encode(each)
            writer.add_message(channels[f"frame.{each['sensor']}"], each["time_ns"], payload, each["time_ns"])
        writer.finish()
    return path


def from_start(path: Path, time_ns: int) -> list[tuple[str, bytes]]:
    with open_reader(path) as reader:
        return [(record.topic, record.payload) for record in reader if record.time_ns >= time_ns]


def from_place(path: Path, time_ns: int) -> tuple[list[tuple[str, bytes]], int]:
    """What comes, and how many records were read for it."""
    with Places(path).open_at(time_ns) as reader:
        found = [(record.topic, record.payload) for record in reader if record.time_ns >= time_ns]
        assert not list(reader.problems)
        return found, reader.records


@pytest.mark.parametrize("disorder_s", [0.0, DISORDER_NS / SECOND_NS / 2.0])
@pytest.mark.parametrize("offset_s", [-5.0, 0.0, 100.0, 350.3, 699.0, 800.0])
def test_from_a_place_comes_what_comes_from_the_start(disorder_s: float, offset_s: float, tmp_path: Path) -> None:
    path = recorded(tmp_path / "x.mcap", messages(disorder_s))
    time_ns = START_NS + round(offset_s * SECOND_NS)
    found, read = from_place(path, time_ns)
    assert found == from_start(path, time_ns)
    assert read <= len(found) + 80  # those of the disorder that is allowed for, and of a chunk or two


@pytest.mark.parametrize("compression", [CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD])
def test_files_of_the_public_writer_are_sought_in_too(compression: CompressionType, tmp_path: Path) -> None:
    path = public(tmp_path / "x.mcap", messages(), compression)
    time_ns = START_NS + 500 * SECOND_NS
    found, read = from_place(path, time_ns)
    assert found == from_start(path, time_ns)
    assert len(found) <= read < COUNT // 2


def test_a_large_first_message_does_not_hide_the_time_of_its_chunk(tmp_path: Path) -> None:
    path = recorded(tmp_path / "x.mcap", [frame(seq, seq, 300_000) for seq in range(40)])
    time_ns = START_NS + 35 * SECOND_NS
    found, read = from_place(path, time_ns)
    assert found == from_start(path, time_ns)
    assert read < 40


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])


def with_a_wrong_index(path: Path) -> None:
    """Every offset in the index points into the middle of something."""
    data = bytearray(path.read_bytes())
    data[10_000:10_000] = b""
    summary = data.rindex(b"skypicket.frame")
    for at in range(summary, len(data) - 40):
        if data[at] == 8:  # the opcode of a chunk's entry
            data[at + 25] ^= 0x55
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [truncated, with_a_wrong_index])
def test_without_a_sound_index_it_is_read_from_the_start(damage: Any, tmp_path: Path) -> None:
    path = recorded(tmp_path / "x.mcap", messages())
    damage(path)
    time_ns = START_NS + 300 * SECOND_NS
    with Places(path).open_at(time_ns) as reader:
        found = [(record.topic, record.payload) for record in reader if record.time_ns >= time_ns]
    assert found == from_start(path, time_ns)
    assert found


@pytest.mark.parametrize("name", ["x.jsonl", "unchunked.mcap"])
def test_what_has_no_chunks_is_read_from_the_start(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".jsonl":
        recorded(path, messages())
    else:
        public(path, messages(), CompressionType.NONE, chunked=False)
    time_ns = START_NS + 500 * SECOND_NS
    found, read = from_place(path, time_ns)
    assert found == from_start(path, time_ns)
    assert read == COUNT


@pytest.mark.parametrize("name", ["x.mcap", "x.jsonl"])
@pytest.mark.parametrize("fill", [10, 5000])
def test_the_end_is_the_newest_event_time(name: str, fill: int, tmp_path: Path) -> None:
    found = messages(3.0, fill)
    path = recorded(tmp_path / name, found)
    assert Places(path).last_ns() == max(each["time_ns"] for each in found)


def test_a_recorded_loop_is_found_in_its_first_pass(tmp_path: Path) -> None:
    path = recorded(tmp_path / "x.mcap", messages() + messages())
    time_ns = START_NS + 400 * SECOND_NS
    found, _ = from_place(path, time_ns)
    assert found == from_start(path, time_ns)


def test_standard_input_has_no_places() -> None:
    places = Places("-")
    assert not places.seekable
    assert places.last_ns() is None
    with pytest.raises(RecordingError, match="allowed is a file"):
        places.open_at(START_NS)
