from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType
from mcap.writer import Writer as ReferenceWriter

from fusion.errors import RecordingError
from replay.recordings.files import open_writer
from replay.recordings.info import Info, survey
from replay.recordings.info_text import as_dict, as_text
from replay.recordings.mcap_index import count_chunks, read_index
from tests.replay.recorded_messages import START_NS

SECOND_NS = 10**9


def frame(seq: int, second: float, sensor: str = "north", **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "type": "frame", "source": "s", "seq": seq, "epoch": "e", "sensor": sensor,
        "time_ns": START_NS + round(second * SECOND_NS), "columns": {"range_m": [1.0, 2.0, 3.0]}, **more,
    }  # fmt: skip


def written(path: Path, found: list[dict[str, Any]], flush_every: int = 3, late_ns: int = 0) -> Path:
    """Chunks of a few messages each."""
    with open_writer(path, {"version": "0.1", "site.toml": "[service]\n" * 20}) as out:
        for k, message in enumerate(found):
            out.write(f"frame.{message['sensor']}", message, message["time_ns"] + late_ns)
            if k % flush_every == flush_every - 1:
                out.flush()
    return path


def topics(info: Info) -> dict[str, tuple[int, int | None, int | None]]:
    return {name: (topic.messages, topic.first_ns, topic.last_ns) for name, topic in info.topics.items()}


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 50)), min_size=1, max_size=40),
    st.integers(1, 9),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_index_and_a_full_scan_say_the_same(tmp_path, looks, flush_every):
    """In any order of time, over any chunks: messages, span, and first and last of each topic."""
    found = [frame(seq, second, sensor) for seq, (sensor, second) in enumerate(looks)]
    path = str(written(tmp_path / "x.mcap", found, flush_every))
    quick, slow = survey(path), survey(path, full=True)
    assert (quick.read, slow.read) == ("index", "full")
    assert topics(quick) == topics(slow)
    for name in ("messages", "start_ns", "from_ns", "to_ns", "span_s", "chunks", "metadata", "sensors", "size"):
        assert getattr(quick, name) == getattr(slow, name)
    times = [message["time_ns"] for message in found]
    assert (quick.start_ns, quick.from_ns, quick.to_ns) == (times[0], min(times), max(times))


def test_a_full_scan_counts_what_no_index_knows(tmp_path):
    found = [frame(seq, seq / 2) for seq in (0, 1, 2, 5, 5, 9)] + [
        frame(3, 9, epoch="f"),
        frame(0, 1, "south", source="t"),
    ]
    info = survey(str(written(tmp_path / "x.mcap", found)), full=True)
    north = info.topics["frame.north"]
    assert (north.messages, north.gaps, north.duplicates, north.detections) == (7, 2 + 3, 1, 21)

    assert north.rate_hz == pytest.approx(6 / 9)
    assert info.senders == {"s": ["e", "f"], "t": ["e"]}
    assert info.sensors == ["north", "south"]


def test_bytes_are_those_of_the_payloads(tmp_path):
    lines = [json.dumps(frame(seq, seq)).encode() for seq in range(3)]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(lines))
    info = survey(str(tmp_path / "x.jsonl"))
    assert info.topics["frame.north"].bytes == sum(map(len, lines))
    assert (info.container, info.size, info.chunks) == ("jsonl", sum(map(len, lines)) + 2, None)


def test_a_file_without_an_index_is_read_and_the_reason_said(tmp_path):
    path = written(tmp_path / "x.mcap", [frame(seq, seq) for seq in range(20)])
    whole = survey(str(path))
    path.write_bytes(path.read_bytes()[:-2000])
    info = survey(str(path))
    assert (info.read, info.truncated) == ("full", True)
    assert info.why_full == "no sound index: the file ends without one"
    assert 0 < info.messages <= 20
    assert info.chunks is not None
    assert whole.chunks is not None
    assert 0 < info.chunks.count <= whole.chunks.count
    text = as_text(info)
    assert "every message, for there is no sound index" in text
    assert "1 x truncated, first at byte" in text


