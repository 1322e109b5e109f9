import io
import json
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import msgpack
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Chunk, Message, MessageIndex
from mcap.writer import CompressionType
from mcap.writer import Writer as ReferenceWriter

from fusion.errors import RecordingError
from replay.recordings import mcap_records
from replay.recordings.files import Record, inspect, open_reader, open_writer

START_NS = 1_700_000_000_000_000_000
RECORD_HEAD = 9  # opcode and length of an MCAP record


def envelope(kind: str, seq: int, **rest: object) -> dict[str, object]:
    return {
        "v": 1,
        "type": kind,
        "source": "test",
        "seq": seq,
        "epoch": "e1",
        "time_ns": START_NS + seq * 100_000_000,
        **rest,
    }


def frame(seq: int, sensor: str = "north", rows: int = 3) -> dict[str, object]:
    columns = {
        "range_m": [1000.0 + seq + row / 7 for row in range(rows)],
        "azimuth_deg": [None if row == 1 else 10.0 * row for row in range(rows)],
    }
    return envelope("frame", seq, sensor=sensor, columns=columns)


def one_of_each() -> list[tuple[str, dict[str, object]]]:
    return [
        ("zones", envelope("zones", 0, features=[])),
        ("frame.north", frame(1)),
        ("frame.south", frame(2, "south", rows=0)),
        ("truth", envelope("truth", 3, columns={"id": ["a", "b"], "lat_deg": [47.1, 47.2]})),
        (
            "tracks",
            envelope("tracks", 4, columns={"id": [2**53 - 1], "identity": [None], "reason": ["é ∞ 日本"]}),
        ),
        ("alert.gate.imminent", envelope("alert", 5, zone="gate", level="imminent", probability=0.1 + 0.2)),
        ("status", envelope("status", 6, sensors={"north": {"frames": 2}})),
    ]


def write_all(path: Path, messages: list[tuple[str, dict[str, object]]], late_ns: int = 0) -> None:
    with open_writer(path) as writer:
        for topic, message in messages:
            writer.write(topic, message, int(str(message["time_ns"])) + late_ns)


def reference_writer(file: IO[bytes], **options: Any) -> Any:
    """The public package's own writer, which carries no types."""
    return ReferenceWriter(file, **options)


def read_all(path: Path) -> list[Record]:
    with open_reader(path) as reader:
        return list(reader)


def jsonl_of(lines: list[bytes], path: Path) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_what_is_written_is_read_back(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{ending}"
    write_all(path, one_of_each(), late_ns=7)
    records = read_all(path)
    assert [(record.topic, record.message) for record in records] == one_of_each()
    assert [record.time_ns for record in records] == [message["time_ns"] for _, message in one_of_each()]
    assert {record.log_ns - record.time_ns for record in records} == {7 if ending == "mcap" else 0}


def test_converting_there_and_back_keeps_every_message(tmp_path: Path) -> None:
    write_all(tmp_path / "a.jsonl", one_of_each())
    for here, there in (("a.jsonl", "b.mcap"), ("b.mcap", "c.jsonl"), ("c.jsonl", "d.mcap")):
        with open_reader(tmp_path / here) as reader, open_writer(tmp_path / there) as writer:
            for record in reader:
                writer.write_payload(record.topic, record.payload, record.time_ns, record.log_ns)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "c.jsonl").read_bytes()
    assert [record.message for record in read_all(tmp_path / "d.mcap")] == [message for _, message in one_of_each()]


def test_binary_columns_become_arrays_in_json_lines(tmp_path: Path) -> None:
    message = frame(1, rows=0) | {"columns": {"range_m": struct.pack("<2d", 1.5, float("nan"))}}
    with open_writer(tmp_path / "x.jsonl") as writer:
        writer.write_payload("frame.north", msgpack.packb(message), START_NS, START_NS)
    assert read_all(tmp_path / "x.jsonl")[0].message["columns"] == {"range_m": [1.5, None]}


def test_an_alert_that_changes_its_level_is_one_json_line_and_two_mcap_messages(tmp_path: Path) -> None:
    step = envelope("alert", 5, zone="gate", level="imminent")
    both = [("alert.gate.imminent", step), ("alert.gate.predicted", step)]
    write_all(tmp_path / "x.jsonl", both)
    write_all(tmp_path / "x.mcap", both)
    assert [record.topic for record in read_all(tmp_path / "x.jsonl")] == ["alert.gate.imminent"]
    assert [record.topic for record in read_all(tmp_path / "x.mcap")] == [topic for topic, _ in both]


