import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType
from mcap.writer import Writer as ReferenceWriter

from fusion.errors import RecordingError
from replay.recordings.files import inspect, open_reader, open_writer
from replay.recordings.recover import Recovery, kind_of, recover
from skypicket.cli import main

START_NS = 1_700_000_000_000_000_000
HEAD = struct.Struct("<BQ")
CHUNK_KIND, INDEX_KIND = 6, 7
DAMAGE = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLACES = st.integers(0, 2**20)  # taken modulo a file's length
Key = tuple[str, int, int, bytes]


def frame(seq: int, rows: int = 5, sensor: str = "north") -> dict[str, Any]:
    """Numbers that do not compress, so that a chunk's bytes all count."""
    chance = random.Random(seq)
    return {
        "v": 1,
        "type": "frame",
        "source": "test",
        "seq": seq,
        "epoch": "e1",
        "time_ns": START_NS + seq * 1_000_000,
        "sensor": sensor,
        "columns": {"range_m": [1e5 * chance.random() for _ in range(rows)], "azimuth_deg": [float(seq)] * rows},
    }


def write(path: Path, count: int = 60, chunk: int = 10, rows: int = 5) -> bytes:
    with open_writer(path, {"site.toml": "[service]", "skypicket": "1"}) as out:
        for seq in range(count):
            sensor = "south" if seq % 7 == 3 else "north"
            out.write(f"frame.{sensor}", frame(seq, rows, sensor), START_NS + seq)
            if seq % chunk == chunk - 1:
                out.flush()
    return path.read_bytes()


def keys(path: Path) -> list[Key]:
    with open_reader(path) as reader:
        found = [(each.topic, each.time_ns, each.log_ns, each.payload) for each in reader]
        assert not reader.problems
    return found


def chunks_of(content: bytes) -> list[tuple[int, int]]:
    """Where the chunks stand, first and last byte, by the specification."""
    found, position = [], 8
    while position < len(content) - 8:
        opcode, length = HEAD.unpack_from(content, position)
        if opcode == CHUNK_KIND:
            found.append((position, position + HEAD.size + length - 1))
        position += HEAD.size + length
    return found


def attempt(path: Path, out: Path) -> Recovery | None:
    try:
        return recover(path, out)
    except RecordingError as error:
        offset = error.offset
    assert offset is not None
    return None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Key]]:
    path = tmp_path_factory.mktemp("sound") / "x.mcap"
    return write(path), keys(path)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Key]]:
    """One chunk of more than zstd unpacks at once (128 KiB)."""
    path = tmp_path_factory.mktemp("large") / "x.mcap"
    return write(path, 2000, 2000, rows=20), keys(path)


@DAMAGE
@given(place=PLACES)
def test_a_file_cut_anywhere_gives_the_messages_of_whole_chunks_and_only_such(
    place: int, sound: tuple[bytes, list[Key]], tmp_path: Path
) -> None:
    content, wanted = sound
    cut = place % len(content)
    (tmp_path / "cut.mcap").write_bytes(content[:cut])
    recovery = attempt(tmp_path / "cut.mcap", tmp_path / "out.mcap")
    whole = sum(last < cut for _, last in chunks_of(content))
    if recovery is None:
        assert whole == 0
        return
    found = keys(tmp_path / "out.mcap")
    assert found == wanted[: len(found)]
    assert len(found) >= 10 * whole
    assert recovery.losses.count
    assert recovery.losses.first[-1].start <= cut


@DAMAGE
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_costs_no_more_than_its_chunk_and_its_place_is_named(
    place: int, bit: int, sound: tuple[bytes, list[Key]], tmp_path: Path
) -> None:
    content, wanted = sound
    at = place % len(content)
    damaged = bytearray(content)
    damaged[at] ^= 1 << bit
    (tmp_path / "x.mcap").write_bytes(damaged)
    recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    assert recovery.losses.count or recovery.problems
    found, chunks = keys(tmp_path / "out.mcap"), chunks_of(content)
    hit = [number for number, (first, last) in enumerate(chunks) if first <= at <= last]
    lost = {key for number in hit for key in wanted[10 * number : 10 * number + 10]}
    assert [key for key in wanted if key not in lost] == [key for key in found if key not in lost]
    assert set(found) <= set(wanted)
    assert len(found) in (len(wanted), len(wanted) - 10)
    if len(found) < len(wanted):
        (loss,) = recovery.losses.first
        assert (loss.start, loss.end - 1, loss.messages) == (*chunks[hit[0]], 10)
    places = [(loss.start, loss.end) for loss in recovery.losses.first]
    assert any(start <= at <= end for start, end in places) or at < min(places)[1]


