"""Recorded messages as a new run's: epochs, numbers, names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.intake.sequence import Stream
from adapters.wire.limits import MAX_INTEGER
from fusion.errors import ConfigError
from replay.playing.renewal import Numbering, Renewal, StepNumbers, renamed


def frame(seq: int, sensor: str = "north", **rest: Any) -> dict[str, Any]:
    message = {"v": 1, "type": "frame", "source": "sim", "epoch": "one", "seq": seq, "sensor": sensor, "time_ns": 7}
    return {**message, "columns": {}, **rest}


def gaps(numbers: list[int]) -> int:
    """As a service counts them."""
    stream = Stream()
    for number in numbers:
        stream.accept(number)
    return stream.gaps


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_a_stream_starts_over_and_keeps_its_order_its_duplicates_and_its_gaps(seqs: list[int]) -> None:
    numbering = Numbering(seqs[0])
    new = [numbering(seq) for seq in seqs]
    assert new[0] == 0
    assert min(new) >= 0
    assert len(set(new)) == len(set(seqs))
    kept = [(seq, number) for seq, number in zip(seqs, new, strict=True) if seq >= seqs[0]]
    assert sorted(kept) == sorted(kept, key=lambda pair: (pair[1], pair[0]))
    again = dict(zip(seqs, new, strict=True))
    assert [again[seq] for seq in seqs] == new
    first_part = [seq for seq in seqs if seq >= seqs[0]]
    assert gaps(new) == gaps(first_part)  # what was overtaken closes no gap, and makes none


@given(st.integers(0, 2**40), st.integers(1, 50))
def test_an_orderly_stream_counts_from_0(first: int, count: int) -> None:
    numbering = Numbering(first)
    assert [numbering(seq) for seq in range(first, first + count)] == list(range(count))


def test_an_overtaken_first_message_takes_the_next_place() -> None:
    numbering = Numbering(11)
    assert [numbering(seq) for seq in (11, 10, 12, 13, 9, 14, 10)] == [0, 1, 2, 3, 4, 5, 1]


def test_nothing_but_epoch_and_seq_changes() -> None:
    renewal = Renewal("run")
    message = frame(8, note="kept")
    topic, new = renewal("frame.north", message)
    assert topic == "frame.north"
    assert new == {**message, "epoch": new["epoch"], "seq": 0}
    assert new["epoch"] != "one"
    assert list(new) == list(message)


def test_each_source_epoch_and_run_has_an_epoch_of_its_own_and_the_same_run_the_same() -> None:
    messages = [frame(0), frame(0, source="b"), frame(0, epoch="two")]
    first = [Renewal("run")("frame.north", message)[1]["epoch"] for message in messages]
    again = [Renewal("run")("frame.north", message)[1]["epoch"] for message in messages]
    other = [Renewal("other")("frame.north", message)[1]["epoch"] for message in messages]
    assert first == again
    assert len({*first, *other}) == 6


def test_a_renamed_sensor_is_renamed_in_topic_and_message_and_never_mistaken_for_its_namesake() -> None:
    renewal = Renewal("run", {"north": "south"})
    topic, new = renewal("frame.north", frame(5))
    assert (topic, new["sensor"], new["seq"]) == ("frame.south", "south", 0)
    _, namesake = renewal("frame.south", frame(5, "south"))
    assert (namesake["sensor"], namesake["seq"]) == ("south", 0)
    assert namesake["epoch"] != new["epoch"]


def test_two_sensors_can_change_their_names() -> None:
    renewal = Renewal("run", {"north": "south", "south": "north"})
    assert renewal("frame.north", frame(5))[0] == "frame.south"
    assert renewal("frame.south", frame(5, "south"))[0] == "frame.north"


def test_a_status_tells_the_last_numbers_of_the_new_run() -> None:
    renewal = Renewal("run")
    renewal("tracks", {**frame(40), "type": "tracks"})
    status = {**frame(9), "type": "status", "last": {"tracks": 41, "status": 9, "alert.a.predicted": 3}}
    assert renewal("status", status)[1]["last"] == {"tracks": 1, "status": 0}


def test_the_numbers_of_alert_steps_go_on_over_stretches() -> None:
    """As a journal's over restarts: a subscriber takes a number that it has seen for a repetition."""
    numbers = StepNumbers()

    def stretch(run: str, *recorded: object) -> list[object]:
        numbers.begin()
        renewal = Renewal(run, numbers=numbers)
        step = {**frame(0), "type": "alert", "zone": "a", "level": "imminent"}
        return [renewal("alert.a.imminent", {**step, "number": number})[1]["number"] for number in recorded]

    assert stretch("first", 5, 6, 6, 9) == [5, 6, 6, 9]
    assert stretch("second", 5, 6) == [14, 15]
    assert stretch("third", 1, MAX_INTEGER, "x", None, 2) == [16, MAX_INTEGER, "x", None, 17]


def test_pairs_are_sensors_old_and_new() -> None:
    assert renamed(["frame.a:=frame.b", "frame.c:=frame.a"]) == {"a": "b", "c": "a"}
    assert renamed([]) == {}


@pytest.mark.parametrize(
    "wrong", ["frame.a", "frame.a:=b", "truth:=frame.a", "frame.:=frame.b", "frame.a:=frame.b.c", "frame.a=frame.b", ""]
)
def test_other_pairs_are_refused_with_what_is_allowed(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"frame[.]SENSOR:=frame[.]SENSOR"):
        renamed([wrong])
    with pytest.raises(ConfigError, match="one new name"):
        renamed(["frame.a:=frame.b", "frame.a:=frame.c"])