def test_the_reference_reader_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with open_writer(path, {"version": "0.1.0", "configuration": "[service]"}) as writer:
        for topic, message in one_of_each():
            writer.write(topic, message, START_NS)
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = [
            (channel.topic, channel.message_encoding, msgpack.unpackb(message.data), message.publish_time)
            for _, channel, message in reader.iter_messages(log_time_order=False)
        ]
        summary = reader.get_summary()
        metadata = list(reader.iter_metadata())
    assert found == [(topic, "msgpack", message, message["time_ns"]) for topic, message in one_of_each()]
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count == len(one_of_each())
    assert [record.metadata for record in metadata] == [{"version": "0.1.0", "configuration": "[service]"}]
    assert inspect(path).metadata == {"version": "0.1.0", "configuration": "[service]"}


def test_the_reference_reader_finds_messages_by_their_time(tmp_path: Path) -> None:
    """Over several chunks, some ended by a flush, with a channel that opens late."""
    path = tmp_path / "many.mcap"
    with open_writer(path, {"made": "here"}) as out:
        for k in range(400):
            topic = "status" if k < 300 else "zones"
            out.write_payload(topic, b"x" * 10_000, 1000 + k, 1000 + k, k)
            if k == 350:
                out.flush()
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = [message.log_time for _, _, message in reader.iter_messages(starting_at=1295, ending_before=1352)]
        summary = reader.get_summary()
        made = [record.metadata for record in reader.iter_metadata()]
    assert found == list(range(1295, 1352))
    assert made == [{"made": "here"}]
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count == 400
    assert (summary.statistics.message_start_time, summary.statistics.message_end_time) == (1000, 1399)
    assert summary.statistics.channel_message_counts == {1: 300, 2: 100}
    assert len(summary.chunk_indexes) == summary.statistics.chunk_count > 3
    content = path.read_bytes()
    for chunk_index in summary.chunk_indexes:
        start = chunk_index.chunk_start_offset + RECORD_HEAD
        chunk = zstandard.decompress(Chunk.read(ReadDataStream(io.BytesIO(content[start:]))).data)
        for channel, offset in chunk_index.message_index_offsets.items():
            index = MessageIndex.read(ReadDataStream(io.BytesIO(content[offset + RECORD_HEAD :])))
            assert index.channel_id == channel
            for log_ns, place in index.records:
                message = Message.read(ReadDataStream(io.BytesIO(chunk[place + RECORD_HEAD :])), 10_022)
                assert (chunk[place], message.channel_id, message.log_time) == (Opcode.MESSAGE, channel, log_ns)