@DAMAGE
@given(data=st.data())
def test_any_damage_ends_in_messages_that_were_there_or_a_recording_error(
    data: st.DataObject, sound: tuple[bytes, list[Key]], tmp_path: Path
) -> None:
    content, wanted = sound
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        match data.draw(st.sampled_from(["flip", "zeros", "remove", "insert", "repeat"])):
            case "flip":
                damaged[at] ^= 1 << data.draw(st.integers(0, 7))
            case "zeros":
                damaged[at : at + 700] = bytes(len(damaged[at : at + 700]))
            case "remove":
                del damaged[at : at + data.draw(st.integers(1, 900))]
                damaged = damaged or bytearray(b"x")
            case "insert":
                damaged[at:at] = data.draw(st.binary(min_size=1, max_size=50))
            case _:
                damaged[at:at] = damaged[at : at + 900]
    (tmp_path / "x.mcap").write_bytes(damaged)
    recovery = attempt(tmp_path / "x.mcap", tmp_path / "out.mcap")
    if recovery is not None and recovery.out:
        assert set(keys(tmp_path / "out.mcap")) <= set(wanted)
        assert recovery.messages == inspect(tmp_path / "out.mcap").messages


def test_a_torn_chunk_gives_the_messages_of_its_front(large: tuple[bytes, list[Key]], tmp_path: Path) -> None:
    content, wanted = large
    ((first, last),) = chunks_of(content)
    found = []
    for part in (0.3, 0.6, 0.99):
        (tmp_path / "x.mcap").write_bytes(content[: first + round((last - first) * part)])
        with pytest.raises(RecordingError, match="nothing in it is readable"):
            keys(tmp_path / "x.mcap")
        recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
        found.append(keys(tmp_path / "out.mcap"))
        assert found[-1] == wanted[: len(found[-1])]
        assert recovery.unverified == len(found[-1])
        assert "a chunk is cut off" in str(recovery.losses.first[0])
    assert 100 < len(found[0]) < len(found[1]) < len(found[2])


