"""Frames out of a recording in order: held or read again, the same ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import replay.frames_in
from fusion.errors import RecordingError
from fusion.types import SECOND_NS
from replay.frames_in import FramesIn, TrackSummary
from replay.offline import track
from tests.replay.test_offline import SITE, START_NS, flight, recording

CENTURY_NS = 3_000_000_000 * SECOND_NS


def shuffled() -> list[dict[str, object]]:
    """A flight in any order, one frame of another century, and the same flight again as a later run."""
    first = flight()
    stray = {**first[7], "seq": 10_000, "time_ns": START_NS + CENTURY_NS}
    random.Random(1).shuffle(first)
    return [*first[:50], stray, *first[50:], *flight("e2")]


@pytest.mark.parametrize("ending", ["mcap", "jsonl"])
def test_frames_read_again_are_those_that_were_held(ending: str, tmp_path: Path) -> None:
    path = recording(tmp_path / f"in.{ending}", shuffled())
    held, again = (FramesIn(path, SITE, TrackSummary(), held_bytes=limit) for limit in (2**30, 0))
    one, other = list(held.frames()), list(again.frames())
    assert len(one) == sum(len(picture.entries) for picture in held.pictures)
    assert [(f.key, f.epoch, f.values.tobytes()) for f in one] == [(f.key, f.epoch, f.values.tobytes()) for f in other]
    assert held.fingerprint() == again.fingerprint()


def test_each_picture_is_handed_out_in_order(tmp_path: Path) -> None:
    path = recording(tmp_path / "in.jsonl", shuffled())
    frames = FramesIn(path, SITE, TrackSummary(), held_bytes=0)
    stream = frames.frames()
    for picture in frames.pictures:
        keys = [next(stream).key for _ in picture.entries]
        assert keys == sorted(keys)
        assert keys == [entry[:3] for entry in picture.entries]


def test_a_recording_that_is_read_again_is_tracked_into_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recording(tmp_path / "in.jsonl", shuffled())
    track(path, SITE, tmp_path / "held.mcap")
    monkeypatch.setattr(replay.frames_in, "HELD_BYTES", 0)
    track(path, SITE, tmp_path / "again.mcap")
    assert (tmp_path / "held.mcap").read_bytes() == (tmp_path / "again.mcap").read_bytes()


def test_a_recording_that_changes_meanwhile_is_named(tmp_path: Path) -> None:
    path = recording(tmp_path / "in.jsonl", flight())
    frames = FramesIn(path, SITE, TrackSummary(), held_bytes=0)
    recording(path, flight()[:20])
    with pytest.raises(RecordingError, match="changed while it was read"):
        list(frames.frames())