def test_each_mcap_channel_names_the_json_schema_of_its_messages(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    write_all(path, one_of_each())
    with path.open("rb") as file:
        found = {channel.topic: schema for schema, channel, _ in make_reader(file).iter_messages()}
    for topic, schema in found.items():
        assert schema is not None
        assert (schema.name, schema.encoding) == (f"skypicket.{topic.partition('.')[0]}", "jsonschema")
        assert json.loads(schema.data)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize("chunked", [True, False])
def test_files_of_other_mcap_writers_are_read(compression: CompressionType, chunked: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = reference_writer(file, chunk_size=200, compression=compression, use_chunking=chunked)
        writer.start()
        channel = writer.register_channel("frame.north", "msgpack", 0)
        text = writer.register_channel("truth", "json", 0)
        for seq in range(20):
            writer.add_message(channel, START_NS, msgpack.packb(frame(seq)), START_NS)
        writer.add_attachment(0, 0, "photo", "image/png", b"x" * 1000)
        writer.add_message(text, START_NS, json.dumps(envelope("truth", 20)).encode(), START_NS)
        writer.finish()
    records = read_all(path)
    assert [record.message for record in records] == [
        *(frame(seq) for seq in range(20)),
        envelope("truth", 20),
    ]


def test_messages_in_a_foreign_encoding_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = reference_writer(file)
        writer.start()
        foreign = writer.register_channel("/camera", "cdr", 0)
        ours = writer.register_channel("frame.north", "msgpack", 0)
        writer.add_message(foreign, 1, b"\x00\x01", 1)
        writer.add_message(foreign, 1, b"\x00\x01", 1)
        writer.add_message(ours, 1, msgpack.packb(frame(1)), 1)
        writer.finish()
    report = inspect(path)
    assert report.messages == 1
    assert [(problem.code, problem.count) for problem in report.problems] == [("encoding", 2)]


def many_chunks(path: Path) -> bytes:
    """A file of 12 chunks of 5 frames each."""
    with open_writer(path, {"version": "1"}) as writer:
        for seq in range(60):
            writer.write("frame.north", frame(seq), START_NS)
            if seq % 5 == 4:
                writer.flush()
    return path.read_bytes()


def test_a_file_cut_anywhere_gives_its_complete_chunks_and_says_so(tmp_path: Path) -> None:
    content = many_chunks(tmp_path / "whole.mcap")
    chunk_ends = [
        offset
        for offset, opcode in records_of(content)
        if opcode == 6  # a chunk, with nothing of its index yet
    ]
    cut = tmp_path / "cut.mcap"
    for length in [*range(8, len(content), 37), *chunk_ends, len(content) - 1]:
        cut.write_bytes(content[:length])
        complete = sum(end <= length for end in chunk_ends)
        reader = open_reader(cut)
        if complete == 0:
            with pytest.raises(RecordingError, match="nothing in it is readable"):
                list(reader)
        else:
            assert [record.message["seq"] for record in reader] == list(range(5 * complete))
            assert reader.problems.count("truncated") == 1
        assert reader.truncated
        reader.close()


def records_of(content: bytes) -> list[tuple[int, int]]:
    """(end, opcode) of each record of an MCAP file, by its specification."""
    found, position = [], 8
    while position < len(content) - 8:
        opcode, length = struct.unpack_from("<BQ", content, position)
        position += 9 + length
        found.append((position, opcode))
    return found


def test_what_was_flushed_is_in_a_file_whose_writer_never_closed_it(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    writer = open_writer(path)
    for seq in range(7):
        writer.write("frame.north", frame(seq), START_NS)
    writer.flush()
    writer.write("frame.north", frame(7), START_NS)
    with open_reader(path) as reader:
        assert [record.message["seq"] for record in reader] == list(range(7))
        assert reader.truncated
    writer.close()
    assert not inspect(path).truncated


def test_a_flipped_bit_costs_its_chunk_alone(tmp_path: Path) -> None:
    content = many_chunks(tmp_path / "x.mcap")
    chunk_ends = [end for end, opcode in records_of(content) if opcode == 6]
    for chunk in (0, 5):
        damaged = bytearray(content)
        damaged[chunk_ends[chunk] - 40] ^= 0x10
        (tmp_path / "x.mcap").write_bytes(damaged)
        with open_reader(tmp_path / "x.mcap") as reader:
            seqs = [record.message["seq"] for record in reader]
            topics = {record.topic for record in read_all(tmp_path / "x.mcap")}
        lost = range(5 * chunk, 5 * chunk + 5)
        assert seqs == [seq for seq in range(60) if seq not in lost]
        assert topics == {"frame.north"}
        assert [problem.code for problem in reader.problems] == ["damaged"]
        assert not reader.truncated


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_of_an_mcap_file_gives_records_or_a_recording_error(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with open_writer(path) as writer:
        for seq in range(6):
            writer.write("frame.north", frame(seq), START_NS)
            writer.flush()
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        report = inspect(path)
    except RecordingError as error:
        offset = error.offset
    else:
        offset = report.messages
    assert offset is not None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=400), magic=st.booleans())
def test_random_bytes_are_named_as_no_recording(junk: bytes, magic: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes((b"\x89MCAP0\r\n" if magic else b"") + junk)
    with pytest.raises(RecordingError, match="at byte"):
        inspect(path)


def test_a_compressed_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mcap_records, "RECORD_BYTES", 2**20)
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = reference_writer(file, chunk_size=2**30)
        writer.start()
        channel = writer.register_channel("frame.north", "msgpack", 0)
        writer.add_message(channel, 1, bytes(2**20 + 1), 1)
        writer.finish()
    with pytest.raises(RecordingError, match=r"a chunk claims .* allowed are"):
        inspect(path)


def test_a_message_over_the_limit_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = reference_writer(file)
        writer.start()
        channel = writer.register_channel("frame.north", "msgpack", 0)
        writer.add_message(channel, 1, bytes(8 * 2**20 + 1), 1)
        writer.add_message(channel, 1, msgpack.packb(frame(1)), 1)
        writer.finish()
    report = inspect(path)
    assert (report.messages, [problem.code for problem in report.problems]) == (1, ["too large"])


@pytest.mark.parametrize(("content", "found"), [(b"", "empty"), (b'{"v":1}\n', "begins with")])
def test_a_file_that_is_no_mcap_is_named_with_its_offset(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=found) as caught:
        open_reader(path)
    assert (caught.value.file, caught.value.offset) == (str(path), 0)


def test_the_same_messages_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mcap", "b.mcap"):
        with open_writer(tmp_path / name, {"b": "2", "a": "1"} if name == "a.mcap" else {"a": "1", "b": "2"}) as out:
            for topic, message in one_of_each():
                out.write(topic, message, START_NS)
    assert (tmp_path / "a.mcap").read_bytes() == (tmp_path / "b.mcap").read_bytes()


def test_a_bad_line_is_counted_with_its_place_and_the_rest_is_read(tmp_path: Path) -> None:
    good = json.dumps(frame(1)).encode()
    other = json.dumps(frame(2)).encode()
    lines = [good, b"", b"   ", b"{not json", b"[1]", b'{"v":2}', b"\xff\xfe", other + b"\r"]
    path = jsonl_of(lines, tmp_path / "x.jsonl")
    with open_reader(path) as reader:
        assert [record.message["seq"] for record in reader] == [1, 2]
    first = next(iter(reader.problems))
    assert (first.line, first.offset) == (4, len(good) + 6)
    assert len(reader.problems) == 4
    assert not reader.truncated


def test_a_line_over_the_limit_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    limit = 8 * 2**20
    good = json.dumps(frame(1)).encode()
    exact = json.dumps(frame(2) | {"note": ""}).encode()
    exact = exact.replace(b'"note": ""', b'"note": "' + b"x" * (limit - len(exact)) + b'"')
    assert len(exact) == limit
    path = jsonl_of([b"{" * (limit + 1), b" " * (limit + 9) + b"}", good, exact], tmp_path / "x.jsonl")
    with open_reader(path) as reader:
        assert [record.message["seq"] for record in reader] == [1, 2]
    assert [(p.code, p.count, p.line) for p in reader.problems] == [("too large", 2, 1)]


def test_json_lines_cut_anywhere_give_their_complete_lines_and_say_so(tmp_path: Path) -> None:
    lines = [json.dumps(frame(seq)).encode() for seq in range(4)]
    content = b"\n".join(lines)
    path = tmp_path / "x.jsonl"
    for length in range(len(lines[0]), len(content) + 1, 11):
        path.write_bytes(content[:length])
        complete = (content[: length + 1] + b"\n").count(b"}\n") if length < len(content) else 4
        with open_reader(path) as reader:
            seqs = [record.message["seq"] for record in reader]
        assert seqs == list(range(len(seqs)))
        assert len(seqs) in (complete, complete - 1)
        ends_whole = content[:length].endswith((b"\n", b"}}"))
        assert reader.truncated == (not ends_whole)


def test_a_file_without_one_good_line_is_named_as_no_recording(tmp_path: Path) -> None:
    path = jsonl_of([b"", b"\x89MCAP0", b"junk"], tmp_path / "x.jsonl")
    with pytest.raises(RecordingError, match="nothing in it is readable") as caught:
        inspect(path)
    assert caught.value.offset == 1


def test_an_empty_file_of_json_lines_is_an_empty_recording(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"")
    assert inspect(tmp_path / "x.jsonl").messages == 0


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = jsonl_of([b"\xef\xbb\xbf" + json.dumps(frame(1)).encode()], tmp_path / "x.jsonl")
    assert [record.message for record in read_all(path)] == [frame(1)]


def test_an_alert_without_a_zone_is_counted_as_a_bad_line(tmp_path: Path) -> None:
    path = jsonl_of([json.dumps(m).encode() for m in (frame(1), envelope("alert", 2))], tmp_path / "x.jsonl")
    with open_reader(path) as reader:
        assert len(list(reader)) == 1
    assert [problem.code for problem in reader.problems] == ["alert"]


def test_standard_input_and_output_are_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Standard:
        def __init__(self, content: bytes) -> None:
            self.buffer = io.BytesIO(content)

    out = Standard(b"")
    monkeypatch.setattr("sys.stdin", Standard(json.dumps(frame(1)).encode() + b"\n"))
    monkeypatch.setattr("sys.stdout", out)
    with open_reader("-") as reader, open_writer("-", reads="-") as writer:
        for record in reader:
            writer.write(record.topic, record.message, record.log_ns)
    assert [json.loads(line) for line in out.buffer.getvalue().splitlines()] == [frame(1)]


@pytest.mark.parametrize("name", ["x.bag", "x", "x.json"])
def test_another_ending_is_refused_with_those_that_are_allowed(name: str, tmp_path: Path) -> None:
    for opener in (open_reader, open_writer):
        with pytest.raises(RecordingError, match=r"\.mcap or \.jsonl"):
            opener(tmp_path / name)


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_what_cannot_be_opened_is_named(ending: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        open_reader(tmp_path / f"absent.{ending}")
    with pytest.raises(RecordingError, match="is not a folder"):
        open_writer(tmp_path / "absent" / f"x.{ending}")
    (tmp_path / f"folder.{ending}").mkdir()
    with pytest.raises(RecordingError, match="Is a directory"):
        open_writer(tmp_path / f"folder.{ending}")
    with pytest.raises(RecordingError, match="Is a directory"):
        inspect(tmp_path / f"folder.{ending}")


def test_the_recording_that_is_read_is_never_overwritten(tmp_path: Path) -> None:
    write_all(tmp_path / "x.jsonl", one_of_each())
    before = (tmp_path / "x.jsonl").read_bytes()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "x.jsonl")
    with pytest.raises(RecordingError, match="being read"):
        open_writer(tmp_path / "link.jsonl", reads=tmp_path / "x.jsonl")
    assert (tmp_path / "x.jsonl").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("container", ["mcap", "jsonl"])
def test_a_full_disk_is_named(container: str, tmp_path: Path) -> None:
    path = tmp_path / f"full.{container}"
    path.symlink_to("/dev/full")
    if container == "mcap":
        with pytest.raises(RecordingError, match="No space left"):
            open_writer(path)
        return
    writer = open_writer(path)
    writer.write("frame.north", frame(1), START_NS)
    with pytest.raises(RecordingError, match="No space left"):
        writer.flush()
    with pytest.raises(RecordingError, match="No space left"):
        writer.close()


def test_inspect_counts_topics_and_their_span(tmp_path: Path) -> None:
    write_all(tmp_path / "x.mcap", [("frame.north", frame(seq)) for seq in (3, 1, 2)] + one_of_each()[3:4])
    report = inspect(tmp_path / "x.mcap")
    assert list(report.topics) == ["frame.north", "truth"]
    north = report.topics["frame.north"]
    assert (north.messages, north.from_ns, north.to_ns) == (3, START_NS + 100_000_000, START_NS + 300_000_000)
    assert report.span_s == pytest.approx(0.2)
    assert not report.problems


def test_the_ending_may_be_written_in_capitals(tmp_path: Path) -> None:
    write_all(tmp_path / "x.MCAP", one_of_each())
    assert (tmp_path / "x.MCAP").read_bytes().startswith(b"\x89MCAP0")
    assert inspect(tmp_path / "x.MCAP").messages == len(one_of_each())


def test_chunks_are_unpacked_by_several_threads_at_once() -> None:
    """The player reads ahead in one thread and seeks in another: a decompressor that they share mixes their bytes."""
    plain = [bytes([number]) * 500_000 + os.urandom(500_000) for number in range(4)]
    chunks = [
        Chunk("zstd", zstandard.ZstdCompressor(level=1).compress(data), 0, 0, zlib.crc32(data), len(data))
        for data in plain
    ]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(mcap_records.unpack, chunks * 50))
    assert found == plain * 50