@pytest.mark.parametrize("missing", [40, 500, 1500])
def test_bytes_missing_in_the_middle_cost_no_more_than_the_chunks_that_they_were_in(
    missing: int, sound: tuple[bytes, list[Key]], tmp_path: Path
) -> None:
    content, wanted = sound
    for first, last in chunks_of(content):
        for at in (first + 60, last - 30):
            (tmp_path / "x.mcap").write_bytes(content[:at] + content[at + missing :])
            recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
            found = keys(tmp_path / "out.mcap")
            hit = [k for k, (start, end) in enumerate(chunks_of(content)) if start < at + missing and end >= at]
            assert found == [key for number, key in enumerate(wanted) if number // 10 not in hit]


def test_sectors_of_zeros_at_the_end_of_a_chunk_are_no_data(large: tuple[bytes, list[Key]], tmp_path: Path) -> None:
    content, wanted = large
    ((first, last),) = chunks_of(content)
    cut = (first + last) // 2 // 512 * 512
    (tmp_path / "x.mcap").write_bytes(content[:cut] + bytes(last + 1 - cut) + content[last + 1 :])
    recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    found = keys(tmp_path / "out.mcap")
    assert 100 < len(found) == recovery.unverified
    assert found == wanted[: len(found)]


def test_torn_messages_that_disagree_with_their_place_are_left_out(tmp_path: Path) -> None:
    """Bytes that were changed in the front of a torn chunk, which nothing but the envelope can tell."""
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer: Any = ReferenceWriter(file, chunk_size=10**9, compression=CompressionType.NONE)
        writer.start()
        channel = writer.register_channel("frame.north", "json", 0)
        for seq in range(50):
            writer.add_message(channel, START_NS, json.dumps(frame(seq)).encode(), frame(seq)["time_ns"])
        writer.finish()
    content = path.read_bytes()
    ((_, last),) = chunks_of(content)
    torn = (
        content[: last - 100].replace(b'"seq": 7,', b'"seq": x,').replace(b'"sensor": "north"', b'"sensor": "nurth"', 1)
    )
    path.write_bytes(torn)
    recovery = recover(path, tmp_path / "out.mcap")
    with open_reader(tmp_path / "out.mcap") as reader:
        assert [each.message["seq"] for each in reader] == [seq for seq in range(1, 49) if seq != 7]
    assert [(problem.code, problem.count) for problem in recovery.problems] == [("torn", 2)]


@pytest.mark.parametrize(
    ("place", "what"),
    [(0, "opening mark"), (9, None), (-1, "closing mark")],
    ids=["the opening mark", "the header", "the closing mark"],
)
def test_damage_outside_of_chunks_costs_no_message(
    place: int, what: str | None, sound: tuple[bytes, list[Key]], tmp_path: Path
) -> None:
    content, wanted = sound
    damaged = bytearray(content)
    damaged[place] ^= 0x20
    (tmp_path / "x.mcap").write_bytes(damaged)
    recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    assert keys(tmp_path / "out.mcap") == wanted
    assert what is None or what in str(recovery.losses.first[0])


def test_every_bit_of_a_chunks_head_may_flip_and_nothing_of_it_is_lost_but_by_its_checksum(
    sound: tuple[bytes, list[Key]], tmp_path: Path
) -> None:
    content, wanted = sound
    first, _ = chunks_of(content)[2]
    checksum = range(first + 33, first + 37)
    for at in range(first, first + 53):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        (tmp_path / "x.mcap").write_bytes(damaged)
        recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
        assert len(keys(tmp_path / "out.mcap")) == len(wanted) - (10 if at in checksum else 0), at
        assert recovery.losses.count, at


def test_what_is_recovered_is_complete_for_the_reference_reader(sound: tuple[bytes, list[Key]], tmp_path: Path) -> None:
    content, wanted = sound
    (tmp_path / "x.mcap").write_bytes(content[: chunks_of(content)[4][1] - 5])
    recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    with (tmp_path / "out.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = [(channel.topic, message.log_time) for _, channel, message in reader.iter_messages()]
        (metadata,) = reader.iter_metadata()
    assert found == [(topic, log_ns) for topic, _, log_ns, _ in wanted[:40]]
    assert metadata.metadata == {"site.toml": "[service]", "skypicket": "1", "recovered_from": "x.mcap"}


def test_the_opening_state_and_the_sequence_are_kept(tmp_path: Path) -> None:
    with open_writer(tmp_path / "x.mcap") as out:
        out.write("frame.north", frame(1), START_NS, opening=True)
        out.write("frame.north", frame(2), START_NS)
    (tmp_path / "x.mcap").write_bytes((tmp_path / "x.mcap").read_bytes()[:-20])
    recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    with open_reader(tmp_path / "out.mcap") as reader:
        assert [(each.sequence, each.opening) for each in reader] == [(1, True), (2, False)]


def test_files_of_other_writers_one_behind_another_are_all_read(tmp_path: Path) -> None:
    """Without chunks, and in lz4; the second after the end of the first, as `cat` puts them."""
    parts = []
    for number, options in enumerate(({"use_chunking": False}, {"compression": CompressionType.LZ4})):
        with (tmp_path / "part").open("wb") as file:
            writer: Any = ReferenceWriter(file, **options)
            writer.start()
            channel = writer.register_channel("frame.north", "json", 0)
            for seq in range(10 * number, 10 * number + 10):
                writer.add_message(channel, START_NS, json.dumps(frame(seq)).encode(), frame(seq)["time_ns"])
            writer.finish()
        parts.append((tmp_path / "part").read_bytes())
    (tmp_path / "x.mcap").write_bytes(parts[0] + b"between" + parts[1][:-8])
    recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    with open_reader(tmp_path / "out.mcap") as reader:
        assert [each.message["seq"] for each in reader] == list(range(20))
    assert recovery.losses.first[0].start == len(parts[0])


def test_what_another_program_put_in_is_counted(tmp_path: Path) -> None:
    with (tmp_path / "x.mcap").open("wb") as file:
        writer: Any = ReferenceWriter(file)
        writer.start(profile="ros2")
        ours = writer.register_channel("frame.north", "json", 0)
        camera = writer.register_channel("/camera", "cdr", 0)
        writer.add_message(ours, START_NS, json.dumps(frame(1)).encode(), frame(1)["time_ns"])
        writer.add_message(camera, START_NS, b"\0\1", START_NS)
        writer.add_attachment(0, 0, "photo", "image/png", b"x" * 100)
        writer.add_metadata("other", {"a": "b"})
        writer.finish()
    recovery = recover(tmp_path / "x.mcap", tmp_path / "out.mcap")
    found = {problem.code: problem.detail for problem in recovery.problems}
    assert set(found) == {"encoding", "attachment", "metadata"}
    assert "profile 'ros2', '/camera', whose messages are in 'cdr'" in found["encoding"]
    assert recovery.messages == 1


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_a_whole_recording_is_left_alone(ending: str, tmp_path: Path) -> None:
    write(tmp_path / f"x.{ending}")
    recovery = recover(tmp_path / f"x.{ending}", tmp_path / f"out.{ending}")
    assert (recovery.out, recovery.messages) == ("", 60)
    assert [path.name for path in tmp_path.iterdir()] == [f"x.{ending}"]


def lines(count: int) -> list[bytes]:
    return [json.dumps(frame(seq)).encode() for seq in range(count)]


@DAMAGE
@given(data=st.data())
def test_json_lines_with_a_flipped_bit_give_every_other_line(data: st.DataObject, tmp_path: Path) -> None:
    good = lines(8)
    content = bytearray(b"\n".join(good) + b"\n")
    at = data.draw(st.integers(0, len(content) - 1))
    hit = bytes(content[:at]).count(b"\n")
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "x.jsonl").write_bytes(content)
    recovery = recover(tmp_path / "x.jsonl", tmp_path / "out.jsonl")
    if recovery.out:
        found = (tmp_path / "out.jsonl").read_bytes().splitlines()
        starts = [sum(map(len, good[:number])) + number for number in range(8)]
        assert [line for line in found if line in good] == [
            line for number, line in enumerate(good) if number != hit or line in found
        ]
        assert recovery.losses.first[0].start in (starts[hit], starts[min(hit + 1, 7)])


def test_zero_bytes_and_lost_line_ends_cost_nothing_beside_them(tmp_path: Path) -> None:
    good = lines(6)
    content = good[0] + b"\n" + bytes(4096) + good[1] + b"\n" + good[2] + b"J" + good[3] + b"\n" + good[4] + b"\n"
    (tmp_path / "x.jsonl").write_bytes(content + good[5][:40])
    recovery = recover(tmp_path / "x.jsonl", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes().splitlines() == good[:5]
    first = len(good[0]) + 1
    assert [loss.start for loss in recovery.losses.first] == [
        first,
        first + 4096 + len(good[1]) + 1,
        len(content),
    ]
    assert "cut off" in recovery.losses.first[-1].why
    assert recovery.losses.messages == (1, True)


def test_deep_and_endless_lines_end_in_a_count(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"a":' * 200_000 + b"\n" + lines(1)[0] + b"\n")
    recovery = recover(tmp_path / "x.jsonl", tmp_path / "out.jsonl")
    assert (recovery.messages, recovery.losses.count) == (1, 1)


@pytest.mark.parametrize(
    ("content", "seems"),
    [
        (b"#ROSBAG V2.0\n\x45", "a ROS 1 bag"),
        (b"SQLite format 3\0\x10\0", "a ROS 2 bag"),
        (b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "packet capture"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gunzip"),
        (b"PAR1\x15\x04\x15\x10", "Parquet"),
        (b"time,lat,lon\n1,2,3\n4,5,6\n", "comma-separated"),
        (b"Dear reader,\nthis is a letter.\n", "text"),
        (bytes(300), "zero bytes"),
        (b"", "empty"),
    ],
)
@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_a_foreign_file_is_named_with_what_it_seems_to_be(
    content: bytes, seems: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content)
    if content or ending == "mcap":
        with pytest.raises(RecordingError, match=seems) as caught:
            inspect(path)
        assert caught.value.offset == 0
    with pytest.raises(RecordingError) as refused:
        recover(path, tmp_path / f"out.{ending}")
    assert refused.value.offset == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_under_the_other_ending_is_named_and_recovered(tmp_path: Path) -> None:
    content = write(tmp_path / "x.mcap", 4)
    (tmp_path / "wrong.jsonl").write_bytes(content[:-9])
    (tmp_path / "wrong.mcap").write_bytes(b"\n".join(lines(3))[:-9])
    with pytest.raises(RecordingError, match=r"MCAP file: its name should end in \.mcap"):
        open_reader(tmp_path / "wrong.jsonl")
    with pytest.raises(RecordingError, match=r"JSON lines: its name should end in \.jsonl"):
        open_reader(tmp_path / "wrong.mcap")
    assert (kind_of(tmp_path / "wrong.jsonl"), kind_of(tmp_path / "wrong.mcap")) == ("mcap", "jsonl")
    assert recover(tmp_path / "wrong.jsonl", tmp_path / "a.mcap").messages == 4
    assert recover(tmp_path / "wrong.mcap", tmp_path / "b.jsonl").messages == 2


def test_a_ros_recording_without_our_topics_is_named(tmp_path: Path) -> None:
    with (tmp_path / "x.mcap").open("wb") as file:
        writer: Any = ReferenceWriter(file)
        writer.start(profile="ros2")
        writer.add_message(writer.register_channel("/camera", "cdr", 0), 1, b"\0\1", 1)
        writer.finish()
    for read in (inspect, lambda path: recover(path, tmp_path / "out.mcap")):
        with pytest.raises(RecordingError, match="'ros2', '/camera', whose messages are in 'cdr'"):
            read(tmp_path / "x.mcap")


def test_the_command_says_what_and_where_and_never_overwrites_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(write(tmp_path / "x.mcap"))
    (first, last) = chunks_of(bytes(content))[1]
    content[last - 8] ^= 1
    (tmp_path / "x.mcap").write_bytes(content[:-100])
    assert main(["recover", str(tmp_path / "x.mcap")]) == 0
    told = capsys.readouterr().out
    assert "50 messages recovered" in told
    assert f"bytes {first} to {last}: a chunk is damaged" in told
    assert "10 messages lost" in told
    assert (tmp_path / "x.mcap").read_bytes() == content[:-100]
    assert main(["recover", str(tmp_path / "x.mcap")]) == 2
    assert main(["recover", str(tmp_path / "x.mcap"), "--out", str(tmp_path / "x.mcap")]) == 2
    assert "--in-place" in capsys.readouterr().err
    assert main(["recover", str(tmp_path / "x.mcap"), "--in-place"]) == 0
    (tmp_path / "x.recovered.mcap").unlink()
    assert main(["recover", str(tmp_path / "x.mcap")]) == 4
    assert "nothing to recover" in capsys.readouterr().err
    assert inspect(tmp_path / "x.mcap").messages == 50
    (tmp_path / "x.mcap").write_bytes(b"\x89MCAP0\r\n" + b"junk" * 9)
    assert main(["recover", str(tmp_path / "x.mcap"), "--in-place"]) == 3
    assert "at byte 8" in capsys.readouterr().err
    assert (tmp_path / "x.mcap").read_bytes().endswith(b"junk")


def test_the_damage_is_seen_by_the_reference_reader_too(sound: tuple[bytes, list[Key]], tmp_path: Path) -> None:
    """So that the tests above damage what they mean to."""
    content, _ = sound
    damaged = bytearray(content)
    damaged[chunks_of(content)[3][1] - 9] ^= 1
    (tmp_path / "x.mcap").write_bytes(damaged)
    with (tmp_path / "x.mcap").open("rb") as file, pytest.raises(Exception, match=r"crc|corrupt"):
        list(StreamReader(file, validate_crcs=True).records)
