from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings

from adapters.wire import encode
from fusion.errors import RecordingError
from replay.recordings.convert import convert, with_bins
from replay.recordings.files import open_reader, open_writer
from tests.replay.recorded_messages import START_NS, meaning, messages, same


def read(path: Path) -> list[Any]:
    with open_reader(path) as reader:
        return list(reader)


def write(path: Path, found: list[dict[str, Any]], late_ns: int = 0, **metadata: str) -> Path:
    with open_writer(path, metadata) as writer:
        for message in found:
            kind, more = message["type"], [message.get("sensor"), message.get("zone"), message.get("level")]
            topic = ".".join([kind, *(part for part in more if part and kind in ("frame", "alert"))])
            if path.suffix == ".mcap":
                writer.write_payload(topic, msgpack.packb(message), message["time_ns"], message["time_ns"] + late_ns)
            else:
                writer.write(topic, message, message["time_ns"])
    return path


@given(messages())
@settings(max_examples=150)
def test_mcap_to_json_lines_and_back_gives_equal_messages(found):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = write(folder / "a.mcap", found)
        there = convert(first, folder / "b.jsonl")
        back = convert(folder / "b.jsonl", folder / "c.mcap")
        assert (there.records, back.records, len(there.problems), len(back.problems)) == (len(found),) * 2 + (0, 0)
        one, other = read(first), read(folder / "c.mcap")
    assert [(record.topic, record.time_ns) for record in one] == [(record.topic, record.time_ns) for record in other]
    for before, after in zip(one, other, strict=True):
        assert same(meaning(before.message), meaning(after.message))


@given(messages())
@settings(max_examples=50)
def test_json_lines_to_mcap_and_back_gives_equal_messages(found):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [encode(message, json=True) for message in found]
        (folder / "a.jsonl").write_bytes(b"\n".join(lines))
        convert(folder / "a.jsonl", folder / "b.mcap")
        convert(folder / "b.mcap", folder / "c.jsonl")
        after = [json.loads(line) for line in (folder / "c.jsonl").read_bytes().splitlines()]
    assert all(same(meaning(json.loads(line)), meaning(back)) for line, back in zip(lines, after, strict=True))


def frame(seq: int, **columns: Any) -> dict[str, Any]:
    return {
        "v": 1, "type": "frame", "source": "s", "seq": seq, "epoch": "e", "time_ns": START_NS + seq, "sensor": "north",
        "columns": columns or {"range_m": [1.5, None]},
    }  # fmt: skip


def alert(seq: int, level: str = "imminent") -> dict[str, Any]:
    return {
        "v": 1, "type": "alert", "source": "s", "seq": seq, "epoch": "e", "time_ns": START_NS + seq, "zone": "gate",
        "level": level,
    }  # fmt: skip


def test_columns_that_came_from_bins_are_bins_again():
    message = frame(
        0, range_m=[1.5, None], azimuth_deg=[1, 2], identity=["a", None], time_ns=[5, 6], snr_db=[None, None]
    )
    columns = msgpack.unpackb(encode(with_bins(message)))["columns"]
    assert columns["range_m"] == np.array([1.5, np.nan]).tobytes()
    assert columns["time_ns"] == np.array([5, 6]).tobytes()
    assert (columns["azimuth_deg"], columns["identity"], columns["snr_db"]) == ([1, 2], ["a", None], [None, None])


def test_the_same_container_anew_keeps_payloads_arrivals_and_metadata_to_the_byte(tmp_path):
    odd = {**frame(0), "v": 99}  # breaks the contract, and is not ours to leave out
    first = write(tmp_path / "a.mcap", [odd, frame(1), alert(2)], late_ns=7, site="[service]")
    copied = convert(first, tmp_path / "b.mcap")
    one, other = read(first), read(tmp_path / "b.mcap")
    assert [(r.topic, r.payload, r.time_ns, r.log_ns) for r in one] == [
        (r.topic, r.payload, r.time_ns, r.log_ns) for r in other
    ]
    with open_reader(tmp_path / "b.mcap") as reader:
        list(reader)
    assert reader.metadata == {"site": "[service]"}
    assert (copied.records, copied.arrivals, copied.metadata_kept) == (3, 0, True)


def test_a_recording_of_ours_converts_into_the_same_bytes(tmp_path):
    """Numbers of the container, marks of an opening state, chunks: nothing of a whole file changes."""
    with open_writer(tmp_path / "a.mcap", {"site": "x"}) as out:
        out.write("frame.north", frame(7), START_NS, True)
        for seq in range(3000):
            out.write("frame.north", frame(seq, range_m=[seq / 7.0] * 100), START_NS + seq)
    convert(tmp_path / "a.mcap", tmp_path / "b.mcap")
    assert (tmp_path / "a.mcap").read_bytes() == (tmp_path / "b.mcap").read_bytes()


def test_what_json_lines_have_no_room_for_is_counted(tmp_path):
    with open_writer(tmp_path / "a.mcap", {"site": "x", "version": "1"}) as out:
        for topic, message in (
            ("alert.gate.imminent", alert(0)), ("alert.gate.predicted", alert(0)), ("frame.north", frame(1))
        ):  # fmt: skip
            out.write(topic, message, message["time_ns"] + message["seq"])
    copied = convert(tmp_path / "a.mcap", tmp_path / "b.jsonl")
    assert (copied.records, copied.second_topics, copied.arrivals) == (2, 1, 1)
    assert (copied.metadata, copied.metadata_kept) == (("site", "version"), False)
    assert len((tmp_path / "b.jsonl").read_bytes().splitlines()) == 2


def test_a_message_that_cannot_be_a_line_is_passed_over_and_said(tmp_path):
    first = write(tmp_path / "a.mcap", [{**frame(0), "v": 99}, frame(1)])
    copied = convert(first, tmp_path / "b.jsonl")
    assert copied.records == 1
    assert [(problem.code, problem.count) for problem in copied.problems] == [("version", 1)]


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_with_nothing_taken_nothing_is_written(ending, tmp_path):
    first = write(tmp_path / "a.mcap", [frame(0)])
    out = tmp_path / f"b.{ending}"
    out.write_text("of before")
    copied = convert(first, out, takes=lambda record: False)
    assert (copied.records, copied.not_taken, copied.from_ns) == (0, 1, START_NS)
    assert out.read_text() == "of before"
    with pytest.raises(RecordingError, match="being read"):
        convert(first, first)


def test_a_file_that_was_cut_off_becomes_whole(tmp_path):
    first = tmp_path / "a.mcap"
    with open_writer(first, {"site": "x"}) as out:
        for seq in range(20):
            out.write("frame.north", frame(seq), START_NS)
            out.flush()
    first.write_bytes(first.read_bytes()[:-3000])
    copied = convert(first, tmp_path / "b.mcap")
    assert copied.truncated
    whole = read(tmp_path / "b.mcap")
    assert [record.message["seq"] for record in whole] == list(range(copied.records))
    again = convert(tmp_path / "b.mcap", tmp_path / "c.mcap")
    assert not again.truncated
    assert (tmp_path / "b.mcap").read_bytes() == (tmp_path / "c.mcap").read_bytes()
