"""Names and kinds of files that are allowed by the system though nobody expects them: no traceback, nothing lost."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fusion.types import SECOND_NS
from replay.playing.playback import Playback
from replay.playing.player import Player
from replay.recordings.files import open_reader, open_writer
from skypicket.cli import main

START_NS = 1_700_000_000 * SECOND_NS
COUNT = 50
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, and pipes")


def tracks(seq: int) -> dict[str, Any]:
    columns = {
        "id": [7], "status": ["confirmed"], "existence": [0.9], "lat_deg": [47.0 + seq / 1e3], "lon_deg": [19.0],
        "alt_m": [500.0], "east_mps": [1.0], "north_mps": [2.0], "up_mps": [0.0], "covariance": np.eye(1, 21),
        "mode": ["cruise"], "mode_probability": [1.0], "updated_ns": [START_NS], "created_ns": [START_NS], "hits": [3],
        "sensors": [["north"]], "identity": [None], "diverted_ns": [None],
    }  # fmt: skip
    message = {"v": 1, "type": "tracks", "source": "site", "seq": seq, "epoch": "first", "columns": columns}
    return {**message, "time_ns": START_NS + seq * SECOND_NS}


def write(path: Path) -> Path:
    with open_writer(path) as writer:
        for seq in range(COUNT):
            writer.write("tracks", tracks(seq), START_NS)
            if seq == COUNT // 2:
                writer.flush()
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-300])
    return path


@pytest.mark.parametrize("ending", ["csv", "geojson", "kml", "parquet"])
def test_a_path_that_is_no_utf8_is_written(ending: str, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    out = folder / os.fsdecode(b"out\xfe." + ending.encode())
    assert main(["export", str(write(folder / os.fsdecode(b"in\xfe.mcap"))), "--out", str(out)]) == 0
    assert out.stat().st_size > 100
    if ending == "parquet":
        assert pl.read_parquet(out.read_bytes()).height == COUNT


@pytest.mark.parametrize("name", [os.fsdecode(b"cut\xff.mcap"), "y" * 240 + ".mcap"])
def test_names_that_are_no_utf8_or_as_long_as_one_may_be_are_recovered(name: str, tmp_path: Path) -> None:
    path = cut(write(tmp_path / name))
    assert main(["recover", str(path)]) == 0
    with open_reader(path.with_name(f"{path.stem}.recovered.mcap")) as reader:
        assert len(list(reader)) == COUNT
        assert reader.metadata["recovered_from"].endswith(".mcap")


@pytest.mark.parametrize("words", [["convert", "IN"], ["export", "IN", "--out"], ["record", "--out"]])
def test_a_name_that_is_too_long_is_refused_in_words(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "x.mcap")
    long = str(tmp_path / ("x" * 300 + (".csv" if "export" in words else ".mcap")))
    with pytest.raises(SystemExit, match="2"):
        main([str(path) if word == "IN" else word for word in words] + [long])
    assert "File name too long" in capsys.readouterr().err


def through_a_pipe(source: Path, pipe: Path) -> threading.Thread:
    os.mkfifo(pipe)
    thread = threading.Thread(target=lambda: pipe.write_bytes(source.read_bytes()))
    thread.start()
    return thread


def test_a_pipe_of_json_lines_is_read_from_its_first_byte(tmp_path: Path) -> None:
    sent: list[str] = []

    class Sink:
        def push(self, topic: str, payload: bytes) -> None:
            sent.append(topic)

    pipe = tmp_path / "pipe.jsonl"
    thread = through_a_pipe(write(tmp_path / "x.jsonl"), pipe)
    played = Player(pipe, Sink(), Playback(rate=0.0, kinds=None)).play()
    thread.join()
    assert len(sent) == COUNT
    assert not played.problems


def test_a_pipe_of_json_lines_is_exported(tmp_path: Path) -> None:
    thread = through_a_pipe(write(tmp_path / "x.jsonl"), tmp_path / "pipe.jsonl")
    assert main(["export", str(tmp_path / "pipe.jsonl"), "--out", str(tmp_path / "x.parquet")]) == 0
    thread.join()
    assert pl.read_parquet(tmp_path / "x.parquet").height == COUNT


@pytest.mark.parametrize("command", ["info", "cat", "check", "recover"])
def test_a_pipe_of_mcap_and_a_device_are_refused_in_words_at_once(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.mcap")  # nobody writes to it: who opened it would wait
    (tmp_path / "device.jsonl").symlink_to("/dev/zero")
    for name, told in (("pipe.mcap", "is no file but a pipe"), ("device.jsonl", "is no file but a device")):
        assert main([command, str(tmp_path / name)]) == 3
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--start-offset", "--duration", "--delay"])
def test_a_time_without_an_end_is_refused(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["replay", str(write(tmp_path / "x.mcap")), "--publish", "tcp://127.0.0.1:*", flag, "inf"])
    assert "up to 9e+09" in capsys.readouterr().err