def test_any_change_of_the_index_is_noticed(tmp_path):
    path = written(tmp_path / "x.mcap", [frame(seq, seq) for seq in range(6)])
    content = path.read_bytes()
    with path.open("rb") as file:
        make_reader(file).get_summary()
    start = int.from_bytes(content[-28:-20], "little")
    assert read_index(str(path)).messages == 6
    for place in [*range(start, len(content), 97), *range(len(content) - 37, len(content))]:
        damaged = bytearray(content)
        damaged[place] ^= 0x20
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match="no sound index"):
            read_index(str(path))


def resealed(content: bytes) -> bytes:
    """The file with the checksum of its index made right again."""
    start = int.from_bytes(content[-28:-20], "little")
    return content[:-12] + zlib.crc32(content[start:-12]).to_bytes(4, "little") + content[-8:]


def test_an_index_that_points_elsewhere_is_not_believed(tmp_path):
    """Its own checksum is right: what it points at tells that it is not of this file."""
    path = written(tmp_path / "x.mcap", [frame(seq, seq) for seq in range(6)])
    content = path.read_bytes()
    start = int.from_bytes(content[-28:-20], "little")
    chunk = read_first_chunk(path)
    at = content.index(chunk.to_bytes(8, "little"), start)
    path.write_bytes(resealed(content))
    assert read_index(str(path)).messages == 6
    path.write_bytes(resealed(content[:at] + (chunk + 1).to_bytes(8, "little") + content[at + 8 :]))
    with pytest.raises(RecordingError, match=f"no chunk at byte {chunk + 1}"):
        read_index(str(path))


def read_first_chunk(path: Path) -> int:
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    return summary.chunk_indexes[0].chunk_start_offset


@given(st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hostile_file_gives_an_answer_or_a_recording_error(tmp_path, data):
    path = written(tmp_path / "x.mcap", [frame(seq, seq) for seq in range(6)])
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[-28:-20], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(start, len(content) - 13))] = data.draw(st.integers(0, 255))
    path.write_bytes(resealed(bytes(content)))
    try:
        info = survey(str(path))
    except RecordingError:
        return
    assert info.read in ("index", "full")
    as_text(info), json.dumps(as_dict(info))


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("compression", [CompressionType.LZ4, CompressionType.NONE])
def test_files_of_the_reference_writer_are_told(tmp_path, chunked, compression):
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer: Any = ReferenceWriter(file, chunk_size=300, use_chunking=chunked, compression=compression)
        writer.start()
        channel = writer.register_channel("frame.north", "msgpack", 0)
        for seq in range(10):
            message = frame(seq, seq)
            writer.add_message(channel, message["time_ns"] + 5, msgpack.packb(message), message["time_ns"], seq)
        writer.add_attachment(0, 0, "photo", "image/png", b"x")
        writer.finish()
    info = survey(str(path))
    assert (info.read, info.messages, info.attachments) == ("index", 10, 1)
    assert info.chunks == count_chunks(str(path))
    assert info.chunks is not None
    assert (info.chunks.count > 1) == chunked
    assert info.topics["frame.north"].messages == 10
    assert (info.from_ns, info.to_ns) == (START_NS + 5, START_NS + 9 * SECOND_NS + 5)
    assert "1 attachments" in as_text(info)


def test_text_and_json_say_what_was_used(tmp_path):
    path = written(tmp_path / "x.mcap", [frame(seq, seq) for seq in range(6)], late_ns=10)
    text = as_text(survey(str(path)))
    assert "its index; --full reads every message" in text
    assert "(times of arrival)" in text
    assert "version 0.1" in text
    assert "site.toml (200 bytes)" in text
    found = json.loads(json.dumps(as_dict(survey(str(path), full=True))))
    assert (found["read"], found["times"], found["messages"]) == ("full", "event", 6)
    assert found["topics"]["frame.north"]["rate_hz"] == pytest.approx(1.0)
    assert found["from_utc"] == "2023-11-14T22:13:20Z"
    assert found["metadata"]["version"] == "0.1"


def test_an_empty_recording_is_told_as_such(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"")
    info = survey(str(tmp_path / "x.jsonl"))
    assert (info.messages, info.span_s, info.topics) == (0, 0.0, {})
    assert "messages   0" in as_text(info)
